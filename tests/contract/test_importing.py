"""An import as a whole: suppressions first, counts that add up, a rehearsal that tells the truth, and no end
of a file that memory would notice."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from program import ROOT, environment

from digest.errors import InputError
from digest.model import ConsentAct, SubscriberState, SuppressionReason
from digest.people import (
    NamedFile,
    Report,
    Terms,
    import_files,
    named_files,
    write_subscribers,
    write_suppressions,
)
from digest.store import Store, schema
from digest.store.database import reading
from digest.store.people import Act, audience
from digest.subscribers.addresses import read_address
from digest.subscribers.services import Standing

NOW = datetime(2026, 11, 5, 19, 0, tzinfo=UTC)
EXPORTS = ROOT / "tests/data/exports"
WORDS = "Yes, send me Remission Weekly."
AGREED = Terms(confirmed=True, words=WORDS)


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    with Store.open(store_url, project=tmp_path) as store:
        yield store


@pytest.fixture
def file_store(tmp_path: Path) -> Iterator[Store]:
    """For what is about SQLite's own file."""
    with Store.open("sqlite:///digest.db", project=tmp_path) as store:
        yield store


def file(text: str, name: str = "readers.csv") -> NamedFile:
    return NamedFile(name=name, content=io.BytesIO(text.encode()))


def export(name: str) -> NamedFile:
    return file((EXPORTS / name).read_text("utf-8"), name)


def take(store: Store, *files: NamedFile, terms: Terms = AGREED, dry: bool = False) -> Report:
    report = import_files(store.people, files, terms, NOW, dry=dry)
    kinds = (report.new, report.already, report.suppressed, report.unwanted, report.invalid)
    assert report.rows == sum(kinds)
    return report


def mailed(store: Store) -> list[str]:
    with reading(store.engine) as connection:
        return [row.address.partition("@")[0] for row in connection.execute(audience())]


def whole(store: Store) -> str:
    """Every table, to compare."""
    with reading(store.engine) as connection:
        return str([connection.execute(sa.select(it)).all() for it in schema.metadata.sorted_tables])


# --------------------------------------------------------------------------------- moving from elsewhere


def test_who_moves_from_mailchimp_keeps_who_confirmed_and_who_left(store: Store) -> None:
    names = ("mailchimp-subscribed.csv", "unsubscribed_members_mailchimp.csv", "mailchimp-cleaned.csv")
    report = take(store, *map(export, names), terms=Terms())
    assert (report.new, report.suppressed, report.unwanted, report.pending) == (2, 1, 3, 0)
    assert mailed(store) == ["reader-1", "reader-2"]
    reasons = {it.address: it.reason for _, it in store.people.each_suppression()}
    assert reasons == {
        "reader-3@example.org": SuppressionReason.UNSUBSCRIBED,
        "reader-4@example.org": SuppressionReason.UNSUBSCRIBED,
        "reader-5@example.org": SuppressionReason.HARD_BOUNCE,
    }
    [line] = store.people.show(read_address("reader-1@example.org"), NOW).consents
    assert line.act is ConsentAct.IMPORTED
    assert line.how == (
        "import of mailchimp-subscribed.csv; the file says: signed up 2023-04-21 11:16 UTC, "
        "confirmed 2023-04-21 11:20 UTC"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("substack.csv", ["reader-1", "reader-2"]),
        ("ghost.csv", ["reader-1", "reader-2"]),
        ("buttondown.csv", ["reader-1", "reader-2"]),
        ("listmonk.csv", ["reader-1"]),
    ],
)
def test_from_other_services_nobody_is_mailed_before_the_author_says_that_they_agreed(
    store: Store, name: str, expected: list[str]
) -> None:
    report = take(store, export(name), terms=Terms())
    assert mailed(store) == []
    assert report.pending == report.new >= len(expected)
    again = take(store, export(name))
    assert (again.new, again.confirmed) == (0, len(expected))
    assert mailed(store) == expected


def test_who_never_answered_elsewhere_is_not_confirmed_by_the_authors_word(store: Store) -> None:
    take(store, export("buttondown.csv"))
    waits = store.people.find(read_address("reader-3@example.org"), NOW)
    assert waits is not None
    assert waits.subscriber.state is SubscriberState.PENDING


def test_the_words_they_agreed_to_stand_in_the_log_of_each(store: Store) -> None:
    take(store, file("email\nreader-1@example.org\n"))
    [line] = store.people.show(read_address("reader-1@example.org"), NOW).consents
    assert (line.words, line.how) == (WORDS, "import of readers.csv, consent by the author's word")


# ----------------------------------------------------------------------------------- suppressions first


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_who_left_in_one_file_is_not_mailed_by_another_in_whichever_order(
    store: Store, order: tuple[int, int]
) -> None:
    files = [
        file("email\nreader-1@example.org\nREADER-2@example.org\n"),
        file("email,unsubscribed_at\nreader-2@EXAMPLE.org,2024-01-01\n", "gone.csv"),
    ]
    take(store, *(files[at] for at in order))
    assert mailed(store) == ["reader-1"]


def test_who_left_in_the_last_line_is_not_mailed_by_the_first(store: Store) -> None:
    lines = [f"reader-{n}@example.org,subscribed" for n in range(50)]
    take(store, file("\n".join(["email,status", *lines, "reader-0@example.org,unsubscribed"])))
    assert "reader-0" not in mailed(store)
    assert len(mailed(store)) == 49


def test_who_was_mailed_and_left_elsewhere_is_not_mailed_any_more(store: Store) -> None:
    take(store, file("reader-1@example.org\n"))
    report = take(store, file("email,status\nreader-1@example.org,cleaned\n"))
    assert (report.unwanted, report.unwanted_new) == (1, 1)
    assert mailed(store) == []


def test_a_list_of_those_who_left_elsewhere_can_be_imported_as_that(store: Store) -> None:
    terms = Terms(everybody=Standing.UNSUBSCRIBED)
    report = take(store, file("reader-1@example.org\nreader-2@example.org\n"), terms=terms)
    assert (report.unwanted, report.new) == (2, 0)
    assert take(store, file("reader-1@example.org\nreader-3@example.org\n")).suppressed == 1
    assert mailed(store) == ["reader-3"]


# -------------------------------------------------------------------------------------- what is invalid


def test_every_invalid_row_is_named_with_line_and_reason_and_the_others_are_taken(store: Store) -> None:
    report = take(
        store,
        file(
            "email,name,status\n"
            "reader-1@example.org,Ada,active\n"
            "reader-2@example.org,Bo,elated\n"
            'reader-3@example.org,"Cy,active\n'
            "reader 4@example.org,Di,active\n"
            "nobody,Ed,unsubscribed\n"
        ),
    )
    assert report.new == 1
    told = [(it.line, it.says.partition(";")[0]) for it in report.findings]
    assert told == [
        (3, "its status 'elated' is unknown, so it is not mailed"),
        (4, "a quotation mark is opened and not closed"),
    ]


def test_an_invalid_address_among_those_who_left_is_named_too(store: Store) -> None:
    report = take(store, file("email,status\nnobody,unsubscribed\nreader 4@example.org,active\n"))
    assert [(it.line, it.where) for it in report.findings] == [(2, "readers.csv"), (3, "readers.csv")]
    assert all("is no address" in it.says for it in report.findings)


def test_with_many_invalid_rows_the_first_are_named_and_all_counted(store: Store) -> None:
    report = take(store, file("email\n" + "nobody\n" * 5_000))
    assert (report.invalid, len(report.findings)) == (5_000, 100)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "holds no row"),
        (b"\n\n\n", "holds no row"),
        (b"name,city\nAda,Leeds\n", "no column holds addresses"),
        (b"\0" * 100, "holds no row"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "no column holds addresses"),
    ],
)
def test_a_file_that_is_no_list_is_refused_by_its_name(store: Store, content: bytes, why: str) -> None:
    good = file("reader-1@example.org\n")
    with pytest.raises(InputError, match=why) as refused:
        import_files(
            store.people, [good, NamedFile(name="odd.csv", content=io.BytesIO(content))], AGREED, NOW
        )
    assert refused.value.says.startswith("odd.csv")
    assert mailed(store) == []


def test_what_was_guessed_of_a_file_is_said(store: Store) -> None:
    old = NamedFile(
        name="old.csv", content=io.BytesIO("email;name\nreader-1@example.org;Jörg\n".encode("cp1252"))
    )
    report = import_files(store.people, [old], AGREED, NOW)
    assert "Windows-1252" in report.findings[0].says
    found = store.people.find(read_address("reader-1@example.org"), NOW)
    assert found is not None
    assert found.subscriber.name == "Jörg"


def test_where_everybody_in_a_file_counts_as_gone_the_author_is_told(store: Store) -> None:
    report = take(store, file("reader-1@example.org\n", "unsubscribed.csv"))
    assert [it.says for it in report.findings] == ["everybody in it counts as unsubscribed"]
    assert (report.unwanted, report.invalid) == (1, 0)


def test_excels_unicode_text_is_read(store: Store) -> None:
    wide = NamedFile(
        name="wide.txt", content=io.BytesIO("email\tname\nreader-1@example.org\tJörg\n".encode("utf-16"))
    )
    assert import_files(store.people, [wide], AGREED, NOW).new == 1


# ------------------------------------------------------------------------------------------- rehearsing

NUMBERS = st.integers(1, 6)
LINES = st.lists(
    st.tuples(
        st.one_of(
            NUMBERS.map(lambda n: f"reader-{n}@example.org"),
            st.just("nobody"),
            st.just("READER-1@Example.org"),
        ),
        st.sampled_from(
            ["active", "pending", "unsubscribed", "bounced", "complained", "blocked", "elated", ""]
        ),
        st.sampled_from(["", "2024-01-01 10:00:00"]),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=3), LINES, st.booleans())
def test_a_rehearsal_tells_what_the_import_will_do_and_changes_nothing(
    sheets: Sequence[Sequence[tuple[str, str, str]]],
    before: Sequence[tuple[str, str, str]],
    confirmed: bool,
) -> None:
    def files(*lists: Sequence[tuple[str, str, str]]) -> list[NamedFile]:
        header = "email,status,confirmed_at\n"
        return [file(header + "".join(",".join(line) + "\n" for line in lines)) for lines in lists]

    terms = replace(AGREED, confirmed=confirmed)
    with TemporaryDirectory() as folder, Store.open("sqlite:///x.db", project=Path(folder)) as store:
        take(store, *files(before), terms=terms)
        as_it_was = whole(store)
        told = take(store, *files(*sheets), terms=terms, dry=True)
        assert whole(store) == as_it_was
        done = take(store, *files(*sheets), terms=terms)
        assert told == done
        again = take(store, *files(*sheets), terms=terms)
        assert (again.new, again.confirmed, again.unwanted_new) == (0, 0, 0)
        assert again.invalid == done.invalid


def test_a_rehearsal_in_an_empty_store_makes_not_even_a_secret(store: Store) -> None:
    before = whole(store)
    assert take(store, export("substack.csv"), dry=True).new == 2
    assert whole(store) == before


# ------------------------------------------------------------------------------------- out and in again


def test_an_export_read_into_another_store_gives_the_same_readers(store: Store, tmp_path: Path) -> None:
    names = ("mailchimp-subscribed.csv", "unsubscribed_members_mailchimp.csv", "mailchimp-cleaned.csv")
    take(store, *map(export, names), file("email,name\nreader-9@example.org,=1+1\n=1+1@example.org,'=x\n"))
    take(store, file("email,status\nreader-8@example.org,pending\n"))
    store.people.leave(read_address("reader-9@example.org"), Act(at=NOW, how="one-click"))
    people, never = io.StringIO(newline=""), io.StringIO(newline="")
    assert write_subscribers(store.people, people) == 5
    assert write_suppressions(store.people, never) == 4
    with Store.open("sqlite:///other.db", project=tmp_path) as other:
        take(other, file(people.getvalue(), "people.csv"), file(never.getvalue(), "never.csv"), terms=Terms())
        assert mailed(other) == mailed(store)
        names_here = {it.subscriber.address: it.subscriber for it in store.people.each()}
        for it in other.people.each():
            was = names_here[it.subscriber.address]
            assert replace(it.subscriber, id=was.id) == was
        listed = [sorted(str(it) for _, it in s.people.each_suppression()) for s in (store, other)]
        assert listed[0] == listed[1]


def test_the_suppression_list_keeps_out_who_was_erased_also_after_a_backup_is_restored(
    file_store: Store, tmp_path: Path
) -> None:
    take(file_store, file("reader-1@example.org\nreader-2@example.org\n"))
    with (
        closing(sqlite3.connect(tmp_path / "digest.db")) as now,
        closing(sqlite3.connect(tmp_path / "backup.db")) as backup,
    ):
        now.backup(backup)
    file_store.people.erase(read_address("reader-1@example.org"), Act(at=NOW, how="command line"))
    never = io.StringIO(newline="")
    write_suppressions(file_store.people, never)
    assert "reader-1" not in never.getvalue()
    with Store.open("sqlite:///backup.db", project=tmp_path) as restored:
        assert mailed(restored) == ["reader-1", "reader-2"]
        take(restored, file(never.getvalue()), terms=Terms())
        assert mailed(restored) == ["reader-2"]


def test_no_cell_of_an_export_is_a_formula_unless_it_is_asked_for(store: Store) -> None:
    take(store, file('email,name\n=1+1@example.org,"=HYPERLINK(""x"")"\n+1@example.org,@SUM(A1)\n'))
    safe, raw = io.StringIO(newline=""), io.StringIO(newline="")
    write_subscribers(store.people, safe)
    write_subscribers(store.people, raw, raw=True)
    cells = [cell for line in safe.getvalue().splitlines() for cell in line.replace('"', "").split(",")]
    assert not [cell for cell in cells if cell[:1] in "=+-@" and cell]
    assert "\n=1+1@example.org," in raw.getvalue()


# ------------------------------------------------------------------------------------------ size and death


def test_standard_input_is_read_twice_as_well(store: Store) -> None:
    content = io.BytesIO(b"email,status\nreader-1@example.org,active\nreader-1@example.org,unsubscribed\n")
    with named_files(["-"], content) as files:
        report = import_files(store.people, files, AGREED, NOW)
    assert (report.unwanted, report.suppressed) == (1, 1)


def test_a_pipe_is_read_twice_as_well(store: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    text = "email,status\nreader-1@example.org,active\nreader-1@example.org,unsubscribed\n"
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(text,))
    writer.start()
    with named_files([str(tmp_path / "pipe")], io.BytesIO()) as files:
        report = import_files(store.people, files, AGREED, NOW)
    writer.join()
    assert (report.unwanted, report.suppressed) == (1, 1)


@pytest.mark.parametrize("between", [0, 3_000])
def test_of_two_rows_of_one_reader_the_one_that_says_they_agreed_counts(store: Store, between: int) -> None:
    rows = ["reader-1@example.org,pending", *(f"other-{n}@example.org,pending" for n in range(between))]
    report = take(store, file("\n".join(["email,status", *rows, "READER-1@example.org,active"])))
    assert (report.new, report.already) == (1 + between, 1)
    assert mailed(store) == ["reader-1"]


def test_progress_runs_up_to_the_end_of_each_pass(store: Store) -> None:
    seen: list[tuple[str, int, int]] = []
    text = "email\n" + "".join(f"reader-{n}@example.org\n" for n in range(5_000))
    import_files(store.people, [file(text)], AGREED, NOW, progress=lambda *step: seen.append(step))
    assert {what for what, _, _ in seen} == {"readers.csv: suppressions", "readers.csv: subscribers"}
    assert all(0 < done <= total for _, done, total in seen)


_RUN = """
import re, sys
from datetime import UTC, datetime
from pathlib import Path
from digest.people import Terms, import_files, named_files
from digest.store import Store
with (
    Store.open("sqlite:///x.db", project=Path(sys.argv[1])) as store,
    named_files(["-"], sys.stdin.buffer) as files,
):
    import_files(store.people, files, Terms(confirmed=True), datetime(2026, 11, 5, tzinfo=UTC))
    census = store.people.census(datetime(2026, 11, 5, tzinfo=UTC))
# Not `ru_maxrss`, which begins with what the parent had.
print(census.mailed, re.findall(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[0])
"""


def importing(folder: Path, count: int) -> tuple[int, int]:
    """An import in a process of its own: how many are mailed, and the most memory it ever had, in KiB."""
    lines = (f"reader-{n}@example.org,Reader {n}\n" for n in range(count))
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(folder)],
        input="email,name\n" + "".join(lines),
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    mailed, peak = done.stdout.split()
    return int(mailed), int(peak)


def test_ten_times_the_readers_need_no_more_memory(tmp_path: Path) -> None:
    for name in ("few", "many"):
        (tmp_path / name).mkdir()
    few, small = importing(tmp_path / "few", 8_000)
    many, large = importing(tmp_path / "many", 80_000)
    assert (few, many) == (8_000, 80_000)
    assert large < small + 8 * 1024


def test_an_import_that_is_killed_and_run_again_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    text = "email,status\n" + "".join(
        f"reader-{n % 6_000}@example.org,{'unsubscribed' if n % 5 == 0 else 'active'}\n" for n in range(9_000)
    )

    def result(name: str, *, stops: Sequence[int]) -> tuple[list[str], int, int]:
        with Store.open(f"sqlite:///{name}.db", project=tmp_path) as store:
            for stop in stops:
                steps = iter(range(stop))

                def step(_doing: str, _done: int, _total: int, steps: Iterator[int] = steps) -> None:
                    if next(steps, None) is None:
                        raise Killed

                with pytest.raises(Killed):
                    import_files(store.people, [file(text)], AGREED, NOW, progress=step)
                wrong = {f"reader-{n}" for n in range(0, 6_000, 5)} & set(mailed(store))
                assert not wrong, "who left was mailed after a kill"
            take(store, file(text))
            with reading(store.engine) as connection:
                lines = connection.scalar(sa.select(sa.func.count()).select_from(schema.consent)) or 0
            return sorted(mailed(store)), lines, len(list(store.people.each_suppression()))

    assert result("killed", stops=range(1, 9)) == result("whole", stops=())
