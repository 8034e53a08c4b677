"""An issue as mail: one HTML part, one text part, the same words in both.

MJML draws only the shell, once an issue. Every value goes through it sealed, as a plain word that is opened
afterwards, because the engine rewrites attributes (a no-break space becomes `\\u{a0}`), reads markup strictly
and dies on deep nesting; so titles and posts arrive byte for byte. What an issue carries, and in which order,
is decided in `collect`; a reader's own links are put in by `compose`, where two addresses of nobody stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from digest.characters import cut
from digest.model import (
    PREFERENCES_URL,
    UNSUBSCRIBE_URL,
    Email,
    Issue,
    MailedCorrection,
    Newsletter,
    Post,
    Site,
)
from digest.render.email_style import styled
from digest.render.shell import Plain, Seals, drawn, on_one_line, start_of
from digest.render.wording import direction, wrapped, written_date

BYTE_LIMIT = 90_000
"""Gmail hides what follows the first 102 kB of a message."""
SUBJECT_PREFERRED, SUBJECT_LONGEST, SUMMARY_LONGEST = 78, 150, 150
TITLE_LONGEST = 300
"""Characters; a title that is a page of its own is whole on the web."""

Render = Callable[..., str]
"""`render("email/issue.mjml", **values)`: a template, filled."""
_HEADING = re.compile(r"(</?h)([3-6])(?=[\s>])")


@dataclass(frozen=True, kw_only=True, slots=True)
class MailPost:
    """A post ready for mail. `url` is absolute.

    `body_html` has classes, no styles, absolute addresses and headings from h3; `body_text` has 72 columns.
    """

    post: Post
    url: str
    body_html: str
    body_text: str
    lead: str
    """One line of plain text for the contents, and all that is left of a post that is too long."""
    minutes: int = 1


def issue_email(
    render: Render,
    site: Site,
    newsletter: Newsletter,
    issue: Issue,
    posts: Sequence[MailPost],
    intro: MailPost | None = None,
    *,
    byte_limit: int = BYTE_LIMIT,
) -> Email:
    """The issue before it is addressed; the same input gives the same bytes.

    Where the HTML would have more than `byte_limit` bytes, the longest posts become title, bottom line and
    a link, until it fits; their ids are in `Email.shortened`, in the issue's order.
    """
    edition = _Edition(
        render=render,
        site=site,
        newsletter=newsletter,
        issue=issue,
        posts=tuple(posts),
        intro=intro,
        subject=_subject(render, site, issue, posts, intro),
        summary=_summary(posts, intro),
    )
    shortened: set[str] = set()
    html = edition.html(shortened)
    while (over := len(html.encode()) - byte_limit) > 0 and (longest := edition.longest(shortened, over)):
        shortened |= longest
        html = edition.html(shortened)
    return Email(
        subject=edition.subject,
        html=html,
        text=edition.text(shortened),
        summary=edition.summary,
        shortened=tuple(mail.post.id for mail in edition.mails if mail.post.id in shortened),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Edition:
    """All that the templates of one issue are filled with."""

    render: Render
    site: Site
    newsletter: Newsletter
    issue: Issue
    posts: tuple[MailPost, ...]
    intro: MailPost | None
    subject: str
    summary: str

    @property
    def mails(self) -> tuple[MailPost, ...]:
        return (self.intro, *self.posts) if self.intro else self.posts

    def html(self, shortened: set[str]) -> str:
        seals = Seals()
        intro = self.intro and self.post_values(
            self.intro, seals, seals.html(self.styled(self.intro, _raised(self.intro.body_html))), shortened
        )
        values = self.values(seals) | {
            "intro": intro,
            "posts": [
                self.post_values(mail, seals, seals.html(self.styled(mail, mail.body_html)), shortened)
                for mail in self.posts
            ],
        }
        source = styled(self.render("email/issue.mjml", **values), direction=direction(self.site.language))
        return seals.opened(drawn(source, "email/issue.mjml"))

    def text(self, shortened: set[str]) -> str:
        bodies = Seals("\x02", "\x03")
        plain = Plain()
        intro = self.intro and self.post_values(
            self.intro, plain, bodies.html(self.intro.body_text.strip("\n")), shortened
        )
        values = self.values(plain) | {
            "intro": intro,
            "posts": [
                self.post_values(mail, plain, bodies.html(mail.body_text.strip("\n")), shortened)
                for mail in self.posts
            ],
        }
        shell = re.sub(r"\n{4,}", "\n\n\n", wrapped(self.render("email/issue.txt", **values)))
        return bodies.opened(shell).strip("\n") + "\n"

    def values(self, words: Seals | Plain) -> dict[str, object]:
        site, issue = self.site, self.issue
        written = written_date(issue.slot.sends, site.language, timezone=self.newsletter.timezone)
        return {
            "language": site.language,
            "direction": direction(site.language),
            "start": start_of(site.language),
            "end": "left" if start_of(site.language) == "right" else "right",
            "number": issue.number,
            "subject": words.text(self.subject),
            "summary": words.text(self.summary),
            "newsletter": words.text(site.title),
            "date": words.text(written),
            "minutes": sum(mail.minutes for mail in self.mails),
            "issue_url": words.text(site.address(issue.path)),
            "archive_url": words.text(site.address("issues/")),
            "feed_url": words.text(site.address("feed.xml")),
            "site_url": words.text(site.url),
            "corrections": [self.correction_values(correction, words) for correction in issue.corrections],
            "unsubscribe_url": UNSUBSCRIBE_URL,
            "preferences_url": PREFERENCES_URL,
            "postal_address": words.text(on_one_line(self.newsletter.postal_address)),
            "disclaimer": words.text(site.disclaimer),
            "corrections_to": words.text(site.corrections_to),
        }

    def post_values(
        self, mail: MailPost, words: Seals | Plain, body: str, shortened: set[str]
    ) -> dict[str, object]:
        post = mail.post
        foreign = post.language if post.language not in ("", self.site.language) else ""
        return {
            "title": words.text(_cut_at_word(post.title, TITLE_LONGEST)),
            "url": words.text(mail.url),
            "web_url": words.text(f"{self.site.address(self.issue.path)}#post-{post.slug}"),
            "lead": words.text(mail.lead),
            "authors": words.text(", ".join(post.authors) if post.authors != (self.site.author,) else ""),
            "minutes": mail.minutes,
            "language": foreign,
            "direction": direction(foreign or self.site.language),
            "start": start_of(foreign or self.site.language),
            "body": body,
            "shortened": post.id in shortened,
        }

    def correction_values(self, mailed: MailedCorrection, words: Seals | Plain) -> dict[str, object]:
        return {
            "title": words.text(mailed.title),
            "url": words.text(mailed.url),
            "issue": mailed.issue,
            "date": words.text(written_date(mailed.correction.date, self.site.language)),
            "text": words.text(on_one_line(mailed.correction.text)),
            "severity": mailed.correction.severity,
        }

    def styled(self, mail: MailPost, html: str) -> str:
        return styled(html, direction=direction(mail.post.language or self.site.language))

    def longest(self, shortened: set[str], over: int) -> set[str]:
        """The longest posts that are still whole, as many as make up for `over` bytes, or all of them."""
        chosen: set[str] = set()
        sizes = {mail.post.id: len(self.styled(mail, mail.body_html).encode()) for mail in self.mails}
        for post_id in sorted(sizes.keys() - shortened, key=lambda post_id: (-sizes[post_id], post_id)):
            if over <= 0:
                break
            chosen.add(post_id)
            over -= sizes[post_id]
        return chosen


def _subject(
    render: Render, site: Site, issue: Issue, posts: Sequence[MailPost], intro: MailPost | None
) -> str:
    """The opening post's title, else the first post's and how many more, which gives way to a long title."""
    if intro:
        return _cut_at_word(intro.post.title, SUBJECT_LONGEST)
    if not posts:
        return f"{site.title} {issue.number}"
    title, more = posts[0].post.title, len(posts) - 1
    full = on_one_line(render("email/subject.txt", title=title, more=more, number=issue.number))
    subject = next((words for words in (full, title) if len(words) <= SUBJECT_PREFERRED), full)
    return _cut_at_word(subject if len(subject) <= SUBJECT_LONGEST else title, SUBJECT_LONGEST)


def _summary(posts: Sequence[MailPost], intro: MailPost | None) -> str:
    """The line that inboxes show behind the subject, visible in the mail, for hidden text counts as spam.

    What the author wrote for it, else the first bottom line; the opening words themselves follow anyway.
    """
    written = [intro.post.lead] if intro else []
    leads = [*written, *(mail.lead for mail in posts), intro.lead if intro else ""]
    titles = "; ".join(mail.post.title for mail in posts)
    return cut(next((lead for lead in leads if lead), titles), SUMMARY_LONGEST)


def _cut_at_word(words: str, length: int) -> str:
    if len(words) <= length:
        return words
    return words[:length].rsplit(" ", 1)[0][: length - 1].rstrip(" ,;:–—-") + "…"


def _raised(html: str) -> str:
    """Headings one level up: opening words stand below the issue's own h1, posts below an h2."""
    return _HEADING.sub(lambda found: f"{found[1]}{int(found[2]) - 1}", html)
