"""Commands speak the language of the terminal, also where they were called wrongly."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from flask import Flask

from portal.core.commands import said_by_click
from portal.core.i18n import force_locale

WRONG = [
    (["read"], "引数がありません: 'FILE'"),
    (["read", "pyproject.toml"], "オプションがありません: '--format'"),
    (["read", "pyproject.toml", "--format", "giftt"], "'giftt' は指定できません。次のどれかを指定してください: 'gift'"),
    (["read", "gone.txt", "--format", "gift"], "'gone.txt' がありません。"),
    (["read", "portal", "--format", "gift"], "'portal' はフォルダーです。ファイルを指定してください。"),
    (["read", "pyproject.toml", "--fromat", "gift"], "'--fromat' というオプションはありません。"),
    (["read", "pyproject.toml", "--format"], "オプション '--format' には値が必要です。"),
    (["read", "pyproject.toml", "more", "--format", "gift"], "余分な引数があります（more）"),
    (["raed"], "'raed' というコマンドはありません。"),
    (["statistics", "--responses", "pyproject.toml", "--max", "x"], "'--max' の値が正しくありません: 'x' は float"),
]


@pytest.fixture
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")


@pytest.mark.usefixtures("_terminal")
@pytest.mark.parametrize(("call", "said"), WRONG)
def test_what_is_wrong_with_a_call_is_said_in_the_language_of_the_terminal(
    app: Flask, monkeypatch: pytest.MonkeyPatch, call: list[str], said: str
) -> None:
    run = app.test_cli_runner().invoke
    answer = run(args=["quizzes", *call])
    assert answer.exit_code == 2
    assert said in answer.stderr
    assert "エラー: " in answer.stderr
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    answer = run(args=["quizzes", *call])
    assert "Error: " in answer.stderr
    assert answer.stderr.isascii()


def test_a_command_that_is_called_wrongly_in_a_process_of_its_own_speaks_so_too(tmp_path: Path) -> None:
    asked = {name: value for name, value in os.environ.items() if name not in ("LANGUAGE", "LC_ALL", "LC_MESSAGES")}
    answer = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "quizzes", "read"],
        env=asked | {"LANG": "ja_JP.UTF-8", "SHIRUBE_DATA_DIR": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert answer.returncode == 2
    assert "エラー: 引数がありません: 'FILE'" in answer.stderr


def test_what_is_translated_for_click_is_what_click_says() -> None:
    said = "".join(
        inspect.getsource(module)
        for module in (click.core, click.exceptions, click.formatting, click.parser, click.types)
    )
    with force_locale("en"):
        for words in said_by_click():
            written = words.encode("unicode_escape").decode()
            assert f'"{written}"' in said or f"'{written}'" in said, words
