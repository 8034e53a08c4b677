"""One pass over the parser's events -> HTML and plain text.

pyromark (pulldown-cmark) reads CommonMark with tables, footnotes, definition lists and strikethrough and
yields events (`events`); two writers turn the same events into canonical HTML (`html_writer`) or into lines
of plain text (`text_writer`). Canonical means: attributes in double quotes, `<`, `>`, `&` and `"` escaped
everywhere, only the elements of `raw_html.ALLOWED`, no style, no class but our own, every address resolved by
the caller. What an address means, and which file lies behind it, the caller decides.
"""

from digest.markdown.canonical import paragraphs, words
from digest.markdown.events import MAX_DEPTH, Addresses, Picture, Style, TooDeep, joined
from digest.markdown.html_writer import Document, fragment, html
from digest.markdown.text_writer import TextPassage, text
from digest.markdown.wrapping import WIDTH, wrapped

__all__ = [
    "MAX_DEPTH",
    "WIDTH",
    "Addresses",
    "Document",
    "Picture",
    "Style",
    "TextPassage",
    "TooDeep",
    "fragment",
    "html",
    "joined",
    "paragraphs",
    "text",
    "words",
    "wrapped",
]
