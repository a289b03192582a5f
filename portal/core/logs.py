"""Logs: readable in development, one JSON object a line in production; no answers, no tokens."""

from __future__ import annotations

import logging
import sys

import structlog
from flask import Flask, g, has_request_context, request


def _add_request(logger: object, method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    if has_request_context():
        event["request"] = g.get("request_id", "-")
        event["route"] = request.endpoint or "-"
    return event


def init_app(app: Flask) -> None:
    """Write the log to the standard error stream in the form of the environment."""
    if app.testing:
        return
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request,
        structlog.processors.format_exc_info,
    ]
    final: structlog.types.Processor
    if app.config["ENV"] == "production":
        final = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        final = structlog.dev.ConsoleRenderer(colors=False)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, final],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("weasyprint", "fontTools", "huey", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    app.logger.handlers = []
    app.logger.propagate = True
