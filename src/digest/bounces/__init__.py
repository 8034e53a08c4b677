"""What comes back: a message as it was received -> whose it is, and what it means for them (pure).

`read` takes the bytes of one message and gives a `Returned`: a bounce, a complaint, a wish to leave, an
automatic reply or nothing we know. `judge` says what one status means (RFC 3463), for a bounce as for a mail
server's answer to RCPT. `has_lost_patience` says when bounces that might have passed have come too often.

What arrives here was written by anybody. It is read up to a limit, never believed without a token of ours,
and never an exception.
"""

from digest.bounces.patience import ENOUGH, OVER, PAUSE, has_lost_patience
from digest.bounces.reading import read
from digest.bounces.returned import Effect, Kind, Marks, Returned, clean
from digest.bounces.statuses import TABLE, judge
from digest.bounces.unfolding import LIMIT, fingerprint

__all__ = [
    "ENOUGH",
    "LIMIT",
    "OVER",
    "PAUSE",
    "TABLE",
    "Effect",
    "Kind",
    "Marks",
    "Returned",
    "clean",
    "fingerprint",
    "has_lost_patience",
    "judge",
    "read",
]
