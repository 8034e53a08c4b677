"""What a feed reader may expect of whoever serves a feed, asked over a real connection.

`complaints` is the list of what was wrong; a good server gives none. Servers that serve files alone cannot
meet all of it: they are asked the `STATIC` part, which is what saves a publisher's traffic.
"""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from enum import Enum
from urllib.parse import urlsplit

import brotli


class Profile(Enum):
    FULL = "all of it"
    STATIC = "what servers of files can do"


@dataclass(frozen=True, kw_only=True)
class Got:
    """An answer: its status, its headers by their names in lower case, and its body as it was sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


def ask(url: str, method: str = "GET", body: bytes | None = None, /, **headers: str) -> Got:
    """One request on a connection of its own: `ask(url, if_none_match='"x"')`. The path is sent as it is."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        target = url.partition(parts.netloc)[2] or "/"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body=body, headers=named)
        answer = connection.getresponse()
        content = answer.read()
        found: dict[str, str] = {}
        for name, value in answer.getheaders():
            found[name.lower()] = f"{found[name.lower()]}, {value}" if name.lower() in found else value
        return Got(status=answer.status, headers=found, body=content)
    finally:
        connection.close()


def complaints(url: str, media_type: str, profile: Profile, *, hub: bool = False) -> list[str]:
    """Everything that is wrong with how a feed is served."""
    whole = ask(url, accept_encoding="identity")
    checks = [
        _plain(url, whole, media_type, profile, hub),
        _packed(url, whole, profile),
        _known_tag(url, profile),
        _known_date(url, whole),
        _other_ways(url, whole, profile),
    ]
    return [complaint for check in checks for complaint in check]


def _plain(url: str, whole: Got, media_type: str, profile: Profile, hub: bool) -> Iterator[str]:
    wanted = {
        "content-type": f"{media_type}; charset=utf-8",
        "x-content-type-options": "nosniff",
        "access-control-allow-origin": "*",
    }
    if whole.status != 200:
        yield f"status {whole.status}"
    for name, value in wanted.items():
        if whole.header(name).lower() != value:
            yield f"{name} is {whole.header(name)!r}"
    for name, part in (("etag", '"'), ("last-modified", "GMT"), ("cache-control", "max-age=")):
        if part not in whole.header(name):
            yield f"{name} is {whole.header(name)!r}"
    for name in ("content-encoding", "set-cookie"):
        if whole.header(name):
            yield f"{name} is {whole.header(name)!r} although nobody asked for it"
    if profile is Profile.FULL and "accept-encoding" not in whole.header("vary").lower():
        yield "no Vary: Accept-Encoding where it is sent as it is"
    link = whole.header("link")
    if hub and not ('rel="hub"' in link and f'<{url}>; rel="self"' in link):
        yield f"link is {link!r}"


def _packed(url: str, whole: Got, profile: Profile) -> Iterator[str]:
    packed = ask(url, accept_encoding="gzip")
    if packed.header("content-encoding") != "gzip":
        yield "no gzip"
    elif gzip.decompress(packed.body) != whole.body:
        yield "gzip unpacks to something else"
    elif len(packed.body) > len(whole.body) / 2:
        yield "gzip saves less than half"
    elif profile is Profile.FULL:
        smaller = ask(url, accept_encoding="gzip, br")
        if smaller.header("content-encoding") != "br" or brotli.decompress(smaller.body) != whole.body:
            yield "no brotli"
        if len({answer.header("etag") for answer in (whole, packed, smaller)}) < 3:
            yield "one strong tag stands for two encodings (RFC 9110, section 8.8.3)"


def _known_tag(url: str, profile: Profile) -> Iterator[str]:
    for coding in ("identity", "gzip"):
        tag = ask(url, accept_encoding=coding).header("etag")
        for asked in (tag, f"W/{tag}", f'"x", {tag}, W/"y"', "*"):
            got = ask(url, accept_encoding=coding, if_none_match=asked)
            if got.status != 304 or got.body:
                yield f"If-None-Match: {asked} ({coding}) gives {got.status}"
            elif profile is Profile.FULL and not {"etag", "cache-control", "vary"} <= got.headers.keys():
                yield "a 304 lacks ETag, Cache-Control or Vary (RFC 9110, section 15.4.5)"
        date = ask(url).header("last-modified")
        if ask(url, accept_encoding=coding, if_none_match='"z"', if_modified_since=date).status != 200:
            yield "another tag does not win over the date"
        old = "Sat, 01 Jan 2000 00:00:00 GMT"
        got = ask(url, accept_encoding=coding, if_none_match=tag, if_modified_since=old)
        if profile is Profile.FULL and got.status != 304:
            yield "the tag does not win over an older date"


def _known_date(url: str, whole: Got) -> Iterator[str]:
    date = parsedate_to_datetime(whole.header("last-modified"))
    cases = {
        "the same date": (whole.header("last-modified"), 304),
        "a later date": (format_datetime(date + timedelta(hours=1), usegmt=True), 304),
        "an earlier date": (format_datetime(date - timedelta(hours=1), usegmt=True), 200),
        "no date": ("yesterday", 200),
    }
    for name, (asked, wanted) in cases.items():
        if (status := ask(url, if_modified_since=asked).status) != wanted:
            yield f"If-Modified-Since with {name} gives {status}"


def _other_ways(url: str, whole: Got, profile: Profile) -> Iterator[str]:
    head = ask(url, "HEAD", accept_encoding="identity")
    same = head.header("etag") == whole.header("etag")
    if head.status != 200 or not same or head.header("content-length") != str(len(whole.body)):
        yield "HEAD differs from GET"
    if ask(url, "HEAD", if_none_match=whole.header("etag")).status != 304:
        yield "HEAD knows no conditions"
    for name, got in {
        "a query": ask(f"{url}?utm_source=x"),
        "Accept: text/html": ask(url, accept="text/html"),
        "no User-Agent": ask(url, user_agent=""),
        "a browser's User-Agent": ask(url, user_agent="Mozilla/5.0"),
    }.items():
        if got.status != 200 or got.body != whole.body:
            yield f"{name} gives another answer: {got.status}"
    refused = ask(url, "POST", b"")
    if refused.status != 405 or (profile is Profile.FULL and "GET" not in refused.header("allow")):
        yield f"POST gives {refused.status}"
