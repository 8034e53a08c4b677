"""Mail into a folder: one `.eml` file a letter, or a Maildir. The default, so that everything runs at once.

A file is written under a name nobody looks for, brought safely to the disk, and renamed when the intent is
written down: a letter is there whole or not at all. Its name comes from its Message-ID, which is the same on
every try, so that a second try overwrites and never doubles. What several lanes want at the same time is done
together, with one sync of the folder for all of them.
"""

from __future__ import annotations

import asyncio
import errno
import glob
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

from digest.errors import SettingsError
from digest.model import Letter, Outcome, Result, Stage
from digest.transports import Mailbag, TransportOptions, growing_pause, one_by_one
from digest.transports.lanes import Pause

LANES = 32
_NAME_CHARACTERS = 120
_Part = TypeVar("_Part")
_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^<>\r\n]+)>", re.I | re.M)
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9@+=_.-]+")
_PASSES = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EAGAIN}


class Format(StrEnum):
    EML = "eml"
    """One file a letter, `MESSAGE-ID.eml`."""
    MAILDIR = "maildir"
    """`tmp`, `new` and `cur`, as mail programs read it."""


def make(options: TransportOptions) -> Folder:
    """The transport `folder`. Raises SettingsError."""
    values = dict(options.values)
    path, form = values.pop("path", "outbox"), values.pop("format", Format.EML)
    if values:
        raise SettingsError(
            f"[delivery.folder] knows no key {sorted(values)[0]}", cure="there are path and format"
        )
    if not isinstance(path, str):
        raise SettingsError("[delivery.folder] path is no text", cure="put it in quotes")
    if form not in list(Format):
        raise SettingsError(f"[delivery.folder] format = {form!r} is not known", cure="write eml or maildir")
    return Folder(options.root / path, Format(form))


class Folder:
    """A transport into one folder, which is made when the first letter comes."""

    def __init__(self, path: Path, form: Format = Format.EML, *, pause: Pause = growing_pause) -> None:
        self._shelf = _Shelf(path, form)
        self._pause = pause

    async def carry(self, bag: Mailbag) -> None:
        writing, showing = _Together(self._shelf.write), _Together(self._shelf.show)
        names: dict[Letter, str] = {}

        async def prepare(letter: Letter) -> Outcome | None:
            content = letter.content()
            names[letter] = name_of(letter, content)
            return await writing.do(_File(names[letter], content))

        async def post(letter: Letter) -> Outcome:
            name = names.pop(letter)
            wrong = await showing.do(_File(name, again=letter.attempts > 0))
            if wrong is not None:  # the disk's fault and not the reader's; a second try overwrites
                return replace(wrong, result=Result.TRY_LATER, stage=Stage.CONTENT)
            return Outcome(result=Result.ACCEPTED, stage=Stage.CONTENT, text=name)

        await one_by_one(bag, post, LANES, prepare=prepare, pause=self._pause)

    async def close(self) -> None:
        """Nothing is open between two letters."""


def name_of(letter: Letter, content: bytes) -> str:
    """The file's name without its ending: the Message-ID, made fit for every file system.

    What is changed in it, also a capital (some disks do not tell them apart), is made up for by a hash.
    """
    found = _MESSAGE_ID.search(content[: content.find(b"\r\n\r\n") + 2])
    if found is None:
        return f"issue-{letter.issue}-letter-{letter.place}"
    name = found[1].decode("utf-8", "replace")
    fit = _NOT_IN_A_NAME.sub("_", name.lower())[:_NAME_CHARACTERS].lstrip(".")
    return fit if fit == name else f"{fit}-{hashlib.sha256(found[1]).hexdigest()[:16]}"


class _File(NamedTuple):
    name: str
    content: bytes = b""
    again: bool = False
    """It may be there already, from an earlier try."""


Work = Callable[[Sequence[_File]], list[Outcome | None]]
_Asked = list[tuple[_File, "asyncio.Future[Outcome | None]"]]


class _Together:
    """Does in a thread, at once, what was asked for while it was busy."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._asked: _Asked = []
        self._busy: asyncio.Task[None] | None = None

    async def do(self, file: _File) -> Outcome | None:
        """None when it is done, else what was wrong."""
        answer: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        self._asked.append((file, answer))
        if self._busy is None:
            self._busy = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, []
            await self._answer(asked)
        self._busy = None

    async def _answer(self, asked: _Asked) -> None:
        try:
            outcomes = await asyncio.to_thread(self._work, [file for file, _ in asked])
        except Exception as error:
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), outcome in zip(asked, outcomes, strict=True):
            if not answer.done():
                answer.set_result(outcome)


@dataclass(frozen=True)
class _Shelf:
    """The files. Everything here is called in a thread, for several letters at once."""

    path: Path
    form: Format

    @property
    def _hidden(self) -> Path:
        return self.path / ("tmp" if self.form is Format.MAILDIR else ".tmp")

    @property
    def _shown(self) -> Path:
        return self.path / "new" if self.form is Format.MAILDIR else self.path

    def write(self, files: Sequence[_File]) -> list[Outcome | None]:
        """Brings letters to the disk under names nobody looks for."""
        try:
            self._make_folders()
        except OSError as error:
            return [_trouble(error)] * len(files)
        written = [_caught(self._write_one, file) for file in files]
        # All are written before the first is synced: one commit of the disk's journal serves them all.
        return [
            outcome or _caught(self._sync_one, file) for file, outcome in zip(files, written, strict=True)
        ]

    def show(self, files: Sequence[_File]) -> list[Outcome | None]:
        """Gives what was written its name, and brings the names to the disk."""
        shown = [_caught(self._show_one, file) for file in files]
        unsynced = _caught(_sync, self._shown)
        return [outcome or unsynced for outcome in shown]

    def _make_folders(self) -> None:
        parts = ["tmp", "new", "cur"] if self.form is Format.MAILDIR else [".tmp"]
        for part in parts:
            if not (self.path / part).is_dir():
                (self.path / part).mkdir(parents=True, exist_ok=True)
                _sync(self.path)
                _sync(self.path.parent)

    def _write_one(self, file: _File) -> None:
        with (self._hidden / file.name).open("wb") as stream:
            stream.write(file.content)

    def _sync_one(self, file: _File) -> None:
        _sync(self._hidden / file.name)

    def _show_one(self, file: _File) -> None:
        hidden = self._hidden / file.name
        if self.form is Format.EML:
            hidden.replace(self._shown / f"{file.name}.eml")
        elif file.again and self._is_read(file.name):
            hidden.unlink()
        else:
            hidden.replace(self._shown / file.name)

    def _is_read(self, name: str) -> bool:
        """Whether a mail program has taken the letter over already: it then stands in cur, with its flags."""
        return any((self.path / "cur").glob(f"{glob.escape(name)}:2,*"))


def _caught(work: Callable[[_Part], None], part: _Part) -> Outcome | None:
    try:
        work(part)
    except OSError as error:
        return _trouble(error)
    return None


def _sync(path: Path) -> None:
    """The file's content, or the folder's names, are on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows syncs no folders
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _trouble(error: OSError) -> Outcome:
    """A full disk may pass; a folder that may not be written waits for somebody who mends it."""
    result = Result.TRY_LATER if error.errno in _PASSES else Result.REFUSED
    text = f"the folder cannot be written: {error.strerror}"
    return Outcome(result=result, stage=Stage.CONNECT, text=text)
