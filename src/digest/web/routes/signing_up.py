"""Signing up: from the form to a confirmed address.

The form is answered before anybody looks who it is about (`store.sign_ups`), so that its answer, and the time
it takes, are the same for every address. The link in the mail shows a page with a button; only the button
confirms, for mail scanners follow links and press no buttons.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from digest import schedule
from digest.model import NoticeKind, Subscriber, SubscriberState
from digest.settings.tables import WebTable
from digest.store.people import Result
from digest.store.sign_ups import Caps, Taken
from digest.store.sign_ups import Form as SignUp
from digest.subscribers import challenge as work
from digest.subscribers.addresses import Address, AddressError, read_address
from digest.subscribers.challenge import Verdict
from digest.subscribers.tokens import Purpose
from digest.web.desk import Desk
from digest.web.pages import Crowd, SignupProblem
from digest.web.routes.common import (
    LONGEST_FIELD,
    FormLanguage,
    Language,
    NotTaken,
    TheDesk,
    Token,
    act,
    desk_of,
    holder,
    in_turn,
    page,
    page_of,
    pages_of,
    see_other,
    shown,
)
from digest.web.visitor import network_of, visitor


async def _open(request: Request) -> None:
    """Whether there is a form is asked anew each time: `[web] signup` may change while we serve."""
    if not desk_of(request).signs_up:
        raise HTTPException(HTTPStatus.NOT_FOUND)


router = APIRouter(tags=["signing up"], dependencies=[Depends(_open)])
"""Only where readers may sign up; else nothing is found here."""

confirming = APIRouter(tags=["signing up"])
"""Always: a link that was mailed must not lead nowhere because the form was taken away."""

HOW = "form"
"""Stands in the consent log."""

_HOUR = 3600
_ANYWHERE = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
"""The form may stand in other people's sites, whose script asks here for its challenge."""
_CROWDED = "more than {most} forms to sign up came within an hour; the others were asked to come later"
_DOMAIN_CROWDED = (
    "more than {most} forms to sign up came within an hour for addresses of one domain; the others were asked"
    " to come later"
)
_LOOK = "look who came: `digest subscribers list --state pending`; [web] {cap} is the cap"
_UNNAMED_PROXY = (
    "the web is asked through a proxy that [web] proxies does not name: all visitors count as one"
)
_NAME_IT = 'name its address: proxies = ["127.0.0.1"]; until then few can sign up in an hour'
_CROWDS: dict[Taken, Crowd] = {Taken.NETWORK: "network", Taken.DOMAIN: "domain", Taken.ALL: "all"}


@router.get("/subscribe", response_class=RedirectResponse)
def typed(desk: TheDesk) -> Response:
    """As people type it from a printed page."""
    return RedirectResponse(f"{desk.publication.site.base}subscribe/", HTTPStatus.MOVED_PERMANENTLY)


@router.get("/subscribe/", response_class=HTMLResponse)
def form(desk: TheDesk, language: Language) -> HTMLResponse:
    return page(pages_of(desk).subscribe(language))


@router.get("/subscribe/sent", response_class=HTMLResponse)
def sent(desk: TheDesk, language: Language) -> HTMLResponse:
    return page(pages_of(desk).asked(language))


@router.get("/subscribe/embed", response_class=HTMLResponse)
def embed(desk: TheDesk, language: Language) -> HTMLResponse:
    return page(pages_of(desk).embed(language))


@router.get("/subscribe/challenge")
def challenge(desk: TheDesk) -> JSONResponse:
    """What the script on the form works at: `{"challenge": "...", "difficulty": 17}`."""
    made = {"challenge": work.make(desk.keys, desk.now), "difficulty": work.DIFFICULTY}
    return JSONResponse(made, headers=_ANYWHERE)


@router.post("/subscribe/", response_class=HTMLResponse)
@in_turn
def sign_up(
    request: Request,
    desk: TheDesk,
    language: FormLanguage,
    address: Annotated[str, Form(description="The address that wants the newsletter.")] = "",
    homepage: Annotated[str, Form(description="Hidden from people; who fills it in is none.")] = "",
    challenge: Annotated[str, Form(description="As it was handed out.")] = "",
    solution: Annotated[str, Form(description="The number that solves it.")] = "",
    ticket: Annotated[str, Form(description="In place of both, from who has waited.")] = "",
) -> Response:
    pages, base = pages_of(desk), desk.publication.site.base
    done = see_other(f"{base}subscribe/sent?language={language}")
    try:
        reader = read_address(address[:LONGEST_FIELD])
    except AddressError:
        problem: SignupProblem = "not an address" if address.strip() else "no address"
        html = pages.subscribe(language, address=address[:LONGEST_FIELD], problem=problem)
        return page(html, HTTPStatus.UNPROCESSABLE_ENTITY)
    if homepage:
        return done
    if _has_waited(desk, ticket, reader):
        proof = ticket
    elif _has_worked(desk, challenge, solution):
        proof = challenge
    else:
        return _one_more_step(desk, language, reader, ticket)
    match _take(desk, _network(request, desk), language, reader, proof):
        case Taken.TAKEN:
            done.background = BackgroundTask(_wake, desk)
            return done
        case Taken.SPENT:
            return _one_more_step(desk, language, reader, "")
        case full:
            return _come_back_later(desk, language, full)


async def _wake(desk: Desk) -> None:
    """Once the answer has left: what the office does about an address must not show in its time."""
    desk.wake()


def _has_worked(desk: Desk, challenge: str, solution: str) -> bool:
    return work.check(desk.keys, challenge, solution, desk.now) is Verdict.FINE


def _has_waited(desk: Desk, ticket: str, reader: Address) -> bool:
    return bool(ticket) and work.check_ticket(desk.keys, ticket, reader.key, desk.now) is Verdict.FINE


def _one_more_step(desk: Desk, language: str, reader: Address, ticket: str) -> Response:
    """The slower way: a ticket, good in some seconds. One that came too early stays good."""
    now = desk.now
    verdict = work.check_ticket(desk.keys, ticket, reader.key, now) if ticket else Verdict.UNKNOWN
    if verdict is not Verdict.TOO_FAST:
        ticket = work.ticket(desk.keys, reader.key, now)
    seconds = work.seconds_left(ticket, now)
    return page(pages_of(desk).one_more_step(language, address=reader.shown, ticket=ticket, seconds=seconds))


def _take(desk: Desk, network: str, language: str, reader: Address, proof: str) -> Taken:
    form = SignUp(
        address=reader,
        network=network,
        language=language,
        words=pages_of(desk).consent_words(language),
        how=HOW,
        spent=work.spent(proof),
    )
    return desk.store.sign_ups.take(form, caps(desk.publication.settings.web), desk.now)


def caps(table: WebTable) -> Caps:
    """What the settings allow, an hour."""
    network, domain, all = (
        rate if rate is None else max(1, round(rate * _HOUR))
        for rate in (table.per_network, table.per_domain, table.in_all)
    )
    return Caps(network=network, domain=domain, all=all)


def _network(request: Request, desk: Desk) -> str:
    peer = request.client.host if request.client else None
    forwarded = request.headers.getlist("x-forwarded-for")
    seen = visitor(peer, forwarded, desk.publication.settings.web.proxies)
    if forwarded and seen == visitor(peer, (), ()) and seen.is_private:
        desk.mind(NoticeKind.PROXY, _UNNAMED_PROXY, cure=_NAME_IT)
    return network_of(seen)


def _come_back_later(desk: Desk, language: str, full: Taken) -> Response:
    most = caps(desk.publication.settings.web)
    match full:
        case Taken.ALL:
            desk.mind(NoticeKind.SIGN_UPS, _CROWDED.format(most=most.all), cure=_LOOK.format(cap="in_all"))
        case Taken.DOMAIN:  # its name would tell who signs up
            says = _DOMAIN_CROWDED.format(most=most.domain)
            desk.mind(NoticeKind.SIGN_UPS, says, cure=_LOOK.format(cap="per_domain"))
        case _:
            desk.tell_hourly("a network has sent more forms to sign up than are taken in an hour")
    html = pages_of(desk).come_back_later(language, minutes=60, why=_CROWDS[full])
    return page(html, HTTPStatus.TOO_MANY_REQUESTS, Retry_After=str(_HOUR))


# ------------------------------------------------------------------------------------------ confirming


@confirming.get("/confirm/{token}", response_class=HTMLResponse)
def confirm_page(token: Token, desk: TheDesk, language: Language) -> HTMLResponse:
    found = holder(desk, Purpose.CONFIRM, token)
    who = found.subscriber
    if who.state is SubscriberState.LEFT:
        raise NotTaken("too old")
    if who.state is SubscriberState.CONFIRMED and found.suppression is None:
        return _confirmed(desk, language, who, already=True)
    return page(pages_of(desk).confirm(language, address=who.address, token=token))


@confirming.post("/confirm/{token}", response_class=HTMLResponse)
@in_turn
def confirm(token: Token, desk: TheDesk, language: FormLanguage) -> HTMLResponse:
    """The click that makes a reader of an address; it agrees to the words that stand beside the button."""
    pages, newsletter = pages_of(desk), desk.publication.newsletter
    who = holder(desk, Purpose.CONFIRM, token).subscriber
    agreed = act(desk, "link in the mail", pages.consent_words(language))
    welcome = newsletter is not None and newsletter.welcome == "latest issue"
    answer = desk.store.people.confirm(who.id, agreed, by_reader=True, welcome=welcome)
    if answer.result not in (Result.DONE, Result.SO_ALREADY):
        raise NotTaken("erased" if answer.result is Result.NOBODY else "too old")
    desk.wake()
    return _confirmed(desk, language, who, already=not answer.done, welcome=answer.welcome is not None)


def _confirmed(
    desk: Desk, language: str, who: Subscriber, *, already: bool, welcome: bool = False
) -> HTMLResponse:
    html = pages_of(desk).confirmed(
        language,
        address=shown(who),
        welcome=welcome,
        next_issue=_next_issue(desk),
        reader_url=page_of(desk, who) if not who.moved else "",
        already=already,
    )
    return page(html)


def _next_issue(desk: Desk) -> datetime | None:
    if desk.publication.newsletter is None:
        return None
    slots = schedule.upcoming(desk.publication.newsletter, desk.store.last_slot(), desk.now, 1)
    return slots[0].sends if slots else None
