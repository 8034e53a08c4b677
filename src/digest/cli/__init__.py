"""The command line: one function a command, in the modules beside this one by what they are about.

Settings, clock and environment are read here and nowhere below. A command imports what it needs when it
runs, so that `digest --help` answers at once. Every message that a user sees is printed by `show`.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

import digest
from digest.errors import DigestError, UsageError

if TYPE_CHECKING:
    from digest.settings import Settings

app = typer.Typer(
    name="digest",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "A folder of Markdown posts becomes a site, feeds and a newsletter.\n\n"
        "First steps:  [bold]digest init my-letter[/], then inside it [bold]digest preview[/]."
    ),
)


class Project:
    """What the options before the command say: which project, what time it is, and how to print."""

    def __init__(self, folder: Path | None, now: str, as_json: bool) -> None:
        self.folder = folder
        self._now = now
        self.as_json = as_json
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        from digest import settings

        if self._settings is None:
            root = self.folder.resolve() if self.folder else settings.find_project(Path.cwd())
            self._settings = settings.load(root, os.environ)
        return self._settings

    @property
    def now(self) -> datetime:
        """The clock, or what `--now` says in its place; without an offset in the site's zone."""
        if not self._now:
            return datetime.now(UTC).replace(microsecond=0)
        try:
            when = datetime.fromisoformat(self._now)
        except ValueError:
            raise UsageError(f"--now {self._now} is no time", cure="write it as 2026-11-20T07:00") from None
        if when.tzinfo is None:
            when = when.replace(tzinfo=ZoneInfo(self.settings.site.timezone))
        return when.astimezone(UTC).replace(microsecond=0)

    def clock(self) -> Callable[[], datetime]:
        """A clock that goes on from `now`: for work that waits."""
        began, at = time.monotonic(), self.now
        if not self._now:
            return lambda: datetime.now(UTC)
        return lambda: at + timedelta(seconds=time.monotonic() - began)

    @property
    def clock_stands(self) -> bool:
        """Whether `--now` stands for the clock."""
        return bool(self._now)

    @property
    def rehearsal(self) -> bool:
        """Whether `--now` runs ahead of the clock: then looking at posts is not remembered."""
        return bool(self._now) and self.now > datetime.now(UTC)

    def now_or(self, clock: datetime) -> datetime:
        """The same where there is no project yet: without an offset, `--now` is in UTC."""
        if not self._now:
            return clock
        try:
            when = datetime.fromisoformat(self._now)
        except ValueError:
            raise UsageError(f"--now {self._now} is no time", cure="write it as 2026-11-20T07:00") from None
        return when.replace(tzinfo=when.tzinfo or UTC)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"digest {digest.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", "-p", help="The project's folder; else the nearest one upwards.", show_default=False
        ),
    ] = None,
    now: Annotated[
        str, typer.Option("--now", help="An ISO time that stands for the clock.", show_default=False)
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    context.obj = Project(project, now, as_json)


def project_of(context: typer.Context) -> Project:
    found: Any = context.find_root().obj
    assert isinstance(found, Project)
    return found


_ANYWHERE = {"--json": False, "--now": True, "--project": True}
"""Options of every command, and whether a value follows."""


def options_first(arguments: list[str]) -> list[str]:
    """The arguments with the options of every command in front, so that they may stand behind it as well."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        name, equals, _ = argument.partition("=")
        if argument == "--":
            rest += [argument, *waiting]
        elif name not in _ANYWHERE:
            rest.append(argument)
        else:
            value = next(waiting, None) if _ANYWHERE[name] and not equals else None
            front += [argument] if value is None else [argument, value]
    return front + rest


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def main() -> None:
    """The entry point: what goes wrong in a way we know is one message and an exit code, no traceback."""
    # Imports and posts make many objects and few cycles: looking for those took a fifth of a short command.
    gc.set_threshold(100_000, 20, 100)
    from digest.cli import show

    try:
        try:
            app(options_first(sys.argv[1:]), standalone_mode=True)
        finally:
            sys.stdout.flush()  # here, where a reader that went away can be answered
    except DigestError as error:
        show.error(error)
        sys.exit(error.exit_code)
    except ExceptionGroup as group:
        # Of several tasks that ended at once, one with a message for the author is what there is to say.
        told, _ = group.split(DigestError)
        first = told and next(_leaves(told))
        if not isinstance(first, DigestError):
            raise
        show.error(first)
        sys.exit(first.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`digest plan | head`): that is its right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        # No room, no permission, a file where a folder must be: what a traceback would not explain better.
        show.aside(f"digest: {error.strerror or error}: {error.filename or 'a file'}", style="bold red")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


# They add their commands to `app`, and help keeps this order.
for _module in (
    "project",
    "site",
    "issue",
    "life",
    "subscribers",
    "importing",
    "sending",
    "status",
    "returns",
    "run",
    "web",
    "move",
    "simulate",
):
    import_module(f"digest.cli.{_module}")
