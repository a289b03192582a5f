"""`make run`: migrate, load the demo organisation once, start web server and worker, stop both together."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import FrameType

import flask_migrate
from flask import Flask

from portal.core import i18n
from portal.core.db import attach_migrations
from portal.core.transaction import transaction
from portal.operations import demo
from portal.operations.start import application

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Prepare and run until interrupted; return the exit status."""
    i18n.compile_all()
    app = application(with_demo=True)
    address = (app.config["HOST"], app.config["PORT"])
    if _is_taken(address):
        _say(f"Port {address[1]} is in use already. Stop what runs there or set SHIRUBE_PORT to another number.")
        return 1
    with app.app_context():
        logging.getLogger("alembic").setLevel(logging.WARNING)
        attach_migrations(app)
        flask_migrate.upgrade()
        if demo.is_wanted():
            _say("Loading the demo organisation …")
            with transaction():
                demo.load(None)
    return _run(app, address)


def web_command(host: str, port: int) -> list[str]:
    """Return how the web server is started: two processes, and one that dies is started again."""
    return [sys.executable, "-m", "portal.operations.serve", "--host", host, "--port", str(port)]


def _run(app: Flask, address: tuple[str, int]) -> int:
    host, port = address
    web = web_command(host, port)
    worker = [str(Path(sys.executable).parent / "flask"), "--app", "wsgi", "worker"]
    environment = {**os.environ, "SHIRUBE_HOST": host, "SHIRUBE_PORT": str(port)}
    # Groups of their own: Ctrl-C reaches only this process, which then stops them in order.
    children = [
        subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True) for command in (web, worker)
    ]
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        _greet(app)
        while all(child.poll() is None for child in children):
            try:
                children[0].wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue
    except KeyboardInterrupt:
        _say("\nStopping …")
    finally:
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
        for child in children:
            try:
                child.wait(timeout=8)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
    return 0 if stopping else 1


def _greet(app: Flask) -> None:
    _say(f"\nShirube is at {app.config['PUBLIC_URL']}   (Ctrl-C stops it)\n")
    rows = demo.accounts()
    width = max(len(row["sign_in_name"]) for row in rows)
    roles = max(len(row["role"]) for row in rows)
    for row in rows:
        _say(f"  {row['role']:<{roles}}  {row['sign_in_name']:<{width}}  {row['password']}")
    _say("")


def _is_taken(address: tuple[str, int]) -> bool:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return True
    return False


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
