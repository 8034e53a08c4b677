"""How a very long entry ends early: at the end of a block, with a link to the rest.

The HTML that comes in was sanitised and written by our own renderer: every element is closed and a `<` in the
text is escaped. What goes out is as well formed. Time is linear in the text, for nesting has its own limit
before it comes here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_TAG = re.compile(rb"""<(/?)([a-zA-Z][a-zA-Z0-9]*)(?:"[^"]*"|'[^']*'|[^'">])*>""")
_VOID = frozenset({b"br", b"col", b"hr", b"img", b"source", b"wbr"})
# Only these may be open where the cut is made; in others, such as a link or a figure, half would be left.
_CONTAINERS = frozenset(b"ul ol li dl dd blockquote table thead tbody section aside div".split())
# A cut after one of these ends a thought. Not after a heading or a term: what they announce would be missing.
_BLOCKS = _CONTAINERS | frozenset(b"p pre tr figure hr".split())


def cut_html(markup: str, limit: int, url: str) -> str:
    """`markup` unchanged where it has at most `limit` bytes, else its beginning and a link to `url`.

    The beginning ends behind a block, open lists, tables and quotations are closed, and the last paragraph
    says how many words are left out. All together has at most `limit` bytes, unless not even that paragraph
    fits. Where the very first block is too large, that paragraph is all.
    """
    body = markup.encode()
    if len(body) <= limit:
        return markup
    room = limit - len(_rest(url, len(body)).encode())
    end, closing = _last_cut(body, room)
    return (body[:end] + closing).decode() + _rest(url, _count_words(body[end:]))


def _last_cut(body: bytes, room: int) -> tuple[int, bytes]:
    """Where the longest beginning ends that fits, and the end tags it still needs."""
    best = (0, b"")
    for end, closing in _cuts(body):
        if end > room:
            break
        if end + len(closing) <= room:
            best = (end, closing)
    return best


def _cuts(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Every place behind a block where only containers are open, with the end tags for those."""
    opened: list[bytes] = []
    inside = 0  # how many of `opened` are no containers
    for tag in _TAG.finditer(body):
        name = tag[2].lower()
        if tag[1] and name in opened:
            while opened[-1] != name:
                inside -= opened.pop() not in _CONTAINERS
            inside -= opened.pop() not in _CONTAINERS
        elif not tag[1] and name not in _VOID:
            opened.append(name)
            inside += name not in _CONTAINERS
        if inside == 0 and name in _BLOCKS and (tag[1] or name in _VOID):
            yield tag.end(), b"".join(b"</%s>" % name for name in reversed(opened))


def _rest(url: str, words: int) -> str:
    noun = "word" if words == 1 else "words"
    address = html.escape(url)
    return f'<p><a href="{address}">Read the rest on the site</a> ({words:,} more {noun}).</p>'


def _count_words(body: bytes) -> int:
    return len(html.unescape(_TAG.sub(b" ", body).decode()).split())
