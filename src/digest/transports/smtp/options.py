"""The settings of one relay, `[delivery.smtp]`, with what holds where a key is missing.

Nothing here is looked up or opened. The password is in no `repr`, and so in no log and no traceback.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any, TypeVar

from digest.errors import SettingsError
from digest.transports import TransportOptions

CONNECT_SECONDS = 30
"""At most this long for one TCP connection, whatever `command_timeout` allows a server that answers."""


class Security(StrEnum):
    STARTTLS = "starttls"
    """Begins in plain text and refuses to go on without TLS (RFC 3207)."""
    TLS = "tls"
    """TLS from the first byte (RFC 8314, section 3.3)."""
    NONE = "none"


class Auth(StrEnum):
    AUTO = "auto"
    """The first of PLAIN, LOGIN, XOAUTH2 that the server offers."""
    PLAIN = "plain"
    """RFC 4616."""
    LOGIN = "login"
    XOAUTH2 = "xoauth2"
    """The password is an OAuth 2 access token."""


class Ahead(IntEnum):
    """How far commands run ahead of their replies (RFC 2920); `pipelining` in the settings."""

    OFF = 0
    """One command at a time."""
    ENVELOPE = 1
    """MAIL, RCPT and DATA together; the next letter waits for the last one's answer."""
    AUTO = 2
    """And the next envelope travels behind the dot of the last letter."""


_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
_NUMBERS = {
    "port",
    "command_timeout",
    "dot_timeout",
    "letters_per_connection",
    "idle_timeout",
    "drain_seconds",
}
_HELLO = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, kw_only=True)
class SmtpOptions:
    """One relay. Times are seconds."""

    host: str
    port: int = 587
    security: Security = Security.STARTTLS
    username: str = ""
    """Empty: no login."""
    password: str = field(default="", repr=False)
    auth: Auth = Auth.AUTO
    pipelining: Ahead = Ahead.AUTO
    ca_file: Path | None = None
    """Certificates that are trusted in place of the system's."""
    insecure_login: bool = False
    hello: str = "localhost"
    command_timeout: float = 300
    """For the whole reply to one command (RFC 5321, section 4.5.3.2: five minutes)."""
    dot_timeout: float = 600
    """For body, dot and the answer to them (section 4.5.3.2.6: ten minutes, or mail is doubled)."""
    letters_per_connection: int = 1000
    idle_timeout: float = 30
    drain_seconds: float = 30
    """How long letters on the wire are waited for when the work is stopped."""

    @property
    def may_log_in(self) -> bool:
        """Whether a password may be said: over TLS, to this very machine, or because the author insists."""
        return self.security is not Security.NONE or self.insecure_login or _is_loopback(self.host)

    @property
    def connect_timeout(self) -> float:
        return min(CONNECT_SECONDS, self.command_timeout)


def read(options: TransportOptions) -> SmtpOptions:
    """The table as options. Raises SettingsError that names the key and what may stand there."""
    values = {key: value for key, value in options.values.items() if value not in (None, "")}
    _known(values)
    security = _choice(values, "security", Security.STARTTLS)
    read: dict[str, Any] = {
        "security": security,
        "auth": _choice(values, "auth", Auth.AUTO),
        "pipelining": _ahead(values),
    }
    ordinary = {"host": "localhost", "port": _PORTS[security], "hello": options.host}
    for key, value in {**ordinary, **values}.items():
        read[key] = _of_kind(key, value)
    if "ca_file" in read:
        read["ca_file"] = options.root / read["ca_file"]
    if not _HELLO.fullmatch(read["hello"]):
        raise SettingsError("[delivery.smtp] hello is no host name", cure="write one like mail.example.org")
    return SmtpOptions(**read)


def _known(values: Mapping[str, Any]) -> None:
    names = [field.name for field in fields(SmtpOptions)]
    for key in values:
        if key not in names:
            near = get_close_matches(key, names, 1)
            cure = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(names))}"
            raise SettingsError(f"[delivery.smtp] knows no key {key}", cure=cure)


def _choice(values: dict[str, Any], key: str, default: _Choice) -> _Choice:
    given = values.pop(key, default)
    try:
        return type(default)(given)
    except ValueError:
        raise _wrong(key, given, [choice.value for choice in type(default)]) from None


def _ahead(values: dict[str, Any]) -> Ahead:
    given = values.pop("pipelining", "auto")
    names = {ahead.name.lower(): ahead for ahead in Ahead}
    if given not in names:
        raise _wrong("pipelining", given, sorted(names))
    return names[given]


def _of_kind(key: str, value: Any) -> Any:
    """The value, where it is of the kind that the key takes. A secret is not shown."""
    if key in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise SettingsError(f"[delivery.smtp] {key} is no number above 0", cure="write one, like 60")
    elif key == "insecure_login":
        if not isinstance(value, bool):
            raise SettingsError(f"[delivery.smtp] {key} is neither true nor false", cure="write one of them")
    elif not isinstance(value, str):
        raise SettingsError(f"[delivery.smtp] {key} is no text", cure="put it in quotes")
    return value


def _wrong(key: str, given: object, choices: list[str]) -> SettingsError:
    return SettingsError(
        f"[delivery.smtp] {key} = {given!r} is not known", cure=f"write one of {', '.join(choices)}"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
