"""Starting the real server, driving it with wrk, and reading what its processes cost."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.operations.development import web_command

ROOT = Path(__file__).resolve().parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figure:
    """One measured address: requests done, per second, CPU milliseconds each, latency, and what failed."""

    requests: int
    per_second: float
    cpu_ms: float
    p99_ms: float
    failed: int


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bare(target: str) -> tuple[list[str], int]:
    """Return the command that serves another application as the portal is served, and its port."""
    port = free_port()
    command = [
        str(Path(sys.executable).parent / "granian"), "--interface", "wsgi", target, "--host", "127.0.0.1",
        "--port", str(port), "--workers", "2", "--blocking-threads", "4", "--no-ws", "--log-level", "error",
    ]  # fmt: skip
    return command, port


def portal() -> tuple[list[str], int]:
    """Return the command that serves the portal, and its port."""
    port = free_port()
    return web_command("127.0.0.1", port), port


@contextmanager
def running(what: tuple[list[str], int], environment: dict[str, str], check: str) -> Iterator[tuple[str, int]]:
    """Run a server until the block ends; give its address and process id."""
    command, port = what
    said = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        start_new_session=True,
        stdout=said,
        stderr=said,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        if not _answers(address + check):
            said.seek(0)
            raise RuntimeError(f"{address + check} does not answer:\n{said.read().decode(errors='replace')[-3000:]}")
        yield address, process.pid
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        said.close()


def _answers(url: str) -> bool:
    for _ in range(1200):
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status < 500:
                    return True
        except OSError:
            time.sleep(0.1)
    return False


def cpu_seconds(pids: list[int]) -> float:
    """Return user and system seconds of the processes and their living and reaped children."""
    total = 0
    for pid in _with_children(pids):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def memory_mb(pids: list[int]) -> float:
    """Return the proportional set size of the processes and their children, in MB."""
    total = 0
    for pid in _with_children(pids):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
        total += int(found.group(1)) if found else 0
    return total / 1024


def _with_children(pids: list[int]) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], list(pids)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += parents.get(pid, [])
    return found


def measure(
    url: str, pids: list[int], *, seconds: int = 4, cookie: str = "", script: Path | None = None, threads: int = 1
) -> Figure:
    """Drive one address with wrk over four connections, warm, and account for what the processes spent."""
    command = ["wrk", f"-t{threads}", "-c4", "--latency"]
    if cookie:
        command += ["-H", f"Cookie: {cookie}"]
    if script:
        command += ["-s", str(script)]
    subprocess.run([*command, "-d1s", url], capture_output=True, check=True)
    before = cpu_seconds(pids)
    done = subprocess.run([*command, f"-d{seconds}s", url], capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(pids) - before
    requests = int(_found(r"(\d+) requests in", done))
    failed = int(_found(r"Non-2xx or 3xx responses: (\d+)", done, "0")) + sum(
        int(number) for number in re.findall(r"(?:connect|read|write|timeout) (\d+)", done)
    )
    latency = re.search(r"99%\s+([\d.]+)(us|ms|s)", done)
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    return Figure(
        requests=requests,
        per_second=float(_found(r"Requests/sec:\s+([\d.]+)", done)),
        cpu_ms=1000 * spent / requests if requests else float("nan"),
        p99_ms=float(latency.group(1)) * scale[latency.group(2)] if latency else float("nan"),
        failed=failed,
    )


def _found(pattern: str, text: str, default: str = "") -> str:
    match = re.search(pattern, text)
    if match is None and not default:
        raise RuntimeError(f"wrk said nothing of {pattern}: {text}")
    return match.group(1) if match else default
