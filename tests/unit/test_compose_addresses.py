"""Which addresses mail is sent to, and the addresses that are made for one reader and one issue."""

from __future__ import annotations

import re

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from digest.compose import Mailbox, host_of, mailbox, message_id, read_return_path, return_path
from digest.compose.addresses import is_address
from digest.errors import SettingsError
from digest.model import Site

TOKEN = "5eed17" * 5


@pytest.mark.parametrize(
    "address",
    [
        "reader-17@example.org",
        "Reader.17+weekly@Example.org",
        "o'hara@example.org",
        "a@b.co",
        "x@localhost",
        "x@xn--bcher-kva.example",
        "!#$%&'*+/=^_`{|}~-@example.org",
        f"{'a' * 64}@example.org",
        "zażółć@example.org",
        "用户@example.org",
    ],
)
def test_an_ordinary_address_is_one(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "@",
            "a@",
            "@example.org",
            "example.org",
            "a@b@example.org",
            "a b@example.org",
            "a@exa mple.org",
        ),
        *(".a@example.org", "a.@example.org", "a..b@example.org", "a@.example.org", "a@example..org"),
        *("a@-example.org", "a@example-.org", "a@example.org.", "a@[192.0.2.1]", "a@bücher.example"),
        *(
            '"a b"@example.org',
            "a(comment)@example.org",
            "<a@example.org>",
            "A <a@example.org>",
            "a,b@example.org",
        ),
        *(
            "a@example.org,b@example.org",
            "a@example.org b",
            "a@example.org\n",
            "\na@example.org",
            "a@example.org\r",
        ),
        *(
            "a\x00@example.org",
            "a\x7f@example.org",
            "ż\x85@example.org",
            "ż\u2028@example.org",
            "ż\u00a0@example.org",
        ),
        *(
            "ż\u200d@example.org",
            "ż\u202e@example.org",
            "ż.@example.org",
            "ż;@example.org",
            "ż\ud800@example.org",
        ),
        *("=?utf-8?q?a?=@example.org", "=?utf-8?q?ż?=@example.org"),
        *(f"{'a' * 65}@example.org", f"{'ż' * 33}@example.org", f"a@{'b' * 64}.org", f"a@{'b.' * 126}org"),
    ],
)
def test_what_another_program_could_read_as_something_else_is_no_address(address: str) -> None:
    assert not is_address(address)


@given(st.emails())
def test_an_address_that_subscribers_may_give_can_be_written_to(address: str) -> None:
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return
    assert is_address(f"{found.local_part}@{found.ascii_domain}")


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("weekly@example.org", "", "weekly@example.org"),
        ("<weekly@example.org>", "", "weekly@example.org"),
        (" Remission Weekly <weekly@example.org> ", "Remission Weekly", "weekly@example.org"),
        ('"Weekly, The" <weekly@example.org>', "Weekly, The", "weekly@example.org"),
        (r'"The \"Weekly\" \\" <weekly@example.org>', 'The "Weekly" \\', "weekly@example.org"),
        ("Zażółć, Dr. <weekly@example.org>", "Zażółć, Dr.", "weekly@example.org"),
    ],
)
def test_a_sender_is_a_name_and_an_address(text: str, name: str, address: str) -> None:
    assert mailbox(text) == Mailbox(name=name, address=address)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "Weekly",
            "Weekly <>",
            "Weekly <weekly>",
            "Weekly <a@example.org> b",
            "a@example.org, b@example.org",
        ),
        *("A <a@example.org>, B <b@example.org>", "Weekly <<a@example.org>>", 'We"ekly <a@example.org>'),
        *("Weekly\n <a@example.org>", "Weekly <a@example.org\n>", "We\u2028ekly <a@example.org>"),
        "Zażółć <zażółć@example.org>",
    ],
)
def test_a_sender_that_is_not_exactly_one_address_is_refused_with_its_cure(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        mailbox(text)
    assert "name@example.org" in caught.value.cure


def test_a_message_id_is_the_same_on_every_try_and_hides_the_token() -> None:
    made = message_id(7, TOKEN, "example.org")

    assert made == message_id(7, TOKEN, "example.org")
    assert re.fullmatch(r"7\.[0-9a-f]{24}@example\.org", made)
    assert TOKEN not in made
    others = {message_id(8, TOKEN, "example.org"), message_id(7, TOKEN[1:], "example.org")}
    assert len(others | {made}) == 3


def test_what_comes_back_says_which_issue_and_whose() -> None:
    assert return_path("bounces@example.org", 7, TOKEN) == f"bounces+7.{TOKEN}@example.org"


@given(
    st.sampled_from(["bounces@example.org", "b@example.org", "letters+bounces@Example.org", "a.b@x.example"]),
    st.integers(1, 99_999),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=16, max_size=32),
    st.sampled_from([str, str.upper, str.lower, str.title, lambda a: f"<{a}>", lambda a: f" {a}\r\n"]),
)
def test_a_return_path_is_read_back_whatever_servers_did_to_its_case(
    address: str, issue: int, token: str, changed: type[str]
) -> None:
    assert read_return_path(changed(return_path(address, issue, token))) == (issue, token)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "bounces@example.org",
            "bounces+@example.org",
            "bounces+7@example.org",
            "bounces+7.@example.org",
        ),
        *(
            "bounces+seven.abc@example.org",
            "bounces+7.a b@example.org",
            "bounces+7.abc",
            "bounces+-7.abc@example.org",
        ),
        *(
            "bounces+7.abc@x.org,bounces+8.abc@x.org",
            "bounces+٧.abc@example.org",
            f"b+{'7' * 5000}.abc@example.org",
        ),
    ],
)
def test_an_address_that_is_no_return_path_belongs_to_nobody(address: str) -> None:
    assert read_return_path(address) is None


@pytest.mark.parametrize(
    ("address", "token"),
    [
        ("bounces@example.org", "a" * 60),
        ("b" * 40 + "@example.org", TOKEN),
        ("bounces@example.org", "Upper"),
        ("bounces@example.org", "a b"),
        ("bounces@example.org", "a\n"),
        ("bounces", TOKEN),
        ("", TOKEN),
    ],
)
def test_a_return_path_that_could_not_come_back_whole_is_not_made(address: str, token: str) -> None:
    with pytest.raises(SettingsError):
        return_path(address, 7, token)


def test_the_host_of_a_list_is_the_one_that_never_changes() -> None:
    site = Site(title="L", url="https://new.example.org/blog", author="A", id_host="old.example.org")

    assert host_of(site) == "old.example.org"
    assert host_of(Site(title="L", url="https://new.example.org/blog", author="A")) == "new.example.org"
    with pytest.raises(SettingsError):
        host_of(Site(title="L", url="https://x.example.org", author="A", id_host="a> b"))
