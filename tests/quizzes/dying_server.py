"""`python -m tests.quizzes.dying_server PORT`: the portal, which dies while it answers, where a header says so.

`X-Dies: before commit` or `after commit` lets a process answer that is killed with SIGKILL just there, so that no
reply is sent; the next request finds what a server finds that was started again. `X-Variant` names a server that the
tests have to find out: a `forgetful` one does not know that a save was done before, a `careless` one replies before it
has stored anything.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import request
from werkzeug.serving import WSGIRequestHandler, make_server

from portal import create_app
from portal.core.db import db, session
from portal.core.transaction import transaction
from portal.quizzes.service.attempts import saving
from portal.quizzes.views import learner
from tests.mutants import broken

DIES, BEFORE, AFTER = "X-Dies", "before commit", "after commit"
VARIANT, FORGETFUL, CARELESS = "X-Variant", "forgetful", "careless"


@contextmanager
def _deadly_transaction() -> Iterator[None]:
    with transaction():
        yield
        if request.headers.get(DIES) == BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
    if request.headers.get(DIES) == AFTER:
        os.kill(os.getpid(), signal.SIGKILL)


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of requests."""


def main(port: int) -> None:
    """Serve until interrupted."""
    app = create_app()
    learner.transaction = _deadly_transaction
    real = app.wsgi_app

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        variant = environ.get("HTTP_X_VARIANT")
        if variant == CARELESS:
            # It means to store the answer later, and is killed before it has come to it.
            seq = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))["seq"]
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps({"outcome": "saved", "saved_seq": seq}).encode()]
        if variant == FORGETFUL:
            with (
                broken(saving.save_response, "if done is not None:", "if done is not None and not seq:"),
                broken(saving._upserts, "new.seq > table.c.seq", "new.seq >= table.c.seq"),
            ):
                return list(real(environ, start_response))
        return real(environ, start_response)

    def answer_or_die(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not environ.get("HTTP_X_DIES"):
            return answer(environ, start_response)
        with app.app_context():
            # A connection must never be used by two processes.
            session.remove()
            db.engine.dispose()
        child = os.fork()
        if not child:
            answer(environ, lambda *_: None)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
            start_response("500 It lives", [])
            return []
        raise ConnectionAbortedError

    app.wsgi_app = answer_or_die  # type: ignore[method-assign]
    make_server("127.0.0.1", port, app, request_handler=_Quiet).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
