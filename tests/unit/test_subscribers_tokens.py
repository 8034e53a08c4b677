"""Tokens in links and return paths: good for their reader and purpose alone, for ever where they must be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.subscribers.tokens import NEVER_END, Purpose, Refused, make, mark, read

OLD, KEY, OTHER = b"o" * 32, b"k" * 32, b"x" * 32
NOW = datetime(2026, 11, 6, 7, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
IDS = st.integers(1, 2**63 - 1)
ENDING = sorted(set(Purpose) - NEVER_END)


@given(IDS, st.sampled_from(Purpose), st.text(max_size=40))
def test_a_token_names_its_reader_to_who_holds_the_key(reader: int, purpose: Purpose, about: str) -> None:
    token = make([KEY], purpose, reader, about=about)
    assert read([KEY], purpose, token, now=NOW, about=about) == reader
    assert set(token) <= set(ALPHABET)
    assert len(token) <= 48


@given(IDS, st.sampled_from(ENDING), st.data())
def test_a_token_with_any_character_changed_is_refused(
    reader: int, purpose: Purpose, data: st.DataObject
) -> None:
    token = make([KEY], purpose, reader, ends=LATER)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from([letter for letter in ALPHABET if letter != token[at]]))
    assert read([KEY], purpose, token[:at] + other + token[at + 1 :], now=NOW) is Refused.UNKNOWN


def test_every_bit_of_a_token_counts() -> None:
    token = make([KEY], Purpose.LEAVE, 17)
    for at, right in enumerate(token):
        for wrong in ALPHABET.replace(right, ""):
            changed = token[:at] + wrong + token[at + 1 :]
            assert read([KEY], Purpose.LEAVE, changed, now=NOW) is Refused.UNKNOWN


def test_a_link_to_leave_opens_nothing_else() -> None:
    for purpose in Purpose:
        token = make([KEY], purpose, 17)
        for other in set(Purpose) - {purpose}:
            assert read([KEY], other, token, now=NOW) is Refused.UNKNOWN


def test_a_token_of_another_publication_is_refused() -> None:
    assert read([OTHER], Purpose.LEAVE, make([KEY], Purpose.LEAVE, 17), now=NOW) is Refused.UNKNOWN


def test_a_return_path_tells_of_its_own_issue_alone() -> None:
    token = make([KEY], Purpose.BOUNCE, 17, about="7")
    assert read([KEY], Purpose.BOUNCE, token, now=NOW, about="7") == 17
    assert read([KEY], Purpose.BOUNCE, token, now=NOW, about="8") is Refused.UNKNOWN


def test_a_change_of_address_is_good_for_the_address_it_was_mailed_to() -> None:
    token = make([KEY], Purpose.CHANGE_ADDRESS, 17, about="new@example.org", ends=LATER)
    assert read([KEY], Purpose.CHANGE_ADDRESS, token, now=NOW, about="new@example.org") == 17
    assert read([KEY], Purpose.CHANGE_ADDRESS, token, now=NOW, about="me@example.org") is Refused.UNKNOWN


def test_an_old_mail_still_lets_its_reader_go_after_years_and_with_new_keys() -> None:
    token = make([OLD], Purpose.LEAVE, 17)
    years_later = NOW + timedelta(days=365 * 20)
    assert read([OLD, OTHER, KEY], Purpose.LEAVE, token, now=years_later) == 17
    assert make([OLD, KEY], Purpose.LEAVE, 17) == make([KEY], Purpose.LEAVE, 17)


@pytest.mark.parametrize("purpose", sorted(NEVER_END))
def test_links_to_leave_and_return_paths_never_end(purpose: Purpose) -> None:
    with pytest.raises(ValueError, match="never ends"):
        make([KEY], purpose, 17, ends=LATER)


@pytest.mark.parametrize("purpose", ENDING)
def test_other_tokens_end_when_they_say(purpose: Purpose) -> None:
    token = make([KEY], purpose, 17, ends=LATER)
    assert read([KEY], purpose, token, now=LATER - timedelta(seconds=1)) == 17
    assert read([KEY], purpose, token, now=LATER) is Refused.ENDED
    assert read([OTHER], purpose, token, now=LATER) is Refused.UNKNOWN


def test_a_server_that_writes_in_capitals_breaks_nothing() -> None:
    token = make([KEY], Purpose.BOUNCE, 17, about="7")
    assert read([KEY], Purpose.BOUNCE, token.upper(), now=NOW, about="7") == 17


def test_a_return_path_fits_into_a_local_part() -> None:
    token = make([KEY], Purpose.BOUNCE, 2**24 - 1, about="99999")
    assert len(f"remission-bounces+99999.{token}") <= 64  # RFC 5321, section 4.5.3.1.1


@given(st.text(max_size=80) | st.text(ALPHABET, max_size=80))
def test_whatever_stands_in_a_link_is_answered(text: str) -> None:
    assert read([KEY], Purpose.LEAVE, text, now=NOW) is Refused.UNKNOWN


def test_nobody_without_an_id_gets_a_token() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        make([KEY], Purpose.LEAVE, 0)


def test_a_mark_is_the_same_for_one_address_and_tells_nothing_without_its_key() -> None:
    assert mark(KEY, "reader@example.org") == mark(KEY, "reader@example.org")
    assert len({mark(key, name) for key in (KEY, OTHER) for name in ("a@b.example", "b@b.example")}) == 4
    assert len(mark(KEY, "reader@example.org")) == 32
