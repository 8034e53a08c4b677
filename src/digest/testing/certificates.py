"""Certificates for a mail server on this machine, good and bad. Needs `trustme`, which only tests have."""

from __future__ import annotations

import atexit
import shutil
import ssl
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme


class Certificate(StrEnum):
    """What the server shows a client."""

    GOOD = "good"
    """For localhost and 127.0.0.1, by the authority in `authority_file`."""
    EXPIRED = "expired"
    OTHER_HOST = "other host"
    SELF_SIGNED = "self-signed"
    UNKNOWN_AUTHORITY = "unknown authority"


@cache
def authority_file() -> Path:
    """What a client has to trust: `ca_file`. One authority a process, because keys take time."""
    file = _folder() / "authority.pem"
    _authority().cert_pem.write_to_path(str(file))
    return file


@cache
def server_context(certificate: Certificate) -> ssl.SSLContext:
    """A server's side of TLS with this certificate."""
    import trustme

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate is Certificate.SELF_SIGNED:
        _show_self(context, trustme.CA())
        return context
    host = "elsewhere.example.org" if certificate is Certificate.OTHER_HOST else "localhost"
    issuer = trustme.CA() if certificate is Certificate.UNKNOWN_AUTHORITY else _authority()
    old = certificate is Certificate.EXPIRED
    start, end = datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    issuer.issue_cert(host, not_before=start if old else None, not_after=end if old else None).configure_cert(
        context
    )
    return context


def _show_self(context: ssl.SSLContext, authority: trustme.CA) -> None:
    file = _folder() / "self-signed.pem"
    file.write_bytes(authority.private_key_pem.bytes() + authority.cert_pem.bytes())
    context.load_cert_chain(file)


@cache
def _authority() -> trustme.CA:
    import trustme

    return trustme.CA()


@cache
def _folder() -> Path:
    folder = Path(mkdtemp(prefix="digest-testing-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
