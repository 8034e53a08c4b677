"""The tree of errors. Expected failure is a value (`model.Finding`, an outcome); these end a run.

    DigestError               everything a user is shown as one message, never as a traceback
    |- UsageError             the command was called in a way that cannot work (exit code 2)
    |- SettingsError          digest.toml or the environment is wrong
    |- InputError             a post that is asked for cannot be used, or --strict allows no mistake
    |- TemplateError          a template is wrong: names template, line and cure
    |- BuildError             pages could not be written; the old site is whole
    |- StoreError             what is remembered cannot be read or written
    `- MailboxError           the mailbox of returned mail cannot be reached or read

Each message says what is wrong and what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence

from digest.model import Finding


class DigestError(Exception):
    """What a user is shown; `findings` holds the places where there is more than one."""

    exit_code = 1

    def __init__(self, says: str, *, cure: str = "", findings: Sequence[Finding] = ()) -> None:
        self.says = says
        self.cure = cure
        self.findings = tuple(findings)
        super().__init__(f"{says}; {cure}" if cure else says)


class UsageError(DigestError):
    exit_code = 2


class SettingsError(DigestError):
    exit_code = 2


class InputError(DigestError):
    pass


class TemplateError(DigestError):
    @classmethod
    def at(cls, places: Sequence[Finding]) -> TemplateError:
        """Mistakes whose places are known: they are said there, and the message does not say them again."""
        count = f"{len(places)} mistakes" if len(places) > 1 else "a mistake"
        return cls(f"{count} in the templates", cure="mend what is named, nothing was made", findings=places)


class BuildError(DigestError):
    pass


class StoreError(DigestError):
    pass


class MailboxError(DigestError):
    pass
