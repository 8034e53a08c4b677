"""The built site on its shelf: a path below the site's root -> the file, in the forms in which it can be
sent.

What was asked for is kept in memory, small files with their content, and looked at with one `stat` a
request: a build's new files are served at once. Each form (as it is, gzip, brotli) has a tag of its own, a
hash of its bytes. A compressed twin that does not unpack to the file it stands beside is not served.
Nothing outside the folder, no hidden file and no file that is no file is on the shelf, whatever a path
says.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from digest.model import Site
from digest.publish import serving
from digest.twins import CODINGS, twins_of, unpacked
from digest.web.codings import IDENTITY, wanted

HELD_BYTES = 1_100_000
"""Forms up to this size are held in memory; a feed has at most 1,000,000 bytes."""
ALL_BYTES = 64_000_000
"""All forms held together; beyond it, what came first goes first."""
LOOK_AGAIN_SECONDS = 30.0
"""A file without whole twins is read again after so long: a build may have made them since."""
MOST_FILES = 20_000
"""So many files are remembered, large ones among them, of which nothing is held."""
_HASH_BYTES = 12
_CHUNK = 1 << 18
_INDEX = "index.html"

Headers = tuple[tuple[bytes, bytes], ...]
Seen = tuple[int, int, int]
"""By what a file on the disk is known again: its inode, time and size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """A file in one coding: a representation (RFC 9110, section 3.2)."""

    coding: str
    path: str
    seen: Seen
    etag: bytes
    """A strong tag, in its quotation marks."""
    size: int
    body: bytes | None
    """None where it is too large to be held: it is read from `path`, as long as that is as it was `seen`."""
    headers: Headers
    """Those of a 200."""
    kept_headers: Headers
    """Those of a 304."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file of the site. `name` is its path below the site's root."""

    name: str
    path: str
    seen: Seen
    modified: int
    """Seconds since 1970. A build writes only what changed, so this moves only with the bytes."""
    is_feed: bool
    for_all: bool
    """Whether pages of other sites may read it."""
    forms: Mapping[str, Form]
    """By their codings; the file as it is is always among them."""
    until: float
    """When it is read again although it seems unchanged, by the shelf's clock."""

    def form_for(self, accept_encoding: bytes | None) -> Form:
        for coding in wanted(accept_encoding):
            if form := self.forms.get(coding):
                return form
        return self.forms[IDENTITY]


@dataclass(frozen=True, kw_only=True, slots=True)
class Elsewhere:
    """A folder was asked for without the slash at its end."""

    location: str
    """A path on this site."""


class Shelf:
    """The files of one built site. It may be asked by several threads at once."""

    def __init__(self, folder: Path, site: Site, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self.site = site
        self._base = site.base.encode()
        self._clock = clock
        self._held: dict[bytes, File] = {}
        """By the path of the request."""
        self._bytes = 0
        self._keeping = threading.Lock()

    def at_hand(self, path: bytes) -> File | None:
        """The file that this path led to before, if it is still as it was and nothing must be read for it."""
        file = self._held.get(path)
        if file is None or self._clock() > file.until:
            return None
        try:
            return file if _seen(os.stat(file.path)) == file.seen else None
        except OSError:
            return None

    def find(self, path: bytes) -> File | Elsewhere | None:
        """What a path leads to, as it stands in a request before any `?`. Reads from the disk."""
        name = below(path, self._base)
        if name is None:
            return Elsewhere(location=self.site.base) if path + b"/" == self._base else None
        canonical = quote(f"{self.site.base}{name}").encode()
        return self.at_hand(canonical) or self._found(canonical, name)

    def missing(self) -> File | None:
        """The page that is sent with a 404."""
        found = self.find(self._base + b"404.html")
        return found if isinstance(found, File) else None

    def _found(self, path: bytes, name: str) -> File | Elsewhere | None:
        place = self.folder / name
        try:
            if place.is_dir():
                asked, name, place = name, name + _INDEX, place / _INDEX
                if asked and not asked.endswith("/"):
                    return Elsewhere(location=f"{path.decode()}/") if self._is_ours(place) else None
            if name.endswith("/") or not self._is_ours(place):
                return None
            file = self._read(name, place)
        except (OSError, ValueError, RuntimeError):  # RuntimeError: a link that leads to itself
            return None
        self._keep(path, file)
        return file

    def _is_ours(self, place: Path) -> bool:
        """Whether it is an ordinary file inside the folder, wherever links lead."""
        real = place.resolve(strict=True)
        return real.is_relative_to(self.folder.resolve()) and stat.S_ISREG(real.stat().st_mode)

    def _read(self, name: str, place: Path) -> File:
        plain = _content_of(str(place))
        contents = {IDENTITY: plain}
        for twin in twins_of(name):
            if content := self._twin(self.folder / twin, plain):
                contents[CODINGS[twin[-3:]]] = content
        whole = len(contents) == 1 + len(twins_of(name))
        return File(
            name=name,
            path=plain.path,
            seen=plain.seen,
            modified=plain.modified,
            is_feed=serving.is_feed(name),
            for_all=serving.is_for_all(name),
            forms={coding: self._form(name, coding, content, plain) for coding, content in contents.items()},
            until=float("inf") if whole else self._clock() + LOOK_AGAIN_SECONDS,
        )

    def _twin(self, place: Path, plain: _Content) -> _Content | None:
        """The twin at a place, unless it is none, or the twin of other bytes."""
        try:
            content = _content_of(str(place), unpack=place.suffix) if self._is_ours(place) else None
        except (OSError, ValueError):
            return None
        return content if content is not None and content.unpacked == plain.unpacked else None

    def _form(self, name: str, coding: str, content: _Content, plain: _Content) -> Form:
        etag = b'"' + urlsafe_b64encode(content.hash) + b'"'
        once = {**serving.headers(name, self.site), "Last-Modified": formatdate(plain.modified, usegmt=True)}
        held = content.body is not None
        once["Accept-Ranges"] = "bytes" if not held and coding == IDENTITY else "none"
        if coding:
            once["Content-Encoding"] = coding
        tag = (b"etag", etag)
        return Form(
            coding=coding,
            path=content.path,
            seen=content.seen,
            etag=etag,
            size=content.size,
            body=content.body,
            headers=(*_raw(once), tag, (b"content-length", b"%d" % content.size)),
            kept_headers=(*_raw(serving.kept_headers(name)), tag),
        )

    def _keep(self, path: bytes, file: File) -> None:
        with self._keeping:
            self._bytes -= _size(self._held.pop(path, None))
            self._held[path] = file
            self._bytes += _size(file)
            while self._bytes > ALL_BYTES or len(self._held) > MOST_FILES:
                first = next(iter(self._held))
                self._bytes -= _size(self._held.pop(first))


# ---------------------------------------------------------------------------------------- the path


def below(path: bytes, base: bytes) -> str | None:
    """A request's path below the site's base, its percent signs resolved once; None where it leads nowhere.

    Refused are parts that begin with a dot (`..` and hidden files), empty ones (`//elsewhere.example`),
    backslashes, control characters, and what is not UTF-8.
    """
    if not path.startswith(base):
        return None
    try:
        name = unquote_to_bytes(path[len(base) :]).decode()
    except UnicodeDecodeError:
        return None
    parts = name.split("/")
    if any(part.startswith(".") for part in parts) or "" in parts[:-1]:
        return None
    return None if any(sign < " " or sign in "\\\x7f" for sign in name) else name


# ------------------------------------------------------------------------------------- the content


@dataclass(frozen=True, kw_only=True, slots=True)
class _Content:
    path: str
    seen: Seen
    modified: int
    size: int
    hash: bytes
    unpacked: bytes
    """The hash of what is in it: of a file as it is, that of the file."""
    body: bytes | None


def _content_of(path: str, unpack: str = "") -> _Content:
    """Read a file once from beginning to end. Raises OSError, and ValueError where it does not unpack."""
    whole, inside = blake2b(digest_size=_HASH_BYTES), blake2b(digest_size=_HASH_BYTES)
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        held: list[bytes] | None = [] if status.st_size <= HELD_BYTES else None

        def chunks() -> Iterator[bytes]:
            while chunk := file.read(_CHUNK):
                whole.update(chunk)
                if held is not None:
                    held.append(chunk)
                yield chunk

        for content in unpacked(unpack, chunks()):
            inside.update(content)
        size = file.tell()
    return _Content(
        path=path,
        seen=_seen(status),
        modified=int(status.st_mtime),
        size=size,
        hash=whole.digest(),
        unpacked=inside.digest(),
        body=None if held is None else b"".join(held),
    )


def _seen(status: os.stat_result) -> Seen:
    return status.st_ino, status.st_mtime_ns, status.st_size


def _raw(headers: Mapping[str, str]) -> Headers:
    return tuple((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items())


def _size(file: File | None) -> int:
    return sum(len(form.body or b"") for form in file.forms.values()) if file else 0
