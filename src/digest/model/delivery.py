"""An issue on its way to each reader: letters, what becomes of them, and the accounting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

UNSUBSCRIBE_URL = "https://READER.invalid/leave"
PREFERENCES_URL = "https://READER.invalid/preferences"
"""Stand for a reader's own links until the mail is addressed; `.invalid` is nobody's (RFC 2606)."""


class DeliveryState(StrEnum):
    """What the ledger says of one issue and one reader."""

    QUEUED = "queued"
    """To be sent: not yet tried, or to be tried again."""
    SUBMITTING = "submitting"
    """Committed just before the body leaves: until the answer is committed nobody can know."""
    ACCEPTED = "accepted"
    """By the mail server."""
    REFUSED = "refused"
    """For good."""
    UNCERTAIN = "uncertain"
    """The body left and no answer came (RFC 1047): accepted or not, only the mail server knows."""
    SUPPRESSED = "suppressed"
    """The reader left, paused, bounced or complained, before the audience was frozen or after."""


class CameBack(StrEnum):
    """What the ledger says of something that came back for a reader."""

    PERMANENT = "permanent"
    """A bounce: there is no such mailbox."""
    TRANSIENT = "transient"
    """A bounce that says nothing about the next letter."""
    REFUSED = "refused"
    """The letter or its sender was refused, not the reader."""
    COMPLAINT = "complaint"
    LEFT = "left"
    """A mail that asked to leave."""


class Stage(StrEnum):
    """How far an SMTP conversation had come (RFC 5321, section 3)."""

    CONNECT = "connect"
    GREETING = "greeting"
    HELLO = "hello"
    TLS = "tls"
    LOGIN = "login"
    SENDER = "sender"
    """MAIL FROM."""
    RECIPIENT = "recipient"
    """RCPT TO."""
    DATA = "data"
    """DATA, before its 354."""
    CONTENT = "content"
    """Body and dot have left."""


class Result(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    TRY_LATER = "try later"
    UNCERTAIN = "uncertain"


OBJECTION = "not sent: "
"""How the text of an outcome begins that no server gave: we found that the letter cannot be sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a mail server said to one letter, or to us as a whole; `code` is 0 where it said nothing."""

    result: Result
    stage: Stage
    code: int = 0
    """RFC 5321, section 4.2."""
    enhanced: str = ""
    """RFC 3463: `5.1.1`, or empty."""
    text: str = ""
    """One line, without control characters, at most 300 characters."""

    def __str__(self) -> str:
        said = " ".join(filter(None, (str(self.code or ""), self.enhanced, self.text)))
        return f"{said or 'no answer'} (at {self.stage.value})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressee:
    """What is of one reader in a mail: everything that is spliced in, and nothing else."""

    address: str
    name: str
    message_id: str
    """Without angle brackets; the same on every try."""
    leave_url: str
    preferences_url: str
    leave_mailto: str
    """The whole URI of a mail that unsubscribes (`mailto:leave+TOKEN@example.org`), or empty."""
    return_path: str
    """The envelope's sender, of this reader and issue alone (VERP)."""


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """One message to one reader: its envelope, and a body that is made when it is about to leave.

    `content()` is the whole message: CRLF line ends, not dot-stuffed, ends with CRLF. `size` is its length
    in bytes, or near it (RFC 1870, section 5).
    """

    issue: int
    place: int
    """Which reader of the issue's audience, from 0."""
    sender: str
    """Return path: MAIL FROM."""
    recipient: str
    content: Callable[[], bytes]
    size: int
    international: bool = False
    """Needs SMTPUTF8 (RFC 6531): the recipient's local part is not ASCII."""
    attempts: int = 0
    """How often it was tried before."""
    canonical: bool = False
    """`content` is known to end every line in CRLF and to begin none with a full stop: `compose` proves it.

    Who sends need not look again, which is a third of what sending costs.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Accounting:
    """The sum of an issue: `candidates` is always the sum of the five that follow it."""

    candidates: int = 0
    accepted: int = 0
    refused: int = 0
    suppressed: int = 0
    uncertain: int = 0
    waiting: int = 0
    """Queued or, at this instant, on the wire."""
    bounced: int = 0
    """Came back later; who was refused at once is not among them."""
    complained: int = 0

    @property
    def adds_up(self) -> bool:
        parts = self.accepted + self.refused + self.suppressed + self.uncertain + self.waiting
        return self.candidates == parts
