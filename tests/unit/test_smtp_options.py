"""`[delivery.smtp]` becomes options, and what cannot be one is said with its cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from digest.errors import SettingsError
from digest.transports import TransportOptions, make
from digest.transports.smtp import Ahead, Auth, Relay, Security, SmtpOptions
from digest.transports.smtp.options import read

ROOT = Path("letter")


def options(**values: Any) -> SmtpOptions:
    return read(TransportOptions(root=ROOT, connections=10, host="news.example.org", values=values))


def test_without_a_table_there_is_starttls_on_this_machine() -> None:
    assert options() == SmtpOptions(host="localhost", hello="news.example.org")
    assert options().port == 587


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_each_security_has_its_port(security: str, port: int) -> None:
    assert options(security=security).port == port
    assert options(security=security, port=2525).port == 2525


def test_every_key_arrives() -> None:
    values = {
        "host": "relay.example.org",
        "port": 2525,
        "security": "tls",
        "username": "weekly",
        "password": "secret",
        "auth": "xoauth2",
        "pipelining": "envelope",
        "ca_file": "ca.pem",
        "insecure_login": True,
        "hello": "mail.example.org",
        "command_timeout": 60,
        "dot_timeout": 120,
        "letters_per_connection": 50,
        "idle_timeout": 5,
        "drain_seconds": 3,
    }
    assert options(**values) == SmtpOptions(
        host="relay.example.org",
        port=2525,
        security=Security.TLS,
        username="weekly",
        password="secret",
        auth=Auth.XOAUTH2,
        pipelining=Ahead.ENVELOPE,
        ca_file=ROOT / "ca.pem",
        insecure_login=True,
        hello="mail.example.org",
        command_timeout=60,
        dot_timeout=120,
        letters_per_connection=50,
        idle_timeout=5,
        drain_seconds=3,
    )


def test_what_is_left_empty_has_its_default() -> None:
    assert options(username="", password="", ca_file=None, hello="") == options()


@pytest.mark.parametrize(
    ("values", "says", "cure"),
    [
        ({"hots": "relay"}, "no key hots", "did you mean host"),
        ({"zzz": 1}, "no key zzz", "there are auth"),
        ({"security": "ssl"}, "security = 'ssl'", "starttls, tls, none"),
        ({"auth": "cram-md5"}, "auth = 'cram-md5'", "auto, plain, login, xoauth2"),
        ({"pipelining": "yes"}, "pipelining = 'yes'", "auto, envelope, off"),
        ({"port": "587"}, "port is no number", "write one"),
        ({"port": True}, "port is no number", "write one"),
        ({"dot_timeout": 0}, "dot_timeout is no number above 0", "write one"),
        ({"insecure_login": "no"}, "insecure_login is neither", "write one of them"),
        ({"username": 7}, "username is no text", "quotes"),
        ({"hello": "mail example\r\nQUIT"}, "hello is no host name", "mail.example.org"),
    ],
)
def test_what_cannot_be_is_said_with_its_cure(values: dict[str, Any], says: str, cure: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        options(**values)
    assert says in wrong.value.says
    assert cure in wrong.value.cure


def test_a_password_of_the_wrong_kind_is_not_shown() -> None:
    with pytest.raises(SettingsError) as wrong:
        options(password=["canary-7f3a9c"])
    assert "canary" not in str(wrong.value)


def test_a_password_is_in_no_repr() -> None:
    assert "canary" not in repr(options(password="canary-7f3a9c"))


def test_a_connection_is_not_waited_for_as_long_as_a_reply() -> None:
    assert options().connect_timeout == 30
    assert options(command_timeout=5).connect_timeout == 5


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "127.8.9.1"])
def test_this_machine_may_be_told_a_password_in_plain_text(host: str) -> None:
    assert options(host=host, security="none").may_log_in
    assert not options(host=f"{host}.example.org", security="none").may_log_in


def test_smtp_is_found_by_its_name() -> None:
    assert isinstance(make("smtp", TransportOptions(root=ROOT, connections=2)), Relay)
