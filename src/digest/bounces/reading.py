"""One received message -> what it means: the questions in their order, the first answer counts.

A report in a form of its own says what it is. Then comes who wants to leave, then whatever a machine sent in
a reader's name, and last the bounces in free words, which flufl.bounce knows by their phrases. In that order,
because an automatic reply may quote any phrase, and because nothing but a report can be trusted to be one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from email.message import Message

from digest.bounces.owner import leaver, owner
from digest.bounces.reports import Report, report
from digest.bounces.returned import Kind, Marks, Returned, clean
from digest.bounces.statuses import has_reply, judge, status_in
from digest.bounces.unfolding import addresses, header, raw, said, text, unfold, written_at

_SYSTEMS = re.compile(
    r"^(?:mailer-daemon|mail-daemon|mailerdaemon|postmaster|maildaemon|mail_?delivery.*|bounces?|.*-daemon)$",
    re.I,
)
_SYSTEM_NAMES = re.compile(r"mail delivery|delivery (?:sub)?system|mailer[- ]daemon|mail administrator", re.I)
_STILL_TRIED = re.compile(
    r"will (?:keep|continue) (?:to )?try|will be retried|still being retried|not yet been delivered"
    r"|delivery (?:is |has been )?delayed|do not need to resend|could not send message for past",
    re.I,
)
# Where the answer ends and the letter that is brought back begins.
_COPY = re.compile(
    r"^[ \t]*--.*(?:copy of|original|returned|below this line|forwarded|undelivered)"
    r"|^return-path:|^received:",
    re.I | re.M,
)
# In front of the subject alone: a person who answers a post on absence seizures is not absent.
_ABSENT = re.compile(
    r"[\W_]*(?:automatic reply|auto(?:matic|mated)?[- ]?(?:reply|response|responder)|out of (?:the )?office"
    r"|on vacation|away from|abwesen|automatische (?:antwort|r[üu]ckmeldung)|r[ée]ponse automatique"
    r"|absen[ct]e|absent du bureau|respuesta autom|fuera de la oficina|risposta autom|fuori (?:sede|ufficio)"
    r"|resposta autom|fora do escrit|automatisch (?:antwoord|bericht)|afwezig|autosvar|automatisk sva"
    r"|frånvaro|automaattinen vastaus|poissa|odpowied[źz] automat|autoodpowied|automatick. odpov"
    r"|автоответ|автоматический ответ|自動(?:返信|応答)|不在|自动(?:回复|答复)|自動回覆|자동 ?(?:회신|응답))",
    re.I,
)

# It logs whatever hostile mail makes it stumble over, with a traceback; `_failures` has the answer to that.
logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())
logging.getLogger("flufl.bounce").propagate = False


def read(content: bytes, marks: Marks) -> Returned:
    """What one message means and whose it is. Never an exception, whatever was received."""
    message = unfold(content)
    subject, at = said(message, "subject"), written_at(message)
    found = report(message)
    if found is None and (token := leaver(message, marks)) is not None:
        who = () if token else tuple(addresses(message, "from")[:1])
        return Returned(kind=Kind.LEAVE, token=token, addresses=who, subject=subject, at=at)
    if found is None:
        found = _automatic(message) or _in_words(message, content) or Report(kind=Kind.UNKNOWN)
    whose = owner(message, marks)
    return Returned(
        kind=found.kind,
        issue=whose.issue,
        token=whose.token,
        message_id=clean(whose.message_id),
        addresses=found.addresses,
        status=found.status,
        diagnostic=found.diagnostic,
        subject=subject,
        at=at,
    )


# ------------------------------------------------------------------------------------ automatic replies


def _automatic(message: Message) -> Report | None:
    """RFC 3834, section 5, and what came before it. Mail systems mark their bounces in the same way."""
    if _is_from_a_mail_system(message):
        return None
    submitted = raw(message, "auto-submitted").strip().lower()
    marked = submitted.startswith("auto-") or any(
        message.get(name) is not None for name in ("x-autoreply", "x-autorespond", "x-auto-reply")
    )
    precedence = raw(message, "precedence").strip().lower() in ("auto_reply", "auto-reply")
    if marked or precedence or _ABSENT.match(said(message, "subject")):
        return Report(kind=Kind.AUTOMATIC)
    return None


def _is_from_a_mail_system(message: Message) -> bool:
    sender = header(message, "from")
    local = next((address.partition("@")[0] for address in addresses(message, "from")), sender.strip())
    if _SYSTEMS.match(local) or _SYSTEM_NAMES.search(sender):
        return True
    return message.get("x-failed-recipients") is not None  # Exim


# ------------------------------------------------------------------------------------- bounces in words


def _in_words(message: Message, content: bytes) -> Report | None:
    """A bounce without a report, as flufl.bounce or a reply code in it tells; else None.

    Only from a mail system or with the null return path (RFC 5321, section 6.1): people forward and quote.
    """
    if not (_is_from_a_mail_system(message) or raw(message, "return-path").strip() == "<>"):
        return None
    answer = _COPY.split(text(message), maxsplit=1)[0]
    passing, failed = _failures(content)
    line = next((line for line in answer.splitlines() if has_reply(line)), "")
    if not (passing or failed or line):
        return None
    still_tried = (passing and not failed) or _STILL_TRIED.search(f"{said(message, 'subject')} {answer}")
    status = status_in(answer)
    return Report(
        kind=Kind.DELAY if still_tried else judge(status, answer),
        addresses=tuple(failed or passing),
        status=status,
        diagnostic=clean(line),
    )


def _failures(content: bytes) -> tuple[list[str], list[str]]:
    """The addresses that flufl.bounce finds: still tried, and failed.

    The time that its patterns take grows with the square of a line's length.
    """
    from flufl.bounce import all_failures  # here, because whoever opens a store comes by and reads no mail

    try:
        passing, failed = all_failures(unfold(content, line=250))
    except Exception:  # its detectors were written for mail as it should be, and may raise anything
        return [], []
    return _readable(passing), _readable(failed)


def _readable(found: Iterable[bytes]) -> list[str]:
    return [clean(address.decode("ascii", "replace")) for address in sorted(found)[:20] if b"@" in address]
