"""Leaving by one click, and taking it back.

A mail program POSTs to the address of List-Unsubscribe (RFC 8058, section 3.2): no cookie, no redirect,
either form of body. A person who follows the same address sees a page with a button that POSTs there as
well. GET shows, and never changes: mail scanners follow every link.

A link to leave never ends, and is in other hands once a mail was passed on. So it opens nothing else: the
way back is open for a day from the leaving, for who was a reader, and leads to no page that shows more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse

from digest.model import Subscriber, SubscriberState, Suppression, SuppressionReason
from digest.store.people import Result
from digest.subscribers import tokens
from digest.subscribers.tokens import Purpose
from digest.web.desk import Desk
from digest.web.routes.common import (
    FormLanguage,
    Language,
    NotTaken,
    TheDesk,
    Token,
    act,
    holder,
    in_turn,
    page,
    pages_of,
    shown,
)

router = APIRouter(tags=["leaving"])

BACK_WITHIN = timedelta(days=1)
"""So long after a leaving the button that takes it back is good."""


@router.get("/leave/{token}", response_class=HTMLResponse)
def leave_page(token: Token, desk: TheDesk, language: Language) -> HTMLResponse:
    found = holder(desk, Purpose.LEAVE, token)
    who = found.subscriber
    if who.state is SubscriberState.LEFT:
        return _left(desk, language, who, found.suppression, already=True)
    return page(pages_of(desk).leave(language, address=shown(who), token=token))


@router.post("/leave/{token}", response_class=HTMLResponse)
@in_turn
def leave(
    token: Token,
    desk: TheDesk,
    language: FormLanguage,
    one_click: Annotated[str, Form(alias="List-Unsubscribe")] = "",
) -> HTMLResponse:
    """Ends the subscription, also for the issue on its way."""
    who = holder(desk, Purpose.LEAVE, token).subscriber
    answer = desk.store.people.leave(who.id, act(desk, "one-click" if one_click else "page"))
    if answer.result not in (Result.DONE, Result.SO_ALREADY):
        raise NotTaken("erased")
    return _left(desk, language, who, answer.suppression, already=not answer.done)


@router.post("/return/{token}", response_class=HTMLResponse)
@in_turn
def come_back(token: Token, desk: TheDesk, language: FormLanguage) -> HTMLResponse:
    """That was a mistake: they are a reader as before."""
    who = holder(desk, Purpose.COME_BACK, token).subscriber
    answer = desk.store.people.come_back(who.id, act(desk, "page"))
    if answer.result not in (Result.DONE, Result.SO_ALREADY):
        raise NotTaken("too old")
    return page(pages_of(desk).returned(language, address=shown(who)))


def _left(
    desk: Desk, language: str, who: Subscriber, barred: Suppression | None, *, already: bool
) -> HTMLResponse:
    back = ""
    if who.confirmed_at and barred and barred.reason is SuppressionReason.UNSUBSCRIBED:
        ends = barred.since + BACK_WITHIN
        back = tokens.make(desk.keys, Purpose.COME_BACK, who.id, ends=ends) if ends > desk.now else ""
    return page(pages_of(desk).left(language, address=shown(who), return_token=back, already=already))
