"""Reads posts and what stands beside them; writes pages, whole or not at all.

Everything here touches the disk and decides little: which files are posts, which file an address means, how
large a picture is. A build stages its pages beside the site and moves them in at the end, one rename each,
so that a reader never meets half a file and a full disk leaves the old site as it was.
"""

from __future__ import annotations

import errno
import mimetypes
import os
import re
import shutil
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from digest.errors import BuildError
from digest.model import Asset, Finding, Page, Severity
from digest.posts import MAX_BYTES
from digest.twins import PACKERS, is_twin, unpacks_to

if TYPE_CHECKING:
    import PIL.Image

SMALL_WIDTH = 1200
"""Pixels: what page and mail load at most; twice the width of the mail's column."""
MAX_ASSET_BYTES = 50_000_000
MAX_PIXELS = 100_000_000
_STAGE = ".digest-stage-"
_POST = (".md", ".markdown")
_RASTER = {".png", ".jpg", ".jpeg", ".webp", ".gif"}
_LENGTH = re.compile(r"^\s*([\d.]+)\s*(?:px)?\s*$")
_TYPES = {".md": "text/markdown", ".csv": "text/csv", ".webp": "image/webp", ".svg": "image/svg+xml"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A post's file as it stands on the disk. `name` is its path below `posts/`, with slashes."""

    name: str
    path: Path
    mtime_ns: int
    size: int

    @property
    def shown(self) -> str:
        return f"posts/{self.name}"


# ----------------------------------------------------------------------------------------- reading


def scan(folder: Path) -> tuple[list[Source], list[Finding]]:
    """Every post below a folder in the order of names, and what was refused.

    Hidden files and those that begin with `_` are not posts. Links that leave the folder, folders behind a
    link, devices and files over `posts.MAX_BYTES` are refused.
    """
    if not folder.is_dir():
        return [], [_refused("posts", "there is no folder posts/", "make it, and put a post into it")]
    root = folder.resolve()
    looked_at = [_looked_at(name, entry, root) for name, entry in _walk(folder, "")]
    return (
        [found for found in looked_at if isinstance(found, Source)],
        [found for found in looked_at if isinstance(found, Finding)],
    )


def _looked_at(name: str, entry: os.DirEntry[str], root: Path) -> Source | Finding:
    shown, path = f"posts/{name}", Path(entry.path)
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        target = _target(path)
        if target is not None and not target.is_relative_to(root):
            return _refused(shown, "it is a link that leaves posts/", "put the file itself there")
        if target is not None and target.is_dir():
            return _refused(shown, "it is a link to a folder", "put the folder itself there")
        if target is None or not target.exists():
            return _refused(shown, "it is a link that leads to no file", "mend or delete the link")
        status = target.stat()
    if not stat.S_ISREG(status.st_mode):
        return _refused(shown, "it is no ordinary file", "put a text file there")
    if status.st_size > MAX_BYTES:
        size = f"{status.st_size / 1e6:.1f} MB"
        return _refused(shown, f"it is {size}, more than {MAX_BYTES // 10**6} MB", "split it")
    return Source(name=name, path=path, mtime_ns=status.st_mtime_ns, size=status.st_size)


def _target(link: Path) -> Path | None:
    """What a link leads to in the end; None where it leads round in a circle."""
    try:
        return link.resolve()
    except (OSError, RuntimeError):  # RuntimeError: a loop, up to Python 3.12
        return None


def _walk(folder: Path | str, before: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.name[0] in "._":
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{before}{entry.name}/")
        elif entry.name.lower().endswith(_POST) or (entry.is_symlink() and entry.is_dir()):
            yield before + entry.name, entry


def _refused(where: str, says: str, cure: str) -> Finding:
    return Finding(severity=Severity.ERROR, where=where, says=says, cure=cure)


# ------------------------------------------------------------------------------- what stands beside


@dataclass(kw_only=True, slots=True)
class Shelf:
    """The files that one post may show or offer; remembers which it was asked for, found or not."""

    root: Path
    """The folder `posts/`."""
    name: str
    """The post's own path below it."""
    found: dict[str, Asset] = field(default_factory=dict)
    """Path below posts/ -> the file as it will be published."""
    absent: set[str] = field(default_factory=set)

    def file(self, address: str) -> Asset | None:
        """The file at a path relative to the post, or None; never one outside `posts/`."""
        name = self._below(address)
        if name is None or name.lower().endswith(_POST):
            return None
        if name in self.found:
            return self.found[name]
        asset = self._measured(name) if name not in self.absent else None
        if asset is None:
            self.absent.add(name)
        else:
            self.found[name] = asset
        return asset

    def other(self, address: str) -> str | None:
        """The path, without its ending, of the post at a relative path."""
        name = self._below(address)
        if name is None or not os.path.isfile(self.root / name):  # Path.is_file raises for too long a name
            return None
        path = PurePosixPath(name)
        return str(path.parent if path.stem == "index" and len(path.parts) > 1 else path.with_suffix(""))

    def _below(self, address: str) -> str | None:
        if "\0" in address or address.startswith("/") or len(address) > 1000:
            return None
        joined = os.path.normpath(PurePosixPath(self.name).parent / address)
        return None if joined.startswith("..") or joined == "." else PurePosixPath(joined).as_posix()

    def _measured(self, name: str) -> Asset | None:
        path = self.root / name
        try:
            real = path.resolve(strict=True)
            status = real.stat()
        except (OSError, RuntimeError):
            return None
        if not real.is_relative_to(self.root.resolve()) or not stat.S_ISREG(status.st_mode):
            return None
        if status.st_size > MAX_ASSET_BYTES:
            return None
        return measured(real, name)


def measured(path: Path, name: str) -> Asset:
    """A file as the site will publish it: its address, type, bytes and, for a picture, its pixels."""
    ending = path.suffix.lower()
    media_type = (
        _TYPES.get(ending) or mimetypes.guess_type(path.name, strict=False)[0] or "application/octet-stream"
    )
    published = quote(f"files/{name}")
    size = path.stat().st_size
    width, height = _pixels(path, ending)
    if ending in _RASTER and width and height and width > SMALL_WIDTH:
        return Asset(
            path=published,
            media_type=media_type,
            size=size,
            width=width,
            height=height,
            small_path=quote(f"small/{name}"),  # a folder of its own: no file of the author's has that name
            small_width=SMALL_WIDTH,
            small_height=max(1, round(height * SMALL_WIDTH / width)),
        )
    return Asset(path=published, media_type=media_type, size=size, width=width, height=height)


def _pixels(path: Path, ending: str) -> tuple[int | None, int | None]:
    if ending == ".svg":
        return _svg_pixels(path.read_bytes()[:8192].decode("utf-8", "replace"))
    if ending not in _RASTER:
        return None, None
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a picture that is large, or whose metadata are odd
            with Image.open(path) as image:
                width, height = image.size
                turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
                if width * height > MAX_PIXELS:
                    return None, None
                if max(width, height) > SMALL_WIDTH:  # it will be scaled: is the whole of it there?
                    image.draft("RGB", (width // 8, height // 8))
                    image.load()
    except Exception:  # Pillow's readers raise whatever a broken file makes them stumble over
        return None, None
    return (height, width) if turned else (width, height)


def _svg_pixels(source: str) -> tuple[int | None, int | None]:
    tag = re.search(r"<svg\b[^>]*>", source, re.S)
    if tag is None:
        return None, None
    sides = [re.search(rf'\b{side}\s*=\s*["\']([^"\']*)["\']', tag[0]) for side in ("width", "height")]
    lengths = [_LENGTH.match(side[1]) if side else None for side in sides]
    if lengths[0] and lengths[1]:
        return round(float(lengths[0][1])), round(float(lengths[1][1]))
    box = re.search(r'\bviewBox\s*=\s*["\'][\s\d.,-]*?([\d.]+)[\s,]+([\d.]+)\s*["\']', tag[0])
    return (round(float(box[1])), round(float(box[2]))) if box else (None, None)


def smaller(path: Path, width: int, height: int) -> bytes:
    """A picture scaled down and upright; of its metadata only the colour profile stays.

    The same picture gives the same bytes. Raises BuildError where `measured` could not have read it.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                kind, profile = image.format, image.info.get("icc_profile")
                upright = ImageOps.exif_transpose(image)
        if upright.mode not in ("RGB", "RGBA", "L", "LA", "CMYK"):
            upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        small = upright.resize((width, height), Image.Resampling.LANCZOS)
    except (OSError, ValueError, SyntaxError) as error:
        raise BuildError(
            f"the picture {path.name} cannot be scaled: {error}", cure="save it again"
        ) from error
    return _encoded(small, kind, profile)


def _encoded(picture: PIL.Image.Image, kind: str | None, profile: bytes | None) -> bytes:
    out = BytesIO()
    if kind in ("JPEG", "MPO"):  # MPO: a JPEG with a second picture in it, as telephones write
        if picture.mode == "CMYK":
            profile = None
        picture.convert("RGB").save(
            out, "JPEG", quality=85, optimize=True, progressive=True, icc_profile=profile
        )
    elif kind == "WEBP":
        picture.save(out, "WEBP", quality=85, icc_profile=profile)
    elif kind == "GIF":
        picture.save(out, "GIF", optimize=True)
    else:
        picture = picture.convert("RGB") if picture.mode == "CMYK" else picture
        picture.save(out, "PNG", optimize=True, icc_profile=profile)
    return out.getvalue()


# ----------------------------------------------------------------------------------------- writing


Twins = Callable[[str], Sequence[str]]
"""The name of a file -> the names of the compressed twins that shall stand beside it (see `twins`)."""


def _alone(name: str) -> Sequence[str]:
    return ()


class Stage:
    """New pages of one build, beside the site until all of them are there.

    `put` may be called in several processes at once, each with pages of its own.
    """

    def __init__(self, out: Path, folder: Path, known: Set[str], twins: Twins = _alone) -> None:
        self.out = out
        self.folder = folder
        self._known = known
        self._twins = twins
        self._made: set[str] = set()

    @classmethod
    def begin(cls, out: Path, known: Set[str] | None = None, twins: Twins = _alone) -> Stage:
        """An empty stage; what an earlier build that died has left is cleared away. Raises BuildError.

        `known` names the files that the site has (see `existing`), where the caller has looked already.
        """
        try:
            out.mkdir(parents=True, exist_ok=True)
            for left in out.glob(_STAGE + "*"):
                shutil.rmtree(left, ignore_errors=True)
            folder = out / f"{_STAGE}{os.getpid()}"
            folder.mkdir()
        except OSError as error:
            raise _unwritable(out, error) from error
        return cls(out, folder, existing(out) if known is None else known, twins)

    def put(self, page: Page) -> bool:
        """Stage a page and its twins unless the site has them already. Returns whether any was staged."""
        return self.put_bytes(page.path, page.body)

    def put_bytes(self, name: str, body: bytes) -> bool:
        there = self._there(name)
        if there != body:
            self._write(name, body)
        missing = [twin for twin in self._twins(name) if there != body or not self._unpacks(twin, body)]
        for twin in missing:
            self._write(twin, PACKERS[os.path.splitext(twin)[1]](body))
        return there != body or bool(missing)

    def _there(self, name: str) -> bytes | None:
        return _content(f"{self.out}/{name}") if name in self._known else None

    def _unpacks(self, twin: str, body: bytes) -> bool:
        """Whether the site has this twin: a build that was killed may have left that of other bytes."""
        packed = self._there(twin)
        return packed is not None and unpacks_to(twin, packed, body)

    def _write(self, name: str, body: bytes) -> None:
        target = f"{self.folder}/{name}"
        parent = os.path.dirname(target)
        try:
            if parent not in self._made:
                os.makedirs(parent, exist_ok=True)
                self._made.add(parent)
            with open(target, "wb") as file:
                file.write(body)
        except OSError as error:
            raise _unwritable(Path(target), error) from error

    def publish(self) -> None:
        """Move everything staged into the site: posts and their files first, behind them what names them.

        A file's twins move in before it, so that a server that meets a new file finds its twins. A folder
        that the site does not have yet moves in one step. Raises BuildError before the first move where a
        file of the site stands in a folder's place, or the other way round.
        """
        try:
            _refuse_mismatch(self.folder, self.out)
            if hasattr(os, "sync"):
                os.sync()  # content before names: a power cut must not leave a name without its content
            for entry in sorted(os.scandir(self.folder), key=_posts_first):
                _move(entry, self.out / entry.name)
        except OSError as error:
            raise _unwritable(self.out, error) from error
        finally:
            self.drop()

    def drop(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _posts_first(entry: os.DirEntry[str]) -> tuple[bool, bool, str, bool, str]:
    twin = is_twin(entry.name)
    stem = os.path.splitext(entry.name)[0] if twin else entry.name
    return entry.name not in ("posts", "files", "small"), entry.is_file(), stem, not twin, entry.name


def _refuse_mismatch(staged: Path, target: Path) -> None:
    with os.scandir(staged) as entries:
        found = list(entries)
    for entry in found:
        there = target / entry.name
        if entry.is_dir() and there.is_dir():
            _refuse_mismatch(Path(entry.path), there)
        elif there.exists() and entry.is_dir() != there.is_dir():
            code = errno.ENOTDIR if entry.is_dir() else errno.EISDIR
            raise OSError(code, os.strerror(code), str(there))


def _move(entry: os.DirEntry[str], target: Path) -> None:
    if entry.is_dir() and target.is_dir():
        for inner in sorted(os.scandir(entry.path), key=_posts_first):
            _move(inner, target / inner.name)
    else:
        os.replace(entry.path, target)


def _unwritable(path: Path, error: OSError) -> BuildError:
    reason = error.strerror or str(error)
    place = os.path.basename(error.filename) if isinstance(error.filename, str) else path.name
    return BuildError(
        f"the site cannot be written: {reason} ({place})",
        cure="the old site is untouched; make room and build again",
    )


def existing(out: Path) -> set[str]:
    """Every file of a site, by its path with slashes."""
    found: set[str] = set()

    def visit(folder: str, before: str) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(_STAGE):
                        visit(entry.path, f"{before}{entry.name}/")
                else:
                    found.add(before + entry.name)

    if out.is_dir():
        visit(str(out), "")
    return found


def remove(out: Path, names: Iterable[str]) -> int:
    """Delete files of a site, and the folders that are empty then. Returns how many files."""
    count = 0
    for name in names:
        path = out / name
        try:
            path.unlink()
            count += 1
            for parent in path.parents:
                if parent == out:
                    break
                parent.rmdir()
        except OSError:
            continue
    return count


def on_disk(asset_path: str) -> str:
    """The path of a published file on the disk: an Asset's address without its percent signs."""
    return unquote(asset_path)


def names_of(assets: Sequence[Asset]) -> Iterator[str]:
    """Where the files of these assets stand on the site."""
    for asset in assets:
        yield on_disk(asset.path)
        if asset.small_path:
            yield on_disk(asset.small_path)
