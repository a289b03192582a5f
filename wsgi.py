"""The application for a WSGI server: `granian --interface wsgi wsgi:app`."""

import gc

from portal.operations.start import application

app = application()
# What is here now stays, so the collector need not look at it again; and a request, which makes thousands of small
# objects and lets go of all of them, need not be interrupted for every 700.
gc.collect()
gc.freeze()
gc.set_threshold(5_000, 20, 20)
