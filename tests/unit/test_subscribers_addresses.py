"""One address: what can be mailed, how it is shown, and when two ways of writing it are the same reader."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import environment

from digest.subscribers import addresses
from digest.subscribers.addresses import Address, AddressError, folded, read_address

LETTERS = st.characters(codec="utf-8", categories=("L", "N", "M"))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("reader-17@example.org", "reader-17@example.org"),
        ("Reader.17@EXAMPLE.org", "Reader.17@example.org"),
        ("  reader-17@example.org\r\n", "reader-17@example.org"),
        ("\ufeffreader-17@example.org\u200b", "reader-17@example.org"),
        ("reader+weekly@example.org", "reader+weekly@example.org"),
        ("o'reader@example.org", "o'reader@example.org"),
        ("reader@bücher.example.org", "reader@xn--bcher-kva.example.org"),
        ("reader@BÜCHER.example.org", "reader@xn--bcher-kva.example.org"),
        ("reader@xn--bcher-kva.example.org", "reader@xn--bcher-kva.example.org"),
        ("jörg@example.org", "jörg@example.org"),
        ("jo\u0308rg@example.org", "jörg@example.org"),
        ("иван@example.org", "иван@example.org"),
        ("用户@example.org", "用户@example.org"),
    ],
)
def test_an_address_is_shown_as_its_reader_writes_it(written: str, shown: str) -> None:
    assert read_address(written).shown == shown


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("reader@example.org", "READER@EXAMPLE.ORG"),
        ("reader@bücher.example.org", "reader@xn--bcher-kva.EXAMPLE.org"),
        ("jörg@example.org", "JO\u0308RG@example.org"),
        ("straße@example.org", "STRASSE@example.org"),
    ],
)
def test_one_address_is_one_reader_whatever_its_case(one: str, other: str) -> None:
    assert read_address(one).key == read_address(other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("re.ader@example.org", "reader@example.org"),
        ("reader+a@example.org", "reader@example.org"),
        ("reader@example.org", "reader@example.com"),
    ],
)
def test_dots_and_plus_signs_are_the_servers_business(one: str, other: str) -> None:
    assert read_address(one).key != read_address(other).key


def test_only_a_local_part_outside_ascii_needs_smtputf8() -> None:
    assert read_address("jörg@example.org").international
    assert not read_address("reader@bücher.example.org").international


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "there is no address"),
        ("   ", "there is no address"),
        ("reader", "@-sign"),
        ("reader@", "after the @-sign"),
        ("@example.org", "before the @-sign"),
        ("Reader <reader@example.org>", "angle brackets"),
        ("reader@example.org, other@example.org", "after the @-sign"),
        ("alice@example.org(<bob@example.org>", "@-sign"),
        ('"reader 17"@example.org', "quot"),
        ("reader(17)@example.org", "before the @-sign"),
        ("reader@[192.0.2.1]", "bracketed IP address"),
        ("re..ader@example.org", "two periods"),
        (".reader@example.org", "period"),
        ("reader@example..org", "period"),
        ("reader@localhost", "period"),
        ("reader@site.local", "special-use"),
        ("reader@example_1.org", "'_'"),
        ("reader@-example.org", "hyphen"),
        ("reader\n@example.org", "before the @-sign"),
        ("reader\0@example.org", "before the @-sign"),
        ("reader@exam\nple.org", "after the @-sign"),
        ("=?utf-8?q?a=40b?=@example.org", "encoded word"),
        ("x" * 65 + "@example.org", "longer than 64 bytes"),
        ("ж" * 33 + "@example.org", "longer than 64 bytes"),
        ("reader@" + ".".join(["x" * 60] * 5), "too long"),
        ("ｒeader@example.org", "only looks like 'r'"),
        ("reader①@example.org", "only looks like '1'"),
        ("rеader@example.org", "it mixes Cyrillic and Latin letters"),
        ("ρeader@example.org", "it mixes Greek and Latin letters"),
    ],
)
def test_what_cannot_be_mailed_is_refused_in_plain_words(written: str, why: str) -> None:
    with pytest.raises(AddressError) as refused:
        read_address(written)
    assert why in refused.value.says
    assert refused.value.says.isprintable()


@given(st.text(max_size=60) | st.from_regex(r"[^@]{1,8}@[^@]{1,8}\.org", fullmatch=True))
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    found = outcome(text)
    if isinstance(found, AddressError):
        assert found.says.isprintable()
        return
    assert found.shown.count("@") == 1
    assert found.shown.partition("@")[2].isascii()
    assert not set(found.shown) & set(' \t\r\n\0<>(),;:"')


@given(st.text("aB0.-+'=?_@ é", max_size=12).map(lambda text: f"{text}@example.org") | st.text(max_size=30))
def test_the_quick_way_and_the_thorough_one_give_the_same_answer(text: str) -> None:
    quick = addresses._plainest(text)
    if quick is not None:
        assert quick == addresses._any(text)


def outcome(text: str) -> Address | AddressError:
    try:
        return read_address(text)
    except AddressError as refused:
        return refused


@given(st.text(LETTERS, min_size=1, max_size=20))
def test_folding_again_changes_nothing(local: str) -> None:
    assert folded(folded(local)) == folded(local)
    assert folded(local.upper().lower().upper()) == folded(local.upper().lower())


@given(st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,20})?", fullmatch=True), st.data())
def test_reading_what_is_shown_gives_the_same_reader(local: str, data: st.DataObject) -> None:
    caps = "".join(data.draw(st.sampled_from([letter, letter.upper()])) for letter in local)
    found = read_address(f"{caps}@Example.ORG")
    assert read_address(found.shown) == found
    assert found.key == f"{local}@example.org"


def test_nothing_is_looked_up_and_nothing_heavy_is_loaded_before_an_address_is_read() -> None:
    script = (
        "import sys, digest.subscribers.addresses as a\n"
        "assert 'email_validator' not in sys.modules\n"
        "a.read_address('reader@example.org')\n"
        "print(*[name for name in sys.modules if name.startswith('dns')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_a_domain_that_mixes_alphabets_is_refused_and_one_alphabet_is_fine() -> None:
    with pytest.raises(AddressError, match="mixes Cyrillic and Latin letters"):
        read_address("reader-17@ex\u0430mple.org")
    assert read_address("reader-17@b\u00fccher.example.org").shown.endswith("@xn--bcher-kva.example.org")
