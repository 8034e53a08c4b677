"""A running `digest preview` and the small project that it shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

DIGEST = [sys.executable, "-c", "from digest.cli import main; main()"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
NOW = "2026-11-18T09:00"
SETTINGS = """
[site]
title = "Second Opinion"
url = "https://opinion.example.org"
timezone = "Europe/London"

[newsletter]
sender = "Second Opinion <weekly@opinion.example.org>"
postal_address = "1 Example Street, London"
on = "friday"
starts = 2026-11-01
"""
TRIAL = """---
title: Steroids in a small trial
date: 2026-11-16
bottom_line: Four of nine got better.
---

**Methods:** Nine patients, one arm.

![Bars for nine patients](bars.svg)

**My take:** Wait for the larger one.
"""
DRAFT = """---
title: Not yet for anybody
date: 2026-11-17
draft: true
---

Half a thought.
"""
OTHER = "---\ntitle: A second paper\ndate: 2026-11-15\n---\n\nIt agrees with [the first](trial.md).\n"
BARS = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><rect width="90" height="30"/></svg>'


@dataclass(kw_only=True)
class Preview:
    """A running `digest preview` and the project that it shows."""

    project: Path
    process: subprocess.Popen[str]
    url: str
    port: int

    def write(self, name: str, text: str) -> None:
        (self.project / name).write_text(text, encoding="utf-8")

    def get(self, path: str, *, host: str = "", method: str = "GET") -> tuple[int, dict[str, str], str]:
        """The answer to a path exactly as it is given."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def end(self, by: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Its exit code and what it still said."""
        self.process.send_signal(by)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


def start(project: Path, *options: str) -> subprocess.Popen[str]:
    """The command in a process of its own, its words on a pipe."""
    return subprocess.Popen(
        [*DIGEST, "--now", NOW, "preview", *options],
        cwd=project,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def previewed(project: Path, *options: str) -> Iterator[Preview]:
    process = start(project, "--port", "0", *options)
    assert process.stderr is not None
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"Preview: (http://127\.0\.0\.1:(\d+))/_preview/", line):
                yield Preview(project=project, process=process, url=found[1], port=int(found[2]))
                return
        raise AssertionError("".join(said))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=20)
        process.stderr.close()


def new_project(folder: Path) -> Path:
    (folder / "posts").mkdir(parents=True)
    (folder / "digest.toml").write_text(SETTINGS)
    for name, text in (("trial.md", TRIAL), ("draft.md", DRAFT), ("other.md", OTHER), ("bars.svg", BARS)):
        (folder / "posts" / name).write_text(text)
    return folder
