"""`digest subscribers` as an author types it: what is said, what is asked, and that no act is said to be done
which changed nothing."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from program import LETTER_NOW, ROOT, Ran, digest, environment, letter

READER = "reader-17@example.org"
EXPORTS = ROOT / "tests/data/exports"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return letter(tmp_path / "letter")


def run(project: Path, *args: str | Path, as_json: bool = False) -> Ran:
    options = ["--json"] if as_json else []
    return digest("--project", project, "--now", LETTER_NOW, *options, "subscribers", *args)


def readers(folder: Path, text: str, name: str = "readers.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def states(project: Path) -> dict[str, str]:
    found = run(project, "list", as_json=True).json["subscribers"]
    return {it["address"]: "mailed" if it["mailed"] else it["suppressed"] or it["state"] for it in found}


# ----------------------------------------------------------------------------------------- importing


def test_an_import_counts_new_already_there_suppressed_and_invalid(project: Path, tmp_path: Path) -> None:
    run(project, "add", READER, "--confirmed")
    run(project, "remove", READER)
    run(project, "add", "reader-1@example.org")
    path = readers(tmp_path, f"email\n{READER}\nreader-1@example.org\nreader-2@example.org\nnobody\n")
    ran = run(project, "import", path, "--confirmed")
    assert ran.code == 1
    counts = [line.split()[:2] for line in ran.out.splitlines()]
    assert [it[0] for it in counts] == ["4", "1", "1", "1", "0", "1"]
    assert "readers.csv:5: nobody is no address" in ran.err
    assert "1 had waited and are confirmed now" in ran.out
    assert states(project) == {
        READER: "unsubscribed",
        "reader-1@example.org": "mailed",
        "reader-2@example.org": "mailed",
    }


def test_a_dry_run_says_the_same_and_changes_nothing(project: Path, tmp_path: Path) -> None:
    path = readers(tmp_path, "email\nreader-1@example.org\n")
    ran = run(project, "import", path, "--dry-run")
    assert "would be read" in ran.out
    assert "nothing was changed" in ran.err
    assert states(project) == {}


def test_an_import_without_consent_says_that_nobody_of_them_is_mailed(project: Path, tmp_path: Path) -> None:
    path = readers(tmp_path, "email\nreader-1@example.org\n", "[old] list.csv")
    ran = run(project, "import", path)
    assert "1 waiting for confirmation" in ran.out
    assert "who waits is not mailed" in ran.err
    assert "'" + str(path) + "'" in " ".join(ran.err.split())


def test_all_files_of_a_move_are_imported_together(project: Path) -> None:
    names = ("mailchimp-subscribed.csv", "unsubscribed_members_mailchimp.csv", "mailchimp-cleaned.csv")
    ran = run(project, "import", *(EXPORTS / name for name in names))
    assert ran.code == 0
    assert "exports of Mailchimp" in ran.out
    assert set(states(project).values()) == {"mailed"}
    found = run(project, "import", *(EXPORTS / name for name in names), as_json=True).json
    assert (found["rows"], found["new"], found["already"], found["suppressed"]) == (6, 0, 2, 1)
    assert (found["unwanted"], found["unwanted_new"], found["invalid"]) == (3, 0, 0)


def test_a_list_can_be_piped_in(project: Path) -> None:
    command = [sys.executable, "-m", "digest", "--project", str(project), "subscribers", "import", "-"]
    piped = subprocess.run(
        [*command, "--as", "unsubscribed"],
        input="reader-1@example.org\n",
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.returncode == 0, piped.stderr
    assert run(project, "add", "reader-1@example.org").code == 1


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--words", "Yes."], "--confirmed"),
        (["--confirmed", "--as", "unsubscribed"], "contradict"),
        (["--as", "delighted"], "delighted"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    project: Path, tmp_path: Path, options: list[str], why: str
) -> None:
    ran = run(project, "import", readers(tmp_path, "email\n"), *options)
    assert ran.code == 2
    assert why in ran.err


@pytest.mark.parametrize("content", ["", "name\nAda\n", "\0\0\0"])
def test_a_file_that_is_no_list_is_one_sentence(project: Path, tmp_path: Path, content: str) -> None:
    ran = run(project, "import", readers(tmp_path, content))
    assert ran.code == 1
    assert ran.err.startswith("digest: readers.csv")


def test_a_file_that_is_not_there_is_one_sentence(project: Path, tmp_path: Path) -> None:
    ran = run(project, "import", tmp_path / "none.csv")
    assert ran.code == 1
    assert "none.csv" in ran.err


# ----------------------------------------------------------------------------------------- exporting


def test_an_export_can_be_piped_and_written_for_its_owner_alone(project: Path, tmp_path: Path) -> None:
    run(project, "add", READER, "--name", "=1+1", "--confirmed")
    ran = run(project, "export")
    assert ran.out.splitlines()[1].startswith(f"{READER},'=1+1,confirmed,")
    assert ran.err.splitlines()[-1].startswith("next: ")
    path = tmp_path / "out.csv"
    assert run(project, "export", "--out", path, "--raw").code == 0
    assert f"{READER},=1+1,confirmed," in path.read_text("utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run(project, "export", "--out", path, as_json=True).json["rows"] == 1
    assert [it.name for it in tmp_path.iterdir() if it.is_file()] == ["out.csv"]


def test_the_suppression_list_is_an_export_of_its_own(project: Path) -> None:
    run(project, "add", READER)
    run(project, "remove", READER, "--for-good")
    assert f",{READER},manual," in run(project, "export", "--suppressed").out
    assert run(project, "export", "--suppressed", "--state", "left").code == 2
    assert run(project, "export", as_json=True).code == 2


# ---------------------------------------------------------------------------------------- single acts


def test_somebody_is_added_confirmed_removed_and_erased(project: Path) -> None:
    for args, says in (
        (["add", READER, "--name", "Ada"], "is added, and waits"),
        (["confirm", READER, "--how", "answered by mail", "--words", "Yes."], "is confirmed, and mailed"),
        (["remove", READER], "is removed and not mailed again"),
        (["erase", READER, "--yes"], "is erased"),
    ):
        ran = run(project, *args)
        assert ran.code == 0, ran.err
        assert ran.out == f"{READER} {says}" + ran.out.partition(says)[2]
        assert ran.err.splitlines()[-1].startswith("next: ")
    shown = run(project, "show", READER).out
    assert "suppressed unsubscribed" in shown
    assert "Ada" not in shown
    assert states(project) == {}


@pytest.mark.parametrize(
    ("before", "args", "says"),
    [
        ([], ["confirm", READER], "is no subscriber"),
        ([], ["remove", READER], "is no subscriber"),
        ([], ["erase", READER, "--yes"], "is no subscriber"),
        ([["add", READER]], ["add", READER.upper()], "is there already"),
        ([["add", READER, "--confirmed"]], ["confirm", READER], "is confirmed already"),
        ([["add", READER], ["remove", READER]], ["remove", READER], "has left already"),
        ([["add", READER], ["remove", READER]], ["add", READER], "on the suppression list (unsubscribed"),
        ([["add", READER], ["remove", READER]], ["confirm", READER], "on the suppression list (unsubscribed"),
        ([["add", READER], ["erase", READER, "--yes"]], ["erase", READER, "--yes"], "was erased before"),
    ],
)
def test_an_act_that_changes_nothing_is_never_said_to_be_done(
    project: Path, before: list[list[str]], args: list[str], says: str
) -> None:
    for earlier in before:
        assert run(project, *earlier).code == 0
    ran = run(project, *args)
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.startswith("Nothing was changed: ")
    assert says in " ".join(ran.err.split())
    as_json = run(project, *args, as_json=True)
    assert as_json.code == 1
    assert as_json.json["result"] in ("so already", "nobody", "barred")


def test_who_left_and_asks_the_author_comes_back_by_lift(project: Path) -> None:
    run(project, "add", READER, "--confirmed")
    run(project, "remove", READER, "--for-good")
    ran = run(project, "add", READER, "--confirmed")
    assert "--lift" in ran.err
    assert run(project, "add", READER, "--confirmed", "--lift", "--how", "asked by mail").code == 0
    assert states(project) == {READER: "mailed"}
    log = run(project, "show", READER, as_json=True).json["consents"]
    assert [line["act"] for line in log] == ["added", "removed", "lifted", "added"]


def test_who_is_lifted_while_still_confirmed_is_said_to_be_off_the_list(
    project: Path, tmp_path: Path
) -> None:
    run(project, "add", READER, "--confirmed")
    assert run(project, "import", readers(tmp_path, READER), "--as", "complained").code == 0
    assert states(project) == {READER: "complaint"}
    ran = run(project, "add", READER, "--lift")
    assert (ran.code, ran.out) == (0, f"{READER} is off the suppression list, and is there already.\n")
    assert states(project) == {READER: "mailed"}
    assert run(project, "add", READER, "--lift", as_json=True).json["lifted"] is False


def test_who_waits_is_pointed_to_confirming(project: Path) -> None:
    run(project, "add", READER)
    assert f"digest subscribers confirm {READER}" in run(project, "add", READER, "--confirmed").err


def test_erasing_asks_first_and_never_where_nobody_can_answer(project: Path) -> None:
    run(project, "add", READER)
    ran = run(project, "erase", READER)
    assert ran.code == 2
    assert "--yes" in ran.err
    assert states(project) == {READER: "pending"}


def test_what_is_no_address_is_one_sentence(project: Path) -> None:
    for command in (["add"], ["confirm"], ["remove"], ["show"], ["erase", "--yes"]):
        ran = run(project, *command, "Ada <ada@example.org>")
        assert ran.code == 1
        assert "angle brackets" in ran.err


# ------------------------------------------------------------------------------------------- looking


def test_a_list_tells_how_many_the_next_issue_goes_to(project: Path, tmp_path: Path) -> None:
    path = readers(tmp_path, "email,name\n" + "".join(f"reader-{n}@example.org,R{n}\n" for n in range(5)))
    run(project, "import", path, "--confirmed")
    run(project, "remove", "reader-3@example.org")
    ran = run(project, "list", "--limit", "2")
    assert "4 readers of the next issue; 0 waiting, 1 left, 1 on the suppression list." in ran.out
    assert "--after 2" in ran.err
    assert "reader-2@example.org" in run(project, "list", "--after", "2", "--limit", "2").out
    assert (
        json.loads(run(project, "list", "--find", "R4", as_json=True).out)["subscribers"][0]["name"] == "R4"
    )
    assert [it["id"] for it in run(project, "list", "--suppressed", as_json=True).json["subscribers"]] == [4]
    assert run(project, "list", "--state", "left", as_json=True).json["left"] == 1


def test_everything_that_is_kept_of_one_reader_is_shown(project: Path) -> None:
    run(project, "add", READER, "--name", "Ada", "--how", "at the congress", "--words", "Yes [please].")
    shown = run(project, "show", "1")
    assert shown.code == 0
    for kept in (READER, "Ada", "pending", "added: at the congress “Yes [please].”"):
        assert kept in shown.out
    found = run(project, "show", READER, as_json=True).json
    assert found["subscriber"]["id"] == 1
    assert found["consents"][0]["words"] == "Yes [please]."
    assert run(project, "show", "reader-99@example.org").code == 1


def test_what_is_shown_ends_with_what_is_left_to_do(project: Path) -> None:
    for act, offered in (
        (["add", READER], f"remove {READER}"),
        (["remove", READER], f"erase {READER}"),
        (["erase", READER, "--yes"], f"add {READER} --lift"),
    ):
        run(project, *act)
        assert f"digest subscribers {offered}" in run(project, "show", READER).err
