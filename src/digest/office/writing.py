"""From a mail that waits to a letter that can leave, with links that are made at this very moment.

No link that opens anything is stored: whoever reads the database learns of none. As the ends of links follow
from when the mail was asked for, a letter that is written again is the same letter.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import parseaddr
from urllib.parse import quote

from digest import mailing
from digest.compose import answer, host_of, return_path
from digest.errors import InputError
from digest.mailing import NO_ISSUE, Addressing
from digest.model import (
    OBJECTION,
    Addressee,
    IssueState,
    Letter,
    Outcome,
    Result,
    ServiceMail,
    ServiceMailKind,
    Stage,
)
from digest.render.service_mail import service_email
from digest.settings import Settings
from digest.store import Store
from digest.store.changes import Side
from digest.store.issues import is_frozen
from digest.store.sending import Waiting
from digest.store.sign_ups import CONFIRM_WITHIN
from digest.subscribers.tokens import Purpose, make, mark, own_page
from digest.subscribers.tokens import return_path as return_token
from digest.theme import Theme

_SIDES = {ServiceMailKind.CHANGE_OLD: Side.OLD, ServiceMailKind.CHANGE_NEW: Side.NEW}
_OWN = (ServiceMailKind.ALREADY, ServiceMailKind.CHANGE_OLD)
"""Goes to the reader's own mailbox, so that what comes back for it says something about the reader."""


class Writing:
    """Writes with the settings, the words and the keys of one moment. Blocks: call it in a thread."""

    def __init__(self, settings: Settings, store: Store, now: datetime) -> None:
        self._settings, self._store, self._now = settings, store, now
        self._site, self._newsletter = settings.site, mailing.newsletter_of(settings)
        self._theme = Theme(
            settings.templates, language=self._site.language, timezone=self._newsletter.timezone
        )
        self._keys = store.people.keys(now)
        self._signers = mailing.signers(settings)
        self._sender = parseaddr(self._newsletter.sender)[1]
        self._welcomes: dict[int, Addressing | Outcome] = {}

    def letter(self, mail: ServiceMail) -> Letter | Outcome:
        """The letter, or why there is none: for good, or for now.

        Raises TemplateError and SettingsError for what keeps every mail from leaving.
        """
        try:
            if mail.kind is ServiceMailKind.WELCOME:
                return self._welcome(mail)
            if (ends := self._ends(mail)) is not None and ends <= self._now:
                return _refused("its link has ended before it could leave")
            return self._question(mail)
        except InputError as error:
            return _refused(error.says)

    # ------------------------------------------------------------------------------- all but the welcome

    def _question(self, mail: ServiceMail) -> Letter:
        words = self._theme.words(mail.language)
        ends = self._ends(mail)
        email = service_email(
            self._theme.render,
            words,
            self._site,
            self._newsletter,
            mail.kind,
            url=self._site.address(self._link(mail)),
            days=(ends - mail.made_at).days if ends else 0,
            new_address=mail.new_address,
        )
        content = answer(
            email,
            self._site,
            self._newsletter,
            self._addressee(mail),
            date=mail.made_at,
            language=words.language,
            signers=self._signers,
        )
        return Letter(
            issue=NO_ISSUE,
            place=mail.id,
            sender=self._comes_back_to(mail),
            recipient=mail.address,
            content=lambda: content,
            size=len(content),
            international=not mail.address.isascii(),
            attempts=mail.attempts,
            canonical=True,
        )

    def _ends(self, mail: ServiceMail) -> datetime | None:
        """Until when the link is good; None where it does not end."""
        return mail.made_at + CONFIRM_WITHIN if mail.kind is ServiceMailKind.CONFIRM else mail.ends

    def _link(self, mail: ServiceMail) -> str:
        tokens, who, ends = self._keys.tokens, mail.subscriber, self._ends(mail)
        match mail.kind:
            case ServiceMailKind.CONFIRM:
                return f"confirm/{make(tokens, Purpose.CONFIRM, who, ends=ends)}"
            case ServiceMailKind.ALREADY:
                return f"reader/{own_page(tokens, who, mail.moved)}"
            case _:
                side = _SIDES[mail.kind].value
                token = make(tokens, Purpose.CHANGE_ADDRESS, who, about=f"{mail.change} {side}", ends=ends)
                return f"change/{mail.change}-{side}-{token}"

    def _addressee(self, mail: ServiceMail) -> Addressee:
        """Without a name, which may be anybody's words; with a way to leave for who is a reader."""
        leave = ""
        if mail.kind is ServiceMailKind.ALREADY:
            leave = make(self._keys.tokens, Purpose.LEAVE, mail.subscriber)
        by_mail = quote(self._newsletter.leave_by_mail or self._sender, safe="@+")
        return Addressee(
            address=mail.address,
            name="",
            message_id=self._message_id(mail),
            leave_url=self._site.address(f"leave/{leave}") if leave else "",
            preferences_url="",
            leave_mailto=f"mailto:{by_mail}?subject=leave%20{leave}" if leave else "",
            return_path="",
        )

    def _message_id(self, mail: ServiceMail) -> str:
        """The same on every try, and after keys were renewed; how many mails there were is not told."""
        keyed = mark(self._keys.marks, f"service mail {mail.id}")
        return f"{mail.kind.value.replace(' ', '-')}.{keyed[:24]}@{host_of(self._site)}"

    def _comes_back_to(self, mail: ServiceMail) -> str:
        """With the reader's token only where the mailbox is theirs: a stranger's says nothing about them."""
        path = self._newsletter.return_path
        if not path or mail.kind not in _OWN:
            return path or self._sender
        token = return_token(self._keys.tokens, mail.subscriber, NO_ISSUE, mail.moved)
        return return_path(path, NO_ISSUE, token)

    # ---------------------------------------------------------------------------------------- the welcome

    def _welcome(self, mail: ServiceMail) -> Letter | Outcome:
        assert mail.issue is not None
        if mail.issue not in self._welcomes:
            self._welcomes[mail.issue] = self._cast(mail.issue)
        found = self._welcomes[mail.issue]
        if isinstance(found, Outcome):
            return found
        return found.letter(
            Waiting(
                place=mail.id,
                subscriber=mail.subscriber,
                address=mail.address,
                name=mail.name,
                attempts=mail.attempts,
                first_at=None,
                moved=mail.moved,
            )
        )

    def _cast(self, number: int) -> Addressing | Outcome:
        """The issue as it was sent; one that its author holds, or that is not what was approved, waits."""
        found = self._store.issue(number)
        if found.state not in (IssueState.SENDING, IssueState.SENT):
            return _not_now(f"issue {number} is {found.state.value}")
        if not is_frozen(found):
            return _not_now(f"issue {number} is not what was approved")
        return mailing.welcoming(self._settings, self._store, found, self._now)


def _refused(says: str) -> Outcome:
    return Outcome(result=Result.REFUSED, stage=Stage.RECIPIENT, text=f"{OBJECTION}{says}"[:300])


def _not_now(says: str) -> Outcome:
    return Outcome(result=Result.TRY_LATER, stage=Stage.CONNECT, text=f"{OBJECTION}{says}"[:300])
