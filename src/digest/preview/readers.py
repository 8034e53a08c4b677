"""What readers meet, as their author looks at it: each page, and each mail that answers.

Made as the web and its post would make them, with the settings, the templates and the words in force. Nobody
is asked and nothing is sent: all values are samples, and the list of them stands in `occasions`.
"""

from __future__ import annotations

from datetime import datetime

from digest.errors import TemplateError
from digest.examine import examine, in_order
from digest.issues import newsletter_of
from digest.library import Progress, silent
from digest.model import Email, Finding, Severity
from digest.preview.occasions import GROUPS, Group, MailSample, PageSample
from digest.preview.samples import Given
from digest.render.service_mail import service_email
from digest.settings import Settings
from digest.theme import Theme
from digest.web.desk import Publication


def check(settings: Settings, now: datetime, *, progress: Progress = silent) -> list[Finding]:
    """Everything that `examine` finds, and what shows only where a page or mail for readers is filled."""
    found = examine(settings, now, progress=progress)
    broken = any(it.severity is Severity.ERROR and it.where.startswith("templates/") for it in found)
    if broken or settings.newsletter is None:
        return found
    return in_order([*found, *ForReaders(settings, now).findings()])


class ForReaders:
    """What readers meet in one publication, with its settings, templates and words of one moment.

    Every method raises TemplateError for a template or a file of words that cannot be used; making one raises
    SettingsError where there is no newsletter.
    """

    def __init__(self, settings: Settings, now: datetime) -> None:
        self._newsletter = newsletter_of(settings)
        self._site = settings.site
        self._now = now
        self._signup = settings.web.signup
        self._pages = Publication.of(settings).pages
        self._theme = Theme(
            settings.templates, language=self._site.language, timezone=self._newsletter.timezone
        )

    @property
    def groups(self) -> tuple[Group, ...]:
        """Those that readers of this publication can meet."""
        return tuple(group for group in GROUPS if self._signup or not group.signing_up)

    @property
    def languages(self) -> dict[str, str]:
        """What each language is called in itself, by its tag; the publication's own is the first."""
        own, names = self._pages.language(), self._theme.languages.names
        return {own: names[own], **names}

    def page(self, sample: PageSample, language: str) -> str:
        return sample.make(Given(pages=self._pages, site=self._site, now=self._now, language=language))

    def mail(self, sample: MailSample, language: str) -> Email:
        return service_email(
            self._theme.render,
            self._theme.words(language),
            self._site,
            self._newsletter,
            sample.kind,
            url=self._site.address(sample.link),
            days=sample.days,
            new_address=sample.new_address,
        )

    def findings(self) -> list[Finding]:
        """What is wrong with any page or mail that readers meet, in any language; each mistake once."""
        found: list[Finding] = []
        for language in self.languages:
            for sample in (sample for group in self.groups for sample in group.samples):
                try:
                    if isinstance(sample, PageSample):
                        self.page(sample, language)
                    else:
                        self.mail(sample, language)
                except TemplateError as error:
                    found += error.findings
        return list(dict.fromkeys(found))

    def where(self, template: str) -> str:
        """The path of a template or of a file of words as the author knows it."""
        return self._theme.where(template)
