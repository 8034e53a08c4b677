"""From an issue's mail and one reader to the bytes on the wire.

A `Mould` is made once an issue: it holds everything that is the same in every letter, encoded and proved.
`mould.letter(addressee)` puts in what is of one reader and nothing else. A mail that is no issue is an
`answer`, made for one person alone. The modules, by what they are about:
`addresses` (who may stand in To, From and the envelope), `headers` (one line of a header), `quoting`
(quoted-printable), `parts` (text and HTML), `reader` (the values of one reader, checked), `frame` (bytes with
gaps), `mould` and `answer` (the message), `proof` (the finished bytes, read again) and `dkim` (signatures; it
alone needs `cryptography`, so its `Signer` is imported from there).

Nothing here knows how a mail looks, who gets it, or how it leaves.
"""

from digest.compose.addresses import (
    Mailbox,
    host_of,
    mailbox,
    message_id,
    read_return_path,
    return_path,
)
from digest.compose.answer import answer
from digest.compose.mould import Mould, preview

__all__ = [
    "Mailbox",
    "Mould",
    "answer",
    "host_of",
    "mailbox",
    "message_id",
    "preview",
    "read_return_path",
    "return_path",
]
