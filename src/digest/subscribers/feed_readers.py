"""How many people read a feed through an aggregator: what it says of itself when it fetches for all of them.

Nobody counts those who read a feed on their own machines. A service that fetches once for many says how many
in its User-Agent, a custom that is older than most of the services and written down nowhere: "16 subscribers"
somewhere in the text, or "10 readers". That number and the service's name are all that is taken. What a
stranger sends as User-Agent may be anything, so nothing else of it gets any further: not the text, no number
of a feed at the service, and no name that is not plain letters and digits.

Who reports nothing (Miniflux, FreshRSS, Tiny Tiny RSS, NetNewsWire, Feedspot, Superfeedr, Flipboard, every
browser) gives None. What is reported is a claim, and counts accounts, also those that nobody opens any more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 300
"""Characters that are looked at; the count stands near the beginning of all that are known."""
MOST = 10_000_000
"""More is no count of readers, and is taken for nothing said."""
MOST_OF_OTHERS = 10_000
"""What a name that is not known counts for at most: anybody can make one up, and say any number."""

# How each names itself, in lower case. Feedly, Inoreader and others call themselves "like FeedFetcher-Google"
# as well: the name that comes first is theirs, and what stands behind the count is not looked at.
KNOWN = {
    "bazqux": "BazQux",
    "bloglines": "Bloglines",
    "bloglovin": "Bloglovin",
    "dreamwidth": "Dreamwidth",
    "feed wrangler": "Feed Wrangler",
    "feedbin": "Feedbin",
    "feedfetcher-google": "Google",
    "feedly": "Feedly",
    "g2reader": "G2Reader",
    "inoreader": "Inoreader",
    "livejournal": "LiveJournal",
    "netvibes": "Netvibes",
    "newsblur": "NewsBlur",
    "newsgatoronline": "NewsGator",
    "overcast": "Overcast",
    "owncloud news": "ownCloud News",
    "theoldreader": "The Old Reader",
    "tiny tiny rss": "Tiny Tiny RSS",
    "yandexblogs": "Yandex",
}

NAMES = frozenset(KNOWN.values())

_COUNT = re.compile(
    r"(?<![0-9A-Za-z.,_-])([0-9]{1,3}(?:,[0-9]{3}){1,2}|[0-9]{1,8}) (?:subscriber|reader)s?(?![A-Za-z])",
    re.ASCII | re.IGNORECASE,
)
_PRODUCT = re.compile(r"(?:Mozilla/5\.0 \(compatible; ?)?([A-Za-z][A-Za-z0-9.-]{0,39})(?=[ /;(]|$)")
"""The first product (RFC 9110, section 10.1.5), or the first after the words of every browser."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """What one aggregator said with one request for one feed."""

    aggregator: str
    """One of `KNOWN`, or letters, digits, dots and dashes, at most 40."""
    readers: int
    """0 to 10 million; of one that is not `KNOWN`, to 10,000."""


def reported(user_agent: str) -> Reported | None:
    """What a User-Agent reports of the readers behind it, or None. Any text may be given."""
    text = user_agent[:LONGEST]
    found = _COUNT.search(text)
    if found is None:
        return None
    subscribers = int(found[1].replace(",", ""))
    aggregator = _named(text[: found.start()])
    if aggregator is None or subscribers > MOST:
        return None
    readers = subscribers if aggregator in NAMES else min(subscribers, MOST_OF_OTHERS)
    return Reported(aggregator=aggregator, readers=readers)


def _named(before: str) -> str | None:
    """Whose count it is, from what stands before it."""
    lower = before.lower()
    first = min(((at, name) for mark, name in KNOWN.items() if (at := lower.find(mark)) >= 0), default=None)
    if first is not None:
        return first[1]
    product = _PRODUCT.match(before)
    return None if product is None or product[1] == "Mozilla" else product[1]
