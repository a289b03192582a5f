"""Credentials and their certificates: what is issued to whom on what basis, the PDF, and the public "is this real?"."""
