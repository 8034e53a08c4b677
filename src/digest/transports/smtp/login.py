"""How we prove to a relay who we are: AUTH PLAIN, LOGIN and XOAUTH2 (RFC 4954).

What is said here is secret. It goes to the server and nowhere else: not into a log, not into an exception,
and where a server repeats it in its answer, that is struck out before anyone reads the answer.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator

from digest.model import Outcome, Result, Stage
from digest.transports.smtp.options import Auth, SmtpOptions
from digest.transports.smtp.replies import Reply, one_line

Ask = Callable[[bytes], Awaitable[Reply]]

COMMAND_BYTES = 510
"""RFC 5321, section 4.5.3.1.4, less CRLF. A longer first answer waits until it is asked for (RFC 4954, 4)."""

_IN_ORDER = (Auth.PLAIN, Auth.LOGIN, Auth.XOAUTH2)
_GO_ON = 334
_RECOGNISED = 8
"""So many characters of a secret are enough to strike it out, with the rest of the word."""


def chosen(wanted: Auth, offered: Iterable[str]) -> Auth | None:
    """The mechanism to use, or None where the server has none that we may use."""
    names = {name.lower() for name in offered}
    choices = _IN_ORDER if wanted is Auth.AUTO else (wanted,)
    return next((mechanism for mechanism in choices if mechanism.value in names), None)


async def log_in(options: SmtpOptions, mechanism: Auth, ask: Ask) -> Outcome | None:
    """None when the server knows us now, else what it said: REFUSED for good, TRY_LATER for now."""
    answers = list(_answers(options, mechanism))
    reply = await _begin(mechanism, answers, ask)
    while reply.code == _GO_ON:
        # The end of XOAUTH2's error is an empty answer; anywhere else `*` gives up (RFC 4954, section 4).
        last_word = b"" if mechanism is Auth.XOAUTH2 else b"*"
        reply = await ask((answers.pop(0) if answers else last_word) + b"\r\n")
    if reply.fine:
        return None
    result = Result.TRY_LATER if 400 <= reply.code < 500 else Result.REFUSED
    text = without_secrets(reply.text, options)
    return Outcome(
        result=result, stage=Stage.LOGIN, code=reply.code, enhanced=reply.enhanced, text=one_line(text)
    )


async def _begin(mechanism: Auth, answers: list[bytes], ask: Ask) -> Reply:
    command = b"AUTH " + mechanism.value.upper().encode()
    if mechanism is Auth.LOGIN or len(command) + 1 + len(answers[0]) > COMMAND_BYTES:
        return await ask(command + b"\r\n")
    return await ask(command + b" " + answers.pop(0) + b"\r\n")


def _answers(options: SmtpOptions, mechanism: Auth) -> Iterator[bytes]:
    user, secret = options.username, options.password
    match mechanism:
        case Auth.LOGIN:
            said = [user, secret]
        case Auth.XOAUTH2:
            said = [f"user={user}\x01auth=Bearer {secret}\x01\x01"]
        case _:
            said = [f"\0{user}\0{secret}"]  # RFC 4616, section 2
    return (base64.b64encode(words.encode()) for words in said)


def without_secrets(text: str, options: SmtpOptions) -> str:
    """A server's text without anything that it was told at the login, whole or cut short."""
    said = [options.password]
    for mechanism in _IN_ORDER:
        said += [answer.decode() for answer in _answers(options, mechanism)]
    for secret in filter(None, said):
        text = re.sub(re.escape(secret[:_RECOGNISED]) + r"\S*", "***", text)
    return text
