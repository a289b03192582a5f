"""What certificates cost: one, a thousand, and a thousand as one file for the printer, beside plain WeasyPrint.

    python -m tests.benchmarks.certificates [--database sqlite|postgresql|both] [--count 1000] [--rounds 20] [--plain 5]

Prints Markdown. All times are CPU milliseconds: of this process, and of the PDF process where it draws. *Plain* is a
call of WeasyPrint for each certificate in a process of its own: the same page, styles, drawings and fonts (as they are
on disk), the same kind of PDF, a font configuration of its own, without attached data. Rendering is all that is done
for a file up to the signature: laying out, QR code, signed data, PDF. The first aim is 0.7 × plain for that, the second
0.35 × plain for a print file; both ways to one are told: putting together what is stored, and drawing it for that.

Peaks are of physical memory, measured for a tenth of the certificates and for all of them.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import os
import platform
import random
import resource
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import select

from portal.accounts.models import Role
from portal.certificates import queries
from portal.certificates.formats.samples import sample_snapshot
from portal.certificates.formats.sheet import make_sheet
from portal.certificates.formats.signed_file import SignedFile, print_unsigned
from portal.certificates.models import Certificate, CertificateFile
from portal.certificates.rules.templates import Design, starting_spec
from portal.certificates.service import TemplateName, keys, store_file, templates
from portal.core import clock, pdf, pdf_signatures
from portal.core.db import session
from portal.core.i18n import LANGUAGES
from portal.core.pdf_merge import Merged, Source, merge
from portal.core.transaction import own_transaction
from tests.benchmarks.campaigns import application
from tests.builders import MORNING, make_grant, make_person
from tests.certificates.builders import issue, make_credential

FAMILIES = (
    "佐藤",
    "鈴木",
    "高橋",
    "田中",
    "渡辺",
    "伊藤",
    "山本",
    "中村",
    "小林",
    "加藤",
    "佐々木",
    "林",
    "斎藤",
    "清水",
)
GIVEN = (
    "結衣",
    "葵",
    "蓮",
    "芽衣",
    "陽翔",
    "凛",
    "紬",
    "翔太",
    "美咲",
    "智子",
    "直樹",
    "大輔",
    "七海",
    "千尋",
    "颯",
    "遥",
)
ROMAN = ("Sato", "Suzuki", "Takahashi", "Tanaka", "Watanabe", "Ito", "Yamamoto", "Nakamura", "Kobayashi", "Hayashi")
# Files that are read from the database at a time.
AT_ONCE = 20


# --- measuring ----------------------------------------------------------------------------------------------------


class Child:
    """The PDF process: what it has cost so far, whichever one it is, and the most memory that one held."""

    def __init__(self) -> None:
        self.peak = 0

    def seconds(self) -> float:
        """Return the CPU seconds of all that have been and of the one that is."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = ended.ru_utime + ended.ru_stime
        running = pdf._renderer._child
        if running is not None and running.poll() is None:
            fields = Path(f"/proc/{running.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            spent += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            self.peak = max(self.peak, _high_water(str(running.pid)))
        return spent


def _high_water(process: str) -> int:
    """Return the most memory that a process has held, in KB."""
    said = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(said.partition("VmHWM:")[2].split()[0])


class Peak:
    """The most memory that this process holds from now on, in MB, and how much it was when it began."""

    def __init__(self) -> None:
        # Documented in proc(5): the high-water mark is what is held now.
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
        self.begun = _high_water("self") / 1024

    def now(self) -> str:
        """Say the most, and by how much more that is."""
        most = _high_water("self") / 1024
        return f"{most:.0f} (+{most - self.begun:.0f})"


@dataclass
class Spent:
    """CPU seconds of this process and of the PDF process."""

    own: float = 0.0
    child: float = 0.0

    def each(self, count: int) -> str:
        """Say milliseconds for each."""
        return f"{(self.own + self.child) * 1000 / count:.1f}"

    @contextmanager
    def counting(self, child: Child) -> Iterator[None]:
        """Count what is done within."""
        own, theirs = time.process_time(), child.seconds()
        yield
        self.own += time.process_time() - own
        self.child += child.seconds() - theirs


# --- what is drawn ------------------------------------------------------------------------------------------------


def made_up(design: Design, number: int) -> dict[str, Any]:
    """Return the snapshot of a certificate as the shipped designs print it, no two alike."""
    chance = random.Random(f"{design} {number}")
    snapshot = sample_snapshot(starting_spec(design))
    code = "".join(chance.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=26))
    return snapshot | {
        "number": f"AS-2026-{number:04}",
        "code": code,
        "verify_url": f"https://portal.example/verify/{code}",
        "issued_at": MORNING.isoformat(),
        "holder": snapshot["holder"]
        | {"ja": f"{chance.choice(FAMILIES)} {chance.choice(GIVEN)}", "en": f"Hanako {chance.choice(ROMAN)}"},
    }


def plain_calls(jobs: list[dict[str, Any]]) -> tuple[list[float], int]:
    """Draw sheets as one would without us, in a process of its own; return the CPU milliseconds and the peak in MB."""
    warnings.simplefilter("ignore")
    import pylopdf_fonts_jp
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    paths = {"serif": pylopdf_fonts_jp.serif_path(), "sans": pylopdf_fonts_jp.sans_path()}

    class Assets(URLFetcher):  # type: ignore[misc, unused-ignore]
        def __init__(self, assets: Mapping[str, bytes]) -> None:
            super().__init__(allowed_protocols=("file",))
            self.assets = assets

        def fetch(self, url: str, headers: Any = None) -> Any:
            if url in self.assets:
                return URLFetcherResponse(url, self.assets[url], {"Content-Type": "image/svg+xml"})
            return super().fetch(url, headers)

    taken = []
    for number, job in enumerate(jobs):
        begun = time.process_time()
        fetcher = Assets({f"asset:{name}": base64.b64decode(data) for name, data in job["assets"].items()})
        fonts = FontConfiguration()
        faces = "".join(
            f'@font-face {{ font-family: "{pdf.FONTS[name]}"; src: url(file://{paths[name]}) }}\n'
            for name in job["fonts"]
        )
        sheets = [
            weasyprint.CSS(string=sheet, font_config=fonts, url_fetcher=fetcher)
            for sheet in (faces, *job["stylesheets"])
        ]
        page = weasyprint.HTML(string=job["html"], url_fetcher=fetcher)
        page.write_pdf(stylesheets=sheets, font_config=fonts, pdf_variant="pdf/a-3a")
        # The first call reads what all of them need.
        if number:
            taken.append((time.process_time() - begun) * 1000)
    return taken, _high_water("self") // 1024


def plain(design: Design, language: str, calls: int) -> tuple[float, int]:
    """Return the median CPU milliseconds of plain calls, the making of the sheet included, and their peak in MB."""
    jobs, making = [], []
    for number in range(calls + 1):
        begun = time.process_time()
        sheet = make_sheet(made_up(design, number), language)
        making.append((time.process_time() - begun) * 1000)
        assets = {name: base64.b64encode(data).decode() for name, data in sheet.assets.items()}
        jobs.append(
            {"html": sheet.html, "stylesheets": [*sheet.stylesheets], "assets": assets, "fonts": [*sheet.fonts]}
        )
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
        taken, peak = elsewhere.submit(plain_calls, jobs).result()
    return statistics.median(taken) + statistics.median(making), peak


def signers() -> keys.Signers:
    """Return the keys that sign, made where there are none."""
    with own_transaction():
        keys.make_missing_keys()
        return keys.load_signers()


# --- one ----------------------------------------------------------------------------------------------------------


def one(rounds: int, calls: int) -> float:
    """Print what a certificate of each design costs; return the mean of the plain calls."""
    by, child, found, peaks, sizes = signers(), Child(), [], [], []
    print(
        "| design | plain WeasyPrint | rendering | × plain | of it here | signing | KB |\n|---|---|---|---|---|---|---|"
    )
    for design, language in itertools.product(Design, LANGUAGES):
        without, peak = plain(design, language, calls)
        rendering, signing = Spent(), Spent()
        for number in range(2):
            print_unsigned(made_up(design, 900 + number), language, issue_key=by.issue)
        for number in range(rounds):
            snapshot = made_up(design, number)
            with rendering.counting(child):
                made = print_unsigned(snapshot, language, issue_key=by.issue)
            with signing.counting(child):
                sizes.append(len(pdf_signatures.sign(made.content, by.document, at=by.at)))
        ours = (rendering.own + rendering.child) * 1000 / rounds
        size = statistics.mean(sizes[-rounds:]) / 1024
        print(
            f"| {design}, {language} | {without:.0f} | {ours:.0f} | {ours / without:.2f} "
            f"| {rendering.own * 1000 / rounds:.1f} | {signing.each(rounds)} | {size:.0f} |"
        )
        found.append((without, ours))
        peaks.append(peak)
    without, ours = (statistics.mean(column) for column in zip(*found, strict=True))
    print(f"| *all* | {without:.0f} | {ours:.0f} | {ours / without:.2f} | | | {statistics.mean(sizes) / 1024:.0f} |\n")
    print(f"Peak of the PDF process {child.peak // 1024} MB, of the plain calls {min(peaks)} to {max(peaks)} MB.\n")
    return without


# --- many ---------------------------------------------------------------------------------------------------------


def issue_all(count: int) -> list[tuple[int, str]]:
    """Issue so many certificates in the shipped designs; return id and the language in which each is printed."""
    admin = make_person("admin@portal.example")
    make_grant(admin, Role.ADMIN)
    credentials = []
    for design in Design:
        with own_transaction():
            template = templates.begin_template(slug=design, spec=starting_spec(design), by=admin)
            templates.publish(template=template, revision=1, by=admin)
        credentials.append(make_credential(f"reviewer-{design}", template=TemplateName(design, 1)).slug)
    chance, issued = random.Random(1), []
    for number in range(count):
        holder = make_person(
            family_name=chance.choice(FAMILIES), given_name=chance.choice(GIVEN), family_romaji=chance.choice(ROMAN)
        )
        certificate = issue(holder, queries.get_credential(credentials[number % len(credentials)]))
        issued.append((certificate.id, LANGUAGES[number // len(credentials) % len(LANGUAGES)]))
        if number % 50 == 0:
            session.remove()
    session.remove()
    return issued


def store_all(issued: list[tuple[int, str]], spent: dict[str, Spent], child: Child) -> None:
    """Draw, sign and store, one certificate after the other as the job does."""
    by = signers()
    for number, (key, language) in enumerate(issued):
        snapshot = session.scalars(select(Certificate.snapshot).where(Certificate.id == key)).one()
        session.rollback()
        with spent["rendering"].counting(child):
            made = print_unsigned(snapshot, language, issue_key=by.issue)
        with spent["signing"].counting(child):
            content = pdf_signatures.sign(made.content, by.document, at=by.at)
        file = SignedFile(
            content, "0" * 64, by.issue.public.kid, by.document.public.kid, by.at, made.renderer, made.fonts
        )
        with spent["storing"].counting(child), own_transaction():
            assert store_file(certificate=session.get_one(Certificate, key), language=language, signed=file)
        if number % AT_ONCE == 0:
            session.remove()
    session.remove()


def stored(issued: list[tuple[int, str]]) -> Iterator[Source]:
    """Give what is stored, a few at a time."""
    for at in range(0, len(issued), AT_ONCE):
        wanted = [key for key, _ in issued[at : at + AT_ONCE]]
        rows = (
            select(Certificate.number, CertificateFile.content).join(CertificateFile).where(Certificate.id.in_(wanted))
        )
        for number, content in session.execute(rows.order_by(Certificate.id)):
            yield Source(number, content)
        session.rollback()


def put_together(sources: Iterator[Source]) -> Merged:
    """Put a print file together, on disk."""
    with tempfile.TemporaryFile() as target:
        return merge(sources, target, title="修了証", language="ja", identifier="benchmark")


def many(count: int, without: float) -> None:
    """Print what many certificates cost, a tenth of them and all."""
    issued = issue_all(count)
    spent = {name: Spent() for name in ("rendering", "signing", "storing")}
    child, peaks, begun = Child(), [], 0
    for until in (count // 10, count):
        child.peak = 0
        peak = Peak()
        store_all(issued[begun:until], spent, child)
        peaks.append((until, peak.now(), child.peak // 1024))
        begun = until
    print(f"{count:,} certificates, half of them in each language, a third in each design:\n")
    print("| | CPU ms each | × plain |\n|---|---|---|")
    print(f"| plain WeasyPrint (from above) | {without:.1f} | 1 |")

    def row(name: str, seconds: float) -> None:
        print(f"| {name} | {seconds * 1000 / count:.1f} | {seconds * 1000 / count / without:.2f} |")

    drawing = spent["rendering"].own + spent["rendering"].child
    row("rendering", drawing)
    row("signing", spent["signing"].own)
    row("storing", spent["storing"].own)
    merging, files, merged_peaks = Spent(), [], []
    for until in (count // 10, count):
        merging = Spent()
        peak = Peak()
        with merging.counting(child):
            files.append(put_together(stored(issued[:until])))
        merged_peaks.append((until, peak.now()))
    row("print file of what is stored", merging.own)
    row("rendering and print file", drawing + merging.own)
    whole = session.execute(select(CertificateFile.size)).scalars().all()
    print(
        f"\nThe print file has {files[-1].pages:,} pages and {files[-1].size / 1024 / 1024:.1f} MB; "
        f"what is stored for it has {sum(whole) / 1024 / 1024:.1f} MB.\n"
    )
    print("| peak, MB | certificates | this process (more than before) | PDF process |\n|---|---|---|---|")
    for until, own, theirs in peaks:
        print(f"| rendering, signing, storing | {until:,} | {own} | {theirs} |")
    for until, own in merged_peaks:
        print(f"| print file of what is stored | {until:,} | {own} | |")
    print()


def main() -> None:
    """Measure as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="sqlite")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--plain", type=int, default=5, help="plain calls for each design and language")
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}.\n")
    without = 0.0
    for database in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        with application(database), clock.frozen(MORNING):
            if not without:
                without = one(asked.rounds, asked.plain)
            print(f"#### {database}\n")
            many(asked.count, without)


if __name__ == "__main__":
    main()
