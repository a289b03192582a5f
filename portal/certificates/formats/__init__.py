"""What a certificate looks like on paper: plain data in, HTML, styles and drawings out."""
