"""Everything a mail server can do to us, as a table: a fault, and what becomes of three letters.

The letters go over one connection, with commands as far ahead as the server allows. Each case names what is
not ordinary: letters that were not accepted, which went back, what trouble the bag heard of, how many
connections it took. `EVERYWHERE` holds in plain text, behind STARTTLS and in TLS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from digest.model import Letter
from digest.testing.bag import letter, letters
from digest.testing.certificates import Certificate
from digest.testing.server import Fault, Then
from digest.transports.smtp import Ahead, Auth, Security

SHORT = 0.5
"""Seconds a server that says nothing is given here."""
HASTY = {"command_timeout": SHORT, "dot_timeout": SHORT}


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    faults: Sequence[Fault] = ()
    outcomes: dict[int, str] = field(default_factory=dict)
    """How letters ended that were not simply accepted."""
    back: tuple[int, ...] = ()
    """Which went back, in this order."""
    troubles: tuple[str, ...] = ()
    connections: int = 1
    server: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    bag: dict[str, Any] = field(default_factory=dict)
    letters: Sequence[Letter] = field(default_factory=lambda: letters(3))
    lost: tuple[int, ...] = ()
    """Whose letters the server does not have, although they may have left."""


# -------------------------------------------------------------------- what holds in all three modes


def at(point: str, say: bytes | None = None, then: Then = Then.GO_ON, **more: Any) -> tuple[Fault]:
    return (Fault(at=point, say=say, then=then, **more),)


def later(point: str, code: str = "") -> tuple[str]:
    return (" ".join(filter(None, ("try later", code, "at", point))),)


EVERYWHERE = [
    # ----- no conversation comes about: no letter is touched
    Case(name="hung up instead of a greeting", faults=at("greeting", b"", Then.CLOSE),
         back=(0,), troubles=later("greeting"), connections=2),
    Case(name="reset instead of a greeting", faults=at("greeting", b"", Then.RESET, wait=0.05),
         back=(0,), troubles=later("greeting"), connections=2),
    Case(name="greeted with 421", faults=at("greeting", b"421 4.3.2 Closing\r\n", Then.CLOSE),
         back=(0,), troubles=("try later 421 4.3.2 at greeting",), connections=2),
    Case(name="greeted with 554", faults=at("greeting", b"554 5.7.1 Blocked\r\n"),
         back=(0,), troubles=("refused 554 5.7.1 at greeting",), connections=2),
    Case(name="greeted with nothing", faults=at("greeting", b"", Then.SILENCE), options=HASTY,
         back=(0,), troubles=later("greeting"), connections=2),
    Case(name="greeted in another protocol", faults=at("greeting", b"HTTP/1.1 400 Bad Request\r\n"),
         back=(0,), troubles=later("greeting"), connections=2),
    Case(name="greeted one byte at a time",
         faults=at("greeting", b"220 mail.example.org ESMTP\r\n", drip=0.05),
         options=HASTY, back=(0,), troubles=later("greeting"), connections=2),
    Case(name="greeted without end", faults=at("greeting", b"220-Welcome\r\n", Then.FLOOD),
         back=(0,), troubles=later("greeting"), connections=2),
    Case(name="EHLO answered with 421", faults=at("ehlo", b"421 4.3.2 Closing\r\n", Then.CLOSE),
         back=(0,), troubles=("try later 421 4.3.2 at hello",), connections=2),
    Case(name="EHLO answered with 451", faults=at("ehlo", b"451 4.3.0 Later\r\n"),
         back=(0,), troubles=("try later 451 4.3.0 at hello",), connections=2),
    Case(name="EHLO and HELO refused",
         faults=(Fault(at="ehlo", say=b"550 No\r\n"), Fault(at="helo", say=b"550 5.7.0 No\r\n")),
         back=(0,), troubles=("refused 550 5.7.0 at hello",), connections=2),
    Case(name="hung up at EHLO", faults=at("ehlo", b"", Then.CLOSE),
         back=(0,), troubles=later("hello"), connections=2),
    Case(name="EHLO not answered", faults=at("ehlo", b"", Then.SILENCE), options=HASTY,
         back=(0,), troubles=later("hello"), connections=2),
    Case(name="EHLO answered with a line without end", faults=at("ehlo", b"250-" + b"x" * 1000, Then.FLOOD),
         back=(0,), troubles=later("hello"), connections=2),
    Case(name="EHLO answered with lines without end", faults=at("ehlo", b"250-X-LINE\r\n", Then.FLOOD),
         back=(0,), troubles=later("hello"), connections=2),
    # ----- login
    Case(name="password refused", server={"logins": {"weekly": "right"}},
         options={"username": "weekly", "password": "wrong"}, bag={"stops_at_trouble": True},
         outcomes={0: "", 1: "", 2: ""}, back=(0,), troubles=("refused 535 5.7.8 at login",)),
    Case(name="login put off", server={"logins": {"weekly": "right"}},
         faults=at("auth", b"454 4.7.0 Temporary failure\r\n"),
         options={"username": "weekly", "password": "right"},
         back=(0,), troubles=("try later 454 4.7.0 at login",), connections=2),
    Case(name="hung up at login", server={"logins": {"weekly": "right"}}, faults=at("auth", b"", Then.CLOSE),
         options={"username": "weekly", "password": "right"},
         back=(0,), troubles=later("login"), connections=2),
    Case(name="no login offered", options={"username": "weekly", "password": "right"},
         bag={"stops_at_trouble": True},
         outcomes={0: "", 1: "", 2: ""}, back=(0,), troubles=("refused at login",)),
    Case(name="no login offered that was asked for",
         server={"logins": {"weekly": "right"}, "mechanisms": ("CRAM-MD5", "PLAIN")},
         options={"username": "weekly", "password": "right", "auth": Auth.XOAUTH2},
         bag={"stops_at_trouble": True},
         outcomes={0: "", 1: "", 2: ""}, back=(0,), troubles=("refused at login",)),
    Case(name="token refused", server={"logins": {"weekly": "right"}},
         options={"username": "weekly", "password": "old", "auth": Auth.XOAUTH2},
         bag={"stops_at_trouble": True},
         outcomes={0: "", 1: "", 2: ""}, back=(0,), troubles=("refused 535 5.7.8 at login",)),
    Case(name="login by questions without end", server={"logins": {"weekly": "right"}},
         faults=at("auth", b"334 VXNlcm5hbWU6\r\n"), options={"username": "weekly", "password": "right"},
         back=(0,), troubles=("refused 500 5.5.2 at login",), connections=2),
    # ----- MAIL: our sender, not a reader
    Case(name="MAIL put off", faults=at("mail", b"451 4.3.2 Not now\r\n"),
         back=(0,), troubles=("try later 451 4.3.2 at sender",), connections=2),
    Case(name="MAIL refused", faults=at("mail", b"550 5.7.1 Sender refused\r\n"),
         back=(0,), troubles=("refused 550 5.7.1 at sender",), connections=2),
    Case(name="MAIL of the second letter refused behind the first one's dot",
         faults=at("mail", b"550 5.7.1 Sender refused\r\n", after=1),
         back=(1,), troubles=("refused 550 5.7.1 at sender",), connections=2),
    Case(name="MAIL answered with 421", faults=at("mail", b"421 4.7.0 Too many\r\n", Then.CLOSE),
         back=(0,), troubles=("try later 421 4.7.0 at sender",), connections=2),
    Case(name="MAIL says the letter is too large", faults=at("mail", b"552 5.3.4 Too large\r\n"),
         outcomes={0: "refused 552 5.3.4 at sender"}),
    Case(name="MAIL out of order", faults=at("mail", b"503 5.5.1 Bad sequence\r\n"),
         back=(0,), connections=2),
    Case(name="hung up at MAIL", faults=at("mail", b"", Then.CLOSE),
         back=(0,), troubles=later("sender"), connections=2),
    Case(name="MAIL not answered", faults=at("mail", b"", Then.SILENCE), options=HASTY,
         back=(0,), troubles=later("sender"), connections=2),
    # ----- RCPT: one reader
    Case(name="greylisted", faults=at("rcpt", b"450 4.2.0 Greylisted, come again\r\n"),
         outcomes={0: "try later 450 4.2.0 at recipient"}),
    Case(name="no such reader", faults=at("rcpt", b"550 5.1.1 No such user\r\n", after=1),
         outcomes={1: "refused 550 5.1.1 at recipient"}),
    Case(name="no reader at all", faults=at("rcpt", b"550 5.1.1 No such user\r\n", times=0),
         outcomes=dict.fromkeys(range(3), "refused 550 5.1.1 at recipient")),
    Case(name="a reader who is forwarded", faults=at("rcpt", b"251 2.1.5 Will forward\r\n")),
    Case(name="354 although the reader was refused",
         faults=(Fault(at="rcpt", say=b"550 5.1.1 No\r\n"), Fault(at="data", say=b"354 Go on\r\n")),
         outcomes={0: "refused 550 5.1.1 at recipient"}),
    Case(name="354 although the reader was refused, and the empty letter taken",
         faults=(Fault(at="rcpt", say=b"550 5.1.1 No\r\n"), Fault(at="data", say=b"354 Go on\r\n"),
                 Fault(at="nobody", say=b"250 2.0.0 Ok\r\n")),
         outcomes={0: "refused 550 5.1.1 at recipient"}, connections=2),
    Case(name="354 although the sender was refused",
         faults=(Fault(at="mail", say=b"550 5.7.1 No\r\n"), Fault(at="data", say=b"354 Go on\r\n")),
         back=(0,), troubles=("refused 550 5.7.1 at sender",), connections=2),
    Case(name="RCPT answered with 421", faults=at("rcpt", b"421 4.7.0 Too many\r\n", Then.CLOSE),
         back=(0,), troubles=("try later 421 4.7.0 at recipient",), connections=2),
    Case(name="RCPT out of order", faults=at("rcpt", b"503 5.5.1 Bad sequence\r\n"),
         back=(0,), connections=2),
    Case(name="RCPT answered with garbage", faults=at("rcpt", b"what?\r\n"),
         back=(0,), troubles=later("recipient"), connections=2),
    Case(name="hung up at RCPT of the second letter", faults=at("rcpt", b"", Then.RESET, after=1),
         back=(1,), troubles=later("recipient"), connections=2),
    Case(name="RSET refused", faults=(*at("rcpt", b"550 5.1.1 No\r\n"), *at("rset", b"500 5.5.2 What?\r\n")),
         outcomes={0: "refused 550 5.1.1 at recipient"},
         back=(1,), troubles=("try later 500 5.5.2 at sender",), connections=2),
    # ----- DATA
    Case(name="DATA put off", faults=at("data", b"451 4.3.0 Not now\r\n"),
         outcomes={0: "try later 451 4.3.0 at data"}),
    Case(name="DATA refused", faults=at("data", b"554 5.7.1 No\r\n"),
         outcomes={0: "refused 554 5.7.1 at data"}),
    Case(name="DATA answered with 421", faults=at("data", b"421 4.3.2 Closing\r\n", Then.CLOSE),
         back=(0,), troubles=("try later 421 4.3.2 at data",), connections=2),
    Case(name="250 in place of 354", faults=at("data", b"250 2.0.0 Ok\r\n"),
         back=(0,), troubles=("try later 250 2.0.0 at data",), connections=2),
    Case(name="DATA out of order", faults=at("data", b"503 5.5.1 RCPT first\r\n"), back=(0,), connections=2),
    Case(name="a server that cannot keep step",
         faults=at("data", b"554 SMTP synchronization error\r\n", times=2), back=(0, 1), connections=3),
    Case(name="hung up before the body", faults=at("data", b"", Then.CLOSE),
         back=(0,), troubles=later("data"), connections=2),
    Case(name="reset before the body", faults=at("data", b"", Then.RESET),
         back=(0,), troubles=later("data"), connections=2),
    Case(name="DATA not answered", faults=at("data", b"", Then.SILENCE), options=HASTY,
         back=(0,), troubles=later("data"), connections=2),
    Case(name="DATA answered with garbage", faults=at("data", b"\xff\xfe\x00\r\n"),
         back=(0,), troubles=later("data"), connections=2),
    Case(name="hung up while the intent was written down", faults=at("data", b"354 Go on\r\n", Then.CLOSE),
         bag={"answers_after": 0.2}, outcomes={0: "try later at data"}, lost=(0,),
         troubles=later("data"), connections=2),
    Case(name="421 while the intent was written down",
         faults=at("data", b"354 Go on\r\n421 4.4.2 Too slow\r\n", Then.CLOSE), bag={"answers_after": 0.2},
         outcomes={0: "try later at data"}, lost=(0,),
         troubles=("try later 421 4.4.2 at data",), connections=2),
    # ----- body and dot: silence is uncertain
    Case(name="hung up in the body", faults=at("body", b"", Then.CLOSE), outcomes={0: "uncertain at content"},
         lost=(0,), back=(1,), troubles=later("content"), connections=2),
    Case(name="reset in the body", faults=at("body", b"", Then.RESET), outcomes={0: "uncertain at content"},
         lost=(0,), back=(1,), troubles=later("content"), connections=2),
    Case(name="silent from the body on", faults=at("body", b"", Then.SILENCE), options=HASTY,
         outcomes={0: "uncertain at content"}, lost=(0,),
         back=(1,), troubles=later("content"), connections=2),
    Case(name="the letter put off", faults=at("dot", b"451 4.3.0 Not now\r\n"),
         outcomes={0: "try later 451 4.3.0 at content"}),
    Case(name="the mailbox full", faults=at("dot", b"552 5.2.2 Mailbox full\r\n"),
         outcomes={0: "refused 552 5.2.2 at content"}),
    Case(name="the letter refused", faults=at("dot", b"554 5.7.1 Looks like spam\r\n", after=1),
         outcomes={1: "refused 554 5.7.1 at content"}),
    Case(name="the letter answered with 421", faults=at("dot", b"421 4.3.2 Closing\r\n", Then.CLOSE),
         outcomes={0: "try later 421 4.3.2 at content"},
         back=(1,), troubles=("try later 421 4.3.2 at content",), connections=2),
    Case(name="out of step behind the dot",
         faults=at("dot", b"554 SMTP synchronization error\r\n", Then.CLOSE),
         outcomes={0: "try later 554 at content"}, back=(1,), connections=2),
    Case(name="hung up behind the dot, letter taken", faults=at("dot", b"", Then.CLOSE, keep=True),
         outcomes={0: "uncertain at content"}, back=(1,), troubles=later("content"), connections=2),
    Case(name="hung up behind the dot, letter lost", faults=at("dot", b"", Then.CLOSE),
         outcomes={0: "uncertain at content"}, lost=(0,),
         back=(1,), troubles=later("content"), connections=2),
    Case(name="reset behind the dot", faults=at("dot", b"", Then.RESET, keep=True),
         outcomes={0: "uncertain at content"}, back=(1,), troubles=later("content"), connections=2),
    Case(name="half closed behind the dot", faults=at("dot", b"", Then.HALF_CLOSE, keep=True),
         outcomes={0: "uncertain at content"}, back=(1,), troubles=later("content"), connections=2),
    Case(name="silent behind the dot", faults=at("dot", b"", Then.SILENCE, keep=True), options=HASTY,
         outcomes={0: "uncertain at content"}, back=(1,), troubles=later("content"), connections=2),
    Case(name="half an answer to the dot", faults=at("dot", b"250 2.0.0 Acc", Then.CLOSE, keep=True),
         outcomes={0: "uncertain at content"}, back=(1,), troubles=later("content"), connections=2),
    Case(name="the dot answered one byte at a time, too slowly",
         faults=at("dot", b"250 2.0.0 Accepted for delivery\r\n", drip=0.05, keep=True), options=HASTY,
         outcomes={0: "uncertain at content"}, back=(1,), troubles=later("content"), connections=2),
    Case(name="the dot answered with garbage", faults=at("dot", b"okay\r\n", keep=True),
         outcomes={0: "uncertain at content"}, back=(1,), troubles=later("content"), connections=2),
    Case(name="the dot answered with 354", faults=at("dot", b"354 Go on\r\n", keep=True),
         outcomes={0: "uncertain 354 at content"}, back=(1,),
         troubles=("try later 354 at content",), connections=2),
    Case(name="the dot answered with two codes",
         faults=at("dot", b"250-Accepted\r\n550 or not\r\n", keep=True),
         outcomes={0: "uncertain at content"}, back=(1,), troubles=later("content"), connections=2),
    Case(name="the dot answered with a line without end",
         faults=at("dot", b"250 " + b"x" * 1000, Then.FLOOD, keep=True),
         outcomes={0: "uncertain at content"}, back=(1,), troubles=later("content"), connections=2),
    Case(name="the dot answered with lines without end",
         faults=at("dot", b"250-Accepted\r\n", Then.FLOOD, keep=True),
         outcomes={0: "uncertain at content"}, back=(1,), troubles=later("content"), connections=2),
    Case(name="the dot answered on several lines",
         faults=at("dot", b"250-2.0.0 Accepted\r\n250 2.0.0 Bye\r\n")),
    Case(name="the dot answered one byte at a time", faults=at("dot", b"250 2.0.0 Ok\r\n", drip=0.001)),
    Case(name="the dot answered with a bare LF", faults=at("dot", b"250 2.0.0 Ok\n")),
    Case(name="one answer too many behind the dot", faults=at("dot", b"250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n"),
         back=(1,), troubles=("try later 250 2.1.5 at data",), connections=2),
    Case(name="421 between two letters",
         faults=at("dot", b"250 2.0.0 Ok\r\n421 4.3.2 Closing\r\n", Then.CLOSE),
         back=(1,), troubles=("try later 421 4.3.2 at sender",), connections=2),
    Case(name="hung up between two letters", faults=at("dot", b"250 2.0.0 Ok\r\n", Then.CLOSE),
         back=(1,), troubles=later("sender"), connections=2),
    Case(name="no goodbye to QUIT", faults=at("quit", b"", Then.CLOSE)),
    # ----- what the server cannot do
    Case(name="the server takes short letters only", server={"extensions": ("PIPELINING", "SIZE 100")},
         outcomes=dict.fromkeys(range(3), "refused 552 5.3.4 at sender")),
    Case(name="the server takes no international address", server={"extensions": ("PIPELINING",)},
         letters=[letter(0), letter(1, international=True), letter(2)],
         outcomes={1: "refused 553 5.6.7 at recipient"}),
    Case(name="the server has no extension at all", server={"extensions": ()}),
    Case(name="one command at a time, and a reader refused", options={"pipelining": Ahead.OFF},
         faults=at("rcpt", b"550 5.1.1 No\r\n"), outcomes={0: "refused 550 5.1.1 at recipient"}),
    Case(name="one command at a time, and hung up behind the dot", options={"pipelining": Ahead.OFF},
         faults=at("dot", b"", Then.CLOSE, keep=True),
         outcomes={0: "uncertain at content"}, troubles=later("content"), connections=2),
    Case(name="an envelope at a time, and hung up behind the dot", options={"pipelining": Ahead.ENVELOPE},
         faults=at("dot", b"", Then.CLOSE, keep=True),
         outcomes={0: "uncertain at content"}, troubles=later("content"), connections=2),
]  # fmt: skip

NOTHING = {0: "", 1: "", 2: ""}
STOPS = {"stops_at_trouble": True}


def refused_tls(certificate: Certificate) -> Case:
    return Case(name=f"certificate: {certificate}", server={"certificate": certificate}, bag=STOPS,
                outcomes=NOTHING, back=(0,), troubles=("refused at tls",))  # fmt: skip


BAD_CERTIFICATES = [
    refused_tls(certificate) for certificate in Certificate if certificate is not Certificate.GOOD
]

IN_ONE_MODE = {
    Security.NONE: [
        Case(name="hung up at once", faults=at("connect", None, Then.CLOSE),
             back=(0,), troubles=later("greeting"), connections=2),
        Case(name="HELO only", faults=at("ehlo", b"502 5.5.1 What?\r\n")),
        Case(name="password refused because there is no TLS", server={"logins": {"weekly": "right"}},
             faults=at("auth", b"538 5.7.11 Encryption required\r\n"),
             options={"username": "weekly", "password": "right"}, bag=STOPS,
             outcomes=NOTHING, back=(0,), troubles=("refused 538 5.7.11 at login",)),
    ],
    Security.STARTTLS: [
        *BAD_CERTIFICATES,
        Case(name="hung up at once", faults=at("connect", None, Then.CLOSE),
             back=(0,), troubles=later("greeting"), connections=2),
        Case(name="STARTTLS stripped", faults=at("ehlo", b"250-mail.example.org\r\n250 PIPELINING\r\n"),
             bag=STOPS, outcomes=NOTHING, back=(0,), troubles=("refused at tls",)),
        Case(name="HELO only", faults=at("ehlo", b"502 5.5.1 What?\r\n"),
             bag=STOPS, outcomes=NOTHING, back=(0,), troubles=("refused at tls",)),
        Case(name="STARTTLS refused", faults=at("starttls", b"454 4.7.0 No TLS now\r\n"),
             back=(0,), troubles=("try later 454 4.7.0 at tls",), connections=2),
        Case(name="plain text behind the answer to STARTTLS",
             faults=at("starttls", b"220 2.0.0 Go ahead\r\n250 2.0.0 injected\r\n"),
             bag=STOPS, outcomes=NOTHING, back=(0,), troubles=("refused at tls",)),
        Case(name="half a line behind the answer to STARTTLS",
             faults=at("starttls", b"220 2.0.0 Go ahead\r\n250-inj"),
             bag=STOPS, outcomes=NOTHING, back=(0,), troubles=("refused at tls",)),
        Case(name="hung up at STARTTLS", faults=at("starttls", b"", Then.CLOSE),
             back=(0,), troubles=later("tls"), connections=2),
        Case(name="hung up in the handshake", faults=at("handshake", b"", Then.CLOSE),
             back=(0,), troubles=later("tls"), connections=2),
        Case(name="silent in the handshake", faults=at("handshake", b"", Then.SILENCE), options=HASTY,
             back=(0,), troubles=later("tls"), connections=2),
        Case(name="plain text in the handshake", faults=at("handshake", b"220 2.0.0 Go ahead\r\n" * 9),
             bag=STOPS, outcomes=NOTHING, back=(0,), troubles=("refused at tls",)),
    ],
    Security.TLS: [
        *BAD_CERTIFICATES,
        Case(name="hung up in the handshake", faults=at("handshake", b"", Then.CLOSE),
             back=(0,), troubles=later("tls"), connections=2),
        Case(name="plain text in the handshake",
             faults=at("handshake", b"220 mail.example.org ESMTP\r\n" * 9),
             bag=STOPS, outcomes=NOTHING, back=(0,), troubles=("refused at tls",)),
        Case(name="HELO only", faults=at("ehlo", b"502 5.5.1 What?\r\n")),
    ],
}  # fmt: skip
