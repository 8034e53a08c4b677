"""What a request's preconditions mean for one representation (RFC 9110, section 13). Pure.

A feed reader asks with what it was told last time: the tag (`If-None-Match`), the date
(`If-Modified-Since`) or both. Where the tag says something the date is not looked at, because tags tell two
versions of one second apart.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_tz
from enum import Enum
from functools import lru_cache

_TAGS = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')  # RFC 9110, section 8.8.3
_LONGEST_DATE = 40


class Verdict(Enum):
    SEND = "the representation is wanted"
    NOT_MODIFIED = "the reader has it already: 304"
    FAILED = "it is not the one that the reader spoke of: 412"


def verdict(asked: Mapping[bytes, bytes], etag: bytes, modified: int) -> Verdict:
    """Judge a GET or HEAD in the order of RFC 9110, section 13.2.2.

    `asked` holds the request's headers by their names in lower case, repeated ones joined by commas; `etag`
    is a strong tag in its quotation marks, `modified` is in seconds since 1970. A date that is none is
    ignored.
    """
    if (tags := asked.get(b"if-match")) is not None:
        if not _any(tags) and (b"", etag) not in _TAGS.findall(tags):  # compared strongly
            return Verdict.FAILED
    elif (since := moment(asked.get(b"if-unmodified-since"))) is not None and modified > since:
        return Verdict.FAILED
    if (tags := asked.get(b"if-none-match")) is not None:
        has_it = tags == etag or _any(tags) or any(tag == etag for _, tag in _TAGS.findall(tags))
        return Verdict.NOT_MODIFIED if has_it else Verdict.SEND
    if (since := moment(asked.get(b"if-modified-since"))) is not None and modified <= since:
        return Verdict.NOT_MODIFIED
    return Verdict.SEND


def range_holds(if_range: bytes | None, etag: bytes, modified: int) -> bool:
    """Whether a part may be sent: what the reader has of it is of this representation (section 13.1.5)."""
    if if_range is None:
        return True
    return if_range == etag if b'"' in if_range else moment(if_range) == modified


def _any(tags: bytes) -> bool:
    return tags.strip() == b"*"


@lru_cache(maxsize=512)
def moment(date: bytes | None) -> int | None:
    """An HTTP date in any of its three forms (section 5.6.7) in seconds since 1970; None where it is none."""
    if date is None or len(date) > _LONGEST_DATE:
        return None
    found = parsedate_tz(date.decode("latin-1"))
    if found is None or found[9]:  # another zone than GMT is no HTTP date
        return None
    try:
        return timegm(datetime(*found[:6]).timetuple())  # noqa: DTZ001  (as a check that there is such a day)
    except ValueError:
        return None
