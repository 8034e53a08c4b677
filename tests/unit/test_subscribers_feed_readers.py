"""What aggregators report of their readers, as they were seen to write it, and what strangers make of it."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.subscribers.feed_readers import KNOWN, LONGEST, MOST, MOST_OF_OTHERS, Reported, reported

NEWSBLUR = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"

# As written in server logs and lists of user agents that people have published, some of them long ago.
SEEN = [
    (
        "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 16 subscribers; like FeedFetcher-Google)",
        "Feedly",
        16,
    ),
    ("Feedly/1.0 (+http://www.feedly.com/fetcher.html; 462 subscribers; )", "Feedly", 462),
    ("Feedly/1.0 (poller; 131 subscribers;)", "Feedly", 131),
    ("Feedbin feed-id:1 - 12 subscribers", "Feedbin", 12),
    ("Feedbin feed-id:1697787 - 102 subscribers", "Feedbin", 102),
    ("Feedbin feed-id:1234567 - 1 subscriber", "Feedbin", 1),
    ("Mozilla/5.0 (compatible; inoreader.com; 114 subscribers)", "Inoreader", 114),
    ("Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 26 subscribers; )", "Inoreader", 26),
    (
        f"NewsBlur Feed Fetcher - 27 subscribers - https://www.newsblur.com/site/7704055/a ({NEWSBLUR})",
        *("NewsBlur", 27),
    ),
    (f"NewsBlur Feed Fetcher - 1 subscriber - http://www.newsblur.com/site/0/b ({NEWSBLUR})", "NewsBlur", 1),
    (
        f"NewsBlur Page Fetcher - 219 subscribers - http://www.newsblur.com/site/1/c ({NEWSBLUR})",
        "NewsBlur",
        219,
    ),
    (f"NewsBlur Page Fetcher (239 subscribers) - http://www.newsblur.com ({NEWSBLUR})", "NewsBlur", 239),
    (
        "Mozilla/5.0 (compatible; theoldreader.com; 1 subscribers; feed-id=cead6c3a837650eeefd8fe4a)",
        *("The Old Reader", 1),
    ),
    ("Mozilla/5.0 (compatible; BazQux/2.4; +https://bazqux.com/fetcher; 6 subscribers)", "BazQux", 6),
    ("Mozilla 5.0 (compatible; BazQux/2.4 +http://bazqux.com/fetcher; 2 subscribers)", "BazQux", 2),
    ("Bloglovin/1.0 (http://www.bloglovin.com; 1 subscribers)", "Bloglovin", 1),
    ("Netvibes (http://www.netvibes.com/; 105 subscribers; feedID: 33718936)", "Netvibes", 105),
    ("Netvibes (http://www.netvibes.com/; 0 subscribers; feedID: 19374716)", "Netvibes", 0),
    ("Mozilla/5.0 (compatible; YandexBlogs/0.99; robot; B; +http://yandex.com/bots)10 readers", "Yandex", 10),
    (
        "Dreamwidth Studios (x@dreamwidth.org; for https://www.dreamwidth.org/users/feedly/; 2 readers)",
        *("Dreamwidth", 2),
    ),
    ("Feed Wrangler/1.0 (1 subscriber; feed-id=479901; http://feedwrangler.net)", "Feed Wrangler", 1),
    ("Overcast/1.0 Podcast Sync (1190 subscribers; feed-id=554901; +http://overcast.fm/)", "Overcast", 1190),
    ("ownCloud News/5.3.6 (+https://owncloud.org/; 1 subscriber;)", "ownCloud News", 1),
    ("Bloglines/3.1 (http://www.bloglines.com; 154 subscribers)", "Bloglines", 154),
    ("NewsGatorOnline/2.0 (http://www.newsgator.com; 79 subscribers)", "NewsGator", 79),
    (
        "Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 4 subscribers; feed-id=1794)",
        "Google",
        4,
    ),
]
NOTHING_REPORTED = [
    "",
    "Mozilla/5.0 (compatible; inoreader.com-like FeedFetcher-Google)",
    "Feedspot http://www.feedspot.com",
    "FreshRSS/1.28.0 (Linux; https://freshrss.org)",
    "Mozilla/5.0 (compatible; Miniflux/2.2.3; +https://miniflux.app)",
    "Tiny Tiny RSS/25.07-dea3f2d (Unsupported) (https://tt-rss.org/)",
    "Mozilla/5.0 (compatible; FlipboardRSS/1.2; +http://flipboard.com/browserproxy)",
    "Superfeedr bot/2.0 http://superfeedr.com - Make your feeds realtime: get in touch - feed-id:46271263",
    "g2reader-bot/1.0 (+http://www.g2reader.com/)",
    "NetNewsWire (RSS Reader; https://netnewswire.com/)",
    "Blogtrottr/2.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
]


@pytest.mark.parametrize(("user_agent", "aggregator", "subscribers"), SEEN)
def test_what_aggregators_were_seen_to_report_is_read(
    user_agent: str, aggregator: str, subscribers: int
) -> None:
    assert reported(user_agent) == Reported(aggregator=aggregator, readers=subscribers)


@pytest.mark.parametrize("user_agent", NOTHING_REPORTED)
def test_who_reports_nothing_is_not_counted(user_agent: str) -> None:
    assert reported(user_agent) is None


@pytest.mark.parametrize(
    ("user_agent", "aggregator", "subscribers"),
    [
        ("SomeReader/2.1 (+https://reader.example.org; 12 subscribers)", "SomeReader", 12),
        ("Mozilla/5.0 (compatible; some-reader.example.org; 3 subscribers)", "some-reader.example.org", 3),
        ("reader17 (1,204 readers)", "reader17", 1204),
        ("SomeReader (12,345,678 readers)", None, None),
        ("SomeReader (9,999 readers)", "SomeReader", 9_999),
        ("SomeReader (9,999,999 readers)", "SomeReader", MOST_OF_OTHERS),
        (f"Feedly ({MOST} readers)", "Feedly", MOST),
        (f"SomeReader ({MOST + 1} readers)", None, None),
        ("SomeReader (999999999999999999999999 subscribers)", None, None),
        ("SomeReader (-5 subscribers)", None, None),
        ("SomeReader (1.5 subscribers)", None, None),
        ("SomeReader (1,20 subscribers)", None, None),
        ("SomeReader (1,2345 subscribers)", None, None),
        ("SomeReader (0x10 subscribers)", None, None),
        ("SomeReader (١٢ subscribers)", None, None),
        ("SomeReader (12  subscribers)", None, None),
        ("SomeReader (12 subscribersx)", None, None),
        ("SomeReader (12 ſubscribers)", None, None),
        ("(12 subscribers)", None, None),
        ("12 subscribers", None, None),
        ("Mozilla/5.0 (12 subscribers)", None, None),
        ("Mozilla/5.0 (compatible; 12 subscribers)", None, None),
        ("<script>alert(1)</script> (12 subscribers)", None, None),
        ("'; DROP TABLE subscribers; -- 12 subscribers", None, None),
        ("=cmd|'/c calc'!A1 12 subscribers", None, None),
        ("reader-17@example.org 12 subscribers", None, None),
        ("x" * 40 + " 12 subscribers", "x" * 40, 12),
        ("x" * 41 + " 12 subscribers", None, None),
        ("SomeReader 3 subscribers, Feedly 900 subscribers", "SomeReader", 3),
        ("SomeReader" + " " * LONGEST + "12 subscribers", None, None),
    ],
)
def test_others_are_named_by_a_plain_product_or_not_at_all(
    user_agent: str, aggregator: str | None, subscribers: int | None
) -> None:
    found = reported(user_agent)
    assert (found and found.aggregator, found and found.readers) == (aggregator, subscribers)


@given(st.text(max_size=400), st.integers(0, 10**12), st.sampled_from(["subscribers", "reader"]), st.text())
def test_nothing_of_a_strangers_text_gets_through_but_a_plain_name_and_a_number(
    before: str, number: int, word: str, behind: str
) -> None:
    found = reported(f"{before}{number} {word}{behind}")
    if found is not None:
        assert found.aggregator in KNOWN.values() or re.fullmatch(
            r"[A-Za-z][A-Za-z0-9.-]{0,39}", found.aggregator
        )
        assert 0 <= found.readers <= MOST


@pytest.mark.parametrize(
    "piece", ["1", "1,", "1,111", "1 ", "subscriber", "a.", "Mozilla/5.0 (compatible; ", "é"]
)
def test_no_text_takes_long(piece: str) -> None:
    text = piece * 100_000
    began = time.perf_counter()
    for _ in range(100):
        reported(text)
    assert time.perf_counter() - began < 1
