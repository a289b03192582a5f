"""What a redline costs: two texts of 50 KB, in English and Japanese, written and shown, with difflib in the same run.

.venv/bin/python -m tests.benchmarks.redline
"""

from __future__ import annotations

import os
import platform
import random
import sys
import time
import tracemalloc
from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from portal.core import markdown
from portal.core.i18n import force_locale
from portal.core.redline import compare, mark, segment

ROOT = Path(__file__).resolve().parents[2]
SIZE = 50 * 1024
RUNS = 5


def text_of(language: str) -> str:
    """Return 50 KB (UTF-8) of our own policies, again and again, each time under other headings."""
    sources = sorted((ROOT / "content/documents").glob(f"*/{language}.md"))
    bodies = [markdown.front_matter(path.read_text(encoding="utf-8"))[1].strip() for path in sources]
    written, number = "", 0
    while len(written.encode()) < SIZE:
        written += f"\n\n## Part {number} {{#part-{number}}}\n\n{bodies[number % len(bodies)]}"
        number += 1
    return written.encode()[:SIZE].decode(errors="ignore")


def edited(text: str, language: str, share: float) -> str:
    """Return the text with this share of its words replaced, taken out or doubled."""
    dice = random.Random(1)
    words = segment(text, language)
    for place, word in enumerate(words):
        if word[:1].isalnum() and dice.random() < share:
            words[place] = dice.choice(["", f"{word} {word}" if language == "en" else word * 2, dice.choice(words)])
    return "".join(words)


def measured(work: Callable[[], Any]) -> tuple[float, float]:
    """Return CPU milliseconds (the least of a few runs) and the peak of memory in MB (of one more)."""
    times: list[float] = []
    # What takes seconds is not asked again.
    while len(times) < RUNS and sum(times) < 2:
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return min(times) * 1000, peak / 2**20


def rows() -> list[tuple[str, float, float]]:
    """Return name, CPU ms and MB of each reading."""
    found = []
    for language, name in (("en", "English"), ("ja", "Japanese")):
        old = text_of(language)
        for share, how in ((0.01, "1 % of the words"), (0.2, "20 % of the words")):
            new = edited(old, language, share)
            shown = [markdown.render(text, language=language) for text in (old, new)]
            words = [segment(text, language) for text in (old, new)]
            for kind, work in (
                ("as written", lambda o=old, n=new, at=language: compare(o, n, at)),
                ("as shown", lambda s=shown, at=language: mark(s[0], s[1], at)),
                (
                    # With its heuristic for frequent words, without which it takes minutes.
                    "*difflib on the same words*",
                    lambda w=words: SequenceMatcher(None, *w).get_opcodes(),
                ),
            ):
                found.append((f"{name}, {how}, {kind}", *measured(work)))
                sys.stderr.write(f"{found[-1]}\n")
    return found


def main() -> None:
    """Print the table."""
    compare("warm", "up", "ja")
    sys.stdout.write(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, "
        f"the least of up to {RUNS} runs.\n\n| two texts of 50 KB | CPU ms | peak MB |\n|---|---|---|\n"
    )
    with force_locale("en"):
        for name, spent, peak in rows():
            sys.stdout.write(f"| {name} | {spent:.0f} | {peak:.0f} |\n")


if __name__ == "__main__":
    main()
