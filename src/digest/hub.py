"""Tells the WebSub hub which feeds have changed, so that whoever subscribed there has them within seconds.

A hub (W3C, WebSub) takes the address of a feed that has changed, fetches it, and passes it on. It is told
once of each change, feed by feed, and again after growing pauses until it has heard. It learns the public
addresses of feeds and nothing else, and it fetches them at once: `tell` is called when the files can be seen.

Whatever a hub does costs no more than seconds: a try ends after ten of them, wherever it hangs, and a round
of tries within a minute; a hub that cannot be reached is not asked about the other feeds.
"""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TypeAlias
from urllib.parse import urlencode, urljoin, urlsplit

from digest.model import Site
from digest.store import Store

WITHIN = 10.0
"""Seconds that one try may take, with everything that belongs to it."""

ROUND = 60.0
"""Seconds after which no further try begins; the next round goes on."""

_ANSWER = 4096
_REDIRECTED = (301, 302, 307, 308)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of a try: an HTTP status with its words, or 0 and why there is none."""

    status: int
    says: str = ""

    @property
    def heard(self) -> bool:
        return 200 <= self.status < 300

    @property
    def away(self) -> bool:
        """Whether the next feed would fare no better: nobody there, too busy (429), or not at work (5xx)."""
        return not self.heard and (self.status in (0, 429) or self.status >= 500)


Post: TypeAlias = Callable[[str, bytes], Answer]
"""Sends a form to an address. What goes wrong is an answer, not an exception."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What became of a round. `waiting` are the feeds that the hub is still to hear of."""

    changed: int = 0
    heard: int = 0
    waiting: int = 0
    trouble: str = ""
    """Why the hub did not hear, where there was a try that failed."""

    def __str__(self) -> str:
        """`5 feeds changed; the hub has heard of 5`, or nothing where there is nothing to say."""
        said = [f"{_feeds(self.changed)} changed"] if self.changed else []
        if self.heard or self.changed:
            said.append(f"the hub has heard of {self.heard}")
        if self.trouble:
            said.append(f"{_feeds(self.waiting)} to be told later: {self.trouble}")
        return "; ".join(said)


def tell(
    site: Site,
    store: Store,
    out: Path,
    feeds: Iterable[str],
    clock: Callable[[], datetime],
    *,
    all_untold: bool = False,
    post: Post | None = None,
) -> Told:
    """Looks at the files of these feeds in the built site, and tells the hub of those that it must hear of.

    Nothing happens where the site names no hub. With `all_untold` a pause after a failure is not kept: a
    person asks. Raises StoreError, and OSError where a feed cannot be read.
    """
    if not site.hub:
        return Told()
    changed = store.pings.want(marks(site.hub, out, feeds), clock())
    heard, trouble = _round(site, store, clock, all_untold, post or send)
    return Told(changed=changed, heard=heard, waiting=len(store.pings.untold()), trouble=trouble)


def marks(hub: str, out: Path, feeds: Iterable[str]) -> dict[str, str]:
    """What stands for each feed as it is now; another hub is to hear of all of them."""
    found = {}
    for path in feeds:
        with (out / path).open("rb") as file:
            mark = hashlib.file_digest(file, "sha256")
        mark.update(hub.encode())
        found[path] = mark.hexdigest()
    return found


def form(address: str) -> bytes:
    """Hubs differ in the name under which they look for the feed's address: it stands under both."""
    return urlencode({"hub.mode": "publish", "hub.url": address, "hub.topic": address}).encode("ascii")


def _round(
    site: Site, store: Store, clock: Callable[[], datetime], all_untold: bool, post: Post
) -> tuple[int, str]:
    """How many feeds the hub has heard of, and what went wrong first."""
    ends, heard, trouble = monotonic() + ROUND, 0, ""
    untold = store.pings.untold(None if all_untold else clock())
    for place, it in enumerate(untold):
        if monotonic() >= ends:
            break
        if not store.pings.begin(it, clock()):
            continue
        answer = post(site.hub, form(site.address(it.path)))
        if answer.heard:
            store.pings.told(it, clock())
            heard += 1
            continue
        trouble = trouble or f"{urlsplit(site.hub).hostname} {answer.says}"
        store.pings.failed(it, answer.says)
        if answer.away:
            store.pings.put_off(untold[place + 1 :], clock())
            break
    return heard, trouble


def _feeds(count: int) -> str:
    return f"{count:,} feed{'' if count == 1 else 's'}"


# ------------------------------------------------------------------------------------------ over HTTP


def send(hub: str, body: bytes, *, within: float = WITHIN) -> Answer:
    """One form to a hub, over the system's proxy where it has one. At most one redirect is followed.

    After `within` seconds there is an answer, whatever the hub does.
    """
    said: SimpleQueue[Answer] = SimpleQueue()
    # A thread of its own: the only end that also holds for a slow name server, or a byte every nine seconds.
    Thread(target=lambda: said.put(_send(hub, body)), daemon=True).start()
    try:
        return said.get(timeout=within)
    except Empty:
        return Answer(status=0, says=f"has not answered within {within:g} s")


def _send(hub: str, body: bytes) -> Answer:
    try:
        answer, there = _posted(hub, body)
        if answer.status in _REDIRECTED and there:
            if not may_lead(hub, there):
                return Answer(status=answer.status, says="leads to an address that is not followed")
            answer, _ = _posted(there, body)
        return answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        return Answer(status=0, says=f"cannot be reached ({_line(str(reason)) or type(error).__name__})")


def _posted(address: str, body: bytes) -> tuple[Answer, str]:
    """The answer, and where it leads. A form stays a form on its way (RFC 9110, section 15.4)."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "digest (WebSub publisher)"}
    request = urllib.request.Request(address, data=body, headers=headers, method="POST")
    with _opener().open(request, timeout=WITHIN) as response:
        status = int(response.status)
        if 200 <= status < 300:
            return Answer(status=status), ""
        words = _line(response.read(_ANSWER).decode("utf-8", "replace"))
        says = f"says {status}" + (f" ({words})" if words else "")
        there = response.headers.get("Location")
        return Answer(status=status, says=says), urljoin(address, there) if there else ""


def _opener() -> urllib.request.OpenerDirector:
    """HTTP, HTTPS and the system's proxies alone: no files, no redirects and no errors behind our back."""
    opener = urllib.request.OpenerDirector()
    for part in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
    ):
        opener.add_handler(part)
    return opener


def may_lead(hub: str, there: str) -> bool:
    """A hub may lead to https anywhere; to plain http only from this machine to this machine.

    So nobody between us and a hub can lead a form to what listens on this machine, or out of TLS.
    """
    if urlsplit(there).scheme == "https":
        return True
    return urlsplit(there).scheme == "http" and _is_here(hub) and _is_here(there)


def _is_here(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _line(text: str) -> str:
    """The first words of what a stranger says, on one line."""
    return " ".join(part for part in text[:400].split() if part.isprintable())[:120]
