"""What several tests share: the sample publication as the demo makes it, and the golden files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

import postgres
import pytest
from postgres import SQLITE
from program import NOW, ROOT, Ran, digest, publication, replay
from results import Result, table


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the files in tests/golden anew")
    parser.addoption("--long", action="store_true", help="the long form of the tests as well")


@pytest.fixture(scope="session")
def long(pytestconfig: pytest.Config) -> bool:
    """Whether the long form is asked for: the same faults at ten times as many points."""
    return bool(pytestconfig.getoption("long"))


_RESULTS = pytest.StashKey[list[Result]]()


@pytest.fixture
def results(pytestconfig: pytest.Config) -> Callable[[Result], None]:
    """Takes what a test of faults has found into the table that the long form prints at its end."""
    return pytestconfig.stash.setdefault(_RESULTS, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash.get(_RESULTS, [])
    if found and config.getoption("long"):
        for line in table(found):
            terminalreporter.write_line(line)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long form runs where it is asked for; else it is counted as deselected."""
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """A running PostgreSQL."""
    with postgres.running() as cluster:
        yield cluster


@pytest.fixture
def postgresql(cluster: postgres.Cluster) -> Iterator[str]:
    """The address of a fresh database with the tables as they are now."""
    url = cluster.database()
    yield url
    cluster.drop(url)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The sample publication after six Thursdays: its site, and its next issue as mail."""

    project: Path
    built: Ran
    rendered: Ran

    @property
    def site(self) -> Path:
        return self.project / "public"

    def mail(self, ending: str) -> Path:
        return self.project / "issue" / f"issue-6.{ending}"


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Made once; tests look at it and change nothing."""
    project = publication(tmp_path_factory.mktemp("sample") / "letter")
    replay(project)
    clock = ("--project", project, "--now", NOW)
    built = digest(*clock, "build")
    rendered = digest(*clock, "render", "next", "--to", project / "issue")
    return Sample(project=project, built=built, rendered=rendered)


class Golden:
    """Compares what was made with the file of that name in tests/golden, or writes it anew."""

    folder = ROOT / "tests" / "golden"

    def __init__(self, update: bool) -> None:
        self._update = update

    def changes(self, name: str, made: bytes) -> list[str]:
        """The lines that differ from the golden file, or that some byte does; empty where it is the same."""
        path = self.folder / name
        if self._update:
            path.write_bytes(made)
        was = path.read_bytes()
        if was == made:
            return []
        before, after = (content.decode("utf-8", "replace").splitlines() for content in (was, made))
        lines = unified_diff(before, after, n=0, lineterm="")
        changed = [line[:300] for line in lines if line[:3] not in ("---", "+++", "@@ ")]
        return changed or ["line ends"]


@pytest.fixture(scope="session")
def golden(pytestconfig: pytest.Config) -> Golden:
    return Golden(bool(pytestconfig.getoption("--update-golden")))


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty store, of each kind in turn."""
    return SQLITE if request.param == "sqlite" else str(request.getfixturevalue("postgresql"))
