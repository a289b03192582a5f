"""What is put into digests, when they are owed, and what people prefer."""
