"""What the library reads that others have written: the history that git keeps, and their Markdown."""
