"""When a reader meets which page or mail: the list of all there are, each made with sample values.

`GROUPS` has them in the order in which a reader comes by. A page is made by the pages that it is given, those
of the preview or of a test; what stands in it is reader 17's (`samples`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from digest.model import ServiceMailKind, SubscriberState, SuppressionReason
from digest.preview.samples import ADDRESS, NEW_ADDRESS, TOKEN, Given
from digest.store import changes, sign_ups
from digest.web.pages import Crowd, Mailbox, ReaderProblem, Refusal, SignupProblem
from digest.web.reader_view import ChangeView


@dataclass(frozen=True, kw_only=True, slots=True)
class PageSample:
    """One page in one state. `name` is for addresses, `title` says when a reader meets it."""

    name: str
    title: str
    template: str
    make: Callable[[Given], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class MailSample:
    """A mail that answers one reader. `link` is where its button leads, and `days` how long that is good."""

    name: str
    title: str
    kind: ServiceMailKind
    link: str
    days: int = 0
    new_address: str = ""
    template: str = "email/service.mjml"
    text_template: str = "email/service.txt"


Sample = PageSample | MailSample


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    name: str
    samples: tuple[Sample, ...]
    signing_up: bool = False
    """Met only where the web takes sign-ups (`[web] signup`)."""


def _page(name: str, title: str, template: str, make: Callable[[Given], str]) -> PageSample:
    return PageSample(name=name, title=title, template=f"web/{template}.html", make=make)


def _form(problem: SignupProblem) -> PageSample:
    typed = "" if problem == "no address" else "reader-17"
    return _page(
        f"subscribe-mistake-{problem.replace(' ', '-')}",
        f"The form: {problem}",
        "subscribe",
        lambda it: it.pages.subscribe(it.language, address=typed, problem=problem),
    )


def _later(why: Crowd, title: str, minutes: int) -> PageSample:
    name = "later" if why == "network" else f"later-{why}"
    return _page(
        name, title, "later", lambda it: it.pages.come_back_later(it.language, minutes=minutes, why=why)
    )


def _own(name: str, title: str, make: Callable[[Given], str]) -> PageSample:
    return _page(name, title, "reader", make)


def _own_mistake(problem: ReaderProblem) -> PageSample:
    name = f"reader-mistake-{problem.replace(' ', '-')}"
    return _own(name, f"Mistake: {problem}", lambda it: it.own(problem=problem))


def _barred(reason: SuppressionReason, title: str) -> PageSample:
    return _own(f"reader-{reason.replace(' ', '-')}", title, lambda it: it.own(suppression=reason))


def _refused(why: Refusal) -> PageSample:
    return _page(
        f"refused-{why.replace(' ', '-')}",
        f"The link: {why}",
        "refused",
        lambda it: it.pages.refused(it.language, why=why),
    )


def _trouble(status: int, title: str) -> PageSample:
    number = "0badcafe" if status == 500 else ""
    return _page(
        f"trouble-{status}",
        f"{status}: {title}",
        "trouble",
        lambda it: it.pages.trouble(it.language, status=status, number=number),
    )


def _confirmed(
    name: str, title: str, *, welcome: bool = False, dated: bool = True, already: bool = False
) -> PageSample:
    return _page(
        name,
        title,
        "confirmed",
        lambda it: it.pages.confirmed(
            it.language,
            address=ADDRESS,
            welcome=welcome,
            next_issue=it.next_issue if dated else None,
            reader_url=it.reader_url,
            already=already,
        ),
    )


def _left(name: str, title: str, *, already: bool = False, token: str = TOKEN) -> PageSample:
    return _page(
        name,
        title,
        "left",
        lambda it: it.pages.left(it.language, address=ADDRESS, return_token=token, already=already),
    )


def _change_confirm(here: Mailbox, title: str) -> PageSample:
    return _page(
        "change-confirm" if here == "new" else "change-confirm-old",
        title,
        "change_confirm",
        lambda it: it.pages.change_confirm(it.language, old=ADDRESS, new=NEW_ADDRESS, token=TOKEN, here=here),
    )


GROUPS = (
    Group(
        name="Signing up",
        signing_up=True,
        samples=(
            _page("subscribe", "The form", "subscribe", lambda it: it.pages.subscribe(it.language)),
            *(_form(problem) for problem in get_args(SignupProblem)),
            _page(
                "one-more-step",
                "Without JavaScript",
                "one_more_step",
                lambda it: it.pages.one_more_step(it.language, address=ADDRESS, ticket="1k7f", seconds=20),
            ),
            _page("asked", "After the form", "asked", lambda it: it.pages.asked(it.language)),
            _later("network", "Too many: one network", 20),
            _later("domain", "Too many: one provider", 20),
            _later("all", "Too many: in all", 1),
            _page("embed", "The form for other sites", "embed", lambda it: it.pages.embed(it.language)),
        ),
    ),
    Group(
        name="Confirming",
        samples=(
            _page(
                "confirm",
                "The question",
                "confirm",
                lambda it: it.pages.confirm(it.language, address=ADDRESS, token=TOKEN),
            ),
            _confirmed("confirmed", "Confirmed", welcome=True),
            _confirmed("confirmed-no-date", "Confirmed, no date yet", dated=False),
            _confirmed("confirmed-already", "Confirmed before", dated=False, already=True),
        ),
    ),
    Group(
        name="The reader's own page",
        samples=(
            _own("reader", "As it mostly is", lambda it: it.own()),
            _own("reader-new", "Nothing sent yet", lambda it: it.own(issues=(), came_back=())),
            _own("reader-everything", "All that a log can say", lambda it: it.everything()),
            _own(
                "reader-paused",
                "Has just paused",
                lambda it: it.own(paused_until=it.in_a_month, did="paused"),
            ),
            _own("reader-resumed", "Has ended the pause", lambda it: it.own(did="resumed")),
            _own(
                "reader-change-asked",
                "Has asked to move",
                lambda it: it.own(change=ChangeView(new=NEW_ADDRESS)),
            ),
            _own(
                "reader-moving",
                "Moving, and a mistake",
                lambda it: it.own(
                    change=ChangeView(new=NEW_ADDRESS, at_new=True),
                    issues=(),
                    consents=(),
                    problem="same address",
                ),
            ),
            _own("reader-nothing", "Nothing to be done", lambda it: it.own(did="nothing")),
            *(_own_mistake(problem) for problem in get_args(ReaderProblem) if problem != "same address"),
            _own(
                "reader-pending",
                "Not yet confirmed",
                lambda it: it.own(state=SubscriberState.PENDING, confirmed_at=None, issues=(), came_back=()),
            ),
            _barred(SuppressionReason.HARD_BOUNCE, "Not mailed: no mailbox"),
            _barred(SuppressionReason.COMPLAINT, "Not mailed: complaint"),
            _barred(SuppressionReason.MANUAL, "Not mailed: by hand"),
            _own(
                "reader-left",
                "Has left",
                lambda it: it.own(
                    state=SubscriberState.LEFT, suppression=SuppressionReason.UNSUBSCRIBED, name=""
                ),
            ),
        ),
    ),
    Group(
        name="Leaving",
        samples=(
            _page(
                "leave",
                "The question",
                "leave",
                lambda it: it.pages.leave(it.language, address=ADDRESS, token=TOKEN),
            ),
            _left("left", "Has left"),
            _left("left-already", "Had left before", already=True),
            _left("left-long-ago", "Had left long ago", already=True, token=""),
            _page(
                "returned",
                "Has come back",
                "returned",
                lambda it: it.pages.returned(it.language, address=ADDRESS),
            ),
        ),
    ),
    Group(
        name="A new address",
        samples=(
            _page(
                "change-asked",
                "Has asked to move",
                "change_asked",
                lambda it: it.pages.change_asked(it.language, old=ADDRESS, new=NEW_ADDRESS),
            ),
            _change_confirm("old", "The old one is asked"),
            _change_confirm("new", "The new one is asked"),
            _page(
                "change-half",
                "One has agreed",
                "change_half",
                lambda it: it.pages.change_half(it.language, old=ADDRESS, new=NEW_ADDRESS, here="new"),
            ),
            _page(
                "changed",
                "Both have agreed",
                "changed",
                lambda it: it.pages.changed(it.language, new=NEW_ADDRESS, reader_url=it.reader_url),
            ),
        ),
    ),
    Group(
        name="Erasing",
        samples=(
            _page(
                "erase",
                "The question",
                "erase",
                lambda it: it.pages.erase(
                    it.language, address=ADDRESS, token=TOKEN, reader_url=it.reader_url
                ),
            ),
            _page("erased", "Erased", "erased", lambda it: it.pages.erased(it.language)),
        ),
    ),
    Group(
        name="What does not work",
        samples=(
            *(_refused(why) for why in get_args(Refusal)),
            _trouble(400, "not understood"),
            _trouble(404, "no such page"),
            _trouble(405, "not done here"),
            _trouble(408, "too slow"),
            _trouble(413, "too large"),
            _trouble(429, "too often"),
            _trouble(500, "our mistake"),
            _trouble(503, "not now"),
        ),
    ),
    Group(
        name="Mails",
        samples=(
            MailSample(
                name="mail-confirm",
                title="Asks to confirm",
                kind=ServiceMailKind.CONFIRM,
                link=f"confirm/{TOKEN}",
                days=sign_ups.CONFIRM_WITHIN.days,
            ),
            MailSample(
                name="mail-already",
                title="You get it already",
                kind=ServiceMailKind.ALREADY,
                link=f"reader/{TOKEN}",
            ),
            MailSample(
                name="mail-change-old",
                title="Asks the old address",
                kind=ServiceMailKind.CHANGE_OLD,
                link=f"change/7-old-{TOKEN}",
                days=changes.CONFIRM_WITHIN.days,
                new_address=NEW_ADDRESS,
            ),
            MailSample(
                name="mail-change-new",
                title="Asks the new address",
                kind=ServiceMailKind.CHANGE_NEW,
                link=f"change/7-new-{TOKEN}",
                days=changes.CONFIRM_WITHIN.days,
            ),
        ),
    ),
)
"""All there is to look at but the welcome, which is an issue."""
