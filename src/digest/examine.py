"""What `digest check` runs: every family of findings over one project, and nothing is changed by it.

The checks themselves are small pure functions in `checks`; here they are given what they look at: the posts
with their text, the site and its feeds as they would be built now (in a folder that is thrown away), and the
next issue as mail. Findings come in the order of severity, then of files and lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from digest import files, publish, schedule
from digest.checks import leaks, mail, papers, privacy, words
from digest.checks.feeds import FEED_BYTES, check_feed_set
from digest.errors import DigestError, InputError, TemplateError
from digest.issues import Desk
from digest.library import Library, Progress, related_findings, silent
from digest.model import Email, Finding, Post, PostRole, Severity, Site
from digest.onlooker import Apart, copy_database, memory_of, onlooking
from digest.relations import Catalogue
from digest.render.email import BYTE_LIMIT
from digest.settings import Settings
from digest.theme import Theme

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
_ARCHIVE_BYTES = 50_000_000


def examine(settings: Settings, now: datetime, *, progress: Progress = silent) -> list[Finding]:
    """Everything worth telling the author at `now`, the gravest first.

    Nothing is recorded and nothing of the site is written. Mistakes in posts and templates are findings;
    SettingsError and StoreError are raised, for without settings and ledger there is nothing to look at.
    """
    site = settings.site
    theme = Theme(settings.templates, language=site.language, timezone=site.timezone)
    with Library.open(settings, progress=progress) as library:
        public = library.public(now)
        articles = [post for post in public if post.role is PostRole.POST]
        wrong = theme.findings()
        found = [*library.findings, *wrong]
        try:
            if any(finding.severity is Severity.ERROR for finding in wrong):
                raise TemplateError("templates are broken", findings=wrong)
            found += _made(settings, library, now, progress)
        except TemplateError as error:
            found += error.findings or [_as_finding(error, "templates/")]
            found += related_findings(Catalogue(articles, site), library, now)
        hidden = _hidden_by_name(library, now)
        found += papers.told_twice(articles)
        for place, post in enumerate(public, 1):
            found += _of_words(library, post, site)
            found += leaks.links(post, library.record(post).linked, hidden)
            progress("reading closely", place, len(public))
    return in_order(found)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once: errors, warnings, notes, and within them by file and line."""
    return sorted(
        dict.fromkeys(findings),
        key=lambda finding: (_RANK[finding.severity], finding.where, finding.line or 0, finding.says),
    )


# ------------------------------------------------------------------------------------------- posts


def _of_words(library: Library, post: Post, site: Site) -> list[Finding]:
    try:
        whole = library.full(post)
    except InputError as changed:  # while we looked
        return list(changed.findings)
    return [
        *words.placeholders(whole),
        *words.short_forms(whole, site.abbreviations),
        *words.long_quotations(whole),
        *words.empty_links(whole),
    ]


def _hidden(library: Library, now: datetime) -> list[Post]:
    public = {post.id for post in library.public(now)}
    return [post for post in library.posts if post.id not in public]


def _hidden_by_name(library: Library, now: datetime) -> dict[str, Post]:
    """By the path below posts/ without its ending, as links to posts are kept."""
    named = {}
    for post in _hidden(library, now):
        stem = library.record(post).name.rpartition(".")[0]
        named[stem.removesuffix("/index")] = post
    return named


# ------------------------------------------------------------------------- the site, feeds and mail


def _made(settings: Settings, library: Library, now: datetime, progress: Progress) -> list[Finding]:
    """What is wrong with the site and the next issue as they would be made now. Raises TemplateError."""
    hidden = _hidden(library, now)
    with _site(settings, now, progress) as (built, told):
        found = [*told, *_of_pages(built, settings.site), *_of_feeds(built, settings.site)]
        found += leaks.pages(hidden, files.existing(built))
        found += leaks.documents(hidden, _feed_texts(built), settings.site)
    if settings.newsletter is not None:
        found += _of_issue(settings, library, now, hidden)
    return found


@contextmanager
def _site(settings: Settings, now: datetime, progress: Progress) -> Iterator[tuple[Path, Sequence[Finding]]]:
    """The site as a build would make it now, for as long as it is looked at, and what the build tells."""
    with TemporaryDirectory(prefix="digest-") as folder:
        apart = Apart(settings, Path(folder) / "state")
        apart.state.mkdir()
        copy_database(
            settings.state / "cache.db", apart.state / "cache.db"
        )  # so that no post is read and rendered twice
        out = Path(folder) / "site"
        built = publish.build(
            apart,
            now=now,
            out=out,
            served=False,
            memory=lambda library: memory_of(settings, now, library),
            progress=progress,
        )
        yield out, built.findings


def _of_pages(built: Path, site: Site) -> list[Finding]:
    """Requests to elsewhere that templates make: one page of each kind tells of all."""
    host = urlsplit(site.url).hostname or ""
    kinds = ["index.html", "archive/index.html", "issues/index.html", "feeds/index.html", "404.html"]
    found = []
    for name in kinds:
        if (built / name).is_file():
            found += privacy.page((built / name).read_text("utf-8"), f"page {name}", host)
    posts = sorted(built.glob("posts/*/index.html"))[:1]
    found += [f for path in posts for f in privacy.page(path.read_text("utf-8"), "page of a post", host)]
    for path in sorted(built.glob("*.css")):
        found += privacy.stylesheet(path.read_text("utf-8"), f"stylesheet {path.name}", host)
    return found


def _of_feeds(built: Path, site: Site) -> list[Finding]:
    """Each feed in its formats side by side; `where` of what is found begins with the feed's path."""
    found = []
    for atom in sorted([*built.rglob("atom.xml"), *built.glob("archive/*.atom.xml")]):
        archive = atom.name != "atom.xml"
        found += [
            _named(finding, atom.relative_to(built).as_posix())
            for finding in check_feed_set(
                _bytes(atom),
                None if archive else _bytes(atom.with_name("feed.xml")),
                None if archive else _bytes(atom.with_name("feed.json")),
                base=f"{site.url}/",
                limit_bytes=_ARCHIVE_BYTES if archive else FEED_BYTES,
            )
        ]
    return found


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _named(finding: Finding, path: str) -> Finding:
    return Finding(
        severity=finding.severity, where=f"{path} ({finding.where})", says=finding.says, cure=finding.cure
    )


def _feed_texts(built: Path) -> dict[str, str]:
    return {
        path.name: path.read_text("utf-8")
        for path in (built / "atom.xml", built / "feed.json")
        if path.is_file()
    }


def _of_issue(settings: Settings, library: Library, now: datetime, hidden: Sequence[Post]) -> list[Finding]:
    newsletter = settings.newsletter
    assert newsletter is not None
    faults = schedule.faults(newsletter)
    if faults:
        return faults
    with onlooking(settings) as (store, forgets):
        before = len(library.findings)
        desk = Desk(library, store, newsletter, now, record=forgets)
        found = library.findings[before:]
        issue = next((planned.issue for planned in desk.plan(8) if planned.issue), None)
        if issue is None:
            return found
        email = desk.email(issue)
    where = f"issue {issue.number}"
    sources = {post.id: post.source for post in library.posts}
    later = [post for post in hidden if post.published > issue.slot.sends or post.draft]
    return [
        *found,
        *of_mail(email, where, settings.site, sources, own_templates=_makes_mail(settings.templates)),
        *leaks.documents(later, {f"the mail of {where}": email.html}, settings.site),
    ]


def _makes_mail(templates: Path) -> bool:
    return (templates / "email").is_dir()


def of_mail(
    email: Email, where: str, site: Site, sources: dict[str, str], *, own_templates: bool = False
) -> list[Finding]:
    """Everything worth telling about one mail. `sources` gives the file of a post by its id."""
    host = urlsplit(site.url).hostname or ""
    return [
        *mail.subject(email, where),
        *mail.size(email, where, BYTE_LIMIT, sources),
        *mail.pictures(email, where),
        *mail.links(email, where),
        *mail.addresses(email, where),
        *mail.text_part(email, where, own_templates=own_templates),
        *privacy.page(email.html, where, host),
    ]


def _as_finding(error: DigestError, where: str) -> Finding:
    return Finding(severity=Severity.ERROR, where=where, says=error.says, cure=error.cure)
