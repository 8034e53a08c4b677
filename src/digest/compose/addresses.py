"""Who may stand in To, From and the envelope, and the addresses that are made for one reader.

There is one check of an address, and it is strict: what it lets through holds no space, no separator, no
control character and no encoded word, so it can be put between angle brackets without a second thought.
`email.utils.parseaddr` is not used: it answers something for almost anything, and what it answers need not be
what another program reads. Quoted local parts (`"a b"@example.org`) and comments are refused; nobody has one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from digest.errors import SettingsError
from digest.model import Site

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""C0, DEL, C1 (with U+0085), the line separators of Unicode, and halves of characters."""

# RFC 5322, section 3.2.3 (atext) and RFC 5321, section 4.1.2 (a domain's labels); "=?" begins an encoded word
# (RFC 2047), which is made of nothing but atext.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOT_ATOM = rf"{_ATOM}(?:\.{_ATOM})*"
DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_ADDRESS = re.compile(rf"(?!.*=\?){DOT_ATOM}@{DOMAIN}")
_NOT_ATEXT = re.compile(r"[\s()<>\[\]:;@\\,\"]")
_HOST = re.compile(DOMAIN)
LOCAL_LONGEST, LONGEST = 64, 254
"""Octets: RFC 5321, section 4.5.3.1.1, and 4.5.3.1.3 without the angle brackets."""

_NAMED = re.compile(r"""(?P<name>"(?:[^"\\]|\\.)*"|[^<>"]*?) *<(?P<address>[^<>]*)>""")
_TOKEN = re.compile(r"[a-z0-9_-]+")
_RETURNED = re.compile(r"<?[^\s<>@]*\+([0-9]{1,9})\.([a-z0-9_-]+)@[^\s<>@]+>?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailbox:
    """One address and the name that is shown for it; `name` may be empty."""

    name: str
    address: str


def is_address(address: str) -> bool:
    """Whether this is an addr-spec that mail can be sent to.

    The domain is ASCII. A local part beyond ASCII (RFC 6531) may hold letters, marks and signs of any script,
    but nothing invisible.
    """
    if len(address) > LONGEST or address.find("@") > LOCAL_LONGEST:
        return False
    return _ADDRESS.fullmatch(address) is not None or _is_international(address)


def _is_international(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    return (
        not local.isascii()
        and local.isprintable()
        and "=?" not in local
        and _NOT_ATEXT.search(local) is None
        and all(local.split("."))
        and len(local.encode()) <= LOCAL_LONGEST
        and _HOST.fullmatch(domain) is not None
    )


def mailbox(text: str) -> Mailbox:
    """`Name <address>` or an address alone, as the author writes it in the settings.

    The name may be in double quotes. The address is ASCII, or only servers with SMTPUTF8 could take the mail.
    Raises SettingsError for anything that is not exactly one address.
    """
    found = _NAMED.fullmatch(text.strip(" "))
    name, address = (found["name"], found["address"]) if found else ("", text.strip(" "))
    if CONTROL.search(text) or not (address.isascii() and is_address(address)):
        raise SettingsError(
            f"{text!r} is not a name and an address",
            cure="write Name <name@example.org>, or the address alone",
        )
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return Mailbox(name=name.strip(" "), address=address)


def host_of(site: Site) -> str:
    """The host that names this publication's lists and messages. Raises SettingsError for none."""
    host = site.id_host or urlsplit(site.url).hostname or "localhost"
    if _HOST.fullmatch(host) is None:
        raise SettingsError(f"{host!r} is no host name", cure="give [site] id_host as example.org")
    return host.lower()


def message_id(issue: int, token: str, host: str) -> str:
    """The Message-ID of this issue for this reader, without angle brackets: the same on every try.

    A mailbox that gets a letter twice may know it again by it. The token itself, which may open something,
    cannot be read from it: a Message-ID is quoted in every answer.
    """
    return f"{issue}.{hashlib.sha256(f'{issue}.{token}'.encode()).hexdigest()[:24]}@{host}"


def return_path(address: str, issue: int, token: str) -> str:
    """The envelope's sender, of one reader and one issue (VERP): what comes back says whose it is.

    `bounces@example.org` becomes `bounces+7.TOKEN@example.org`. The token has lower-case letters, digits,
    `-` and `_`, because servers change the case of addresses. Raises SettingsError where that is no address,
    most of all where the local part would be longer than 64 octets.
    """
    local, _, domain = address.rpartition("@")
    made = f"{local}+{issue}.{token}@{domain}"
    if _TOKEN.fullmatch(token) is None or not is_address(address) or not is_address(made):
        raise SettingsError(
            f"{address!r} cannot be made a reader's own return path",
            cure=f"give an address whose part before the @ is shorter than {LOCAL_LONGEST - 42} letters",
        )
    return made


def read_return_path(address: str) -> tuple[int, str] | None:
    """The issue and the token that `return_path` put in, whatever became of the case; None for another."""
    found = _RETURNED.fullmatch(address.strip().lower())
    return (int(found[1]), found[2]) if found else None
