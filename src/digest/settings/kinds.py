"""What a setting's value may be: durations, rates, zones, addresses, languages, hosts, secrets."""

from __future__ import annotations

import re
from email.utils import parseaddr
from ipaddress import ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, SecretStr

from digest import model
from digest.characters import uri
from digest.sections import labels_of

_DURATION = re.compile(r"(\d+)\s*(s|m|h|d|w)")
_RATE = re.compile(r"(\d+)\s*/\s*(s|m|h|d)")
_QUIET = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(value: Any) -> Any:
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        if found is None:
            raise ValueError("write a number and a unit: 30m, 12h or 2d")
        return int(found[1]) * SECONDS[found[2]]
    return value


def rate(value: Any) -> Any:
    """Messages a second."""
    if isinstance(value, str):
        found = _RATE.fullmatch(value.strip())
        if found is None or not int(found[1]):
            raise ValueError("write a number of messages and a unit: 20/s, 600/m or 5000/h")
        return int(found[1]) / SECONDS[found[2]]
    return value


def _quiet(value: str) -> str:
    if value and not _QUIET.fullmatch(value):
        raise ValueError("write two times of day: 22:00-07:00")
    if value and value[:5] == value[-5:]:
        raise ValueError("all day would be quiet; write two times of day: 22:00-07:00")
    return value


def _only_address(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z0-9._-]{1,40}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", value):
        raise ValueError("write an address alone, such as bounces@remission.example.org")
    return value


def _secret(value: SecretStr) -> SecretStr:
    if value.get_secret_value() and not value.get_secret_value().startswith(("env:", "file:")):
        raise ValueError("write env:NAME or file:PATH, and keep the secret itself out of the settings")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):
        raise ValueError("write an IANA name such as Europe/London") from None
    return value


def _address(value: str) -> str:
    cure = "write the whole address, such as https://remission.example.org"
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError(cure) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(cure)
    return uri(value.rstrip("/"))


def _hub(value: str) -> str:
    """As the hub itself writes it: a slash at its end may matter to it."""
    if value:
        _address(value.partition("?")[0])
    return value


def _mailbox(value: str) -> str:
    local, at, host = parseaddr(value)[1].rpartition("@")
    if not (local and at and host):
        raise ValueError("write it as Remission Weekly <weekly@remission.example.org>")
    return value


def mailbox_or_nothing(value: str) -> str:
    return _mailbox(value) if value else value


def known_labels(value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    try:
        return labels_of(value)
    except ValueError:
        kinds = ", ".join(kind.value for kind in model.SectionKind)
        raise ValueError(f"the kinds of section are {kinds}") from None


def _language(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", value):  # BCP 47, section 2.1
        raise ValueError("write a language tag such as en or pt-BR")
    return value


def _host(value: str) -> str:
    if value and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", value):  # RFC 4151, section 2.1
        raise ValueError("write a host name alone, such as remission.example.org")
    return value


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError('write a list, also of one: ["127.0.0.1"]')
    return value


def _network(value: Any) -> Any:
    try:
        return str(ip_network(value, strict=False))
    except ValueError:
        raise ValueError("write an IP address or network: 127.0.0.1, 10.0.0.0/8") from None


Duration = Annotated[int, BeforeValidator(seconds)]
Zone = Annotated[str, AfterValidator(_zone)]
Url = Annotated[str, AfterValidator(_address)]
Hub = Annotated[str, AfterValidator(_hub)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Language = Annotated[str, AfterValidator(_language)]
Host = Annotated[str, AfterValidator(_host)]
Rate = Annotated[float, BeforeValidator(rate)]
QuietHours = Annotated[str, AfterValidator(_quiet)]
Address = Annotated[str, AfterValidator(_only_address)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(_listed)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
