"""The application for a WSGI server: `granian --interface wsgi wsgi:app`."""

from portal.operations.start import application

app = application()
