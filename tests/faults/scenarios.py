"""What is killed: a sending with either policy, a cut, an import.

A scenario has an `outset` (the folder as it is before the run), the `work` of one run, and the judgement over
what the last run left. The runs begin where the command line has read the settings and ends: where a store is
opened. Another scenario joins by its name in `ALL`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from email import message_from_bytes
from pathlib import Path

import postgres
import scene
from builders import post
from kill import Ended, Scenario, Verdict
from program import SETTINGS, letter, written

import digest.cli
from digest import mailing, settings
from digest.errors import StoreError
from digest.store import Store
from digest.store.move import move
from digest.store.verify import verify

READERS = 60
DELAY = 3.0
"""Milliseconds before each answer: with them most letters of a run that is killed wait for one."""


def clock() -> datetime:
    return scene.NOW


class Sending:
    """An issue to sixty readers over ten connections, to a mail server that writes down what it accepts."""

    def __init__(self, home: Path, stack: ExitStack, *, uncertain: str, delay: float = 0.0) -> None:
        self._record = stack.enter_context(scene.recording(home, delay=delay))
        port = self._record.port
        self.outset = scene.project(home / "outset", readers=READERS, port=port, uncertain=uncertain)
        self._settings = settings.load(self.outset, {})
        self._rules = mailing.rules(self._settings)

    def begin(self) -> None:
        self._record.forget()

    def work(self, folder: Path) -> int:
        with Store.open(scene.URL, project=folder) as store:
            sent = mailing.run(mailing.send(self._settings, store, 1, clock, rules=self._rules))
        return int(bool(sent.accounting.waiting or sent.reason))

    def is_done(self, ended: Ended) -> bool:
        return not ended.killed and ended.code == 0

    def judge(self, folder: Path) -> Verdict:
        found = scene.judge(folder, self._accepted(folder), READERS)
        return Verdict(lost=found.lost, doubled=found.doubled, uncertain=found.uncertain, wrong=found.wrong)

    def _accepted(self, _folder: Path) -> Counter[str]:
        return self._record.accepted()


class SendingCommand(Sending):
    """`digest send 1`, for what it says."""

    def work(self, folder: Path) -> int:
        return command(folder, "send", "1")

    def is_done(self, ended: Ended) -> bool:
        """Exit code 1 is for what its author must look at: here, whoever is uncertain."""
        return ended.code in (0, 1) and not ended.killed and "  state       sent" in ended.said


class FolderCommand(SendingCommand):
    """The same into a folder, which is on the same disk as the store."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        super().__init__(home, stack, uncertain="hold")
        self.outset = scene.project(home / "folder", readers=READERS, transport="folder")

    def _accepted(self, folder: Path) -> Counter[str]:
        letters = (path.read_bytes() for path in (folder / "outbox").glob("*.eml"))
        return Counter(str(message_from_bytes(letter)["To"]) for letter in letters)


class Cut:
    """An issue of two posts: looked at, remembered, and frozen with its mail."""

    def __init__(self, home: Path, _stack: ExitStack) -> None:
        self.outset = home / "outset"
        with Store.open(scene.URL, project=self.outset):
            pass
        self._posts = [post("one"), post("two"), post("draft", draft=True)]

    def begin(self) -> None:
        """Every point begins with the same folder."""

    def work(self, folder: Path) -> int:
        with Store.open(scene.URL, project=folder) as store:
            if store.next_number() == 1:
                scene.cut(store, self._posts)
        return 0

    def is_done(self, ended: Ended) -> bool:
        return not ended.killed and ended.code == 0

    def judge(self, folder: Path) -> Verdict:
        return Verdict(wrong=tuple(scene.what_is_wrong_with_the_cut(folder, ("one", "two"))))


class CutCommand(Cut):
    """`digest issue cut` from the files of a project to the frozen mail, with all that Python does for it."""

    def __init__(self, home: Path, _stack: ExitStack) -> None:
        dated = {"date": "2026-11-02 09:00"}
        texts = SETTINGS.replace("2024-10-01", "2026-10-01")
        self.outset = letter(
            home / "outset", written("One", **dated), written("Two", **dated), settings=texts
        )

    def work(self, folder: Path) -> int:
        return command(folder, "issue", "cut")

    def is_done(self, ended: Ended) -> bool:
        """That nothing waits any more is the answer where the cut was done before the kill."""
        return ended.code == 0 or "no post waits" in ended.said


class Import:
    """Sixty unsubscribed readers, then two hundred that agreed elsewhere, in batches of forty."""

    def __init__(self, home: Path, _stack: ExitStack) -> None:
        self.outset = home / "outset"
        with Store.open(scene.URL, project=self.outset) as store:
            store.people.take_in(scene.newcomers(0, 20), scene.BY_AUTHOR)

    def begin(self) -> None:
        """Every point begins with the same folder."""

    def work(self, folder: Path) -> int:
        with Store.open(scene.URL, project=folder) as store:
            for _ in scene.importing(store):
                pass
        return 0

    def is_done(self, ended: Ended) -> bool:
        return not ended.killed and ended.code == 0

    def judge(self, folder: Path) -> Verdict:
        return Verdict(wrong=tuple(scene.what_is_wrong_with_the_import(folder)))


class ImportCommand(Import):
    """`digest subscribers import` of the same people from one file, on top of the twenty that are there."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        super().__init__(home, stack)
        (self.outset / "digest.toml").write_text(SETTINGS, "utf-8")
        rows = [
            f"reader-{number}@example.org,{'unsubscribed' if number in scene.LEFT else 'active'}"
            for number in scene.CAME
        ]
        (self.outset / "readers.csv").write_text("\n".join(["email,status", *rows, ""]), "utf-8")

    def work(self, folder: Path) -> int:
        return command(folder, "subscribers", "import", str(folder / "readers.csv"), "--confirmed")


class Move:
    """A store carried from SQLite to PostgreSQL; each point begins with its tables empty."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.outset = scene.project(home / "outset", readers=READERS)
        self._cluster = stack.enter_context(postgres.running())
        self._target = ""
        with Store.open(scene.URL, project=self.outset) as store:
            self._rows = scene.rows(store)

    def begin(self) -> None:
        if self._target:
            self._cluster.drop(self._target)
        self._target = self._cluster.database()

    def work(self, folder: Path) -> int:
        move(scene.URL, self._target, folder, scene.NOW)
        return 0

    def is_done(self, ended: Ended) -> bool:
        return not ended.killed and ended.code == 0

    def judge(self, folder: Path) -> Verdict:
        wrong = []
        with Store.open(self._target, project=folder) as store:
            wrong += [str(finding) for finding in verify(store.engine).findings]
            if scene.rows(store) != self._rows:
                wrong.append("not everything went over, or not as it was")
        try:
            Store.open(scene.URL, project=folder).close()
        except StoreError:
            pass
        else:
            wrong.append("the old store can still be used")
        return Verdict(wrong=tuple(wrong))


def command(folder: Path, *arguments: str) -> int:
    """`digest ARGUMENTS` in this process; its exit code."""
    sys.argv = ["digest", "--project", str(folder), "--now", scene.NOW.isoformat(), *arguments]
    try:
        digest.cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


ALL: dict[str, Callable[[Path, ExitStack], Scenario]] = {
    "cut": Cut,
    "cut-command": CutCommand,
    "folder-command": FolderCommand,
    "import": Import,
    "import-command": ImportCommand,
    "move": Move,
    "send-command": lambda home, stack: SendingCommand(home, stack, uncertain="hold"),
    "send-hold": lambda home, stack: Sending(home, stack, uncertain="hold"),
    "send-resend": lambda home, stack: Sending(home, stack, uncertain="resend"),
    "send-hold-slow": lambda home, stack: Sending(home, stack, uncertain="hold", delay=DELAY),
    "send-resend-slow": lambda home, stack: Sending(home, stack, uncertain="resend", delay=DELAY),
}
