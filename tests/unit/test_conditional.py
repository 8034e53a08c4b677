"""A reader that has a feed already is told so: RFC 9110, section 13, by the book."""

from __future__ import annotations

import pytest

from digest.web.conditional import Verdict, moment, range_holds, verdict

TAG = b'"5eed"'
DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"
WHEN = 784111777
LATER, EARLIER = b"Sun, 06 Nov 1994 08:49:38 GMT", b"Sun, 06 Nov 1994 08:49:36 GMT"


def judged(**asked: bytes) -> Verdict:
    return verdict({name.replace("_", "-").encode(): value for name, value in asked.items()}, TAG, WHEN)


@pytest.mark.parametrize(
    "tags", [TAG, b"W/" + TAG, b'"x", ' + TAG, b'"x",W/"5eed" , "y"', b"*", b" * ", b'"a,b", "5eed"']
)
def test_a_tag_that_the_reader_has_is_known_however_it_is_written(tags: bytes) -> None:
    assert judged(if_none_match=tags) is Verdict.NOT_MODIFIED


@pytest.mark.parametrize("tags", [b'"other"', b"5eed", b'"5eed', b"", b'"5EED"', b"**", b'"x, 5eed"'])
def test_another_tag_is_not_taken_for_ours(tags: bytes) -> None:
    assert judged(if_none_match=tags) is Verdict.SEND


def test_the_tag_wins_over_the_date() -> None:
    assert judged(if_none_match=b'"other"', if_modified_since=LATER) is Verdict.SEND
    assert judged(if_none_match=TAG, if_modified_since=EARLIER) is Verdict.NOT_MODIFIED


@pytest.mark.parametrize(
    ("date", "wanted"), [(DATE, Verdict.NOT_MODIFIED), (LATER, Verdict.NOT_MODIFIED), (EARLIER, Verdict.SEND)]
)
def test_without_a_tag_the_date_decides(date: bytes, wanted: Verdict) -> None:
    assert judged(if_modified_since=date) is wanted


@pytest.mark.parametrize(
    "date",
    [DATE, b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994"],
    ids=["now", "850", "asctime"],
)
def test_all_three_forms_of_a_date_are_read(date: bytes) -> None:
    assert moment(date) == WHEN


@pytest.mark.parametrize(
    "date",
    [
        b"yesterday",
        b"",
        b"784111777",
        b"Sun, 31 Feb 2026 08:49:37 GMT",
        b"Sun, 06 Nov 1994 08:49:37 +0100",
        b"Sun, 06 Nov 1994 25:49:37 GMT",
        b"Sun, 06 Nov 1994 08:49:37 GMT, " + DATE,
        b"\xff" * 30,
    ],
)
def test_what_is_no_date_is_ignored(date: bytes) -> None:
    assert moment(date) is None
    assert judged(if_modified_since=date) is Verdict.SEND


def test_who_insists_on_a_version_gets_no_other() -> None:
    assert judged(if_match=b'"other"') is Verdict.FAILED
    assert judged(if_match=b"W/" + TAG) is Verdict.FAILED  # compared strongly: section 13.1.1
    assert judged(if_match=TAG) is judged(if_match=b"*") is Verdict.SEND
    assert judged(if_unmodified_since=EARLIER) is Verdict.FAILED
    assert judged(if_unmodified_since=DATE) is Verdict.SEND
    assert judged(if_match=TAG, if_unmodified_since=EARLIER) is Verdict.SEND


def test_a_part_is_sent_only_of_what_the_reader_has_the_rest_of() -> None:
    held = [range_holds(asked, TAG, WHEN) for asked in (None, TAG, DATE)]
    refused = [range_holds(asked, TAG, WHEN) for asked in (b'"other"', b"W/" + TAG, LATER, b"")]
    assert held == [True] * 3
    assert refused == [False] * 4
