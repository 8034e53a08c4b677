"""A target: some files of the site, what they are made from, and how they are made.

What a file is made from is summed up in its key. A build makes the targets whose key is new, so a key must
change with everything that its files show, and with nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from digest.model import Card, Page, Relations
from digest.publish.edition import Edition


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """`make` gives just the files that `paths` names; it may be called in another process."""

    key: str
    paths: tuple[str, ...]
    make: Callable[[], Iterable[Page]]


def key_of(*parts: object) -> str:
    text = "\0".join(map(str, parts))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class Keys:
    """What the targets of one edition are made from, each thing worked out once."""

    def __init__(self, edition: Edition) -> None:
        self._edition = edition
        shared = sorted((name, str(value)) for name, value in edition.frame.shared.items())
        self.frame = key_of(edition.theme.fingerprint(), shared)
        """What every page shows: the theme, and what the frame fills it with."""
        self.cards = {card.id: _card_text(card) for card in edition.cards}

    def content(self, id: str) -> str:
        """Changes with the post's whole body, also when a post that it links to has moved."""
        edition = self._edition
        record = edition.record(id)
        if not record.linked and not edition.posts[id].related:
            return record.body_key
        linked = [edition.path_of(name) for name in record.linked]
        related = edition.relations[id].related if id in edition.relations else ()
        return key_of(record.body_key, linked, related)

    def entry(self, id: str) -> str:
        """Changes with the post's items in feeds."""
        told = [(notice.anchor, notice.at.isoformat()) for notice in self._edition.notices.get(id, ())]
        first = self._edition.memory.first_ids.get(id, id)
        return f"{first}\n{self.cards[id]}\n{self.content(id)}\n{told}"

    def page(self, id: str) -> str:
        """Changes with the post's own page."""
        return key_of(self.frame, self.cards[id], self.content(id), _neighbours(self._edition.relations[id]))


def _card_text(card: Card) -> str:
    """All that a list shows of a post. Times as text: a datetime's repr depends on who made it."""
    times = card.published.isoformat(), card.updated.isoformat()
    facts = (card.path, card.title, card.lead, card.series, str(card.minutes), card.language)
    return "\n".join((card.id, *times, *facts, *card.authors, "", *card.tags))


def _neighbours(relations: Relations) -> str:
    """All that a page shows of other posts."""
    links = (*relations.series, relations.newer, relations.older, *relations.related)
    shown = (f"{link.title}\n{link.url}" if link else "-" for link in links)
    return f"{relations.part}/{len(relations.series)}\n" + "\n".join(shown)
