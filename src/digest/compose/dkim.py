"""Keys that sign letters: RSA (RFC 6376) and Ed25519 (RFC 8463), with `cryptography`.

A relay often signs by itself, and then no key is needed here. What is signed stands in `seal`. Both kinds of
signature are made of the same bytes whenever the letter is the same, so a letter that is made again, after a
crash or on another machine, is the same letter.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from digest.compose.addresses import DOMAIN
from digest.compose.headers import field
from digest.errors import SettingsError

_DOMAIN = re.compile(DOMAIN)
LEAST_BITS, GOOD_BITS = 1024, 2048
"""RFC 8301, section 3.2: verifiers refuse less than the first, signers should use the second or more."""
_MAKE_ONE = "make one with `openssl genrsa -out dkim.pem 2048`"


class Signer:
    """One key of one domain. Raises SettingsError for a key that cannot sign, never telling what is in it.

    `key` is a private key in PEM, without a passphrase. The public one stands in DNS at
    `SELECTOR._domainkey.DOMAIN`.
    """

    def __init__(self, *, domain: str, selector: str, key: str | bytes) -> None:
        for what, name in (("domain", domain), ("selector", selector)):
            if _DOMAIN.fullmatch(name) is None:
                raise SettingsError(
                    f"the DKIM {what} {name!r} is no name that DNS has", cure="write it as example.org"
                )
        self.domain = domain
        self.selector = selector
        self._key = _private(key)

    @property
    def algorithm(self) -> str:
        return "rsa-sha256" if isinstance(self._key, RSAPrivateKey) else "ed25519-sha256"

    @property
    def weakness(self) -> str:
        """A sentence for the author where the key is accepted but should be stronger, else empty."""
        if isinstance(self._key, RSAPrivateKey) and self._key.key_size < GOOD_BITS:
            return f"the DKIM key has {self._key.key_size} bits; {GOOD_BITS} are expected today"
        return ""

    def opening(self, names: Sequence[str], at: int) -> bytes:
        """The DKIM-Signature header up to the body hash, without a line end; `at` is in Unix seconds."""
        tags = (
            f"v=1; a={self.algorithm}; c=relaxed/simple; d={self.domain}; s={self.selector}; t={at};"
            f" h={': '.join(names)};"
        )
        return field("DKIM-Signature", tags).removesuffix(b"\r\n")

    def sign(self, signed: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(signed, PKCS1v15(), hashes.SHA256())
        return self._key.sign(hashlib.sha256(signed).digest())  # RFC 8463, section 3


def _private(pem: str | bytes) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem.encode() if isinstance(pem, str) else pem, password=None)
    except TypeError:
        raise SettingsError("the DKIM key has a passphrase", cure="give the key without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError("the DKIM key is no private key in PEM", cure=_MAKE_ONE) from None
    if isinstance(key, RSAPrivateKey):
        if key.key_size < LEAST_BITS:
            raise SettingsError(
                f"the DKIM key has {key.key_size} bits; mail servers refuse it", cure=_MAKE_ONE
            )
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise SettingsError("the DKIM key is neither RSA nor Ed25519", cure=_MAKE_ONE)
