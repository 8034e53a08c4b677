"""What every template of mail needs: values that arrive as they were, and the shell drawn around them."""

from __future__ import annotations

import re
from html import escape

from digest.errors import TemplateError
from digest.render.mjml import render_mjml
from digest.render.wording import direction

_BREAKS = re.compile(r"[ \t\r\n]+")


class Seals:
    """Values that may not be touched on their way: each travels as one word and is put back at the end.

    Through MJML the word is letters and digits; through plain text a control character, which no text of a
    post can hold, keeps it apart.
    """

    def __init__(self, opens: str = "SEALED", closes: str = "X") -> None:
        self.held: list[str] = []
        self.opens, self.closes = opens, closes
        self.word = re.compile(f"{opens}([0-9]{{5}}){closes}", re.I)  # a template may have changed its case

    def text(self, words: str) -> str:
        """Plain text, escaped for element and attribute; no words need no seal, so templates may ask."""
        return self.html(escape(words, quote=False).replace('"', "&quot;")) if words else ""

    def html(self, markup: str) -> str:
        self.held.append(markup)
        return f"{self.opens}{len(self.held) - 1:05}{self.closes}"

    def opened(self, shell: str) -> str:
        return self.word.sub(lambda seal: self.held[int(seal[1])], shell)


class Plain:
    """The same values for a plain text template, as they are."""

    def text(self, words: str) -> str:
        return words


def drawn(source: str, template: str) -> str:
    """The HTML of a filled and styled MJML template, its seals unopened. Raises TemplateError."""
    shell = render_mjml(source, name=f"templates/{template} (filled in)")
    if "\\u{" in shell:
        says = f"templates/{template}: an attribute holds a character that the MJML engine cannot write"
        raise TemplateError(says, cure="write plain letters into attributes, or hand the text in as a value")
    return shell


def on_one_line(words: str) -> str:
    """Without line breaks; a no-break space stays what it is."""
    return _BREAKS.sub(" ", words).strip(" ")


def start_of(language: str) -> str:
    """The side of the page where a line begins: `left` or `right`."""
    return "right" if direction(language) == "rtl" else "left"
