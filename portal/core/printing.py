"""Templates and styles of what is printed: HTML from plain values, in a folder of the package that prints."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

__all__ = ["PrintFolder"]


class PrintFolder:
    """The folder `templates/<package>/pdf` of a package: pages that know nothing of requests, and their styles."""

    def __init__(self, package: str) -> None:
        self.folder = Path(__file__).resolve().parent.parent / package / "templates" / package / "pdf"
        self._styles: dict[str, str] = {}

    @cached_property
    def _environment(self) -> Environment:
        return Environment(
            loader=FileSystemLoader(self.folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def html(self, name: str, **values: Any) -> str:
        """Return a page; a value that it names and is not given raises `jinja2.UndefinedError`."""
        return self._environment.get_template(f"{name}.html").render(**values)

    def style(self, name: str) -> str:
        """Return a stylesheet, read once."""
        if name not in self._styles:
            self._styles[name] = (self.folder / f"{name}.css").read_text(encoding="utf-8")
        return self._styles[name]
