"""The pages for readers of a small publication, filled with the preview's sample values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from builders import newsletter

from digest.model import Site
from digest.preview.occasions import GROUPS, PageSample
from digest.preview.samples import ADDRESS, NEW_ADDRESS, TOKEN, Given
from digest.theme import Theme
from digest.web.pages import Pages
from digest.web.reader_view import ReaderView

__all__ = ["ADDRESS", "NEW_ADDRESS", "NOW", "READER_URL", "SITE", "TOKEN", "every_page", "pages", "reader"]

SITE = Site(
    title="Remission Weekly",
    url="https://remission.example.org",
    author="The editors",
    timezone="Europe/London",
    disclaimer="Remission Weekly reports research in short. It is not medical advice.",
    corrections_to="corrections@remission.example.org",
)
READER_URL = f"{SITE.base}reader/{TOKEN}"
NOW = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)


def pages(theme: Theme | None = None, **changes: object) -> Pages:
    """The pages of a small publication."""
    return Pages(theme or Theme(timezone=SITE.timezone), SITE, newsletter(), **changes)  # type: ignore[arg-type]


def reader(**changes: object) -> ReaderView:
    """Reader 17, who confirmed ten weeks ago and got every issue since."""
    return given(pages(), "en").reader(**changes)


def every_page(of: Pages, language: str) -> Iterator[tuple[str, str]]:
    """The name of each page and its HTML, in one language."""
    for group in GROUPS:
        for sample in group.samples:
            if isinstance(sample, PageSample):
                yield sample.name, sample.make(given(of, language))


def given(of: Pages, language: str) -> Given:
    return Given(pages=of, site=SITE, now=NOW, language=language)
