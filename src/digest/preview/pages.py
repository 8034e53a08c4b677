"""The preview's own pages: the frame with its tabs, and what stands in each.

They are filled from the shipped templates in `templates/preview/`, never the author's, so that a broken
template of the author's cannot take the page away that tells of it. The author's words are values here, and
are escaped; mail and feed entries stand in frames of their own, without scripts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlencode
from xml.etree.ElementTree import ParseError

from digest import files
from digest.errors import DigestError
from digest.model import Email, Finding, Severity
from digest.preview import copies, feeds
from digest.preview.occasions import Group, MailSample, PageSample, Sample
from digest.preview.readers import ForReaders
from digest.preview.workbench import Workbench, as_findings
from digest.render.email import BYTE_LIMIT
from digest.render.wording import counted
from digest.schedule import spoken
from digest.theme import SHIPPED, Theme

ROOT = "/_preview/"
MAIL_WIDTHS = {"phone": 375, "desktop": 640}
PAGE_WIDTHS = {"phone": 375, "desktop": 1024}
SHOWN = 5
"""So many mistakes stand on every page; all of them in the tab of findings."""
SITE_WIDTHS = {"tablet": 768, "phone": 375}
_TABS = (
    ("", "Site"),
    ("feeds", "Feeds"),
    ("issue", "Next issue"),
    ("readers", "For readers"),
    ("findings", "Findings"),
)
_WIDTHS = [("both", "Both widths"), ("phone", "Phone"), ("desktop", "Desktop")]
_SCHEMES = [("light", "Light"), ("dark", "Dark")]
_PARTS = [("mail", "Mail"), ("text", "Text part")]
_WAYS = {
    "part": ("mail", "text"),
    "width": ("both", "phone", "desktop"),
    "scheme": ("light", "dark"),
    "images": ("on", "off"),
}
"""What may be asked for; the first of each is shown unasked."""
_GROUPS = ((Severity.ERROR, "Mistakes"), (Severity.WARNING, "Warnings"), (Severity.NOTE, "Notes"))

Query = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One of several ways to look at a page; a link, pressed or not."""

    name: str
    url: str
    pressed: bool


class Pages:
    """Fills the preview's pages from a workbench. Every method may raise DigestError."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self._theme = Theme()
        self.static = {
            name: (SHIPPED / "preview" / name).read_bytes()
            for name in ("preview.css", "preview.js", "live.js")
        }

    # -- tabs

    def site(self, query: Query) -> str:
        base = self.bench.settings.site.base
        at = query.get("at", base)
        width, scheme = query.get("width", "full"), query.get("scheme", "system")
        kept = {"at": at, "width": width, "scheme": scheme}
        return self._page(
            "preview/site.html",
            "",
            live=False,
            # Anything but a path of this server would be a page of somebody else's in our frame.
            at=at if at.startswith(base) and not at.startswith("//") and "\\" not in at else base,
            width=SITE_WIDTHS.get(width, 0),
            scheme=scheme if scheme in ("light", "dark") else "",
            widths=_choices(
                "", kept, "width", [("full", "Full width"), ("tablet", "Tablet"), ("phone", "Phone")]
            ),
            schemes=_choices(
                "", kept, "scheme", [("system", "As this browser"), ("light", "Light"), ("dark", "Dark")]
            ),
        )

    def feeds(self, query: Query) -> str:
        found = feeds.groups(sorted(files.existing(self.bench.site_folder)))
        paths = [path for group in found for _, path in group.formats]
        if not paths:
            return self._page("preview/feeds.html", "feeds", groups=[], chosen="", broken="", view="entries")
        default = "atom.xml" if "atom.xml" in paths else paths[0]
        chosen = query["feed"] if query.get("feed") in paths else default
        view = "source" if query.get("view") == "source" else "entries"
        kept = {"feed": chosen, "view": view}
        group = next(group for group in found if chosen in [path for _, path in group.formats])
        path = self.bench.site_folder / chosen
        document, broken = _read(path)
        return self._page(
            "preview/feeds.html",
            "feeds",
            groups=[(one.name, dict(one.formats)) for one in found],
            group=group.name,
            chosen=chosen,
            view=view,
            formats=_choices("feeds", kept, "feed", [(path, name) for name, path in group.formats]),
            views=_choices(
                "feeds", kept, "view", [("entries", "As a reader shows it"), ("source", "Source")]
            ),
            title=document.title if document else "",
            id=document.id if document else "",
            entries=counted(len(document.items), "entry", "entries") if document else "",
            size=f"{path.stat().st_size:,}",
            address=self.bench.settings.site.address(chosen),
            broken=broken,
            source=path.read_text("utf-8", "replace") if view == "source" else "",
            frame=f"{ROOT}frames/feed?{urlencode({'feed': chosen})}",
        )

    def issue(self, query: Query) -> str:
        if self.bench.settings.newsletter is None:
            return self._page(
                "preview/issue.html", "issue", empty="digest.toml has no [newsletter], so there is no mail."
            )
        outlook = self.bench.outlook()
        number = int(query["number"]) if query.get("number", "").isdecimal() else outlook.first
        if number is None:
            empty = (
                "; ".join(str(fault) for fault in outlook.faults)
                or "No issue is planned: nothing new waits to be sent."
            )
            return self._page("preview/issue.html", "issue", empty=empty, rows=outlook.rows)
        kept = {"number": str(number), **_kept(query, "part", "width", "scheme", "images")}
        edition = self.bench.edition(number)
        shown = _widths(kept["width"], MAIL_WIDTHS)
        frame = urlencode({name: kept[name] for name in ("number", "scheme", "images")})
        return self._page(
            "preview/issue.html",
            "issue",
            empty="",
            rows=outlook.rows,
            edition=edition,
            size=f"{edition.size:,}",
            limit=f"{BYTE_LIMIT:,}",
            bytes=edition.size,
            byte_limit=BYTE_LIMIT,
            shortened=[post.title for post in edition.posts if post.shortened],
            subject_length=counted(len(edition.email.subject), "character"),
            parts=_choices("issue", kept, "part", _PARTS),
            widths=_choices("issue", kept, "width", _WIDTHS),
            schemes=_choices("issue", kept, "scheme", _SCHEMES),
            images=_choices("issue", kept, "images", [("on", "Images on"), ("off", "Images off")]),
            part=kept["part"],
            scheme=kept["scheme"],
            frames=[(name, width, f"{ROOT}frames/mail?{frame}") for name, width in shown.items()],
            base=self.bench.settings.site.base,
        )

    def readers(self, query: Query) -> str:
        """Every page and mail for readers, to be chosen from a list.

        One that cannot be made leaves the list and the other choices where they are.
        """
        if self.bench.settings.newsletter is None:
            empty = "digest.toml has no [newsletter], so there are no pages for readers."
            return self._page("preview/readers.html", "readers", empty=empty)
        found = self.bench.for_readers()
        group, sample = _chosen(found, query)
        languages, language = _languages(found, query.get("language", ""))
        kept = {"sample": sample.name, "language": language, **_kept(query, "part", "width", "scheme")}
        email, wrong = _tried(found, sample, language)
        frame, widths = ("page", PAGE_WIDTHS) if isinstance(sample, PageSample) else ("answer", MAIL_WIDTHS)
        asked = urlencode({name: kept[name] for name in ("sample", "language", "scheme")})
        shown = {} if wrong else _widths(kept["width"], widths)
        template = sample.template
        if isinstance(sample, MailSample) and kept["part"] == "text":
            template = sample.text_template
        return self._page(
            "preview/readers.html",
            "readers",
            more=wrong,
            empty="",
            groups=[
                (one.name, _choices("readers", kept, "sample", [(it.name, it.title) for it in one.samples]))
                for one in found.groups
            ],
            group=group.name,
            sample=sample,
            is_mail=isinstance(sample, MailSample),
            email=email,
            made_by=found.where(template),
            words=found.where(f"words/{language}.toml") if language in languages else "",
            kept=kept,
            parts=_choices("readers", kept, "part", _PARTS),
            widths=_choices("readers", kept, "width", _WIDTHS),
            schemes=_choices("readers", kept, "scheme", _SCHEMES),
            languages=_choices("readers", kept, "language", [*languages.items()]),
            frames=[(name, width, f"{ROOT}frames/{frame}?{asked}") for name, width in shown.items()],
        )

    def findings(self, query: Query) -> str:
        found = self.bench.findings()
        grouped = [(name, [f for f in found if f.severity is severity]) for severity, name in _GROUPS]
        return self._page("preview/findings.html", "findings", grouped=[(n, fs) for n, fs in grouped if fs])

    # -- frames

    def mail_frame(self, query: Query) -> str:
        number = int(query["number"]) if query.get("number", "").isdecimal() else 0
        html = self.bench.edition(number).email.html
        html = copies.in_scheme(html, "dark" if query.get("scheme") == "dark" else "light")
        if query.get("images") == "off":
            html = copies.without_images(html)
        return self._at_home(html)

    def page_frame(self, query: Query) -> str:
        """A page for readers. Its colours stand in a stylesheet: the tab plays the light or dark screen."""
        found = self.bench.for_readers()
        _, sample = _chosen(found, query)
        html = found.page(sample, query.get("language", "")) if isinstance(sample, PageSample) else ""
        return self._at_home(html)

    def answer_frame(self, query: Query) -> str:
        found = self.bench.for_readers()
        _, sample = _chosen(found, query)
        html = found.mail(sample, query.get("language", "")).html if isinstance(sample, MailSample) else ""
        return self._at_home(copies.in_scheme(html, "dark" if query.get("scheme") == "dark" else "light"))

    def feed_frame(self, query: Query) -> str:
        site = self.bench.settings.site
        known = [
            path
            for group in feeds.groups(sorted(files.existing(self.bench.site_folder)))
            for _, path in group.formats
        ]
        path = query.get("feed", "")
        document, broken = (
            _read(self.bench.site_folder / path) if path in known else (None, "there is no such feed")
        )
        items = [(item, self._day(item.date)) for item in document.items] if document else []
        html = self._theme.render("preview/entries.html", items=items, broken=broken, language=site.language)
        return self._at_home(html)

    def _at_home(self, html: str) -> str:
        site = self.bench.settings.site
        return copies.at_home(html, site.url, site.base)

    def _day(self, date: str) -> str:
        try:
            when = datetime.fromisoformat(date) if date[:4].isdigit() else parsedate_to_datetime(date)
            return spoken(when, self.bench.zone)
        except ValueError:
            return date

    # -- what goes into the site's own pages

    def fragment(self, path: str) -> bytes:
        """The mark, the panel of mistakes and the reload script of one page of the site."""
        return self._theme.render(
            "preview/inject.html",
            problems=self.bench.problems[:SHOWN],
            count=len(self.bench.problems),
            mark=self.bench.hidden.get(path.removesuffix("index.html"), ""),
            kept=self.bench.kept_page(path.removesuffix("index.html")) is not None,
            version=self.bench.version,
            hidden=json.dumps(
                {self.bench.settings.site.base + key: why for key, why in self.bench.hidden.items()}
            ),
            root=ROOT,
        ).encode()

    def notice(self, title: str, says: str) -> str:
        """A page of the preview that has only something to say."""
        return self._page("preview/notice.html", "-", title=title, says=says)

    def failed(self, tab: str, error: DigestError) -> str:
        """The tab that could not be made, with the reason in its place."""
        return self._page("preview/notice.html", tab, title="", says="", more=as_findings(error))

    def _page(
        self,
        template: str,
        tab: str,
        *,
        live: bool = True,
        more: list[Finding] | None = None,
        **values: object,
    ) -> str:
        bench = self.bench
        known = list(bench.problems)
        problems = [*known, *(finding for finding in more or [] if finding not in known)]
        return self._theme.render(
            template,
            site_title=bench.settings.site.title,
            language="en",
            tabs=[
                (name, f"{ROOT}{where}", where == tab)
                for where, name in _TABS
                if where != "readers" or bench.settings.newsletter
            ],
            count=bench.counted_findings(),
            wrong=bool(bench.problems),
            problems=[] if tab == "findings" and not more else problems[:SHOWN],
            mistakes=len(problems),
            time=spoken(bench.clock(), bench.zone),
            live=live,
            version=bench.version,
            root=ROOT,
            **values,
        )


def _choices(tab: str, kept: Query, name: str, values: list[tuple[str, str]]) -> list[Choice]:
    return [
        Choice(name=shown, url=f"{ROOT}{tab}?{urlencode({**kept, name: value})}", pressed=kept[name] == value)
        for value, shown in values
    ]


def _kept(query: Query, *names: str) -> dict[str, str]:
    """How the author looks at something: what was asked for, or what is shown unasked."""
    return {name: query[name] if query.get(name) in _WAYS[name] else _WAYS[name][0] for name in names}


def _widths(width: str, widths: Mapping[str, int]) -> Mapping[str, int]:
    return widths if width == "both" else {width: widths[width]}


def _chosen(found: ForReaders, query: Query) -> tuple[Group, Sample]:
    """The page or mail that is asked for, or the first of all, and the group it stands in."""
    every = [(group, sample) for group in found.groups for sample in group.samples]
    return next((pair for pair in every if pair[1].name == query.get("sample")), every[0])


def _languages(found: ForReaders, asked: str) -> tuple[Mapping[str, str], str]:
    """Those there are and the one to show. None while a file of words cannot be read: `_tried` says so."""
    try:
        languages = found.languages
    except DigestError:
        return {}, asked
    return languages, asked if asked in languages else next(iter(languages))


def _tried(found: ForReaders, sample: Sample, language: str) -> tuple[Email | None, list[Finding]]:
    """The mail, where it is one, and why it or the page cannot be made."""
    try:
        if isinstance(sample, MailSample):
            return found.mail(sample, language), []
        found.page(sample, language)
    except DigestError as error:
        return None, as_findings(error)
    return None, []


def _read(path: Path) -> tuple[feeds.Document | None, str]:
    try:
        return feeds.read(path), ""
    except (OSError, ValueError, ParseError) as error:
        return None, f"it cannot be read: {error}"
