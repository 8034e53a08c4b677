"""The frame of the built site around the pages for readers, in each language.

Masthead, navigation, foot, style and feeds are those of the site (`render.site.Frame`); the words are those
of the visitor's language. What stands inside the frame is said in `pages`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from digest.catalogue import Words
from digest.model import Feed, Newsletter, Site
from digest.render.site.frame import Frame, Head
from digest.theme import Theme


class Frames:
    """One frame a language, made when it is first asked for and kept."""

    def __init__(
        self, theme: Theme, site: Site, newsletter: Newsletter | None, feeds: Sequence[Feed], *, signup: bool
    ) -> None:
        self.theme = theme
        self.site = site
        self.newsletter = newsletter
        self.signup = signup and newsletter is not None
        self._feeds = tuple(feeds)
        self._static = dict(theme.static_files())
        self._frames: dict[str, Frame] = {}

    def words(self, language: str) -> Words:
        return self.theme.words(language)

    def of(self, language: str) -> Frame:
        words = self.words(language)
        if words.language not in self._frames:
            self._frames[words.language] = Frame.of(
                self.theme.render,
                self.site,
                words,
                language=words.language,
                feeds=self._feeds,
                newsletter=self.newsletter,
                style=self._static.get("style.css", b""),
                script=self._static.get("subscribe.js", b""),
            )
        return self._frames[words.language]

    def page(
        self, name: str, language: str, values: Mapping[str, object], *, title: str = "", here: str = ""
    ) -> str:
        """The template `web/NAME.html`; its title is the text `NAME.title`, or the one given.

        `here` is the page's path where it can be asked for again in another language. A page with a `problem`
        says so in its title already, which is what a screen reader says first.
        """
        frame = self.of(language)
        newsletter = self.site.title
        said = title or frame.words(f"{name}.title", newsletter=newsletter)
        named = said if newsletter in said else f"{said} – {newsletter}"
        if values.get("problem"):
            named = frame.words("problem.prefix", title=named)
        own = {"title": said, "newsletter": newsletter, "languages": self._languages(here)}
        head = Head(path="", page_title=named, listed=False)
        return frame.html(f"web/{name}.html", head, **{**own, **values})

    def link(self, language: str, path: str) -> str:
        """The address of a page for readers that keeps to the language."""
        return f"{self.site.base}{path}?language={self.words(language).language}"

    def signup_link(self, language: str) -> str:
        return self.link(language, "subscribe/") if self.signup else ""

    def _languages(self, here: str) -> list[tuple[str, str, str]]:
        """The tag, the name and the address of the page in each language; none for an answer to a form."""
        names = self.theme.languages.names if here else {}
        return [(tag, name, self.link(tag, here)) for tag, name in names.items()]
