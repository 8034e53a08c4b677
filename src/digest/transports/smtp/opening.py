"""From a host name to a line that takes letters: connect, greeting, EHLO, TLS, login (RFC 5321, section 3.1).

It happens once a connection and may take its time, so it is written as one story with `await`. What goes
wrong is said as the outcome of a stage, never as a letter's fault.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from digest.model import Outcome, Result, Stage
from digest.transports.smtp.line import Break, Broken, Line
from digest.transports.smtp.login import chosen, log_in
from digest.transports.smtp.options import Security, SmtpOptions
from digest.transports.smtp.replies import Reply, one_line

log = logging.getLogger("digest.smtp")

_NO_TLS = {"WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "UNKNOWN_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"}
"""OpenSSL's words for plain text, or a TLS too old, where TLS was to begin."""


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What the server can do beyond RFC 821: its answer to EHLO."""

    pipelining: bool = False
    """RFC 2920."""
    starttls: bool = False
    utf8: bool = False
    """SMTPUTF8, RFC 6531."""
    states_size: bool = False
    """SIZE, RFC 1870: a letter's size may be said in MAIL."""
    size: int = 0
    """The longest letter in bytes; 0 for no limit that is known."""
    logins: frozenset[str] = field(default_factory=frozenset)


class Failed(Exception):
    """There is no connection; `outcome` says at which stage and why."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(str(outcome))


def offers_of(reply: Reply) -> Offers:
    """Reads the answer to EHLO. Its first line is a greeting, each other a keyword with parameters."""
    words = [line.decode("ascii", "replace").upper().replace("=", " ", 1).split() for line in reply.lines[1:]]
    named = {line[0]: line[1:] for line in words if line}
    logins = {login for line in words if line and line[0] == "AUTH" for login in line[1:]}
    size = (named.get("SIZE") or ["0"])[0]
    return Offers(
        pipelining="PIPELINING" in named,
        starttls="STARTTLS" in named,
        utf8="SMTPUTF8" in named,
        states_size="SIZE" in named,
        size=int(size) if size.isascii() and size.isdigit() else 0,
        logins=frozenset(logins),
    )


async def opened(options: SmtpOptions) -> tuple[Line, Offers]:
    """A line that is ready for letters. Raises Failed."""
    context = None if options.security is Security.NONE else _context(options)
    line = await _connected(options, context)
    stage = Stage.GREETING
    try:
        _expect(await line.greeting(), stage)
        stage = Stage.HELLO
        offers = await _hello(line, options)
        if options.security is Security.STARTTLS:
            stage = Stage.TLS
            assert context is not None
            await _start_tls(line, options, offers, context)
            offers = await _hello(line, options)  # what was said before is not to be trusted (RFC 3207, 4.2)
        stage = Stage.LOGIN
        await _log_in(line, options, offers)
    except Broken as broken:
        raise Failed(_outcome_of(broken.cut, stage)) from None
    except BaseException:
        line.hang_up()
        raise
    log.debug("connected: %s, %s", options.security, offers)
    return line, offers


def _context(options: SmtpOptions) -> ssl.SSLContext:
    """Certificates and host names are verified, always."""
    file = options.ca_file
    try:
        return _trusting(file, file.stat().st_mtime_ns if file else 0)
    except (OSError, ssl.SSLError) as error:
        raise _failure(Result.REFUSED, Stage.TLS, f"ca_file cannot be used: {error.strerror}") from None


@lru_cache(maxsize=4)
def _trusting(ca_file: Path | None, _: int) -> ssl.SSLContext:
    """Reading the system's certificates takes longer than a hundred letters, so it is done once."""
    return ssl.create_default_context(cafile=ca_file)


async def _connected(options: SmtpOptions, context: ssl.SSLContext | None) -> Line:
    at_once = context if options.security is Security.TLS else None
    name = options.host if at_once else None
    try:
        async with asyncio.timeout(options.connect_timeout):
            _, line = await asyncio.get_running_loop().create_connection(
                lambda: Line(options.command_timeout),
                options.host,
                options.port,
                ssl=at_once,
                server_hostname=name,
            )
    except TimeoutError:
        raise _failure(Result.TRY_LATER, Stage.CONNECT, "no connection in time") from None
    except ssl.SSLError as error:
        raise _tls_failure(error) from None
    except OSError as error:
        # Refused or unreachable is said before TLS begins; what comes after that breaks the handshake.
        in_handshake = at_once and isinstance(error, ConnectionResetError | ConnectionAbortedError)
        stage = Stage.TLS if in_handshake else Stage.CONNECT
        raise _failure(Result.TRY_LATER, stage, error.strerror or str(error)) from None
    return line


async def _hello(line: Line, options: SmtpOptions) -> Offers:
    """EHLO, or HELO where the server is that old (RFC 5321, section 3.2)."""
    reply = await line.ask(b"EHLO %b\r\n" % options.hello.encode("idna"), options.command_timeout)
    if 500 <= reply.code < 600:
        old = await line.ask(b"HELO %b\r\n" % options.hello.encode("idna"), options.command_timeout)
        _expect(old, Stage.HELLO)
        return Offers()
    _expect(reply, Stage.HELLO)
    return offers_of(reply)


async def _start_tls(line: Line, options: SmtpOptions, offers: Offers, context: ssl.SSLContext) -> None:
    if not offers.starttls:
        raise _failure(Result.REFUSED, Stage.TLS, "the server offers no STARTTLS")
    _expect(await line.ask(b"STARTTLS\r\n", options.command_timeout), Stage.TLS)
    if line.over or not line.is_silent:
        # Plain text behind the reply would be read as if TLS had protected it (CVE-2011-0411).
        raise _failure(Result.REFUSED, Stage.TLS, "plain text stood behind the answer to STARTTLS")
    try:
        await line.upgrade(context, options.host, options.connect_timeout)
    except ssl.SSLError as error:
        raise _tls_failure(error) from None
    except OSError as error:
        raise _failure(Result.TRY_LATER, Stage.TLS, error.strerror or "no TLS in time") from None


async def _log_in(line: Line, options: SmtpOptions, offers: Offers) -> None:
    if not options.username:
        return
    if not options.may_log_in:
        raise _failure(Result.REFUSED, Stage.LOGIN, "no password is said without TLS")
    mechanism = chosen(options.auth, offers.logins)
    if mechanism is None:
        raise _failure(Result.REFUSED, Stage.LOGIN, f"the server offers no login by {options.auth.value}")
    said_no = await log_in(options, mechanism, lambda said: line.ask(said, options.command_timeout))
    if said_no is not None:
        raise Failed(said_no)


def _expect(reply: Reply, stage: Stage) -> None:
    if not reply.fine:
        result = Result.REFUSED if reply.code >= 500 else Result.TRY_LATER
        raise Failed(reply.outcome(result, stage))


def _outcome_of(cut: Break, stage: Stage) -> Outcome:
    if cut.reply is not None:
        return cut.reply.outcome(Result.TRY_LATER, stage)
    return Outcome(result=Result.TRY_LATER, stage=stage, text=cut.why)


def _tls_failure(error: ssl.SSLError) -> Failed:
    """A certificate or a port that is wrong stays wrong until somebody mends it; anything else may pass."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _failure(Result.REFUSED, Stage.TLS, f"the certificate is refused: {error.verify_message}")
    if error.reason in _NO_TLS:
        return _failure(Result.REFUSED, Stage.TLS, "what the server says is no TLS that we know")
    return _failure(Result.TRY_LATER, Stage.TLS, f"no TLS: {error.reason or 'the handshake failed'}")


def _failure(result: Result, stage: Stage, text: str) -> Failed:
    return Failed(Outcome(result=result, stage=stage, text=one_line(text)))
