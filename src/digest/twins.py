"""The compressed twins of a file: `feed.xml.br` and `feed.xml.gz` beside `feed.xml`.

A build makes them once, so that no server compresses the same feed a thousand times a day. Which files have
twins is told by their names alone: text has, pictures have been compressed by their makers. The same bytes
give the same twins: no name and no time stands in them. Nothing here touches the disk.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping

import brotli

_TEXT = "atom bib css csv html js json md opml ris rss svg tsv txt vtt webmanifest xml"
_COMPRESSED = frozenset(_TEXT.split())
# Measured in docs/performance.md: the next step of either takes ten times as long or gains a hundredth.
_BROTLI_QUALITY = 8
_GZIP_LEVEL = 6
_GZIP_FRAME = 31  # zlib's number for the widest window in a gzip frame, whose time zlib leaves at 0


def _brotli(body: bytes) -> bytes:  # RFC 7932
    made: bytes = brotli.compress(body, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY)
    return made


def _gzip(body: bytes) -> bytes:  # RFC 1952
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_FRAME)
    return packer.compress(body) + packer.flush()


PACKERS: Mapping[str, Callable[[bytes], bytes]] = {".br": _brotli, ".gz": _gzip}
"""Ending of a twin -> what makes it, in the order in which a server prefers them."""
CODINGS: Mapping[str, str] = {".br": "br", ".gz": "gzip"}
"""Ending of a twin -> its content coding (RFC 9110, section 8.4.1)."""


def has_twins(name: str) -> bool:
    """Whether a file of this name is compressed: `posts/baseline/index.html` is, `chart.png` is not."""
    return name.rpartition(".")[2].lower() in _COMPRESSED


def twins_of(name: str) -> tuple[str, ...]:
    """The names of a file's twins, or none."""
    return tuple(name + ending for ending in PACKERS) if has_twins(name) else ()


def is_twin(name: str) -> bool:
    """Whether a name is that of some file's twin."""
    stem, dot, ending = name.rpartition(".")
    return dot + ending in PACKERS and has_twins(stem)


def unpacks_to(name: str, twin: bytes, body: bytes) -> bool:
    """Whether a twin of this name holds just `body`: one that was damaged or left behind does not."""
    try:
        return b"".join(unpacked(name[-3:], [twin])) == body
    except ValueError:
        return False


def unpacked(ending: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What is packed in a twin of this ending; of another file, its content. Raises ValueError if damaged."""
    if ending not in PACKERS:
        yield from chunks
        return
    try:
        yield from _of_gzip(chunks) if ending == ".gz" else _of_brotli(chunks)
    except (zlib.error, brotli.error) as error:
        raise ValueError(str(error)) from None


def _of_gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(_GZIP_FRAME)
    for chunk in chunks:
        yield unpacker.decompress(chunk)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("it ends early, or something follows it")


def _of_brotli(chunks: Iterable[bytes]) -> Iterator[bytes]:
    unpacker = brotli.Decompressor()
    for chunk in chunks:
        yield unpacker.process(chunk)
    if not unpacker.is_finished():
        raise ValueError("it ends early")
