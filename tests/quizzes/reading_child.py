"""Reads hostile files in a process of its own, whose memory ends; prints for each what it took and what became of it.

`python -m tests.quizzes.reading_child LANGUAGE…` reads every file that is made on purpose; with several languages in
each, with `each` in one of both, by turns.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import time
import traceback
import zipfile
from collections.abc import Sequence
from typing import Any

from portal.core.i18n import LANGUAGES, force_locale
from portal.quizzes.formats import foreign
from tests.quizzes.hostile_files import Case, all_cases

# Far beyond what any file needs: what runs away ends here, and not with the machine.
MOST_MEMORY = 2 * 1024**3


def main(languages: Sequence[str]) -> None:
    """Read them all; one line of JSON each."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    for place, case in enumerate(all_cases()):
        for language in languages if languages != ["each"] else [LANGUAGES[place % len(LANGUAGES)]]:
            print(json.dumps(_told(case, language)), flush=True)


def _told(case: Case, language: str) -> dict[str, Any]:
    data = case.data
    told: dict[str, Any] = {"about": str(case), "language": language, "places": _places(data)}
    _forget_the_peak()
    before = _memory("VmRSS")
    started = time.process_time()
    try:
        with force_locale(language):
            reading = foreign.read_file(case.format, data)
            foreign.unusual_encoding(case.format, data)
    except BaseException:
        return told | {"fault": traceback.format_exc(limit=-5)}
    told["seconds"] = time.process_time() - started
    told["megabytes"] = max(_memory("VmHWM") - before, 0) / 1024
    told["questions"] = [question.line for question in reading.questions]
    told["refused"] = [(refused.line, refused.reason) for refused in reading.refused]
    return told


def _places(data: bytes) -> dict[str, int]:
    """Return how many lines a file has, under "", and each file in it under its name."""
    places = {"": _lines(data)}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if entry.file_size < 1_000_000:
                    places[entry.filename.replace("\\", "/")] = _lines(archive.read(entry))
    except Exception:
        # What is no archive has no files.
        return places
    return places


def _lines(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") + 1


def _memory(name: str) -> int:
    """Return what the kernel says of this process, in kilobytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))


def _forget_the_peak() -> None:
    with open("/proc/self/clear_refs", "w", encoding="ascii") as control:
        control.write("5")


if __name__ == "__main__":
    main(sys.argv[1:])
