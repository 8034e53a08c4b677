"""Challenges and tickets: worked for or waited for, ours, in time, and good for nothing else."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta, timezone
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.subscribers import tokens
from digest.subscribers.challenge import (
    DIFFICULTY,
    ENDS,
    HARDEST,
    TICKET_ENDS,
    TIME_TRAP,
    WAIT,
    Verdict,
    check,
    check_ticket,
    make,
    seconds_left,
    spent,
    ticket,
)

OLD, KEY, OTHER = b"o" * 32, b"k" * 32, b"x" * 32
NOW = datetime(2026, 11, 6, 7, 0, 0, 123_000, tzinfo=UTC)
SOON = NOW + timedelta(seconds=30)
READER, ANOTHER = "reader-17@example.org", "reader-18@example.org"
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
A_MILLISECOND = timedelta(milliseconds=1)
EASY = 6


def worked_out(challenge: str, difficulty: int) -> str:
    """The first number that solves it, found in the plainest way: the bits are counted as text."""
    for number in count():
        found = hashlib.sha256(f"{challenge}:{number}".encode()).digest()
        if "".join(f"{byte:08b}" for byte in found).startswith("0" * difficulty):
            return str(number)
    raise AssertionError


def test_who_has_worked_passes() -> None:
    challenge = make([KEY], NOW, difficulty=EASY)
    assert check([KEY], challenge, worked_out(challenge, EASY), SOON) is Verdict.FINE


@pytest.mark.parametrize("difficulty", [0, 1, 7, 8, 9, 12])
def test_the_work_is_as_many_zero_bits_as_the_challenge_asks_for(difficulty: int) -> None:
    challenge = make([KEY], NOW, difficulty=difficulty)
    first = int(worked_out(challenge, difficulty))
    verdicts = [check([KEY], challenge, str(number), SOON) for number in range(first + 1)]
    assert verdicts == [Verdict.WRONG] * first + [Verdict.FINE]


def test_the_usual_challenge_asks_for_the_usual_work() -> None:
    challenge = make([KEY], NOW)
    assert base64.b32decode(challenge.upper())[0] == DIFFICULTY
    assert check([KEY], challenge, "0", SOON) is Verdict.WRONG


@pytest.mark.parametrize(
    "solution",
    [
        "",
        " ",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x1",
        "00",
        "01",
        " 1",
        "1\n",
        "1 ",
        "٣",
        "²",
        "1" * 17,
        "1" * 10_000,
        "\0",
    ],
)
def test_a_number_is_written_in_one_way(solution: str) -> None:
    """What asks for nothing is solved by any number, and by nothing else."""
    challenge = make([KEY], NOW, difficulty=0)
    assert check([KEY], challenge, "1", SOON) is Verdict.FINE
    assert check([KEY], challenge, solution, SOON) is Verdict.WRONG


def test_nobody_types_an_address_within_two_seconds_or_needs_two_hours() -> None:
    challenge = make([KEY], NOW, difficulty=0)

    def after(age: timedelta) -> Verdict:
        return check([KEY], challenge, "0", NOW + age)

    assert after(timedelta(0)) is Verdict.TOO_FAST
    assert after(TIME_TRAP - A_MILLISECOND) is Verdict.TOO_FAST
    assert after(TIME_TRAP) is Verdict.FINE
    assert after(ENDS - A_MILLISECOND) is Verdict.FINE
    assert after(ENDS) is Verdict.ENDED
    assert after(timedelta(days=3650)) is Verdict.ENDED
    assert after(timedelta(hours=-1)) is Verdict.TOO_FAST, "the clock was set back"


def test_the_zone_of_the_clock_does_not_matter() -> None:
    east = timezone(timedelta(hours=9))
    drawn = bytes(range(16))
    challenge = make([KEY], NOW, difficulty=0, random=drawn)
    assert make([KEY], NOW.astimezone(east), difficulty=0, random=drawn) == challenge
    assert check([KEY], challenge, "0", SOON.astimezone(east)) is Verdict.FINE


def test_both_are_sixty_four_letters_and_digits_and_never_the_same_again() -> None:
    made = [make([KEY], NOW) for _ in range(50)] + [ticket([KEY], READER, NOW) for _ in range(50)]
    assert {len(text) for text in made} == {64}
    assert set("".join(made)) <= set(ALPHABET)
    assert len(set(made)) == len({spent(text) for text in made}) == 100


def test_every_character_of_both_counts() -> None:
    challenge, waited = make([KEY], NOW, difficulty=0), ticket([KEY], READER, NOW)
    for at in range(64):
        for wrong in ALPHABET:
            if wrong != challenge[at]:
                changed = challenge[:at] + wrong + challenge[at + 1 :]
                assert check([KEY], changed, "0", SOON) is Verdict.UNKNOWN
            if wrong != waited[at]:
                changed = waited[:at] + wrong + waited[at + 1 :]
                assert check_ticket([KEY], changed, READER, SOON) is Verdict.UNKNOWN


@given(st.integers(0, 39), st.integers(1, 255), st.binary(min_size=16, max_size=16))
def test_every_flipped_byte_is_noticed(at: int, flips: int, drawn: bytes) -> None:
    for made in (make([KEY], NOW, difficulty=0, random=drawn), ticket([KEY], READER, NOW, random=drawn)):
        carried = bytearray(base64.b32decode(made.upper()))
        carried[at] ^= flips
        changed = base64.b32encode(carried).decode().lower()
        assert check([KEY], changed, "0", SOON) is Verdict.UNKNOWN
        assert check_ticket([KEY], changed, READER, SOON) is Verdict.UNKNOWN


@given(
    st.text(max_size=130)
    | st.text(ALPHABET, min_size=60, max_size=68)
    | st.characters().map(lambda one: one * 64)
)
def test_what_strangers_send_is_unknown_and_never_an_error(text: str) -> None:
    assert check([KEY], text, text, NOW) is Verdict.UNKNOWN
    assert check_ticket([KEY], text, READER, NOW) is Verdict.UNKNOWN
    assert 0 <= seconds_left(text, NOW) <= 20


def test_neither_is_written_in_any_other_way() -> None:
    challenge, waited = make([KEY], NOW, difficulty=0), ticket([KEY], READER, NOW)
    for write in (
        str.upper,
        str.title,
        lambda text: text + "=",
        lambda text: " " + text,
        lambda text: text + "\n",
    ):
        assert check([KEY], write(challenge), "0", SOON) is Verdict.UNKNOWN
        assert check_ticket([KEY], write(waited), READER, SOON) is Verdict.UNKNOWN


def test_a_challenge_is_no_ticket_and_neither_is_a_readers_link() -> None:
    challenge, waited = make([KEY], NOW, difficulty=0), ticket([KEY], "", NOW)
    assert check_ticket([KEY], challenge, "", SOON) is Verdict.UNKNOWN
    assert check([KEY], waited, "0", SOON) is Verdict.UNKNOWN
    for purpose in tokens.Purpose:
        link = tokens.make([KEY], purpose, 17)
        assert check([KEY], link, "0", SOON) is Verdict.UNKNOWN
        assert check_ticket([KEY], link, "", SOON) is Verdict.UNKNOWN
        assert tokens.read([KEY], purpose, challenge, now=SOON) is tokens.Refused.UNKNOWN
        assert tokens.read([KEY], purpose, waited, now=SOON) is tokens.Refused.UNKNOWN


def test_new_keys_let_pass_what_the_old_ones_signed_and_another_publications_do_not() -> None:
    challenge, waited = make([OLD], NOW, difficulty=0), ticket([OLD], READER, NOW)
    assert check([OLD, KEY], challenge, "0", SOON) is Verdict.FINE
    assert check_ticket([OLD, KEY], waited, READER, SOON) is Verdict.FINE
    assert check([OTHER], challenge, "0", SOON) is Verdict.UNKNOWN
    assert check_ticket([OTHER], waited, READER, SOON) is Verdict.UNKNOWN
    drawn = bytes(16)
    assert make([OLD, KEY], NOW, random=drawn) == make([KEY], NOW, random=drawn)


def test_a_ticket_is_good_for_its_address_from_twenty_seconds_to_an_hour() -> None:
    waited = ticket([KEY], READER, NOW)

    def after(age: timedelta) -> Verdict:
        return check_ticket([KEY], waited, READER, NOW + age)

    assert after(timedelta(0)) is Verdict.TOO_FAST
    assert after(WAIT - A_MILLISECOND) is Verdict.TOO_FAST
    assert after(WAIT) is Verdict.FINE
    assert after(TICKET_ENDS - A_MILLISECOND) is Verdict.FINE
    assert after(TICKET_ENDS) is Verdict.ENDED
    assert check_ticket([KEY], waited, ANOTHER, NOW + WAIT) is Verdict.UNKNOWN
    assert check_ticket([KEY], waited, "", NOW + WAIT) is Verdict.UNKNOWN


def test_the_page_says_how_long_to_wait() -> None:
    waited = ticket([KEY], READER, NOW)
    for age, left in [(0, 20), (0.5, 20), (1, 19), (19.999, 1), (20, 0), (7200, 0), (-3600, 20)]:
        assert seconds_left(waited, NOW + timedelta(seconds=age)) == left
    assert seconds_left("", NOW) == 0


def test_who_waits_as_long_as_the_page_says_passes() -> None:
    waited = ticket([KEY], READER, NOW)
    for asked in (NOW, NOW + timedelta(seconds=7.3), NOW + timedelta(seconds=19.95)):
        later = asked + timedelta(seconds=seconds_left(waited, asked))
        assert check_ticket([KEY], waited, READER, later) is Verdict.FINE


def test_what_is_spent_is_known_by_32_digits_that_do_not_tell_it() -> None:
    challenge = make([KEY], NOW)
    assert spent(challenge) == spent(challenge) == hashlib.sha256(challenge.encode()).hexdigest()[:32]
    assert challenge not in spent(challenge)


def test_no_challenge_is_made_that_nobody_can_solve() -> None:
    for difficulty in (-1, HARDEST + 1):
        with pytest.raises(ValueError, match="difficulty"):
            make([KEY], NOW, difficulty=difficulty)
    with pytest.raises(ValueError, match="random bytes"):
        make([KEY], NOW, random=b"few")
