"""Reader 17, who does not exist: the sample values of pages and mails for readers.

One set for all who look before there are readers: the preview, the tests of the pages, the pictures. The
token opens nothing, for it was made with no key. Which pages there are to look at stands in `occasions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

from digest.model import CameBack, Consent, ConsentAct, DeliveryState, ServiceMailKind, Site, SubscriberState
from digest.web.pages import Did, Pages, ReaderProblem
from digest.web.reader_view import CameView, IssueView, MailView, ReaderView

ADDRESS = "reader-17@example.org"
NEW_ADDRESS = "reader-17.new@example.net"
TOKEN = "cei5xq4r7q3zjv2kq2w5xq4r7q"

_WAYS = (
    *("form", "link in the mail", "one-click", "page", "mail to the leave address"),
    *("returned mail", "mail server", "command line", "import of readers.csv"),
)
"""How something may have been done: those of the catalogue, and one that is shown as it was written down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What samples are made of: the pages of a publication, and the moment at which they are looked at."""

    pages: Pages
    site: Site
    now: datetime
    language: str

    @property
    def reader_url(self) -> str:
        return f"{self.site.base}reader/{TOKEN}"

    @property
    def next_issue(self) -> datetime:
        return (self.now + timedelta(days=2)).replace(hour=7, minute=0, second=0, microsecond=0)

    def reader(self, **changes: Any) -> ReaderView:
        """Reader 17, who confirmed ten weeks ago and got every issue since, but for what is changed."""
        added, today = self.now - timedelta(days=70), self._today
        ordinary: dict[str, Any] = {
            "token": TOKEN,
            "address": ADDRESS,
            "name": "Reader Seventeen",
            "state": SubscriberState.CONFIRMED,
            "added_at": added,
            "confirmed_at": added + timedelta(minutes=4),
            "leave_token": TOKEN,
            "erase_token": TOKEN,
            "first_day": today + timedelta(days=1),
            "last_day": today + timedelta(days=365),
            "consents": (
                Consent(
                    at=added,
                    act=ConsentAct.SIGNED_UP,
                    how="form",
                    words=self.pages.consent_words(self.language),
                ),
                Consent(at=added + timedelta(minutes=4), act=ConsentAct.CONFIRMED, how="link in the mail"),
            ),
            "issues": tuple(reversed(list(self._issues(added)))),
            "came_back": (CameView(kind=CameBack.TRANSIENT, at=self.now - timedelta(days=20)),),
            "mails": (MailView(kind=ServiceMailKind.CONFIRM, outcome=DeliveryState.ACCEPTED, at=added),),
        }
        return ReaderView(**{**ordinary, **changes})

    def own(self, *, did: Did | None = None, problem: ReaderProblem | None = None, **changes: Any) -> str:
        """The page of reader 17, but for what is changed."""
        return self.pages.reader(self.language, reader=self.reader(**changes), did=did, problem=problem)

    def everything(self) -> str:
        """The reader's page with each line that can ever stand in its lists."""
        log = (
            Consent(at=self.now - timedelta(days=70 - day), act=act, how=how)
            for day, (act, how) in enumerate(zip(ConsentAct, cycle(_WAYS), strict=False))
        )
        paused = Consent(at=self.now, act=ConsentAct.PAUSED, how=f"page: until {self.in_a_month}")
        came = (CameView(kind=kind, at=self.now - timedelta(days=9)) for kind in CameBack)
        kinds = [kind for kind in ServiceMailKind if kind is not ServiceMailKind.WELCOME]
        mails = (MailView(kind=kind, outcome=DeliveryState.ACCEPTED, at=self.now) for kind in kinds)
        return self.own(consents=(*log, paused), came_back=tuple(came), mails=tuple(mails))

    @property
    def in_a_month(self) -> date:
        return self._today + timedelta(days=29)

    @property
    def _today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.site.timezone)).date()

    def _issues(self, added: datetime) -> Iterator[IssueView]:
        """One with each outcome that there is, the oldest first."""
        for number, outcome in enumerate(["welcome", DeliveryState.ACCEPTED, "paused", *DeliveryState], 1):
            yield IssueView(
                number=number,
                title=f"What was found in week {number}",
                href=f"{self.site.base}issues/{number}/",
                outcome=outcome,
                at=added + timedelta(days=7 * number),
            )
