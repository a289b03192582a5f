"""The table of questions as an XLSX workbook."""

from __future__ import annotations

from portal.quizzes.formats.table import WORKBOOK

FORMAT = WORKBOOK
