"""Bounces, complaints and requests to leave: read from wherever they arrive, and acted on.

Messages come from a file, a Maildir, or an IMAP mailbox, one after the other; `digest.bounces` says what each
means; the store commits its effect; and only then the message is marked as read where it lies. A crash in
between costs nothing: the same message again changes nothing. Nothing is ever deleted.
"""

from digest.incoming.acting import Report, Returns, read_returns
from digest.incoming.configured import configured_mail, marks, read_configured, read_into
from digest.incoming.imap import ImapAccount, from_imap
from digest.incoming.places import returned_mail
from digest.incoming.sources import Incoming, from_file, from_maildir, from_stream

__all__ = [
    "ImapAccount",
    "Incoming",
    "Report",
    "Returns",
    "configured_mail",
    "from_file",
    "from_imap",
    "from_maildir",
    "from_stream",
    "marks",
    "read_configured",
    "read_into",
    "read_returns",
    "returned_mail",
]
