"""A mail server on this machine that does what its script says, and keeps what it accepts.

    with MailServer(faults=[Fault(at="rcpt", say=b"450 4.2.0 Greylisted\\r\\n")]) as server:
        ...  # send to 127.0.0.1, server.port
    assert [message.recipient for message in server.messages] == ["reader-1@example.org"]

It runs in threads of its own, with blocking sockets, so that it serves programs, threads and event loops
alike and can do to a connection whatever a real one suffers: reset it, close half of it, answer one byte at
a time or without end. Everything else is as RFC 5321 has it.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType

from digest.testing.certificates import Certificate, server_context
from digest.transports.smtp import Security

_END = b"\r\n.\r\n"
_ADDRESS = re.compile(rb"<(.*)>")
_PATIENCE = 20
"""Seconds after which a connection is given up, so that no test hangs."""


class Then(StrEnum):
    """What the server does once it has said what the fault makes it say."""

    GO_ON = "go on"
    CLOSE = "close"
    RESET = "reset"
    HALF_CLOSE = "close its half"
    SILENCE = "say nothing more"
    FLOOD = "say it without end"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong, at one point of the conversation.

    `at` is `connect`, `greeting`, `ehlo`, `helo`, `starttls`, `handshake`, `auth`, `rset`, `mail`, `rcpt`,
    `data`, `body` (the first bytes of a body have come), `dot` (all have), `nobody` (a dot without a
    recipient) or `quit`.
    """

    at: str
    say: bytes | None = None
    """In place of the answer; None: the ordinary answer; empty: nothing."""
    then: Then = Then.GO_ON
    wait: float = 0.0
    """Seconds before it happens."""
    drip: float = 0.0
    """Seconds between two bytes of what is said."""
    times: int = 1
    """How often it happens; 0: always."""
    after: int = 0
    """How often the point is passed unharmed before."""
    keep: bool = False
    """At `dot`: the message was accepted all the same."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """What was accepted, as it was before dots were doubled."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    connection: int
    parameters: str = ""
    """What stood behind the sender in MAIL."""

    @property
    def recipient(self) -> str:
        (only,) = self.recipients
        return only


@dataclass(kw_only=True)
class MailServer:
    """Listens on 127.0.0.1 between `start` and `stop`, or inside `with`."""

    security: Security = Security.NONE
    faults: Sequence[Fault] = ()
    certificate: Certificate = Certificate.GOOD
    extensions: Sequence[str] = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8")
    logins: Mapping[str, str] = field(default_factory=dict)
    """User -> password or token."""
    mechanisms: Sequence[str] = ("PLAIN", "LOGIN", "XOAUTH2")
    port: int = 0
    messages: list[Message] = field(default_factory=list)
    commands: list[bytes] = field(default_factory=list)
    """Every command of all connections, in the order in which they were read."""
    ran_ahead: list[str] = field(default_factory=list)
    """The points at which more had come than was answered."""
    logged_in: list[str] = field(default_factory=list)
    connections: int = 0
    _passed: dict[str, int] = field(default_factory=dict)
    _happened: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)
    _open: set[socket.socket] = field(default_factory=set)
    _stopping: bool = False

    def start(self) -> MailServer:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._begin(self._accept)
        return self

    def stop(self) -> None:
        self._stopping = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for open_socket in list(self._open):
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE)

    def __enter__(self) -> MailServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def recipients(self) -> list[str]:
        """Those whose messages were accepted, in that order."""
        return [message.recipient for message in self.messages]

    def fault(self, at: str) -> Fault | None:
        """What goes wrong at this point, this time."""
        with self._lock:
            passed = self._passed[at] = self._passed.get(at, 0) + 1
            for number, fault in enumerate(self.faults):
                happened = self._happened.get(number, 0)
                is_due = passed > fault.after and (not fault.times or happened < fault.times)
                if fault.at == at and is_due:
                    self._happened[number] = happened + 1
                    return fault
        return None

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(_PATIENCE)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(connection)
            self.connections += 1
            self._begin(_Session(self, connection, self.connections).serve)


class _Over(Exception):
    """The conversation ends here."""


class _Session:
    """One connection."""

    def __init__(self, server: MailServer, connection: socket.socket, number: int) -> None:
        self._server = server
        self._socket = connection
        self._number = number
        self._came = b""
        self._protected = False
        self._sender: bytes | None = None
        self._parameters = b""
        self._recipients: list[bytes] = []

    def serve(self) -> None:
        with suppress(_Over, OSError, ssl.SSLError, ValueError):
            self._answer("connect", b"")
            if self._server.security is Security.TLS:
                self._handshake()
            self._answer("greeting", b"220 mail.example.org ESMTP\r\n")
            while True:
                self._obey(self._line())
        with suppress(OSError):
            self._socket.close()
        self._server._open.discard(self._socket)

    # ------------------------------------------------------------------------------- commands

    def _obey(self, line: bytes) -> None:
        self._server.commands.append(line)
        verb = line[:4].upper().decode("ascii", "replace")
        if self._came:
            self._server.ran_ahead.append(verb.lower())
        commands: dict[str, Callable[[bytes], None]] = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "STAR": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "QUIT": self._quit,
        }
        commands.get(verb, self._unknown)(line)

    def _ehlo(self, _: bytes) -> None:
        lines = ["mail.example.org", *self._server.extensions]
        if self._server.security is Security.STARTTLS and not self._protected:
            lines.append("STARTTLS")
        if self._server.logins:
            lines.append("AUTH " + " ".join(self._server.mechanisms))
        said = [f"250{' ' if line is lines[-1] else '-'}{line}\r\n" for line in lines]
        self._answer("ehlo", "".join(said).encode())

    def _helo(self, _: bytes) -> None:
        self._answer("helo", b"250 mail.example.org\r\n")

    def _unknown(self, _: bytes) -> None:
        self._say(b"500 5.5.2 Unknown command\r\n")

    def _starttls(self, _: bytes) -> None:
        if self._answer("starttls", b"220 2.0.0 Go ahead\r\n").startswith(b"220"):
            self._handshake()
            self._sender, self._recipients = None, []

    def _handshake(self) -> None:
        self._answer("handshake", b"")
        context = server_context(self._server.certificate)
        self._came = b""
        self._server._open.discard(self._socket)
        self._socket = context.wrap_socket(self._socket, server_side=True)
        self._server._open.add(self._socket)
        self._protected = True

    def _mail(self, line: bytes) -> None:
        if self._sender is not None:
            self._say(b"503 5.5.1 Nested MAIL\r\n")
        elif self._answer("mail", b"250 2.1.0 Ok\r\n").startswith(b"250"):
            found = _ADDRESS.search(line)
            self._sender = found[1] if found else b""
            self._parameters = line[found.end() :].strip() if found else b""
            self._recipients = []

    def _rcpt(self, line: bytes) -> None:
        if self._sender is None:
            self._say(b"503 5.5.1 No sender\r\n")
        elif self._answer("rcpt", b"250 2.1.5 Ok\r\n").startswith(b"25"):
            found = _ADDRESS.search(line)
            self._recipients.append(found[1] if found else b"")

    def _data(self, _: bytes) -> None:
        ordinary = b"354 Go on\r\n" if self._recipients else b"554 5.5.1 No valid recipients\r\n"
        if self._answer("data", ordinary).startswith(b"354"):
            content = self._body()
            self._kept(content, self._server.fault("dot" if self._recipients else "nobody"))
            self._rset_now()

    def _kept(self, content: bytes, fault: Fault | None) -> None:
        if not self._recipients:
            self._obeying(fault, b"554 5.5.1 No valid recipients\r\n")
            return
        said = fault.say if fault is not None else None
        answer = b"250 2.0.0 Accepted\r\n" if said is None else said
        if answer.startswith(b"250") or (fault is not None and fault.keep):
            self._server.messages.append(
                Message(
                    sender=(self._sender or b"").decode(),
                    recipients=tuple(recipient.decode() for recipient in self._recipients),
                    content=content,
                    connection=self._number,
                    parameters=self._parameters.decode(),
                )
            )
        self._obeying(fault, answer)

    def _rset(self, _: bytes) -> None:
        self._rset_now()
        self._answer("rset", b"250 2.0.0 Ok\r\n")

    def _rset_now(self) -> None:
        self._sender, self._recipients = None, []

    def _quit(self, _: bytes) -> None:
        self._answer("quit", b"221 2.0.0 Bye\r\n")
        raise _Over

    # ---------------------------------------------------------------------------------- login

    def _auth(self, line: bytes) -> None:
        fault = self._server.fault("auth")
        if fault is not None:
            self._obeying(fault, b"235 2.7.0 Welcome\r\n")
            return
        words = line.decode().split()
        said = {"PLAIN": self._plain_login, "LOGIN": self._login_login, "XOAUTH2": self._token_login}
        user, secret = said[words[1].upper()](words[2:])
        if self._server.logins.get(user) == secret:
            self._server.logged_in.append(user)
            self._say(b"235 2.7.0 Welcome\r\n")
        else:
            self._say(b"535 5.7.8 Wrong user or password\r\n")

    def _plain_login(self, words: list[str]) -> tuple[str, str]:
        said = _decoded(words[0]) if words else self._prompt("")
        _, user, secret = said.split("\0")
        return user, secret

    def _login_login(self, _: list[str]) -> tuple[str, str]:
        return self._prompt("Username:"), self._prompt("Password:")

    def _token_login(self, words: list[str]) -> tuple[str, str]:
        said = _decoded(words[0]) if words else self._prompt("")
        user, bearer = said.strip("\x01").split("\x01")
        token = bearer.removeprefix("auth=Bearer ")
        if self._server.logins.get(user.removeprefix("user=")) != token:
            self._prompt('{"status":"401","schemes":"bearer"}')
        return user.removeprefix("user="), token

    def _prompt(self, words: str) -> str:
        self._say(b"334 %b\r\n" % base64.b64encode(words.encode()))
        return _decoded(self._line().decode())

    # --------------------------------------------------------------------------------- the wire

    def _line(self) -> bytes:
        while b"\r\n" not in self._came:
            self._receive()
        line, _, self._came = self._came.partition(b"\r\n")
        return line

    def _body(self) -> bytes:
        self._receive_some()
        self._answer("body", b"")
        while _END not in b"\r\n" + self._came:
            self._receive()
        stuffed, _, self._came = (b"\r\n" + self._came).partition(_END)
        if self._came:
            self._server.ran_ahead.append("dot")
        return (stuffed + b"\r\n").replace(b"\r\n.", b"\r\n")[2:]

    def _receive_some(self) -> None:
        if not self._came:
            self._receive()

    def _receive(self) -> None:
        came = self._socket.recv(262_144)
        if not came:
            raise _Over
        self._came += came

    def _answer(self, at: str, ordinary: bytes) -> bytes:
        """Says the ordinary answer, or does what the script has for this point; what was said."""
        fault = self._server.fault(at)
        said = ordinary if fault is None or fault.say is None else fault.say
        self._obeying(fault, ordinary)
        return said

    def _obeying(self, fault: Fault | None, ordinary: bytes) -> None:
        if fault is None:
            self._say(ordinary)
            return
        time.sleep(fault.wait)
        self._say(ordinary if fault.say is None else fault.say, fault.drip)
        match fault.then:
            case Then.CLOSE:
                self._socket.shutdown(socket.SHUT_WR)
                raise _Over
            case Then.RESET:
                # With this a close sends RST: what is under way is thrown away on both sides.
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise _Over
            case Then.HALF_CLOSE:
                self._socket.shutdown(socket.SHUT_WR)
                self._read_on()
            case Then.SILENCE:
                self._read_on()
            case Then.FLOOD:
                while True:
                    self._socket.sendall((fault.say or b"250-\r\n") * 512)

    def _say(self, words: bytes, drip: float = 0.0) -> None:
        if not drip:
            if words:
                self._socket.sendall(words)
            return
        for byte in words:
            self._socket.sendall(bytes([byte]))
            time.sleep(drip)

    def _read_on(self) -> None:
        while self._socket.recv(262_144):
            pass
        raise _Over


def _decoded(words: str) -> str:
    return base64.b64decode(words).decode()
