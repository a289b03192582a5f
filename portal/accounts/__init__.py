"""People: their names, how they are let in and sign in, what roles they hold, what they own."""
