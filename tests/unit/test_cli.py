"""The command line: every command explains itself, ends with the next step, and fails in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from program import LETTER_NOW, SETTINGS, Ran, digest, environment, letter, written

from digest.cli import app

COMMANDS = [
    *("init", "new", "schema", "settings", "build", "preview", "check", "plan", "why", "render"),
    *("issue cut", "issue show", "issue approve", "issue hold", "issue resume", "issue skip", "issue cancel"),
    *(f"subscribers {name}" for name in ("import", "export", "add", "confirm", "remove", "list", "show")),
    "subscribers erase",
    *("send", "status", "verify", "bounces", "run", "serve", "worker", "adopt", "move", "simulate"),
]
SHOWN = typer.main.get_command(app)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return letter(tmp_path / "letter", written("One"), written("Two"))


def run(project: Path, *args: str, as_json: bool = False) -> Ran:
    return digest("--project", project, "--now", LETTER_NOW, *(["--json"] if as_json else []), *args)


def said(ran: Ran) -> str:
    """What went wrong, which is told in sentences and never as a traceback."""
    assert ran.code in (1, 2)
    assert "Traceback" not in ran.err
    return ran.err


# -------------------------------------------------------------------------------- what explains itself


def test_these_are_all_commands() -> None:
    groups = getattr(SHOWN, "commands")  # noqa: B009
    folders = {name: found.commands for name, found in groups.items() if hasattr(found, "commands")}
    names = groups.keys() - folders.keys()
    names |= {f"{folder} {name}" for folder, commands in folders.items() for name in commands}
    assert names == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    ran = digest(*command.split(), "--help")
    assert ran.code == 0
    assert "Example" in ran.out
    assert f"digest {command}" in " ".join(ran.out.split())


STEPS = {
    "new": ["new", "What was found"],
    "schema": ["schema", "post"],
    "settings": ["settings"],
    "build": ["build"],
    "check": ["check"],
    "plan": ["plan"],
    "why": ["why", "one"],
    "render": ["render", "next", "--to", "{project}/issue"],
    "issue cut": ["issue", "cut"],
    "subscribers add": ["subscribers", "add", "reader-17@example.org"],
    "subscribers list": ["subscribers", "list"],
}


@pytest.mark.parametrize("command", STEPS)
def test_every_command_ends_by_naming_the_next_step(project: Path, command: str) -> None:
    ran = run(project, *(part.format(project=project) for part in STEPS[command]))
    assert ran.code == 0
    assert ran.err.splitlines()[-1].startswith("next: ")
    assert ran.out


def test_init_and_the_commands_of_one_issue_name_the_next_step_too(project: Path, tmp_path: Path) -> None:
    assert "digest preview" in digest("init", tmp_path / "new").err.splitlines()[-1]
    found = run(project, "issue", "cut", as_json=True).json
    number, hash = str(found["issue"]), found["hash"]
    assert f"digest issue approve {number}" in run(project, "issue", "show", number).err.splitlines()[-1]
    approved = run(project, "issue", "approve", number, "--hash", hash[:12])
    assert approved.err.startswith("next: ")
    assert run(project, "issue", "show", number).err.startswith("next: ")


def test_a_mistake_that_shows_only_when_a_readers_page_is_filled_is_found_by_check(project: Path) -> None:
    own = project / "templates/web/confirm.html"
    own.parent.mkdir(parents=True)
    own.write_text(
        '{% extends "shipped/web/confirm.html" %}{% block step %}{{ adress }}{% endblock %}', "utf-8"
    )
    ran = run(project, "check")
    assert ran.code == 1
    assert "templates/web/confirm.html:1: 'adress' is not known here; did you mean 'address'?" in ran.err


LIFE = [
    (["issue", "hold", "1"], "Issue 1 is held: by you.", "digest issue resume 1", "held"),
    (["issue", "resume", "1"], "Issue 1 is draft again.", "digest issue approve 1 --hash", "draft"),
    (["issue", "cancel", "1"], "nothing was sent, and its posts wait again", "digest issue cut", "cancelled"),
]


@pytest.mark.parametrize("as_json", [False, True])
def test_what_an_author_says_to_an_issue_is_done_and_names_the_next_step(
    project: Path, as_json: bool
) -> None:
    run(project, "issue", "cut")
    for command, says, then, state in LIFE:
        ran = run(project, *command, as_json=as_json)
        assert ran.code == 0
        if as_json:
            assert (ran.json["state"], ran.err) == (state, "")
        else:
            assert says in ran.out
            assert then in ran.err.splitlines()[-1]


def test_a_planned_issue_is_skipped_and_planned_again(project: Path) -> None:
    assert run(project, "issue", "skip", "1", as_json=True).json["skipped"] is True
    assert run(project, "plan", as_json=True).json[0]["sends"] == "2024-11-29T07:00:00+00:00"
    assert (
        "There is an issue again on Friday 2024-11-22 07:00"
        in run(project, "issue", "skip", "1", "--undo").out
    )
    assert run(project, "plan", as_json=True).json[0]["sends"] == "2024-11-22T07:00:00+00:00"
    assert "no slot to come is skipped" in said(run(project, "issue", "skip", "1", "--undo"))


@pytest.mark.parametrize("command", [command for command in STEPS if command != "schema"])
def test_every_command_that_reports_prints_one_json_document(project: Path, command: str) -> None:
    ran = run(project, *(part.format(project=project) for part in STEPS[command]), as_json=True)
    assert ran.code == 0
    assert json.loads(ran.out)


def test_a_schema_is_a_json_document_as_it_is() -> None:
    for what in ("post", "settings"):
        assert digest("schema", what).json["properties"]


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom digest.cli import main\nsys.argv = ['digest', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.partition("LOADED")[2].split())
    assert "typer" in loaded
    heavy = {
        "sqlalchemy",
        "alembic",
        "feedgen",
        "mjml",
        "PIL",
        "pydantic",
        "jinja2",
        "lxml",
        "nh3",
        "pyromark",
    }
    assert loaded & heavy == set()


def test_the_version_is_told() -> None:
    from digest import __version__

    assert digest("--version").out == f"digest {__version__}\n"


# ----------------------------------------------------------------------------------- what goes wrong


def test_where_there_is_no_project_the_way_to_one_is_named(tmp_path: Path) -> None:
    assert "digest init" in said(digest("--project", tmp_path, "build"))
    assert digest("--project", tmp_path, "build").code == 2


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (
            'title = "Baseline"',
            'titel = "Baseline"',
            "digest.toml:2: site.titel is no setting; did you mean title?",
        ),
        ('title = "Baseline"', "title = 3", "digest.toml:2: site.title cannot be 3"),
        (
            "Europe/London",
            "Europe/Londn",
            "digest.toml:7: site.timezone cannot be 'Europe/Londn'; write an IANA name",
        ),
        (
            "https://baseline.example.org",
            "baseline",
            "digest.toml:3: site.url cannot be 'baseline'; write the whole",
        ),
        ("[newsletter]", "[newslettr]", "digest.toml:9: newslettr is no setting; did you mean newsletter?"),
        (
            'on = "friday"',
            'on = "fryday"',
            "digest.toml:12: on = 'fryday' is no weekday; did you mean friday?",
        ),
        (
            'at = "07:00"',
            'at = "seven"',
            "digest.toml:13: newsletter.at cannot be 'seven'; write it as 07:00",
        ),
        (
            "starts = 2024-10-01",
            'cutof = "9h"',
            "digest.toml:14: newsletter.cutof is no setting; did you mean cutoff?",
        ),
        (
            "starts = 2024-10-01",
            'cutoff = "soon"',
            "digest.toml:14: newsletter.cutoff cannot be 'soon'; write a number",
        ),
        (
            "starts = 2024-10-01",
            'quiet_hours = "22:00-22:00"',
            "digest.toml:14: newsletter.quiet_hours cannot be '22:00-22:00'; all day would be quiet",
        ),
        (
            "Baseline <weekly@baseline.example.org>",
            "me",
            "digest.toml:10: newsletter.sender cannot be 'me'; write it as",
        ),
        (
            "[site]",
            "[site",
            "digest.toml:1: this is not TOML: expected ']' at the end of a table declaration",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_line_and_cure(
    tmp_path: Path, right: str, wrong: str, says: str
) -> None:
    assert right in SETTINGS
    ran = run(letter(tmp_path / "letter", settings=SETTINGS.replace(right, wrong)), "plan")
    assert says in said(ran)
    assert ran.code == 2


def test_settings_that_are_no_text_are_refused(project: Path) -> None:
    (project / "digest.toml").write_bytes(b"\xff\xfe\x00")
    assert "save it as UTF-8" in said(run(project, "plan"))


def test_a_project_without_a_newsletter_builds_and_says_so_when_asked_for_issues(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"), settings=SETTINGS.partition("[newsletter]")[0])
    assert run(project, "build").code == 0
    assert "no [newsletter]" in said(run(project, "plan"))


def test_the_clock_is_told_in_iso_form(project: Path, tmp_path: Path) -> None:
    for ran in (
        digest("--project", project, "--now", "soon", "plan"),
        digest("--now", "soon", "init", tmp_path / "x"),
    ):
        assert "--now soon is no time; write it as 2026-11-20T07:00" in said(ran)
        assert ran.code == 2


WRONG = {
    "an unknown option": (["plan", "--cuont", "3"], "No such option: --cuont"),
    "an unknown command": (["bild"], "Did you mean 'build'?"),
    "an unknown post": (["why", "onee"], "no post is called 'onee'; did you mean 'one'?"),
    "an issue still far off": (
        ["render", "99", "--to", "x"],
        "no issue 99 is planned; look at the next ones",
    ),
    "an issue that is no number": (
        ["render", "last", "--to", "x"],
        "'last' is no issue; give its number, or `next`",
    ),
    "a title of nothing": (["new", "  "], "a post needs a title"),
    "no title": (["new"], "Missing argument 'title'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_use_is_told_with_exit_code_2(project: Path, what: str) -> None:
    args, says = WRONG[what]
    ran = run(project, *args)
    assert says in " ".join(said(ran).replace("│", " ").split())
    assert ran.code == 2


def test_an_issue_that_was_never_cut_is_told(project: Path) -> None:
    for command in (["show", "4"], ["approve", "4", "--hash", "0123456789"]):
        assert "there is no issue 4" in said(run(project, "issue", *command))


def test_a_clock_that_runs_ahead_learns_nothing_by_looking_and_cuts_all_the_same(project: Path) -> None:
    ahead = ("--project", project, "--now", "2098-01-03T09:00", "--json")
    for _ in range(2):
        assert [post["id"] for post in digest(*ahead, "plan").json[0]["posts"]] == ["one", "two"]
    assert digest(*ahead, "issue", "cut").json["posts"] == ["one", "two"]
    assert digest(*ahead, "plan").json[0]["posts"] == []


def test_another_hash_approves_nothing(project: Path) -> None:
    run(project, "issue", "cut")
    assert "issue 1 is not what you looked at" in said(
        run(project, "issue", "approve", "1", "--hash", "0" * 64)
    )
    assert run(project, "issue", "show", "1", as_json=True).json["state"] == "draft"


def test_what_is_there_already_is_not_written_over(project: Path, tmp_path: Path) -> None:
    assert "is a project already" in said(digest("init", project))
    run(project, "new", "What was found")
    assert "there is already a posts/2024-11-20-what-was-found.md" in said(
        run(project, "new", "What was found")
    )
    assert (project / "digest.toml").read_text("utf-8") == SETTINGS


@pytest.mark.parametrize("command", [["build", "--out"], ["render", "next", "--to"], ["init"]])
def test_a_file_where_a_folder_must_be_is_told(project: Path, command: list[str]) -> None:
    ran = run(project, *command, str(project / "digest.toml"))
    assert "digest.toml" in said(ran)
    assert (project / "digest.toml").read_text("utf-8") == SETTINGS


def test_mistakes_in_posts_end_in_exit_code_1(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"), "---\ntitle: 5\n---\nNo date, and no title.\n")
    for command in ("build", "check"):
        ran = run(project, command)
        assert ran.code == 1
        assert "posts/untitled.md:2: title" in ran.err
    assert run(project, "check", as_json=True).json["failed"] is True


def test_findings_can_stand_beside_the_lines_of_a_pull_request(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", "---\ntitle: 5\n---\nText.\n")
    assert (
        "::error file=posts/untitled.md,line=1::date is missing"
        in run(project, "check", "--format", "github").out
    )


def test_a_report_whose_reader_goes_away_ends_quietly(project: Path) -> None:
    plan = f"{sys.executable} -m digest --project {project} --now {LETTER_NOW} --json plan --count 104"
    done = subprocess.run(
        ["sh", "-c", f"{plan} | head -c 10"], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.stdout == "[\n  {\n    "
    assert done.stderr == ""


def test_a_project_of_any_title_can_be_built(tmp_path: Path) -> None:
    project = tmp_path / "letter"
    digest("init", project, "--title", 'Lupus, "in short" & <more>: $1')
    built = digest("--project", project, "build")
    assert built.code == 0
    assert (
        digest("--project", project, "--json", "render", "next", "--to", project / "issue").json["issue"] == 1
    )


def test_the_options_of_every_command_may_stand_behind_it(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"))
    before = digest("--project", project, "--now", "2024-11-20T09:00", "--json", "plan")
    behind = digest("plan", "--json", "--now=2024-11-20T09:00", "--project", project)
    assert behind.json == before.json


def test_plan_names_a_broken_post_and_why_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One"))
    (project / "posts" / "two.md").write_text(
        "---\ntitle: NEJM 2015; 372: 11\ndate: 2024-11-04\n---\nx\n", "utf-8"
    )
    plan = digest("--project", project, "--now", "2024-11-20T09:00", "plan")
    assert plan.code == 1
    assert "posts/two.md:2: title has a colon in it" in plan.err
    assert "One" in plan.out
    why = digest("--project", project, "--now", "2024-11-20T09:00", "why", "posts/two.md")
    assert why.code == 1
    assert "posts/two.md is left out" in why.err
    assert "title has a colon in it" in why.err
