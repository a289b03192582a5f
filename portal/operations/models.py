"""The files as they were taken in, so that an export can give the same bytes back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class ImportedFile(Base):
    """The latest imported text of a content file; written out again while it still says the same."""

    __tablename__ = "imported_files"

    path: Mapped[str] = mapped_column(String(300), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    imported_at: Mapped[datetime]
