"""Signatures on letters, as somebody else's verifier sees them: dkimpy, for both algorithms.

Some two thousand letters are verified, each with a byte changed; it takes some seconds.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import dkim
import pytest
from builders import addressee, newsletter
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from digest.compose import Mould, answer
from digest.compose.dkim import Signer
from digest.errors import SettingsError
from digest.model import PREFERENCES_URL, UNSUBSCRIBE_URL, Email, Site

DATE = datetime(2024, 11, 22, 7, 0, tzinfo=UTC)
DOMAIN = "letters.example.org"
SITE = Site(title="Letters", url=f"https://{DOMAIN}", author="The editors", id_host=DOMAIN)
MAIL = Email(
    subject="Five were treated,  and   all slept",
    text=f".\nFive  slept. \n\nFrom here on\n<{UNSUBSCRIBE_URL}> \n",
    html=f'<p>.Zażółć  <a href="{UNSUBSCRIBE_URL}">leave</a> <a href="{PREFERENCES_URL}">change</a>\n\n\n',
    summary="",
)
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Private, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def signers(*kinds: str) -> list[Signer]:
    keys = {"rsa": pem(rsa_key()), "ed25519": pem(ED25519)}
    return [Signer(domain=DOMAIN, selector=kind, key=keys[kind]) for kind in kinds]


def dns(name: bytes, timeout: int = 5) -> bytes:
    """The two records that an author publishes; see docs/email.md."""
    if name.startswith(b"rsa._domainkey.letters.example.org"):
        public = rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    if name.startswith(b"ed25519._domainkey.letters.example.org"):
        return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(ED25519.public_key().public_bytes_raw())
    return b""


def letter(*kinds: str, reply_to: str = "", **changes: str) -> bytes:
    mould = Mould(MAIL, SITE, newsletter(), number=7, date=DATE, reply_to=reply_to, signers=signers(*kinds))
    return mould.letter(addressee(**changes))


def verified(raw: bytes, signature: int = 0) -> bool:
    try:
        return bool(dkim.DKIM(raw).verify(idx=signature, dnsfunc=dns))
    except dkim.DKIMException:
        return False


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
@pytest.mark.parametrize("name", ["Reader Seventeen", "Zażółć Gęślą", "", "a  b", '"', "long " * 30 + "name"])
def test_a_verifier_accepts_the_letter_of_each_reader(kind: str, name: str) -> None:
    for token in ("5eed17", "a7" * 60, "." * 200):
        leave = f"https://{DOMAIN}/leave?i=7&t={token}"
        assert verified(letter(kind, name=name, leave_url=leave, reply_to="answers@letters.example.org"))


def test_a_mail_that_answers_a_reader_is_signed_as_well() -> None:
    mail = Email(subject="Please confirm", text="Is it you?\n", html="<p>Is it you?</p>\n", summary="")
    to = addressee(name="", leave_url="", preferences_url="", leave_mailto="")
    both = signers("rsa", "ed25519")
    raw = answer(mail, SITE, newsletter(), to, date=DATE, language="en", signers=both)
    assert verified(raw, 0)
    assert verified(raw, 1)
    assert not verified(raw.replace(b"Is it you", b"It is you"))


def test_with_two_keys_both_signatures_hold() -> None:
    raw = letter("rsa", "ed25519")

    assert raw.count(b"DKIM-Signature: v=1;") == 2
    assert verified(raw, 0)
    assert verified(raw, 1)


def test_a_letter_that_is_made_again_is_the_same_letter() -> None:
    assert letter("rsa", "ed25519") == letter("rsa", "ed25519")


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_one_letter_changed_anywhere_in_the_body_is_noticed(kind: str) -> None:
    raw = letter(kind)
    begins = raw.index(b"\r\n\r\n") + 4

    for place in range(begins, len(raw)):
        assert not verified(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]), raw[
            place - 9 : place + 9
        ]
    assert not verified(raw + b"x\r\n")
    assert not verified(raw[:-4] + b"\r\n")


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_one_letter_changed_anywhere_in_a_header_is_noticed(kind: str) -> None:
    raw = letter(kind, name="Zażółć", reply_to="answers@letters.example.org")
    head = raw[: raw.index(b"\r\n\r\n")]
    signature = range(head.index(b"\r\n b="), head.index(b"\r\nFrom:"))
    signs = [found.start() for found in re.finditer(rb"[A-Za-z0-9<>@=.:,-]", head)]
    places = [place for place in signs if place not in signature]
    assert len(places) > 1000

    kept = [place for place in places if verified(changed(raw, place))]

    assert kept == [], [head[place - 20 : place + 9] for place in kept]


def changed(raw: bytes, place: int) -> bytes:
    """With another sign in that place, and not only another case, which is the same for names and hosts."""
    return raw[:place] + (b"7" if raw[place : place + 1] != b"7" else b"8") + raw[place + 1 :]


@pytest.mark.parametrize("name", ["From", "To", "Subject", "Date", "Message-ID", "Reply-To", "Content-Type"])
@pytest.mark.parametrize("place", ["above", "below"])
def test_a_header_that_is_added_is_noticed(name: str, place: str) -> None:
    raw = letter("rsa")
    more = f"{name}: reader-18@example.org\r\n".encode()
    head, _, body = raw.partition(b"\r\n\r\n")

    assert not verified(more + raw if place == "above" else head + b"\r\n" + more + b"\r\n" + body)


def test_servers_may_fold_and_trim_headers_and_add_their_own() -> None:
    raw = letter("rsa")
    folded = raw.replace(b"Subject: Five were", b"subject:  Five\r\n\twere ")

    assert folded != raw
    assert verified(b"Received: from mx.example.org by mail.example.org\r\n" + folded)


def test_the_ways_to_leave_are_signed() -> None:
    signature = re.sub(rb"\s", b"", letter("rsa").split(b"\r\nFrom:")[0]).decode()

    signed = re.findall(r";h=([^;]*);", signature)[0].split(":")
    assert {"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID"} <= set(signed)
    assert [signed.count(name) for name in ("From", "To", "Subject", "Date", "Reply-To")] == [2, 2, 2, 2, 1]
    assert f"t={int(DATE.timestamp())};" in signature


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (lambda: b"", "no private key"),
        (lambda: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
        (lambda: "ключ", "no private key"),
        (
            lambda: rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "no private key",
        ),
        (lambda: pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor Ed25519"),
        (
            lambda: rsa_key().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
            ),
            "passphrase",
        ),
    ],
)
def test_a_key_that_cannot_sign_is_said_with_its_cure(key: Callable[[], bytes | str], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        Signer(domain=DOMAIN, selector="s", key=key())
    assert caught.value.cure


@pytest.mark.parametrize(
    ("domain", "selector"), [("", "s"), ("a b", "s"), ("x.org; l=0", "s"), (DOMAIN, "s\n")]
)
def test_a_domain_or_selector_that_dns_cannot_have_is_refused(domain: str, selector: str) -> None:
    with pytest.raises(SettingsError):
        Signer(domain=domain, selector=selector, key=pem(ED25519))


def test_a_key_of_1024_bits_signs_and_says_that_it_is_weak() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)

    assert "1024 bits" in Signer(domain=DOMAIN, selector="s", key=pem(weak)).weakness
    assert [signer.weakness for signer in signers("rsa", "ed25519")] == ["", ""]


def test_a_key_that_mail_servers_refuse_is_refused_here() -> None:
    p, q, e = 2**384 - 317, 2**384 - 2**128 - 2**96 + 2**32 - 1, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    short = rsa.RSAPrivateNumbers(
        *(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p)), rsa.RSAPublicNumbers(e, p * q)
    ).private_key()

    with pytest.raises(SettingsError, match="768 bits"):
        Signer(domain=DOMAIN, selector="s", key=pem(short))


def test_a_key_in_openssls_older_form_is_read_too() -> None:
    old = pem(rsa_key(), PrivateFormat.TraditionalOpenSSL)

    assert b"BEGIN RSA PRIVATE KEY" in old
    assert Signer(domain=DOMAIN, selector="rsa", key=old.decode()).algorithm == "rsa-sha256"
