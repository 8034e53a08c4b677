"""An IMAP server small enough to read: one account, its folders in memory, TLS if wanted (RFC 3501).

It speaks what a client of ours may say and nothing more, writes down each command, and can be told to fail.
"""

from __future__ import annotations

import base64
import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

USER, PASSWORD = "bounces@remission.example.org", 'swörd "fish" \\ 17'


@dataclass
class Mail:
    uid: int
    content: bytes
    flags: set[str] = field(default_factory=set)


@dataclass
class Imap:
    """The account. `abilities` are told after login alone, as Dovecot does."""

    folders: dict[str, list[Mail]] = field(default_factory=lambda: {"INBOX": [], "Dealt with": []})
    abilities: str = "MOVE UIDPLUS"
    password: str = PASSWORD
    port: int = 0
    tls: ssl.SSLContext | None = None
    starttls: bool = False
    refused: set[str] = field(default_factory=set)
    """Commands that are answered with NO, such as `FETCH 2`."""
    dropped: set[str] = field(default_factory=set)
    """Commands at which the connection ends."""
    said: list[str] = field(default_factory=list)

    def put(self, *contents: bytes, flags: str = "") -> None:
        for content in contents:
            uid = 1 + max((mail.uid for folder in self.folders.values() for mail in folder), default=0)
            self.folders["INBOX"].append(Mail(uid=uid, content=content, flags=set(flags.split())))

    def holds(self, folder: str) -> dict[int, str]:
        """Each message's flags."""
        return {mail.uid: " ".join(sorted(mail.flags)) for mail in self.folders[folder]}


@contextmanager
def serving(imap: Imap) -> Iterator[Imap]:
    """The account on a port of 127.0.0.1, until the end of the block."""

    class Conversation(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            _Conversation(imap, self.request).run()

    with socketserver.TCPServer(("127.0.0.1", 0), Conversation) as server:
        imap.port = server.server_address[1]
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield imap
        finally:
            server.shutdown()
            thread.join()


class _Conversation:
    def __init__(self, imap: Imap, connection: ssl.SSLSocket) -> None:
        self.imap, self.connection = imap, connection
        connection.settimeout(10)  # a client that forgot to close would be waited for
        self.folder: list[Mail] = []
        self.logged_in = self.over = False

    def run(self) -> None:
        try:
            if self.imap.tls is not None and not self.imap.starttls:
                self.secure()
            self.stream = self.connection.makefile("rwb")
            self.say("* OK ready")
            while not self.over and (line := self.stream.readline()):
                self.answer(line.decode().rstrip("\r\n"))
            self.stream.close()
        except OSError:
            pass  # the client went away; that is its right
        finally:
            self.connection.close()

    def secure(self) -> None:
        assert self.imap.tls is not None
        self.connection = self.imap.tls.wrap_socket(self.connection, server_side=True)

    def say(self, line: str) -> None:
        self.stream.write(line.encode() + b"\r\n")
        self.stream.flush()

    def answer(self, line: str) -> None:
        tag, command, words = (*line.split(" ", 2), "")[:3]
        if command == "UID":
            command, _, words = words.partition(" ")
        self.imap.said.append(
            f"{command} {words}".strip() if command not in ("LOGIN", "AUTHENTICATE") else command
        )
        asked = f"{command} {words.split(' ')[0]}"
        if command in self.imap.dropped or asked in self.imap.dropped:
            self.over = True
        elif command in self.imap.refused or asked in self.imap.refused:
            self.say(f"{tag} NO not this one")
        else:
            done = getattr(self, command.lower())(words)
            self.say(f"{tag} {done or 'OK done'}")
            if command == "STARTTLS":
                self.secure()
                self.stream = self.connection.makefile("rwb")

    # ------------------------------------------------------------------------------------- commands

    def capability(self, words: str) -> None:
        more = self.imap.abilities if self.logged_in else "AUTH=PLAIN"
        self.say(f"* CAPABILITY IMAP4rev1 {'STARTTLS ' if self.imap.starttls else ''}{more}")

    def starttls(self, words: str) -> None:
        """The handshake follows the answer."""

    def login(self, words: str) -> str:
        user, _, password = words.partition(" ")
        return self._welcome(_unquoted(user), _unquoted(password))

    def authenticate(self, words: str) -> str:
        self.say("+ ")
        _, user, password = base64.b64decode(self.stream.readline()).decode().split("\0")
        return self._welcome(user, password)

    def _welcome(self, user: str, password: str) -> str:
        self.logged_in = (user, password) == (USER, self.imap.password)
        return "OK welcome" if self.logged_in else f"NO wrong password {password}"

    def select(self, words: str) -> str:
        if not self.logged_in or _unquoted(words) not in self.imap.folders:
            return "NO no such folder"
        self.folder = self.imap.folders[_unquoted(words)]
        self.say(f"* {len(self.folder)} EXISTS")
        return "OK [READ-WRITE] selected"

    def search(self, words: str) -> None:
        assert words == "UNSEEN"
        self.say(
            " ".join(["* SEARCH", *(str(mail.uid) for mail in self.folder if "\\Seen" not in mail.flags)])
        )

    def fetch(self, words: str) -> None:
        uid, _, parts = words.partition(" ")
        found = re.fullmatch(r"\(BODY\.PEEK\[\]<0\.(\d+)>\)", parts)
        assert found, parts
        for place, mail in enumerate(self.folder, start=1):
            if mail.uid == int(uid):
                content = mail.content[: int(found[1])]
                self.stream.write(b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n" % (place, mail.uid, len(content)))
                self.stream.write(content + b")\r\n")

    def store(self, words: str) -> None:
        uid, _, flag = words.split(" ")
        for mail in self.folder:
            if mail.uid == int(uid):
                mail.flags.add(flag.strip("()"))

    def copy(self, words: str) -> None:
        uid, _, target = words.partition(" ")
        self.imap.folders[_unquoted(target)] += [
            Mail(uid=100 + mail.uid, content=mail.content, flags=set(mail.flags))
            for mail in self.folder
            if mail.uid == int(uid)
        ]

    def move(self, words: str) -> None:
        self.copy(words)
        self.folder[:] = [mail for mail in self.folder if mail.uid != int(words.partition(" ")[0])]

    def expunge(self, words: str) -> None:
        """Only what is named: an EXPUNGE of everything marked would fail here."""
        self.folder[:] = [mail for mail in self.folder if mail.uid != int(words)]

    def logout(self, words: str) -> None:
        self.say("* BYE")
        self.over = True


def _unquoted(word: str) -> str:
    inside = word[1:-1] if word[:1] == '"' else word
    return re.sub(r"\\(.)", r"\1", inside)
