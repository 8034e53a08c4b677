"""How a relay is told who we are, byte for byte, and that nobody else is told."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

import pytest

from digest.model import Outcome, Result
from digest.transports.smtp import Auth, SmtpOptions
from digest.transports.smtp.login import chosen, log_in, without_secrets
from digest.transports.smtp.replies import Reply

WELCOME, ASKED = Reply(235, (b"2.7.0 Welcome",)), Reply(334, (b"",))
REFUSED = Reply(535, (b"5.7.8 No",))


def options(password: str = "tanstaaf") -> SmtpOptions:
    return SmtpOptions(host="relay.example.org", username="tim", password=password)


def logged_in(
    mechanism: Auth, answers: Sequence[Reply], password: str = "tanstaaf"
) -> tuple[list[bytes], Outcome | None]:
    """What was said to a server that answers so, and what came of it."""
    said, left = [], list(answers)

    async def ask(command: bytes) -> Reply:
        said.append(command)
        return left.pop(0)

    return said, asyncio.run(log_in(options(password), mechanism, ask))


def test_plain_is_said_as_in_the_standard() -> None:
    """RFC 4954, section 4.1 has `tim` and `tanstaaftanstaaf` in this form."""
    said, outcome = logged_in(Auth.PLAIN, [WELCOME], "tanstaaftanstaaf")
    assert said == [b"AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"]
    assert outcome is None


def test_login_answers_two_questions() -> None:
    said, outcome = logged_in(Auth.LOGIN, [ASKED, ASKED, WELCOME])
    assert said == [b"AUTH LOGIN\r\n", b"dGlt\r\n", b"dGFuc3RhYWY=\r\n"]
    assert outcome is None


def test_a_token_is_borne() -> None:
    said, outcome = logged_in(Auth.XOAUTH2, [WELCOME], "ya29.token")
    (command,) = said
    assert base64.b64decode(command.split()[2]) == b"user=tim\x01auth=Bearer ya29.token\x01\x01"
    assert outcome is None


def test_the_error_of_a_refused_token_is_answered_with_nothing() -> None:
    said, outcome = logged_in(Auth.XOAUTH2, [ASKED, REFUSED])
    assert said[1:] == [b"\r\n"]
    assert outcome is not None
    assert (outcome.result, outcome.code, outcome.enhanced) == (Result.REFUSED, 535, "5.7.8")


def test_a_question_too_many_is_answered_with_a_star() -> None:
    said, outcome = logged_in(Auth.PLAIN, [ASKED, Reply(501, (b"5.7.0 Cancelled",))])
    assert said[1:] == [b"*\r\n"]
    assert outcome is not None


@pytest.mark.parametrize("mechanism", [Auth.PLAIN, Auth.XOAUTH2])
def test_a_token_longer_than_a_command_waits_to_be_asked_for(mechanism: Auth) -> None:
    said, outcome = logged_in(mechanism, [ASKED, WELCOME], "t" * 600)
    assert said[0] == b"AUTH " + mechanism.value.upper().encode() + b"\r\n"
    assert b"t" * 600 in base64.b64decode(said[1])
    assert outcome is None


@pytest.mark.parametrize(
    ("code", "result"), [(454, Result.TRY_LATER), (535, Result.REFUSED), (504, Result.REFUSED)]
)
def test_a_server_that_cannot_say_now_is_asked_again_later(code: int, result: Result) -> None:
    _, outcome = logged_in(Auth.PLAIN, [Reply(code, (b"No",))])
    assert outcome is not None
    assert outcome.result is result


@pytest.mark.parametrize(
    ("wanted", "offered", "mechanism"),
    [
        (Auth.AUTO, ["LOGIN", "PLAIN", "XOAUTH2"], Auth.PLAIN),
        (Auth.AUTO, ["XOAUTH2", "LOGIN"], Auth.LOGIN),
        (Auth.AUTO, ["CRAM-MD5"], None),
        (Auth.LOGIN, ["PLAIN", "LOGIN"], Auth.LOGIN),
        (Auth.XOAUTH2, ["PLAIN"], None),
    ],
)
def test_the_mechanism_is_one_that_both_know(
    wanted: Auth, offered: list[str], mechanism: Auth | None
) -> None:
    assert chosen(wanted, offered) is mechanism


@pytest.mark.parametrize("secret", ["pw", "tanstaaf", "a.b*c(d[e", "ü" * 20])
def test_what_a_server_repeats_of_a_login_is_struck_out(secret: str) -> None:
    plain = base64.b64encode(f"\0tim\0{secret}".encode()).decode()
    told = without_secrets(f"wrong: {secret} or {plain} or {plain[:10]} it is", options(secret))
    assert told == "wrong: *** or *** or *** it is"


def test_ordinary_words_stay_as_they_are() -> None:
    text = "5.7.8 https://support.example.org/mail?p=BadCredentials"
    assert without_secrets(text, options()) == text
