"""Many who do the same at the same time: real threads against one database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from flask import Flask

from portal.core.db import session
from portal.core.errors import DomainError


def at_once(app: Flask, work: Callable[[int], Any], threads: int = 20) -> list[Any]:
    """Run the work in threads that begin together; return what they gave back, refusals among it.

    A database that stayed locked for longer than anybody waits is asked again, as pages do.
    """
    results: list[Any] = []
    failures: list[BaseException] = []
    gate = threading.Barrier(threads)

    def run(number: int) -> None:
        with app.app_context():
            gate.wait()
            for _try in range(50):
                try:
                    results.append(work(number))
                    break
                except DomainError as failure:
                    results.append(failure)
                    break
                except BaseException as failure:
                    if "locked" not in str(failure):
                        failures.append(failure)
                        break
            session.remove()

    session.rollback()
    crowd = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert not failures, failures[0]
    return results
