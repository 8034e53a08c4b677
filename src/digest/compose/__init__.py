"""From an issue's mail and one reader to the bytes on the wire.

A `Mould` is made once an issue: it holds everything that is the same in every letter, encoded and proved.
`mould.letter(addressee)` puts in what is of one reader and nothing else. The modules, by what they are about:
`addresses` (who may stand in To, From and the envelope), `headers` (one line of a header), `quoting`
(quoted-printable), `reader` (the values of one reader, checked), `frame` (bytes with gaps), `mould` (the
message), `proof` (the finished bytes, read again) and `dkim` (signatures; it alone needs `cryptography`, so
its `Signer` is imported from there).

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
from digest.compose.mould import Mould, preview

__all__ = [
    "Mailbox",
    "Mould",
    "host_of",
    "mailbox",
    "message_id",
    "preview",
    "read_return_path",
    "return_path",
]
