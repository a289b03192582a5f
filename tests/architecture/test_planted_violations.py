"""Each import contract is seen to fail: a copy of the tree carries one breach of every contract, and each is named."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).resolve().parents[2]
# contract id → (file of the copy, the line planted at its end)
PLANTED = {
    "layers": ("portal/core/codes.py", "import portal.quizzes.models"),
    "pure-rules": ("portal/training/rules/__init__.py", "import portal.core.clock"),
    "views-without-database": ("portal/certificates/views/__init__.py", "import sqlalchemy"),
    "transactions-at-the-doors": ("portal/library/queries/__init__.py", "import portal.core.transaction"),
    "notes-stay": ("portal/reports/views/cohorts.py", "import portal.mentoring.models"),
    "one-door-pdf": ("portal/certificates/service/__init__.py", "import weasyprint"),
    "one-door-cryptography": ("portal/certificates/formats/statement.py", "import cryptography"),
    "one-door-pdf-signatures": ("portal/certificates/formats/verification.py", "import pyhanko"),
    "one-door-pdf-merging": ("portal/certificates/service/exports.py", "import pikepdf"),
    "one-door-markdown": ("portal/library/rules/__init__.py", "import markdown_it"),
    "one-door-redline": ("portal/library/queries/drafts.py", "import diff_match_patch"),
    "one-door-calendar-files": ("portal/training/service/order.py", "import icalendar"),
    "one-door-jobs": ("portal/core/mail.py", "import huey"),
}


def lint(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder), "COLUMNS": "200"},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Contract name → KEPT or BROKEN, of a tree with every breach planted."""
    folder = tmp_path_factory.mktemp("planted")
    shutil.copytree(ROOT / "portal", folder / "portal", ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for file, line in PLANTED.values():
        path = folder / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    code, said = lint(folder)
    assert code != 0, said
    return dict(re.findall(r"^(.+) (KEPT|BROKEN)\b", said, re.MULTILINE))


def contracts() -> dict[str, str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"]: contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}


def test_every_contract_has_a_planted_breach() -> None:
    assert set(PLANTED) == set(contracts())


@pytest.mark.parametrize("contract", sorted(PLANTED))
def test_a_breach_turns_its_contract_red(contract: str, verdicts: dict[str, str]) -> None:
    assert verdicts[contracts()[contract]] == "BROKEN"
