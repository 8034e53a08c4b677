"""Where messages lie on this machine: a file of one or of many, standard input, a Maildir.

Each source yields one message after the other, of each no more than is looked at, so that a mailbox of any
size is read in little memory. What was dealt with is marked, never deleted: in a Maildir it moves from `new`
to `cur` and is flagged as seen; a file stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from digest.bounces import LIMIT
from digest.errors import MailboxError

_LINE = 65_536
_SEEN = "S"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Incoming:
    """One message where it lies. `done` marks it as read there, and is told whether it was understood.

    `trouble` says why its content could not be had; then there is none, and it is met again on the next run.
    """

    name: str
    content: bytes
    done: Callable[[bool], None]
    trouble: str = ""


def _nothing(understood: bool) -> None:
    """A file is not ours to change."""


# -------------------------------------------------------------------------------------------- files


def from_file(path: Path) -> Generator[Incoming]:
    """The messages of a file: one (.eml), or many (mbox, RFC 4155)."""
    try:
        with path.open("rb") as stream:
            yield from from_stream(stream, path.name)
    except OSError as error:
        raise MailboxError(
            f"{path}: it cannot be read ({error.strerror or error})", cure="name a file of messages"
        ) from None


def from_stream(stream: BinaryIO, name: str = "standard input") -> Generator[Incoming]:
    """The messages of a stream. A line `From ` at its very beginning says that it is an mbox.

    That is also how Postfix and Exim pipe a single message to a command.
    """
    first = stream.readline(_LINE)
    many = first.startswith(b"From ")
    for number, content in enumerate(_messages(stream, first, many), start=1):
        yield Incoming(name=f"{name}, message {number}" if many else name, content=content, done=_nothing)


def _messages(stream: BinaryIO, first: bytes, many: bool) -> Iterator[bytes]:
    """Each message's beginning. In an mbox a line `From ` behind an empty one starts the next."""
    kept = bytearray(b"" if many else first)
    empty = False
    while line := stream.readline(_LINE):
        if many and empty and line.startswith(b"From "):
            yield bytes(kept)
            kept.clear()
        elif len(kept) < LIMIT:
            kept += _unquoted(line) if many else line
        empty = not line.strip(b"\r\n")
    if kept or many:
        yield bytes(kept)


def _unquoted(line: bytes) -> bytes:
    """Lines that would look like the start of a message were given a `>`."""
    return line[1:] if re.match(rb">+From ", line) else line


# ------------------------------------------------------------------------------------------ Maildir


def from_maildir(folder: Path) -> Generator[Incoming]:
    """What a Maildir holds and nobody has seen: all of `new`, and of `cur` what is not flagged `S`.

    Another program may look into it meanwhile; a message that it has moved is met on the next run.
    """
    for path in _unseen(folder):
        content, trouble = b"", ""
        try:
            with path.open("rb") as stream:
                content = stream.read(LIMIT)
        except FileNotFoundError:
            continue
        except OSError as error:
            trouble = f"it cannot be read ({error.strerror})"
        yield Incoming(name=path.name, content=content, done=partial(_flag, path), trouble=trouble)


_OWNER = "run digest as the user whose Maildir it is"


def _unseen(folder: Path) -> list[Path]:
    if not all((folder / part).is_dir() for part in ("new", "cur")):
        raise MailboxError(
            f"{folder}: it is no Maildir", cure="name the folder that holds new/, cur/ and tmp/"
        )
    try:
        new, seen = list((folder / "new").iterdir()), list((folder / "cur").iterdir())
    except OSError as error:
        raise MailboxError(f"{folder}: it cannot be read ({error.strerror})", cure=_OWNER) from None
    found = [*new, *(path for path in seen if _SEEN not in _flags(path))]
    return sorted((path for path in found if path.name[0] != "."), key=lambda path: path.name)


def _flags(path: Path) -> str:
    return path.name.partition(":2,")[2]


def _flag(path: Path, understood: bool) -> None:
    """Flags are letters behind `:2,`, in the order of the alphabet."""
    flags = "".join(sorted({*_flags(path), _SEEN}))
    try:
        path.rename(path.parent.parent / "cur" / f"{path.name.partition(':2,')[0]}:2,{flags}")
    except FileNotFoundError:
        return  # another program has moved it; the message is known by its content
    except OSError as error:
        raise MailboxError(f"{path}: it cannot be moved ({error.strerror})", cure=_OWNER) from None
