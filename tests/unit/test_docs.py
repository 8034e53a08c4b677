"""What the manual says is there: commands, front matter, settings, files, and the example of the README."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from program import NOW, ROOT, SETTINGS, SITE, digest, letter, tree
from test_cli import COMMANDS

from digest import __version__, posts, settings

README = (ROOT / "README.md").read_text("utf-8")
MANUAL = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
WHOLE = "\n".join([README, *MANUAL.values()])
FRONT_MATTER = sorted(field.alias or name for name, field in posts.FrontMatter.model_fields.items())
SETTING_NAMES = sorted({key for table in settings.schema()["$defs"].values() for key in table["properties"]})


def unnamed(names: Iterable[str], pattern: str) -> list[str]:
    """Those that the manual does not name; NAME in the pattern stands for each."""
    return [name for name in names if not re.search(pattern.replace("NAME", name), WHOLE, re.M)]


def test_every_command_is_named_in_the_manual() -> None:
    assert unnamed(COMMANDS, r"digest (--\S+ (\S+ )?)?NAME\b") == []


def test_every_key_of_front_matter_is_named_in_the_manual() -> None:
    assert unnamed(FRONT_MATTER, r"`NAME\b|^ *NAME:") == []


def test_every_setting_is_named_in_the_manual() -> None:
    assert len(SETTING_NAMES) > 30
    assert unnamed(SETTING_NAMES, r"`(\w+\.)*NAME\b|^#? ?NAME = |\[(\w+\.)*NAME\]") == []


def test_the_manual_explains_each_setting_as_the_program_does() -> None:
    tables = {
        "site": {"title": "", "url": SITE},
        "newsletter": {"sender": "a@b.example.org", "postal_address": ""},
    }
    page = MANUAL["settings.md"].replace("\\<", "<")
    for key, _, means in settings.rows(settings.Document.model_validate(tables)):
        table, _, name = key.rpartition(".")
        part = page.partition(f"\n## [{table}]\n")[2].partition("\n## ")[0]
        assert re.search(rf"^\| `{name}` \| .*\| {re.escape(means)} \|$", part, re.M), key


def test_no_message_and_no_page_names_a_command_that_is_not_there() -> None:
    known = {command.split()[-1] for command in COMMANDS} | {"COMMAND", "issue", "subscribers"}
    texts = {"README.md": README, **MANUAL}
    texts |= {path.name: path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py")}
    named = [
        (name, word)
        for name, text in texts.items()
        for word in re.findall(r"(?:`|\[bold\]|: |&& )digest ((?:issue |subscribers )?[a-z]+)\b", text)
    ]
    assert len(named) > 20
    assert [(name, word) for name, word in named if word.split()[-1] not in known] == []


def linked(page: Path) -> Iterator[Path]:
    """Every file that a page of the manual links to or shows."""
    for block in MarkdownIt().enable("table").parse(page.read_text("utf-8")):
        for part in block.children or []:
            address = str(part.attrs.get("href") or part.attrs.get("src") or "").partition("#")[0]
            if address and ":" not in address:
                yield page.parent / address


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{name}" for name in MANUAL)])
def test_every_file_that_a_page_of_the_manual_links_to_is_there(page: str) -> None:
    assert [str(file) for file in linked(ROOT / page) if not file.exists()] == []


def test_every_promise_is_held_by_tests_that_are_there() -> None:
    rows = re.findall(r"^\| (?!promise|---)(.+) \| (.+) \|$", MANUAL["promises.md"], re.M)
    assert len(rows) > 10
    for promise, held in rows:
        named = re.findall(r"`(tests/[^`]+)`", held)
        assert named, promise
        assert [name for name in named if not list(ROOT.glob(name))] == [], promise


def test_the_changelog_ends_where_the_program_is() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## \[(\d\S*)\]", changes, re.M)[0] == __version__


def test_the_settings_of_the_five_steps_to_a_public_domain_are_settings() -> None:
    steps = MANUAL["operations.md"].partition("in five steps")[2].partition("\n## ")[0]
    written = tomllib.loads("\n".join(re.findall(r"^```toml\n(.*?)^```$", steps, re.M | re.S)))
    assert written.keys() == {"site", "web", "newsletter", "delivery", "bounces"}
    written["site"]["title"] = "Letter"
    written["newsletter"]["postal_address"] = "1 Example Street, London"
    settings.Document.model_validate(written)


def test_the_readmes_post_becomes_what_the_readme_says(tmp_path: Path) -> None:
    example = re.findall(r"^```markdown\n(.*?)^```$", README, re.M | re.S)[0]
    project = letter(tmp_path / "letter", example, settings=SETTINGS)
    built = digest("--project", project, "--now", NOW, "build")
    assert built.code == 0
    page = next(body for name, body in tree(project / "public").items() if name.startswith("posts/")).decode()
    for shown in (
        'class="methods"',
        'class="key-findings"',
        'class="take"',
        'class="citations"',
        "N Engl J Med",
    ):
        assert shown in page
    assert "there is no post called" in built.err or "How to read a case series" in built.err


def test_the_first_ten_minutes_go_as_the_readme_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = re.findall(r"^\| \d \| `digest ([^`]+)` \|", README, re.M)
    assert [line.split()[0] for line in typed] == [
        *("init", "preview", "new", "plan", "why", "check", "build", "serve", "render"),
    ]
    monkeypatch.chdir(tmp_path)
    for line in typed:
        command, _, folder = line.partition(" && cd ")
        if command not in ("preview", "serve"):  # they stay until they are stopped
            assert digest(*shlex.split(command)).code == 0, line
        if folder:
            monkeypatch.chdir(folder)
    assert Path("public/index.html").is_file()
    assert len(list(Path("issue").iterdir())) == 3


def test_the_scripts_of_the_readme_can_be_run() -> None:
    for name in re.findall(r"^    (scripts/\w+)", README, re.M):
        assert (ROOT / name).stat().st_mode & 0o111, name
