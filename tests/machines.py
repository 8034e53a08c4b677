"""An issue that several programs send at once (`sender.py`), and what left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from program import environment

from digest.model import Accounting, DeliveryState
from digest.store import Store

PROGRAM = Path(__file__).with_name("sender.py")
SOON = 30.0
"""Seconds after which a sender that has not ended never will."""


@dataclass
class Scene:
    """A store with an issue whose audience is frozen, its senders, and what left."""

    store: Store
    url: str
    record: Path
    senders: list[subprocess.Popen[str]] = field(default_factory=list)

    def sender(self, *options: str) -> subprocess.Popen[str]:
        """A sender that is ready and waits."""
        sender = subprocess.Popen(
            [sys.executable, str(PROGRAM), self.url, str(self.record), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.senders.append(sender)
        return sender

    def go(self, *senders: subprocess.Popen[str]) -> None:
        for sender in senders:
            assert sender.stdout
            assert sender.stdout.readline() == "ready\n"
        for sender in senders:
            assert sender.stdin
            sender.stdin.write("\n")
            sender.stdin.flush()

    def left(self) -> list[int]:
        return [int(line) for line in self.record.read_text().split()] if self.record.exists() else []

    def has_sent(self, count: int) -> None:
        """Waits until so many letters have left."""
        while len(self.left()) < count:
            assert all(sender.poll() is None for sender in self.senders)
            time.sleep(0.01)

    def accounting(self) -> Accounting:
        return self.store.sending.accounting(1)

    def places(self, state: DeliveryState) -> set[int]:
        found: set[int] = set()
        while rows := self.store.sending.rows(1, [state], after=max(found, default=-1)):
            found |= {row.place for row in rows}
        return found


def ended(sender: subprocess.Popen[str], within: float = SOON) -> None:
    """It comes to its end, and all was well."""
    _, err = sender.communicate(timeout=within)
    assert (sender.returncode, err) == (0, "")


def frozen(sender: subprocess.Popen[str]) -> None:
    """Waits until it has frozen."""
    assert os.WIFSTOPPED(os.waitpid(sender.pid, os.WUNTRACED)[1])


def scene_of(url: str, folder: Path) -> Iterator[Scene]:
    """Ends with every sender's end."""
    with Store.open(url, project=folder) as store:
        scene = Scene(store, url, folder / "left")
        yield scene
        for sender in scene.senders:
            sender.kill()
            sender.communicate()
