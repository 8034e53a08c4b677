"""Reports in a form of their own: on delivery (RFC 3464), on reading (RFC 8098), on abuse (RFC 5965)."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message

from digest.bounces.returned import Kind, clean
from digest.bounces.statuses import judge, most_telling
from digest.bounces.unfolding import addresses, blocks, original, parts, raw, typed_address, untyped

_DELIVERED = ("delivered", "relayed", "expanded")
# From mild to grave: what is said of one of several recipients is not yet said of the reader.
_GRAVITY = (Kind.DELIVERED, Kind.DELAY, Kind.REFUSED, Kind.TRANSIENT, Kind.PERMANENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a report says, of whichever form."""

    kind: Kind
    addresses: tuple[str, ...] = ()
    status: str = ""
    diagnostic: str = ""


def report(message: Message) -> Report | None:
    """The report that a message brings, or None where it brings none."""
    return _abuse(message) or _delivery(message) or _reading(message)


# ----------------------------------------------------------------------------------------- delivery


def _delivery(message: Message) -> Report | None:
    recipients = [
        _recipient(block)
        for block in blocks(message, "message/delivery-status")
        if block.get("action") or block.get("status")
    ]
    if not recipients:
        return None
    # A letter of ours has one recipient; several in a report are where an alias of theirs leads. While one
    # of them still gets it, the reader does.
    return min(recipients, key=lambda recipient: _GRAVITY.index(recipient.kind))


def _recipient(block: Message) -> Report:
    """One recipient's fields (RFC 3464, section 2.3)."""
    diagnostic = clean(untyped(block, "diagnostic-code"))
    status = most_telling(raw(block, "status"), diagnostic)
    named = (typed_address(block, name) for name in ("original-recipient", "final-recipient"))
    return Report(
        kind=_kind(raw(block, "action").strip().lower(), status, diagnostic),
        addresses=tuple(dict.fromkeys(filter(None, named))),
        status=status,
        diagnostic=diagnostic,
    )


def _kind(action: str, status: str, diagnostic: str) -> Kind:
    if action.startswith("delayed"):
        return Kind.DELAY
    if action.startswith(_DELIVERED):
        return Kind.DELIVERED
    return judge(status, diagnostic)


# ------------------------------------------------------------------------------------------ reading


def _reading(message: Message) -> Report | None:
    kinds = {part.get_content_type() for part in parts(message)}
    return Report(kind=Kind.AUTOMATIC) if "message/disposition-notification" in kinds else None


# -------------------------------------------------------------------------------------------- abuse


def _abuse(message: Message) -> Report | None:
    fields = next(iter(blocks(message, "message/feedback-report")), None)
    if fields is not None:
        kind, letter = raw(fields, "feedback-type").strip().lower(), original(message)
        named = typed_address(fields, "original-rcpt-to"), *_recipients_of(letter)
        return Report(
            kind=_feedback(kind), addresses=tuple(dict.fromkeys(filter(None, named))), diagnostic=clean(kind)
        )
    return _junk_mail_report(message)


def _feedback(kind: str) -> Kind:
    """RFC 5965, section 7.3. A kind that nobody knows is a complaint; auth-failure (RFC 6591) is not one."""
    if kind == "not-spam":
        return Kind.NOT_SPAM
    return Kind.UNKNOWN if kind in ("auth-failure", "dmarc") else Kind.COMPLAINT


def _junk_mail_report(message: Message) -> Report | None:
    """Outlook.com reports without a form: the letter is attached, with a header that names the reader."""
    letter = original(message)
    if letter is None or not raw(message, "subject").lower().startswith("complaint about message from"):
        return None
    named = *addresses(letter, "x-hmxmroriginalrecipient"), *_recipients_of(letter)
    return Report(kind=Kind.COMPLAINT, addresses=tuple(dict.fromkeys(named)), diagnostic="abuse")


def _recipients_of(letter: Message | None) -> list[str]:
    return addresses(letter, "to") if letter is not None else []
