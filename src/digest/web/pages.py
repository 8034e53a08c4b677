"""Every page that a reader meets on the web: `Pages` has one method a page, each gives its HTML as text.

A page is a template of `templates/web/`, filled with the words of the visitor's language and with what it
is given, inside the frame of the built site (`frames`). Nothing is looked up or decided here: the routes do
that. A method takes the language first, as `language` chose it, and its name says what has happened or is
asked. Search engines list none of the pages, and none needs a script or a cookie.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from email.utils import parseaddr
from typing import Literal
from urllib.parse import quote

from markupsafe import Markup

from digest.catalogue import choose
from digest.model import Feed, Newsletter, Site
from digest.render.site.frame import Anchor
from digest.render.wording import dated, timed
from digest.theme import Theme
from digest.web.frames import Frames
from digest.web.reader_view import ReaderView, View, mailbox

SignupProblem = Literal["no address", "not an address"]
"""What is wrong with the form to sign up: a key of `[problem]` in the catalogue."""

ReaderProblem = Literal[
    "no address",
    "not an address",
    "same address",
    "no day",
    "day too early",
    "day too late",
    "asked too often",
    "not confirmed",
    "not possible",
]
"""What is wrong with a form on the reader's page: a key of `[problem]`."""

_OF_ADDRESSES = frozenset({"no address", "not an address", "same address"})
_OF_DAYS = frozenset({"no day", "day too early", "day too late"})

Did = Literal["paused", "resumed", "nothing"]
"""What was done on the reader's page: a key of `[did]`."""

Refusal = Literal["too old", "not ours", "erased"]
"""Why a link is not taken: a key of `[refused]`."""

Crowd = Literal["network", "domain", "all"]
"""What has signed up too often: a key of `[later]`."""

Mailbox = Literal["old", "new"]
"""Where a link to confirm a move was sent to."""

TROUBLES = (400, 404, 405, 408, 413, 429, 500, 503)
"""The statuses that have words of their own; another is said in those of 400 or 500."""


class Pages:
    """The pages of one publication. `feeds` are those that browsers are told of on every page.

    Without a newsletter, or where `signup` is false, no page offers to sign up. Made once and kept. Whatever
    goes wrong in a template or in the catalogue raises TemplateError.
    """

    def __init__(
        self,
        theme: Theme,
        site: Site,
        newsletter: Newsletter | None = None,
        *,
        signup: bool = True,
        feeds: Sequence[Feed] = (),
    ) -> None:
        self._theme = theme
        self._site = site
        self._newsletter = newsletter
        self._frames = Frames(theme, site, newsletter, feeds, signup=signup)

    # -------------------------------------------------------------------------------------- languages

    def language(self, asked: str = "", accept_language: str = "") -> str:
        """The language to answer in: the one that a form or a link names, else the one that the browser asks
        for, else the publication's own.
        """
        names = self._theme.languages.names
        return asked if asked in names else choose(accept_language, names, self._theme.words().language)

    def consent_words(self, language: str) -> str:
        """What a reader agrees to by signing up, exactly as the pages in this language say it."""
        return self._theme.words(language)("consent.words", newsletter=self._site.title)

    # ------------------------------------------------------------------------------------- signing up

    def subscribe(self, language: str, *, address: str = "", problem: SignupProblem | None = None) -> str:
        """The form, also after a mistake in it: then `address` is what was typed."""
        values = {
            **self._problem(language, problem, "page-address"),
            "address": address,
            "consent": self.consent_words(language),
        }
        return self._frames.page("subscribe", language, values, here="subscribe/")

    def one_more_step(self, language: str, *, address: str, ticket: str, seconds: int) -> str:
        """For who has no JavaScript: the same form again, to be sent when so many seconds have passed."""
        values = {
            "address": mailbox(address),
            "plain_address": address,
            "ticket": ticket,
            "seconds": max(1, seconds),
        }
        return self._frames.page("one_more_step", language, values)

    def asked(self, language: str) -> str:
        """After the form: the same for everybody, signed up already or not."""
        return self._frames.page("asked", language, {}, here="subscribe/sent")

    def come_back_later(self, language: str, *, minutes: int, why: Crowd) -> str:
        return self._frames.page("later", language, {"minutes": max(1, minutes), "why": why})

    def confirm(self, language: str, *, address: str, token: str) -> str:
        values = {"address": mailbox(address), "token": _safe(token), "consent": self.consent_words(language)}
        return self._frames.page("confirm", language, values, here=f"confirm/{_safe(token)}")

    def confirmed(
        self,
        language: str,
        *,
        address: str,
        welcome: bool,
        next_issue: datetime | None,
        reader_url: str,
        already: bool = False,
    ) -> str:
        """`welcome` says that the latest issue is on its way; `reader_url` leads to the reader's own page.

        `already` where they had confirmed before, and nothing was left to do.
        """
        title = self._theme.words(language)("confirmed.title_already" if already else "confirmed.title")
        values = {
            "address": mailbox(address),
            "already": already,
            "welcome": welcome,
            "next_issue": self._moment(language, next_issue) if next_issue else "",
            "reader_url": reader_url,
        }
        return self._frames.page("confirmed", language, values, title=title)

    # ----------------------------------------------------------------------------------------- leaving

    def leave(self, language: str, *, address: str, token: str) -> str:
        values = {"address": mailbox(address), "token": _safe(token)}
        return self._frames.page("leave", language, values, here=f"leave/{_safe(token)}")

    def left(self, language: str, *, address: str, return_token: str, already: bool) -> str:
        """`already` where they had left before. Without a token there is no way back but to sign up again."""
        title = self._theme.words(language)("left.title_already" if already else "left.title")
        values = {
            "address": mailbox(address),
            "token": _safe(return_token),
            "already": already,
            "signup_url": self._frames.signup_link(language),
        }
        return self._frames.page("left", language, values, title=title)

    def returned(self, language: str, *, address: str) -> str:
        """Without a link to the reader's own page: who came by a link to leave may not be the reader."""
        return self._frames.page("returned", language, {"address": mailbox(address)})

    # --------------------------------------------------------------------------- the reader's own page

    def reader(
        self,
        language: str,
        *,
        reader: ReaderView,
        did: Did | None = None,
        problem: ReaderProblem | None = None,
    ) -> str:
        """Everything that is kept of a reader, and all that they may do; `did` says what was just done.

        No languages are offered beside a `problem`: an answer to a form has no address of its own.
        """
        view = View(reader, self._theme.words(language), self._site.timezone, self._site.title)
        field = "change-address" if problem in _OF_ADDRESSES else "pause-until"
        values = {
            **view.values(),
            **self._problem(language, problem, field, first=reader.first_day, last=reader.last_day),
            "did": view.did(did) if did else "",
            "token": _safe(reader.token),
            "leave_token": _safe(reader.leave_token),
            "erase_url": self._frames.link(language, f"erase/{_safe(reader.erase_token)}"),
            "signup_url": self._frames.signup_link(language),
        }
        here = "" if problem else f"reader/{_safe(reader.token)}"
        return self._frames.page("reader", language, values, here=here)

    def erase(self, language: str, *, address: str, token: str, reader_url: str = "") -> str:
        values = {"address": mailbox(address), "token": _safe(token), "reader_url": reader_url}
        return self._frames.page("erase", language, values, here=f"erase/{_safe(token)}")

    def erased(self, language: str) -> str:
        return self._frames.page("erased", language, {})

    # ------------------------------------------------------------------------ moving to another address

    def change_asked(self, language: str, *, old: str, new: str) -> str:
        """The same whether or not a mail went to the new address."""
        return self._frames.page("change_asked", language, {"old": mailbox(old), "new": mailbox(new)})

    def change_confirm(self, language: str, *, old: str, new: str, token: str, here: Mailbox) -> str:
        """`here` is the address whose link was followed."""
        values = {"old": mailbox(old), "new": mailbox(new), "token": _safe(token), "came_to": here}
        return self._frames.page("change_confirm", language, values, here=f"change/{_safe(token)}")

    def change_half(self, language: str, *, old: str, new: str, here: Mailbox) -> str:
        """One of the two has agreed: `here`."""
        agreed, other = (old, new) if here == "old" else (new, old)
        values = {"agreed": mailbox(agreed), "other": mailbox(other), "old": mailbox(old)}
        return self._frames.page("change_half", language, values)

    def changed(self, language: str, *, new: str, reader_url: str = "") -> str:
        return self._frames.page("changed", language, {"new": mailbox(new), "reader_url": reader_url})

    # ------------------------------------------------------------------------------- what does not work

    def refused(self, language: str, *, why: Refusal) -> str:
        """A link that cannot be followed, and what to do about it."""
        values = {"why": why, "contact": self._contact(), "signup_url": self._frames.signup_link(language)}
        title = self._theme.words(language)(f"refused.{why}")
        return self._frames.page("refused", language, values, title=title)

    def trouble(self, language: str, *, status: int, number: str = "") -> str:
        """An answer with this HTTP status, in plain words; `number` is what the log knows it by."""
        meaning = status if status in TROUBLES else 400 if status < 500 else 500
        title = self._theme.words(language)(f"trouble.{meaning}")
        values = {"status": status, "meaning": meaning, "number": number}
        return self._frames.page("trouble", language, values, title=title)

    # ----------------------------------------------------------------------------------- for other sites

    def embed(self, language: str) -> str:
        """The form to paste into other sites, to copy and to look at."""
        words = self._theme.words(language)
        form = self._theme.render(
            "web/snippet.html",
            words=words,
            action=self._site.address("subscribe/"),
            language_of_site=words.language,
            consent=self.consent_words(language),
        )
        script = f'<script src="{self._site.address("subscribe.js")}" defer></script>'
        values = {"form": Markup(form), "code": f"{form.strip()}\n{script}\n"}
        return self._frames.page("embed", language, values, here="subscribe/embed")

    # ------------------------------------------------------------------------------------ what they share

    def _problem(self, language: str, problem: str | None, field: str, **days: date) -> dict[str, object]:
        """What is wrong, in words, and the field that it is about, by its id; empty where nothing is."""
        if problem is None:
            return {"problem": "", "problem_at": ""}
        words = self._theme.words(language)
        says = words(f"problem.{problem}", **{name: dated(day, words) for name, day in days.items()})
        return {"problem": says, "problem_at": field if problem in _OF_ADDRESSES | _OF_DAYS else ""}

    def _moment(self, language: str, moment: datetime) -> str:
        zone = self._newsletter.timezone if self._newsletter else self._site.timezone
        return timed(moment, self._theme.words(language), timezone=zone)

    def _contact(self) -> Anchor | None:
        """Where a person answers: the newsletter's own address."""
        if self._newsletter is None:
            return None
        address = parseaddr(self._newsletter.reply_to or self._newsletter.sender)[1]
        return Anchor(address, f"mailto:{address}")


def _safe(token: str) -> str:
    """A token as a part of an address; one of ours stays as it is."""
    return quote(token, safe="")
