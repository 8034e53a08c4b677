"""The reader's own page, from every mail and without a login: what is kept of them, and what they may do.

The forms for a pause are answered with a redirect to the page, which says at its top what came of it, the
others with what was asked for or a page of their own. An act that changed nothing is never said to be done.
Taking everything along is a POST as well: it leaves its line in the log.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from http import HTTPStatus
from typing import Annotated, get_args
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, Response

from digest.model import Subscriber
from digest.people.along import everything
from digest.store.people import Change, Result, Side
from digest.subscribers.addresses import AddressError, read_address
from digest.subscribers.tokens import Purpose
from digest.web.desk import Desk
from digest.web.pages import Did, ReaderProblem
from digest.web.routes.common import (
    LONGEST_FIELD,
    FormLanguage,
    Language,
    NotTaken,
    TheDesk,
    Token,
    act,
    holder,
    id_of,
    in_turn,
    masked,
    page,
    page_of,
    pages_of,
    reader_of,
    see_other,
)
from digest.web.routes.held import LONGEST_PAUSE, today, view

router = APIRouter(tags=["the reader's own page"])


@router.get("/reader/{token}", response_class=HTMLResponse)
def own_page(
    token: Token,
    desk: TheDesk,
    language: Language,
    did: Annotated[str, Query(description="What was just done.")] = "",
) -> HTMLResponse:
    who = reader_of(desk, token).subscriber
    done: Did | None = next((known for known in get_args(Did) if known == did), None)
    return page(pages_of(desk).reader(language, reader=view(desk, who.id, token), did=done))


@router.post("/reader/{token}/pause", response_class=HTMLResponse)
@in_turn
def pause(
    token: Token,
    desk: TheDesk,
    language: FormLanguage,
    until: Annotated[str, Form(description="The first day with mail again: 2026-12-24.")] = "",
) -> Response:
    who = reader_of(desk, token).subscriber
    wrong, day = _day(desk, until)
    if day is None:
        return _wrong(desk, language, who, token, wrong or "no day")
    zone = ZoneInfo(desk.publication.site.timezone)
    begins = datetime.combine(day, time(), zone)
    answer = desk.store.people.pause(who.id, begins, act(desk, "page"))
    if answer.result is Result.BARRED:
        return _wrong(desk, language, who, token, "not possible")
    return _done(desk, language, token, "paused" if answer.done else "nothing")


@router.post("/reader/{token}/resume", response_class=HTMLResponse)
@in_turn
def resume(token: Token, desk: TheDesk, language: FormLanguage) -> Response:
    who = reader_of(desk, token).subscriber
    answer = desk.store.people.pause(who.id, None, act(desk, "page"))
    if answer.result is Result.BARRED:
        return _wrong(desk, language, who, token, "not possible")
    return _done(desk, language, token, "resumed" if answer.done else "nothing")


@router.post("/reader/{token}/export")
@in_turn
def export(token: Token, desk: TheDesk, language: FormLanguage) -> Response:
    """Everything that is kept of the reader, as one JSON document (GDPR, article 20)."""
    held = desk.store.people.export(reader_of(desk, token).subscriber.id, act(desk, "page"))
    if held is None:
        raise NotTaken("erased")
    text = json.dumps(everything(held), ensure_ascii=False, indent=2)
    named = {"Content-Disposition": 'attachment; filename="what-is-kept.json"'}
    return Response(text.encode(), media_type="application/json", headers=named)


# --------------------------------------------------------------------------------------- a new address


@router.post("/reader/{token}/change", response_class=HTMLResponse)
@in_turn
def ask_to_change(
    token: Token,
    desk: TheDesk,
    language: FormLanguage,
    address: Annotated[str, Form(description="The new address.")] = "",
) -> Response:
    who = reader_of(desk, token).subscriber
    try:
        new = read_address(address[:LONGEST_FIELD])
    except AddressError:
        problem: ReaderProblem = "not an address" if address.strip() else "no address"
        return _wrong(desk, language, who, token, problem)
    if new.key == read_address(who.address).key:
        return _wrong(desk, language, who, token, "same address")
    answer = desk.store.people.ask_to_change(who.id, new, act(desk, "page"))
    refused: dict[Result, ReaderProblem] = {
        Result.BARRED: "asked too often",
        Result.NOBODY: "not confirmed",
    }
    if answer.result in refused:
        return _wrong(desk, language, who, token, refused[answer.result])
    desk.wake()
    return page(pages_of(desk).change_asked(language, old=who.address, new=new.shown))


@router.get("/change/{token}", response_class=HTMLResponse)
def change_page(token: Token, desk: TheDesk, language: Language) -> HTMLResponse:
    id, change, side = _change(desk, token)
    asked = desk.store.people.look_at_change(id, change)
    found = desk.store.people.find(id, desk.now)
    if found is None:
        raise NotTaken("erased")
    if asked is not None and asked.done:
        return _changed(desk, language, found.subscriber, asked, side)
    if asked is None or asked.ends <= desk.now:
        raise NotTaken("too old")
    old = _old(found.subscriber.address, side)
    if side in asked.confirmed:
        return page(pages_of(desk).change_half(language, old=old, new=asked.address, here=side.value))
    return page(
        pages_of(desk).change_confirm(language, old=old, new=asked.address, token=token, here=side.value)
    )


@router.post("/change/{token}", response_class=HTMLResponse)
@in_turn
def confirm_change(token: Token, desk: TheDesk, language: FormLanguage) -> HTMLResponse:
    """One of the two mailboxes says yes; with both the address is changed."""
    pages = pages_of(desk)
    id, change, side = _change(desk, token)
    answer, asked = desk.store.people.confirm_change(id, change, side, act(desk, "link in the mail"))
    if answer.subscriber is None or asked is None:
        raise NotTaken("erased" if desk.store.people.find(id, desk.now) is None else "too old")
    if answer.result is Result.BARRED:
        raise NotTaken("too old")
    if asked.done:
        moved = desk.store.people.find(id, desk.now)
        return _changed(desk, language, moved.subscriber if moved else answer.subscriber, asked, side)
    old = _old(answer.subscriber.address, side)
    return page(pages.change_half(language, old=old, new=asked.address, here=side.value))


def _changed(desk: Desk, language: str, who: Subscriber, change: Change, side: Side) -> HTMLResponse:
    """The way to the reader's page is for the new mailbox alone, and until it has changed once more."""
    still = side is Side.NEW and who.address == change.address
    url = page_of(desk, who) if still else ""
    return page(pages_of(desk).changed(language, new=change.address, reader_url=url))


def _old(address: str, side: Side) -> str:
    """A new address may be mistyped, and its owner a stranger: it is told little of the present one."""
    return address if side is Side.OLD else masked(address)


def _change(desk: Desk, token: str) -> tuple[int, int, Side]:
    """Whose change, which, and from which mailbox: the link carries `NUMBER-old-TOKEN`."""
    number, _, rest = token.partition("-")
    side, _, signed = rest.lower().partition("-")
    if side not in list(Side) or not (number.isascii() and number.isdigit() and len(number) < 16):
        raise NotTaken("not ours", HTTPStatus.NOT_FOUND)
    id = id_of(desk, Purpose.CHANGE_ADDRESS, signed, about=f"{number} {side}")
    return id, int(number), Side(side)


# ----------------------------------------------------------------------------------------- erasing


@router.get("/erase/{token}", response_class=HTMLResponse)
def erase_page(token: Token, desk: TheDesk, language: Language) -> HTMLResponse:
    who = holder(desk, Purpose.ERASE, token).subscriber
    url = page_of(desk, who)
    return page(pages_of(desk).erase(language, address=who.address, token=token, reader_url=url))


@router.post("/erase/{token}", response_class=HTMLResponse)
@in_turn
def erase(token: Token, desk: TheDesk, language: FormLanguage) -> HTMLResponse:
    """Everything that is kept of them goes, for good (GDPR, article 17)."""
    who = holder(desk, Purpose.ERASE, token).subscriber
    if not desk.store.people.erase(who.id, act(desk, "page")).done:
        raise NotTaken("erased")
    return page(pages_of(desk).erased(language))


# ------------------------------------------------------------------------------------------ in short


def _day(desk: Desk, until: str) -> tuple[ReaderProblem | None, date | None]:
    try:
        day = date.fromisoformat(until.strip()[:10])
    except ValueError:
        return "no day", None
    first = today(desk) + timedelta(days=1)
    if day < first:
        return "day too early", None
    if day > today(desk) + LONGEST_PAUSE:
        return "day too late", None
    return None, day


def _done(desk: Desk, language: str, token: str, did: Did) -> Response:
    return see_other(f"{desk.publication.site.base}reader/{token}?did={did}&language={language}")


def _wrong(desk: Desk, language: str, who: Subscriber, token: str, problem: ReaderProblem) -> Response:
    html = pages_of(desk).reader(language, reader=view(desk, who.id, token), problem=problem)
    return page(html, HTTPStatus.UNPROCESSABLE_ENTITY)
