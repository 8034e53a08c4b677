"""What a status says about an address: the table of RFC 3463, read as a newsletter has to read it.

A 5 in front means only that this letter will not be tried again. Whether the *address* is gone, the digits
behind it say: `5.1.1` is no mailbox, `5.2.2` a full one, `5.7.1` a rule about us. An address is given up on
its own server's word that there is nobody; what speaks of mailbox, server or network is counted; what speaks
of the letter or its sender is neither. Where the digits say nothing (`5.0.0`), the words decide.
"""

from __future__ import annotations

import re

from digest.bounces.returned import Kind

TABLE: tuple[tuple[str, Kind | None, str], ...] = (
    ("1.1", Kind.PERMANENT, "no such mailbox"),
    ("1.2", Kind.PERMANENT, "no such domain"),
    ("1.3", Kind.PERMANENT, "no address, by its syntax"),
    ("1.6", Kind.PERMANENT, "moved, and left no address"),
    ("1.10", Kind.PERMANENT, "its domain takes no mail (RFC 7505)"),
    ("1.0", None, "something about an address"),
    ("1.5", Kind.REFUSED, "the address is right"),
    ("1.7", Kind.REFUSED, "the sender's address"),
    ("1.8", Kind.REFUSED, "the sender's domain"),
    ("1.9", Kind.REFUSED, "handed to a system without reports"),
    ("1.*", Kind.TRANSIENT, "anything else about the address"),
    ("2.0", None, "something about the mailbox"),
    ("2.3", Kind.REFUSED, "the letter is too long for the mailbox"),
    ("2.*", Kind.TRANSIENT, "the mailbox is full, disabled or busy"),
    ("3.3", Kind.REFUSED, "the system cannot do what the letter needs"),
    ("3.4", Kind.REFUSED, "the letter is too big"),
    ("3.*", Kind.TRANSIENT, "the mail system is full, down or misconfigured"),
    ("4.*", Kind.TRANSIENT, "network and routing: no answer, loops, expired in the queue"),
    ("5.0", None, "something about the conversation"),
    ("5.*", Kind.REFUSED, "the conversation of the two servers"),
    ("6.*", Kind.REFUSED, "the letter's form and characters"),
    ("7.*", Kind.REFUSED, "rules and proofs: blocked, not authenticated (5.7.515), suspected"),
    ("0.*", None, "undefined"),
    ("*.*", Kind.TRANSIENT, "a subject not yet defined"),
)
"""Subject and detail, what they mean behind a 5, and why; the first row that fits. None: the words decide.

Behind a 4 nothing is permanent: what would suppress is counted.
"""

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\d.#])([45])\d\d(?=[ -]|$)")
# Bounded on the left of the @: a long word without one would be tried from each of its letters.
_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s<>;,]+")

_OURS = re.compile(
    r"spam|polic(?:y|ies)\b|\bblock(?:ed|ing|list)|\bblack ?list|\bdeny ?list|reputation|\bdmarc|\bdkim"
    r"|\bspf\b|authenticat|unsolicited|too many|rate limit|\bbanned|\bvirus|relaying|relay (?:not|access)"
    r"|too (?:large|big)|size limit"
    r"|sender (?:address )?(?:is )?(?:rejected|denied|verify|invalid|unknown|not)",
    re.I,
)
_PASSING = re.compile(r"quota|\bfull\b|temporar|try again|disabled|inactive|suspended|time[ds]? ?out", re.I)
_NOBODY = re.compile(
    r"(?:user|recipient|mailbox|account|address)(?: address)?(?: is| was|:)* (?:unknown|not found|invalid)"
    r"|(?:unknown|invalid|no such|nonexistent|non-existent) (?:local[ -]?)?"
    r"(?:e?-?mail )?(?:user|recipient|mailbox|account|address|part|person)"
    r"|(?:do|doe|did)(?:s ?n[o']t|es not|n't| not|sn't) exist|no longer (?:exists?|valid|in use)|not exist\b"
    r"|no mailbox (?:here )?by that name|no (?:user|mailbox|account) (?:here|by|with)"
    r"|doesn't have an? \S{1,80} account|not a (?:valid|known) (?:user|mailbox|recipient|address)"
    r"|unknown in (?:virtual|local|relay)|unrouteable address|user not (?:known|listed|local)"
    r"|utilisateur inconnu|benutzer unbekannt|empf(?:ä|ae)nger unbekannt|usuario desconocido",
    re.I,
)


def judge(status: str, words: str = "") -> Kind:
    """What a failure with this status (`5.1.1`, or empty) and these words says of the address.

    PERMANENT, TRANSIENT or REFUSED; DELIVERED where the status is a success. It is the same for a report
    that came back and for a mail server's answer to RCPT; without a status `words` may begin with the reply
    code (`550 no such user`).
    """
    found = _STATUS.fullmatch(status) or _STATUS.fullmatch(status_in(words))
    if found is None:
        reply = _REPLY.search(words)
        level, kind = reply[1] if reply else "5", by_words(words)
    else:
        level = found[1]
        if level == "2":
            return Kind.DELIVERED
        kind = _by_table(str(int(found[2])), str(int(found[3]))) or by_words(words)
    return Kind.TRANSIENT if level == "4" and kind is Kind.PERMANENT else kind


def _by_table(subject: str, detail: str) -> Kind | None:
    fits = (f"{subject}.{detail}", f"{subject}.*", "*.*")
    return next(kind for row, kind, _ in TABLE if row in fits)


def by_words(words: str) -> Kind:
    """Where digits say nothing. Only words that say there is nobody, and no others, are permanent."""
    said = _ADDRESS.sub(" ", words[:2000])
    if _OURS.search(said):
        return Kind.REFUSED
    if _NOBODY.search(said) and not _PASSING.search(said):
        return Kind.PERMANENT
    return Kind.TRANSIENT


def status_in(text: str) -> str:
    """The first status of a failure in a text, or empty. Parts of an IP address are none."""
    return next((found[0] for found in _STATUS.finditer(text[:20_000]) if found[1] != "2"), "")


def has_reply(line: str) -> bool:
    """Whether a line has a reply code or a status of a failure."""
    return bool(_REPLY.search(line[:1000]) or status_in(line[:1000]))


def most_telling(status: str, diagnostic: str) -> str:
    """The status of a report, or the one in its diagnostic where the report's says nothing (`5.0.0`)."""
    found = _STATUS.search(status[:100])
    said = status_in(diagnostic)
    if found is None:
        return said
    undefined = int(found[2]) == 0 and int(found[3]) == 0
    return said if undefined and said[:1] == found[1] else found[0]
