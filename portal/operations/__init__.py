"""What spans all domains: taking content in and out, the demo organisation, the doctor, health."""
