"""`digest serve` and `digest run` as an operator meets them: processes, a socket that stays, an end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import SETTINGS, apart, environment, letter, written
from serving import SOON, free_port, served, until


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def project(tmp_path: Path, port: int) -> Path:
    """A letter whose web is turned on."""
    return letter(tmp_path / "letter", written("One"), settings=f"{SETTINGS}\n[web]\nport = {port}\n")


def webs(parent: int) -> list[int]:
    """The processes that serve for a run."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in listed.stdout.split()]


def test_a_run_builds_the_site_and_serves_it_from_a_process_of_its_own(project: Path, port: int) -> None:
    with served(project, port, "run") as web:
        until(lambda: web.ask("/").status == 200)
        assert "Baseline" in web.ask("/").text
        (first,) = webs(web.process.pid)
        os.kill(first, signal.SIGKILL)
        again = until(lambda: [pid for pid in webs(web.process.pid) if pid != first])
        assert web.ask("/subscribe/").status == 200  # whoever came meanwhile has waited, and was not refused
        second = apart("--project", project, "run")
        assert second.code == 0
        assert "already running" in second.err
    assert web.process.returncode == 0
    assert not Path(f"/proc/{again[0]}").exists()


def test_a_run_that_is_killed_leaves_no_web_behind(project: Path, port: int) -> None:
    with served(project, port, "run") as web:
        (child,) = webs(web.process.pid)
        web.process.kill()
        until(lambda: not Path(f"/proc/{child}").exists())
    with served(project, port, "run") as again:
        assert again.ask("/healthz").status in (200, 503)


def test_told_to_end_it_answers_what_was_asked_and_ends_with_0(project: Path, port: int) -> None:
    with served(project, port) as web, socket.create_connection(("127.0.0.1", port)) as asking:
        asking.sendall(b"GET /subscribe/ HTTP/1.1\r\nHost: baseline.example.org\r\n\r\n")
        time.sleep(0.2)
        web.process.send_signal(signal.SIGTERM)
        assert asking.recv(64).startswith(b"HTTP/1.1 200 OK")
        web.process.wait(SOON)
    assert web.process.returncode == 0


@pytest.mark.parametrize("command", ["serve", "run"])
def test_a_port_in_use_is_said_with_a_cure_before_anything_begins(
    project: Path, port: int, command: str
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        told = apart("--project", project, command)
    assert told.code == 2
    assert f"port {port} cannot be used" in told.err
    assert "[web]" in told.err
    assert "Traceback" not in told.err


def test_what_it_logs_names_nobody(project: Path, port: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "digest", "--project", str(project), "--json", "serve"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert '"listening"' in process.stdout.readline()
    body = b"address=reader-17%40example.org&language=en"
    for path, sent in (
        ("/subscribe/", body),
        ("/leave/SECRETTOKEN", None),
        ("/subscribe/?language=SECRET", None),
    ):
        with socket.create_connection(("127.0.0.1", port)) as asking:
            head = f"{'POST' if sent else 'GET'} {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: SECRETAGENT\r\n"
            form = (
                f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(sent or b'')}\r\n"
            )
            asking.sendall((head + form + "Connection: close\r\n\r\n").encode() + (sent or b""))
            while asking.recv(65536):
                pass
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=SOON)
    assert log.count('"route"') == 3
    assert "/leave/{token}" in log
    for secret in ("SECRET", "reader-17", "example.org", "127.0.0.1"):
        assert secret not in log
