"""Reading canonical HTML back: its plain words, on one line or a paragraph at a time.

Safe with regular expressions only because the HTML is canonical (see `digest.markdown`).
"""

from __future__ import annotations

import re

TAG = re.compile(r"<[^>]*>")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'"), ("&amp;", "&"))
# The elements that stand within a line of text: between them no word ends.
_INLINE = re.compile(
    r"</?(?:a|abbr|b|cite|code|del|dfn|em|i|ins|kbd|mark|q|s|samp|small|span|strong|sub|sup|u|var)"
    r"(?: [^>]*)?>"
)
_NOTE = re.compile(r'<sup id="[^"]*"><a class="note"[^>]*>\d+</a></sup>')
_PARAGRAPH = re.compile(r"<(?:p|li|dd)(?: [^>]*)?>(.*?)(?=</(?:p|li|dd)>|<[uo]l|<p)", re.S)


def unescaped(text: str) -> str:
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text


def words(canonical: str) -> str:
    """The plain words of canonical HTML, on one line, without the numbers of footnotes."""
    return " ".join(unescaped(TAG.sub(" ", _INLINE.sub("", _NOTE.sub("", canonical)))).split())


def paragraphs(canonical: str) -> list[str]:
    """The plain words of each paragraph or list item, in order."""
    return [found for part in _PARAGRAPH.findall(canonical) if (found := words(part))]
