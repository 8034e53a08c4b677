"""What a letter or a reply amounts to, without a connection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Result, Stage
from digest.transports.smtp.opening import Offers, offers_of
from digest.transports.smtp.replies import Reply
from digest.transports.smtp.verdicts import is_about_size, is_out_of_step, on_the_wire, outcome_of

LINES = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20), max_size=12)


def as_received(wire: bytes) -> bytes:
    """What a server makes of a body, line by line (RFC 5321, section 4.5.2)."""
    lines = wire.split(b"\r\n")
    return b"\r\n".join(line.removeprefix(b".") if line.startswith(b".") else line for line in lines)


@given(LINES.map(lambda lines: [*lines, *("." + line for line in lines)]))
def test_every_body_arrives_as_it_was_and_ends_where_it_ends(lines: list[str]) -> None:
    content = "".join(line + "\r\n" for line in lines).encode() or b"\r\n"
    wire = on_the_wire(content)
    assert as_received(wire) == content
    assert b"\r\n.\r\n" not in b"\r\n" + wire


@given(st.text("a.\r\n", max_size=12).map(str.encode))
def test_a_body_leaves_with_whole_line_ends_or_not_at_all(content: bytes) -> None:
    whole = content.endswith(b"\r\n") and not {b"\r", b"\n"} & {
        content.replace(b"\r\n", b"")[i : i + 1] for i in range(len(content))
    }
    if whole:
        assert as_received(on_the_wire(content)) == content
    else:
        with pytest.raises(ValueError, match="not CRLF"):
            on_the_wire(content)


def test_the_answer_to_ehlo_is_read_whatever_its_case_and_order() -> None:
    lines = (
        b"mail",
        b"size 1000",
        b"Auth plain LOGIN",
        b"AUTH=PLAIN XOAUTH2",
        b"SMTPUTF8",
        b"",
        b"pipelining",
    )
    assert offers_of(Reply(250, lines)) == Offers(
        pipelining=True,
        utf8=True,
        states_size=True,
        size=1000,
        logins=frozenset({"PLAIN", "LOGIN", "XOAUTH2"}),
    )


@pytest.mark.parametrize("line", [b"SIZE", b"SIZE 0", b"SIZE lots", b"SIZE \xb2"])
def test_a_limit_that_cannot_be_read_is_none(line: bytes) -> None:
    offers = offers_of(Reply(250, (b"mail", line)))
    assert (offers.states_size, offers.size) == (True, 0)


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (250, Result.ACCEPTED),
        (252, Result.ACCEPTED),
        (354, Result.UNCERTAIN),
        (451, Result.TRY_LATER),
        (554, Result.REFUSED),
    ],
)
def test_the_first_digit_says_what_becomes_of_a_letter(code: int, result: Result) -> None:
    assert outcome_of(Reply(code, (b"",)), Stage.CONTENT).result is result


def test_503_and_exims_words_mean_that_we_are_out_of_step() -> None:
    assert is_out_of_step(Reply(503, (b"5.5.1 Bad sequence",)))
    assert is_out_of_step(Reply(554, (b"SMTP synchronization error",)))
    assert not is_out_of_step(Reply(554, (b"5.7.1 No",)))
    assert not is_out_of_step(Reply(250, (b"synchronised",)))


def test_what_is_about_size_is_about_the_letter() -> None:
    assert is_about_size(Reply(552, (b"Too large",)))
    assert is_about_size(Reply(554, (b"5.3.4 Too large",)))
    assert not is_about_size(Reply(550, (b"5.7.1 No",)))
