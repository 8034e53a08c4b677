"""What all routes share: the desk, the visitor's language, tokens read or refused, pages as answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from digest.model import Subscriber
from digest.store.people import Act, Listed
from digest.subscribers import tokens
from digest.subscribers.tokens import Purpose, Refused
from digest.web.desk import Desk
from digest.web.pages import Pages, Refusal

LONGEST_FIELD = 400
"""Characters of a field that are looked at; an address has at most 254."""
_LONGEST_TAG = 35
"""Characters of a language tag (RFC 5646, section 4.4.1)."""

_FORMS_AT_ONCE = CapacityLimiter(2)

Token = Annotated[str, Path(description="What a link of ours carries.")]


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _desk(request: Request) -> Desk:
    return desk_of(request)


def language_of(request: Request, asked: str) -> str:
    """The language that a link or a form names, else the browser's, else the newsletter's."""
    pages = desk_of(request).publication.pages
    return pages.language(asked[:_LONGEST_TAG], request.headers.get("accept-language", ""))


async def _language(
    request: Request, language: Annotated[str, Query(description="In place of the browser's.")] = ""
) -> str:
    return language_of(request, language)


async def _form_language(
    request: Request, language: Annotated[str, Form(description="That of the form.")] = ""
) -> str:
    return language_of(request, language)


TheDesk = Annotated[Desk, Depends(_desk)]
Language = Annotated[str, Depends(_language)]
FormLanguage = Annotated[str, Depends(_form_language)]


class NotTaken(Exception):
    """A link that leads nowhere. Answered with a page that says why, and what to do."""

    def __init__(self, why: Refusal, status: HTTPStatus = HTTPStatus.GONE) -> None:
        super().__init__(why)
        self.why: Refusal = why
        self.status = status


T = TypeVar("T")


def in_turn(route: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
    """For a route that changes something: forms wait for each other in a line, outside the threads.

    The database lets one of them write at a time; two threads keep it busy. Were each of fifty that come at
    once given a thread, a reader who only looks at a page would share the processor with them all.
    """

    @wraps(route)
    async def waiting(**values: Any) -> T:
        return await to_thread.run_sync(partial(route, **values), limiter=_FORMS_AT_ONCE)

    # With its types looked up where the route stands, and not here.
    waiting.__signature__ = inspect.signature(route, eval_str=True)  # type: ignore[attr-defined]
    return waiting


def page(html: str, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> HTMLResponse:
    return HTMLResponse(html, status, {name.replace("_", "-"): value for name, value in headers.items()})


def see_other(path: str) -> RedirectResponse:
    """After a form: the page that says what came of it, which may be loaded again without harm."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


def pages_of(desk: Desk) -> Pages:
    return desk.publication.pages


def holder(desk: Desk, purpose: Purpose, token: str, *, about: str = "") -> Listed:
    """The reader whose token it is. Raises NotTaken: another purpose, another newsletter, too old, erased."""
    found = desk.store.people.find(id_of(desk, purpose, token, about=about), desk.now)
    if found is None:
        raise NotTaken("erased")
    return found


def reader_of(desk: Desk, token: str) -> Listed:
    """The reader whose own page a link opens. Raises NotTaken; also for one mailed to a former address."""
    claimed = tokens.claimed(token)
    found = None if claimed is None else desk.store.people.find(claimed, desk.now)
    match tokens.reads_own_page(desk.keys, token, found.subscriber.moved if found else 0, now=desk.now):
        case int() if found is not None:
            return found
        case int():
            raise NotTaken("erased")
        case Refused.ENDED:
            raise NotTaken("too old")
    if found is not None and _was_theirs(desk, token, found.subscriber.moved):
        raise NotTaken("too old")
    raise NotTaken("not ours", HTTPStatus.NOT_FOUND)


def _was_theirs(desk: Desk, token: str, moved: int) -> bool:
    """Whether it opened the page before they changed their address."""
    earlier = (tokens.reads_own_page(desk.keys, token, move, now=desk.now) for move in range(moved))
    return any(isinstance(id, int) for id in earlier)


def page_of(desk: Desk, who: Subscriber) -> str:
    """The path of a reader's own page, with its token."""
    return f"{desk.publication.site.base}reader/{tokens.own_page(desk.keys, who.id, who.moved)}"


def shown(who: Subscriber) -> str:
    """The address on pages that a link in an old mail opens: whole, unless it was mailed to another one."""
    return masked(who.address) if who.moved else who.address


def masked(address: str) -> str:
    """Enough for its owner to know it: `r…@example.org`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"


def id_of(desk: Desk, purpose: Purpose, token: str, *, about: str = "") -> int:
    """The subscriber's id that a token carries, whether there still is such a reader or not."""
    match tokens.read(desk.keys, purpose, token, now=desk.now, about=about):
        case Refused.ENDED:
            raise NotTaken("too old")
        case Refused.UNKNOWN:
            raise NotTaken("not ours", HTTPStatus.NOT_FOUND)
        case int() as id:
            return id


def act(desk: Desk, how: str, words: str = "") -> Act:
    return Act(at=desk.now, how=how, words=words)
