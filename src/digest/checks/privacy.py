"""Nothing is loaded from elsewhere, unless the author wrote it: no counter, no font, no script of a stranger.

Whoever serves a picture learns who reads, when and where. A page, a mail or a stylesheet is looked at as it
will be served; what it fetches by itself from another host is named. Links are not meant: they ask nobody
before a reader follows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from digest.checks.markup import css_loads, see
from digest.model import Finding, Severity


def page(html: str, where: str, host: str, written: Iterable[str] = ()) -> list[Finding]:
    """Requests that this HTML makes to hosts other than `host`.

    `written` are addresses that stand in the author's own posts: those pictures were told of already, where
    they stand.
    """
    return _told(see(html).loads, where, host, set(written))


def stylesheet(css: str, where: str, host: str) -> list[Finding]:
    """Requests that this stylesheet makes to hosts other than `host`."""
    return _told([("stylesheet", address) for address in css_loads(css)], where, host, set())


def _told(loads: Iterable[tuple[str, str]], where: str, host: str, written: set[str]) -> list[Finding]:
    found = []
    for tag, address in dict.fromkeys(loads):
        try:
            elsewhere = urlsplit(address).hostname
        except ValueError:
            continue
        if elsewhere and elsewhere != host and address not in written:
            says = f"<{tag}> loads {address:.80} from elsewhere, and its host learns who reads"
            cure = "keep a copy on the site, or leave it out"
            found.append(Finding(severity=Severity.WARNING, where=where, says=says, cure=cure))
    return found
