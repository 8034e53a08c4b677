"""Servers that are timed: each a process of its own that has the first core to itself, whoever asks the second."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path


@contextmanager
def running(command: list[str], port: int, log: Path | None = None) -> Iterator[int]:
    """The process, on the first core, once it listens; what it says is shown, or goes into the file."""
    with open(log, "w") if log else nullcontext() as said:
        process = subprocess.Popen(["taskset", "-c", "0", *command], stdout=said, stderr=said)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def used(pid: int) -> float:
    """Seconds of processor time of a process and its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
