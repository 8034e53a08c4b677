"""What comes back is understood: whose it is, what it means, and that nothing sent to us can do harm."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program import ROOT
from returned import MARKS, NAMES, READER, RETURN_PATH, TOKEN, message

from digest.bounces import (
    ENOUGH,
    LIMIT,
    OVER,
    PAUSE,
    TABLE,
    Kind,
    Marks,
    Returned,
    clean,
    fingerprint,
    has_lost_patience,
    judge,
    read,
)

FRIDAY = datetime(2026, 11, 13, 7, 0, tzinfo=UTC)
DAY = timedelta(days=1)

UNDERSTOOD = {
    "alias-one-of-two-failed": (Kind.DELIVERED, "2.0.0"),
    "arf-auth-failure": (Kind.UNKNOWN, ""),
    "arf-by-address-alone": (Kind.COMPLAINT, ""),
    "arf-not-spam": (Kind.NOT_SPAM, ""),
    "arf-return-path-in-letter": (Kind.COMPLAINT, ""),
    "arf-unsubscribe-mark": (Kind.COMPLAINT, ""),
    "arf-yahoo": (Kind.COMPLAINT, ""),
    "empty": (Kind.UNKNOWN, ""),
    "exchange-access-denied": (Kind.TRANSIENT, "5.4.1"),
    "exchange-expired": (Kind.TRANSIENT, "4.4.7"),
    "exchange-mailbox-full": (Kind.TRANSIENT, "5.2.2"),
    "exchange-not-found": (Kind.PERMANENT, "5.1.10"),
    "exim-plain-quota": (Kind.TRANSIENT, ""),
    "exim-plain-spam-rule": (Kind.REFUSED, ""),
    "exim-plain-unrouteable": (Kind.PERMANENT, ""),
    "exim-report": (Kind.PERMANENT, "5.1.1"),
    "exim-warning": (Kind.DELAY, "4.3.0"),
    "gmail-4.2.2": (Kind.TRANSIENT, "4.2.2"),
    "gmail-4.2.2-delayed": (Kind.DELAY, "4.2.2"),
    "gmail-5.1.1": (Kind.PERMANENT, "5.1.1"),
    "gmail-disabled": (Kind.TRANSIENT, "5.2.1"),
    "gmail-rate": (Kind.REFUSED, "4.7.28"),
    "gmail-unauthenticated": (Kind.REFUSED, "5.7.26"),
    "headers-alone": (Kind.UNKNOWN, ""),
    "human-forwards-a-bounce": (Kind.UNKNOWN, ""),
    "human-reply": (Kind.UNKNOWN, ""),
    "leave-address": (Kind.LEAVE, ""),
    "leave-by-provider": (Kind.LEAVE, ""),
    "leave-subject": (Kind.LEAVE, ""),
    "leave-subject-re": (Kind.LEAVE, ""),
    "leave-without-token": (Kind.LEAVE, ""),
    "mailer-daemon-own-form": (Kind.PERMANENT, "5.1.1"),
    "no-headers": (Kind.UNKNOWN, ""),
    "nul-and-charset": (Kind.PERMANENT, "5.1.1"),
    "outlook-5.7.515": (Kind.REFUSED, "5.7.515"),
    "outlook-jmrp": (Kind.COMPLAINT, ""),
    "postfix-blocklisted": (Kind.REFUSED, "5.7.1"),
    "postfix-delayed": (Kind.DELAY, "4.4.1"),
    "postfix-delivered": (Kind.DELIVERED, "2.0.0"),
    "postfix-expired": (Kind.TRANSIENT, "4.4.1"),
    "postfix-global-address": (Kind.PERMANENT, "5.1.1"),
    "postfix-mailbox-full": (Kind.TRANSIENT, "5.2.2"),
    "postfix-no-status-user-unknown": (Kind.PERMANENT, "5.0.0"),
    "postfix-no-such-domain": (Kind.TRANSIENT, "5.4.4"),
    "postfix-null-mx": (Kind.PERMANENT, "5.1.10"),
    "postfix-to-postmaster": (Kind.PERMANENT, "5.1.1"),
    "postfix-to-postmaster-anonymous": (Kind.PERMANENT, "5.1.1"),
    "postfix-too-big": (Kind.REFUSED, "5.3.4"),
    "postfix-user-unknown": (Kind.PERMANENT, "5.1.1"),
    "qmail-long-in-queue": (Kind.TRANSIENT, "4.4.1"),
    "qmail-no-mailbox": (Kind.PERMANENT, "5.1.1"),
    "qmail-remote-words": (Kind.PERMANENT, ""),
    "read-receipt": (Kind.AUTOMATIC, ""),
    "sendmail-user-unknown": (Kind.PERMANENT, "5.1.1"),
    "sendmail-warning": (Kind.DELAY, "4.4.1"),
    "spam": (Kind.UNKNOWN, ""),
    "ticket-received": (Kind.AUTOMATIC, ""),
    "truncated-in-the-report": (Kind.PERMANENT, "5.1.1"),
    "truncated-in-the-words": (Kind.UNKNOWN, ""),
    "vacation-exchange": (Kind.AUTOMATIC, ""),
    "vacation-french": (Kind.AUTOMATIC, ""),
    "vacation-german": (Kind.AUTOMATIC, ""),
    "vacation-japanese": (Kind.AUTOMATIC, ""),
    "vacation-old-precedence": (Kind.AUTOMATIC, ""),
    "vacation-rfc3834": (Kind.AUTOMATIC, ""),
    "vacation-russian": (Kind.AUTOMATIC, ""),
    "vacation-spanish": (Kind.AUTOMATIC, ""),
    "yahoo-report-disabled": (Kind.TRANSIENT, "5.0.0"),
    "yahoo-words": (Kind.PERMANENT, ""),
}


_LETTER = "Content-Type: message/rfc822\n\n"


def of(name: str) -> Returned:
    return read(message(name), MARKS)


# ---------------------------------------------------------------------------------------- the corpus


def test_every_message_of_the_corpus_is_judged() -> None:
    assert sorted(UNDERSTOOD) == NAMES
    assert {kind for kind, _ in UNDERSTOOD.values()} == set(Kind)


@pytest.mark.parametrize("name", NAMES)
def test_what_mail_systems_and_people_send_back_is_understood(name: str) -> None:
    returned = of(name)
    assert (returned.kind, returned.status) == UNDERSTOOD[name]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_of_a_message_is_one_short_line_each(name: str) -> None:
    returned = of(name)
    for line in (returned.diagnostic, returned.subject, returned.message_id, *returned.addresses):
        assert len(line) <= 300
        assert line.isprintable(), line


def test_what_the_other_side_said_is_kept() -> None:
    assert of("postfix-user-unknown").diagnostic == (
        "550 5.1.1 <reader-17@example.org>: Recipient address rejected: User unknown in local recipient table"
    )
    assert of("qmail-no-mailbox").diagnostic == "Sorry, no mailbox here by that name. (#5.1.1)"
    assert of("postfix-user-unknown").at == datetime(2026, 11, 13, 7, 0, 31, tzinfo=UTC)


def test_crlf_and_lf_are_the_same_message() -> None:
    for name in NAMES:
        assert read(message(name).replace(b"\n", b"\r\n"), MARKS) == of(name)
        assert fingerprint(message(name).replace(b"\n", b"\r\n")) == fingerprint(message(name))


# ------------------------------------------------------------------------------------------ whose it is


@pytest.mark.parametrize(
    "name", [name for name in NAMES if RETURN_PATH.encode() in message(name) and "without" not in name]
)
def test_the_return_path_says_whose_it_is(name: str) -> None:
    assert of(name).token == TOKEN
    assert of(name).issue == 7


@pytest.mark.parametrize("header", ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"])
def test_the_address_it_came_to_is_read_from_whichever_header_has_it(header: str) -> None:
    returned = read(f"From: a@example.org\n{header}: {RETURN_PATH}\n\nHello\n".encode(), MARKS)
    assert (returned.issue, returned.token) == (7, TOKEN)


def test_one_broken_header_does_not_hide_another() -> None:
    content = f'From: a@example.org\nTo: "a, <b@example.org, c\nDelivered-To: {RETURN_PATH}\n\nHello\n'
    assert read(content.encode(), MARKS).token == TOKEN


def test_a_message_to_very_many_names_fifty_of_them() -> None:
    many = ",".join(f"r{n}@example.org" for n in range(99))
    asked = f"Subject: complaint about message from 203.0.113.9\n{_LETTER}To: {many}\n\nx\n"
    assert len(read(asked.encode(), MARKS).addresses) == 50


@pytest.mark.parametrize(
    ("mark", "token"),
    [
        (f"<mailto:leave+{TOKEN}@remission.example.org>", TOKEN),
        (f"<mailto:weekly@remission.example.org?subject=leave%20{TOKEN}>", TOKEN),
        (f"<mailto:weekly@remission.example.org?body=a&subject=Leave+{TOKEN}>", TOKEN),
        ("<mailto:weekly@remission.example.org?subject=leave>", ""),
        ("<mailto:weekly@remission.example.org>", ""),
    ],
)
def test_a_relay_that_puts_its_own_return_path_leaves_the_address_that_unsubscribes(
    mark: str, token: str
) -> None:
    content = message("postfix-to-postmaster").replace(RETURN_PATH.encode(), b"0101-a@relay.example.net")
    letter = content.replace(f"<mailto:leave+{TOKEN}@remission.example.org>".encode(), mark.encode())
    assert (read(letter, MARKS).issue, read(letter, MARKS).token) == (None, token)


def test_postfix_repeats_the_return_path_in_its_report() -> None:
    content = message("postfix-to-postmaster-anonymous").replace(
        b"\nArrival-Date:", f"\nX-Postfix-Sender: rfc822; {RETURN_PATH}\nArrival-Date:".encode(), 1
    )
    assert (read(content, MARKS).issue, read(content, MARKS).token) == (7, TOKEN)


def test_a_complaint_without_return_path_and_message_id_is_known_by_the_leave_address() -> None:
    assert of("arf-unsubscribe-mark").token == TOKEN
    assert of("arf-unsubscribe-mark").issue is None


def test_without_any_mark_there_are_only_the_addresses_named() -> None:
    returned = of("postfix-to-postmaster-anonymous")
    assert (returned.issue, returned.token, returned.addresses) == (None, "", (READER,))
    assert of("outlook-jmrp").addresses == (READER,)


def test_an_address_beyond_ascii_is_read_whole() -> None:
    assert of("postfix-global-address").addresses == ("lesende-17@bücher.example.org",)


# ------------------------------------------------------------------------------------ people and machines


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Absence: two trials", Kind.AUTOMATIC),
        ("[Out of Office] two trials", Kind.AUTOMATIC),
        ("Re: Absence seizures: two trials", Kind.UNKNOWN),
        ("Who is on vacation?", Kind.UNKNOWN),
    ],
)
def test_a_person_who_answers_a_post_on_absence_is_heard(subject: str, kind: Kind) -> None:
    content = f"From: {READER}\nTo: {RETURN_PATH}\nSubject: {subject}\n\nHello\n".encode()
    assert read(content, MARKS).kind is kind


# ---------------------------------------------------------------------------------------------- leaving


@pytest.mark.parametrize(
    "subject",
    [
        f"leave {TOKEN}",
        f"Leave {TOKEN}",
        f"  re: FWD: leave\t{TOKEN} ",
        f"=?utf-8?q?leave_{TOKEN}?=",
        f"leave\n {TOKEN}",
    ],
)
def test_a_subject_with_leave_and_the_token_leaves_wherever_it_was_forwarded_to(subject: str) -> None:
    returned = read(f"From: {READER}\nTo: weekly@example.net\nSubject: {subject}\n\n".encode(), MARKS)
    assert (returned.kind, returned.token) == (Kind.LEAVE, TOKEN)


@pytest.mark.parametrize(
    "subject", ["leave me alone", f"Do not leave {TOKEN}", f"leave {TOKEN} now", f"leave{TOKEN}"]
)
def test_other_subjects_do_not_leave(subject: str) -> None:
    assert read(f"From: {READER}\nSubject: {subject}\n\n".encode(), MARKS).kind is Kind.UNKNOWN


def test_a_token_of_300_characters_survives_a_folded_subject() -> None:
    token = "a1" * 150
    returned = read(f"From: {READER}\nSubject: leave\n {token}\n\n".encode(), MARKS)
    assert returned.token == token


def test_mail_to_the_leave_address_without_a_token_is_shown_with_its_sender() -> None:
    returned = of("leave-without-token")
    assert (returned.token, returned.addresses) == ("", (READER,))


def test_a_bounce_that_comes_to_the_leave_address_is_a_bounce() -> None:
    content = message("postfix-user-unknown").replace(
        RETURN_PATH.encode(), f"leave+{TOKEN}@remission.example.org".encode()
    )
    assert read(content, MARKS).kind is Kind.PERMANENT


# ------------------------------------------------------------------------------------------ the statuses


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        ("5.1.1", "", Kind.PERMANENT),
        ("5.01.001", "", Kind.PERMANENT),
        ("4.1.1", "", Kind.TRANSIENT),
        ("5.1.7", "user unknown", Kind.REFUSED),
        ("5.2.1", "no such user", Kind.TRANSIENT),
        ("5.7.515", "user unknown", Kind.REFUSED),
        ("4.7.1", "greylisted", Kind.REFUSED),
        ("5.99.1", "", Kind.TRANSIENT),
        ("2.1.5", "", Kind.DELIVERED),
        ("5.0.0", "550 No such user here", Kind.PERMANENT),
        ("5.0.0", "550 spam@example.org: user unknown", Kind.PERMANENT),
        ("5.0.0", "550 user unknown, blocked for spam", Kind.REFUSED),
        ("5.0.0", "552 mailbox full, account not found on backup", Kind.TRANSIENT),
        ("5.0.0", "550 mailbox unavailable", Kind.TRANSIENT),
        ("5.5.0", "550 5.5.0 mailbox not found", Kind.PERMANENT),
        ("5.1.0", "550 5.1.0 sender rejected", Kind.REFUSED),
        ("4.0.0", "user unknown", Kind.TRANSIENT),
        ("", "550 5.1.1 nobody", Kind.PERMANENT),
        ("", "550 no such user", Kind.PERMANENT),
        ("", "450 no such user", Kind.TRANSIENT),
        ("", "550 Benutzer unbekannt", Kind.PERMANENT),
        ("", "550 relay of 5.1.1.7 refused", Kind.TRANSIENT),
        ("rubbish", "", Kind.TRANSIENT),
        ("", "", Kind.TRANSIENT),
    ],
)
def test_only_a_missing_mailbox_is_permanent(status: str, words: str, kind: Kind) -> None:
    assert judge(status, words) is kind


def test_a_report_that_says_undefined_is_judged_by_the_servers_own_words() -> None:
    vague = message("postfix-user-unknown").replace(b"Status: 5.1.1", b"Status: 5.0.0")
    assert read(vague, MARKS).status == "5.1.1"


def test_the_manual_has_the_table_of_statuses_as_the_program_has_it() -> None:
    manual = (ROOT / "docs/bounces.md").read_text("utf-8")
    rows = re.findall(r"^\| `5\.([\d*]+\.[\d*]+)` \| (.+) \| (.+) \|$", manual, re.M)
    says = {
        Kind.PERMANENT: "suppresses",
        Kind.TRANSIENT: "counts",
        Kind.REFUSED: "neither",
        None: "the words decide",
    }
    assert rows == [(pattern, why, says[kind]) for pattern, kind, why in TABLE]


# -------------------------------------------------------------------------------------------- patience


def weeks(*numbers: float) -> list[datetime]:
    return [FRIDAY + number * 7 * DAY for number in numbers]


def test_five_weekly_bounces_end_it_and_four_do_not() -> None:
    assert has_lost_patience(weeks(0, 1, 2, 3, 4))
    assert not has_lost_patience(weeks(0, 1, 2, 3))


def test_many_bounces_within_two_weeks_are_one_bad_time() -> None:
    assert not has_lost_patience([FRIDAY + n * DAY for n in range(14)])
    assert has_lost_patience([FRIDAY + n * DAY for n in range(15)])


def test_many_bounces_on_one_day_are_one() -> None:
    assert not has_lost_patience([FRIDAY + timedelta(hours=n) for n in range(12)] * 3 + weeks(3))


def test_a_monthly_newsletter_is_counted_and_a_bounce_now_and_then_is_not() -> None:
    assert has_lost_patience(weeks(0, 5, 9, 13, 18))
    assert not has_lost_patience(weeks(0, 7, 14, 21, 28, 35))


def test_a_pause_starts_the_count_anew() -> None:
    assert not has_lost_patience(weeks(0, 1, 2, 3, 10, 11, 12, 13))
    assert has_lost_patience(weeks(0, 1, 2, 3, 10, 11, 12, 13, 14))


@given(st.lists(st.datetimes(timezones=st.just(UTC)), max_size=12), st.randoms(use_true_random=False))
def test_the_order_in_which_bounces_are_read_does_not_matter(bounces: list[datetime], chance: Random) -> None:
    shuffled = list(bounces)
    chance.shuffle(shuffled)
    assert has_lost_patience(shuffled) == has_lost_patience(bounces)


@given(st.sets(st.integers(0, 200), max_size=30))
def test_who_is_given_up_bounced_on_five_days_and_for_two_weeks(days: set[int]) -> None:
    bounces = [FRIDAY + day * DAY for day in days]
    if has_lost_patience(bounces):
        assert len(days) >= ENOUGH
        assert max(bounces) - min(bounces) >= OVER
    elif len(days) >= ENOUGH and max(bounces) - min(bounces) >= OVER:
        ordered = sorted(days)
        row = [day for day in ordered if _is_in_the_latest_row(day, ordered)]
        assert len(row) < ENOUGH or (row[-1] - row[0]) * DAY < OVER


def _is_in_the_latest_row(day: int, ordered: list[int]) -> bool:
    later = [other for other in ordered if other >= day]
    return all((after - before) * DAY <= PAUSE for before, after in pairwise(later))


def test_the_manual_names_the_numbers_of_the_rule() -> None:
    manual = (ROOT / "docs/bounces.md").read_text("utf-8")
    assert (ENOUGH, OVER.days, PAUSE.days) == (5, 14, 45)
    assert "five different days" in manual
    assert "14 days" in manual
    assert "45 days" in manual


# --------------------------------------------------------------------------------------------- hostility


def nested(depth: int, inside: bytes = b"the end\n") -> bytes:
    opening = b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"
    return b"".join(opening % (n, n) for n in range(depth)) + inside


FROM_A_DAEMON = f"From: MAILER-DAEMON@mx.example.net\nTo: {RETURN_PATH}\n".encode()

HOSTILE = {
    "parts 200 deep": FROM_A_DAEMON + nested(200, b"\n" * 200_000),
    "letters 5000 deep": FROM_A_DAEMON + b"Content-Type: message/rfc822\n\n" * 5000,
    "parts deep within base64": FROM_A_DAEMON
    + b"Content-Type: multipart/report; boundary=z\n\n--z\nContent-Type: text/rfc822-headers\n"
    + b"Content-Transfer-Encoding: base64\n\n"
    + base64.encodebytes(nested(3000)),
    "comments deep": FROM_A_DAEMON.replace(b"From: ", b"From: " + b"(" * 900),
    "50 MB in one line": FROM_A_DAEMON + b"\n" + b"x" * 50_000_000,
    "50 MB of empty lines": FROM_A_DAEMON + b"\n" * 50_000_000,
    "long lines for every pattern": FROM_A_DAEMON
    + b"\nThe following addresses had\nfailed addresses follow:\nYour message to:\n"
    + (b"x" * 997 + b"\n") * 120,
    "no known charset": FROM_A_DAEMON + b"Content-Type: text/plain; charset=\0\xff\n\n550 5.1.1 gone\n",
    "charset in pieces": FROM_A_DAEMON
    + b"Content-Type: text/plain; charset*=x''%ff%00; charset*1=y\n\n5.1.1\n",
    "boundary in pieces": FROM_A_DAEMON
    + b"Content-Type: multipart/mixed; boundary*=x''a; boundary*1=y\n\n--a\n\n550 5.1.1 gone\n",
    "charset with a language": FROM_A_DAEMON + b"Content-Type: text/plain; charset*=x'y'z\n\n\xff 5.1.1 x\n",
    "a subject in no charset": FROM_A_DAEMON + b"Subject: =?iso-\xff-1?q?x?=\n\nx\n",
    "a year beyond all years": FROM_A_DAEMON + b"Date: Fri, 13 Nov 999999999999 07:00:00 +9999\n\nx\n",
    "broken base64": FROM_A_DAEMON + b"Content-Transfer-Encoding: base64\n\n550 5.1.1 =\xff===\n",
    "uuencoded rubbish": FROM_A_DAEMON + b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n\xff\xff\n",
    "no recipient": FROM_A_DAEMON + b"Content-Type: message/delivery-status\n\n\n\n",
    "status without end": FROM_A_DAEMON
    + b"Content-Type: message/delivery-status\n\nAction: failed\nStatus: "
    + b"5." * 50_000,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_mail_is_read_to_an_answer(name: str) -> None:
    returned = read(HOSTILE[name], MARKS)
    assert returned.token == TOKEN or name == "comments deep"
    assert returned.kind in (Kind.UNKNOWN, Kind.PERMANENT, Kind.TRANSIENT)


def test_a_letter_of_a_megabyte_is_the_same_message_with_either_line_end() -> None:
    large = message("postfix-user-unknown") + b"One line of very many.\n" * 50_000
    assert fingerprint(large) == fingerprint(large.replace(b"\n", b"\r\n"))
    assert fingerprint(large) != fingerprint(large.replace(b"5.1.1", b"5.1.2"))


def test_what_lies_beyond_the_limit_is_not_looked_at() -> None:
    report = message("postfix-user-unknown")
    words = b"This is the mail system at host mx.example.net.\n"
    assert read(report.replace(words, words + b"\n" * LIMIT), MARKS).kind is Kind.UNKNOWN
    assert read(report + b"x" * 10 * LIMIT, MARKS).kind is Kind.PERMANENT
    assert fingerprint(report + b"x" * LIMIT) == fingerprint(report + b"x" * 10 * LIMIT)


def test_a_report_behind_forty_parts_is_not_looked_for() -> None:
    opening = FROM_A_DAEMON + b"Content-Type: multipart/mixed; boundary=z\n\n"
    report = b"--z\nContent-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1\n\n"
    part = b"--z\nContent-Type: text/x-nothing\n\n\n"
    assert read(opening + part * 30 + report, MARKS).kind is Kind.PERMANENT
    assert read(opening + part * 50 + report, MARKS).kind is Kind.UNKNOWN


def test_a_stumble_of_the_bounce_reader_is_logged_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    comments = b"(" * 5000
    returned = read(FROM_A_DAEMON + b"X-Failed-Recipients: " + comments + b"\n\n550 5.1.1 gone\n", MARKS)
    assert (returned.kind, returned.addresses) == (Kind.PERMANENT, ())
    assert capsys.readouterr() == ("", "")
    assert not logging.getLogger("flufl.bounce").propagate


@given(st.binary(max_size=400))
def test_any_bytes_are_read(content: bytes) -> None:
    assert read(content, MARKS).kind in Kind


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A message of the corpus, cut, doubled and overwritten in places."""
    content = bytearray(message(draw(st.sampled_from(NAMES))))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(content)))
        until = min(len(content), at + draw(st.integers(0, 40)))
        new = draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"\n", b"\n\n", b"--", b"(", b"\0", b"="]))
        )
        content[at:until] = new * draw(st.integers(1, 3))
    return bytes(content)


@given(mutated())
@settings(max_examples=300)
def test_a_damaged_message_is_read_too(content: bytes) -> None:
    returned = read(content, MARKS)
    assert len(returned.diagnostic) <= 300
    assert not re.search(r"[\x00-\x1f\x7f]", f"{returned.diagnostic}{returned.subject}{returned.status}")


@given(st.text())
def test_a_cleaned_line_is_one_line_and_cleaning_it_again_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert len(clean(text).splitlines()) <= 1
    assert len(clean(text)) <= 300


def test_marks_that_turn_writing_round_are_taken_out() -> None:
    assert clean("a\u202eb\u200b\x1b[31m\r\nc\u2028d") == "ab [31m c d"


def test_nothing_is_ours_where_no_mark_is_read() -> None:
    nobody = Marks(verp=lambda _: None, leave=lambda _: None)
    for returned in _all(nobody):
        assert returned.issue is None
        assert returned.token == "" or returned.kind is Kind.LEAVE


def _all(marks: Marks) -> Iterator[Returned]:
    return (read(message(name), marks) for name in NAMES)
