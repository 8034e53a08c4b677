"""`digest serve` and `digest run` as processes of their own, at a real port of this machine."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from program import environment

_T = TypeVar("_T")
SOON = 20.0
"""Seconds that anything here may take."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running web. `url` has no slash at its end."""

    url: str
    process: subprocess.Popen[str]

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request of its own connection; redirects are not followed."""
        url = path if path.startswith("http://") else self.url + path
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, data=body, headers=named)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=SOON) as answer:
                return Answer(status=answer.status, headers=dict(answer.headers.items()), body=answer.read())
        except urllib.error.HTTPError as answer:
            with answer:
                return Answer(status=answer.code, headers=dict(answer.headers.items()), body=answer.read())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def served(project: Path, port: int, *command: str) -> Iterator[Served]:
    """`digest serve` (or another command that serves) of a project whose settings name the port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "digest", "--project", str(project), *(command or ("serve",))],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    web = Served(url=f"http://127.0.0.1:{port}", process=process)
    try:
        until(lambda: _answers(web))
        yield web
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=SOON)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def until(found: Callable[[], _T | None], within: float = SOON) -> _T:
    """What a look gives as soon as it gives something. Raises AssertionError where it never does."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if got := found():
            return got
        time.sleep(0.05)
    raise AssertionError("it did not come to pass in time")


def _answers(web: Served) -> bool:
    if web.process.poll() is not None:
        said = web.process.stdout.read() if web.process.stdout else ""
        raise AssertionError(f"it ended with {web.process.returncode}: {said}")
    try:
        return web.ask("/healthz").status in (200, 503)
    except OSError:
        return False
