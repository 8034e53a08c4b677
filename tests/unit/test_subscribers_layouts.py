"""What the columns of other services mean, and that no unknown word of theirs gets anybody mailed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import ROOT

from digest.subscribers.columns import Broken, Record, bounded, records, separator
from digest.subscribers.layouts import ColumnsError, Layout, Mistake, Row, moment
from digest.subscribers.services import FILES, WORDS, Standing, plain_name

EXPORTS = ROOT / "tests/data/exports"


def read(
    text: str, file: str = "readers.csv", everybody: Standing = Standing.SUBSCRIBED
) -> list[Row | Mistake]:
    lines = iter(text.splitlines(keepends=True))
    found = records(bounded(lambda _most: next(lines, "")), separator(text))
    sound = [it for it in found if not isinstance(it, Broken)]
    layout = Layout.of(sound[0], file=file, everybody=everybody)
    return [layout.read(it) for it in (sound[1:] if layout.header else sound)]


def export(name: str) -> list[Row | Mistake]:
    return read((EXPORTS / name).read_text("utf-8"), name)


def service(name: str) -> str:
    text = (EXPORTS / name).read_text("utf-8")
    return Layout.of(Record(1, text.splitlines()[0].replace('"', "").split(","))).service.name


def standings(rows: list[Row | Mistake]) -> list[str]:
    return [it.standing.value if isinstance(it, Row) else "mistake" for it in rows]


def one(text: str) -> Row:
    [row] = read(text)
    assert isinstance(row, Row)
    return row


@pytest.mark.parametrize(
    ("file", "name", "expected"),
    [
        ("mailchimp-subscribed.csv", "Mailchimp", ["subscribed"] * 3),
        ("unsubscribed_members_mailchimp.csv", "Mailchimp", ["unsubscribed"] * 2),
        ("mailchimp-cleaned.csv", "Mailchimp", ["bounced"]),
        ("substack.csv", "Substack", ["subscribed", "subscribed", "unsubscribed"]),
        ("ghost.csv", "Ghost", ["subscribed", "subscribed", "unsubscribed", "unsubscribed"]),
        (
            "buttondown.csv",
            "Buttondown",
            [
                *("subscribed", "subscribed", "unconfirmed", "unsubscribed"),
                *("bounced", "complained", "barred", "mistake"),
            ],
        ),
        ("listmonk.csv", "listmonk", ["subscribed", "unsubscribed", "barred"]),
    ],
)
def test_the_export_of_each_service_is_known_by_its_columns(
    file: str, name: str, expected: list[str]
) -> None:
    assert service(file) == name
    assert standings(export(file)) == expected


def test_an_export_tells_names_and_when_they_agreed() -> None:
    ada = export("mailchimp-subscribed.csv")[0]
    assert isinstance(ada, Row)
    assert (ada.address, ada.name, ada.line) == ("reader-1@example.org", "Ada van Example", 2)
    assert ada.added_at == datetime(2023, 4, 21, 11, 16, 57, tzinfo=UTC)
    assert ada.confirmed_at == datetime(2023, 4, 21, 11, 20, 3, tzinfo=UTC)
    left = export("unsubscribed_members_mailchimp.csv")[0]
    assert isinstance(left, Row)
    assert left.since == datetime(2023, 7, 23, 12, 19, 27, tzinfo=UTC)
    cy = export("listmonk.csv")[2]
    assert isinstance(cy, Row)
    assert cy.added_at == datetime(2021, 9, 30, 18, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "header",
    [
        "email,name",
        "name,email",
        "E-Mail Address,Full Name",
        "EMAIL_ADDRESS;Name",
        "First name\tMail\tSurname",
    ],
)
def test_columns_may_stand_in_any_order_and_have_the_usual_names(header: str) -> None:
    places = {"E": "reader@example.org", "e": "reader@example.org", "M": "reader@example.org"}
    names = header.replace(";", ",").replace("\t", ",").split(",")
    mark = next(it for it in ";\t," if it in header)
    row = one(header + "\n" + mark.join(places.get(name[0], "Ada") for name in names) + "\n")
    assert row.address == "reader@example.org"
    assert row.name.startswith("Ada")


def test_a_plain_list_of_addresses_needs_no_header() -> None:
    rows = read("reader-1@example.org\nreader-2@example.org\n")
    assert [it.address for it in rows if isinstance(it, Row)] == [
        "reader-1@example.org",
        "reader-2@example.org",
    ]


@pytest.mark.parametrize("header", ["name,city\n", "email,email\n", "id\n"])
def test_a_file_whose_addresses_cannot_be_found_is_refused_as_a_whole(header: str) -> None:
    with pytest.raises(ColumnsError) as refused:
        read(f"{header}Ada,Leeds\n")
    assert refused.value.cure


def test_the_address_where_somebody_lives_is_not_taken_for_mail() -> None:
    assert one("Address,Email\n1 Example Street,reader@example.org\n").address == "reader@example.org"


# ---------------------------------------------------------------------------------- who is not mailed


@pytest.mark.parametrize("word", ["archived", "paused?", "???", "maybe", "new", "suscrito"])
def test_a_status_that_nobody_knows_is_never_mailed(word: str) -> None:
    [row] = read(f"email,status\nreader@example.org,{word}\n")
    assert isinstance(row, Mistake)
    assert "is unknown, so it is not mailed" in row.why


@pytest.mark.parametrize("column", ["status", "subscribed"])
def test_who_has_no_status_where_others_have_one_is_not_mailed(column: str) -> None:
    [row] = read(f"email,{column}\nreader@example.org,\n")
    assert isinstance(row, Mistake)
    assert row.why.endswith("so it is not mailed")


@given(st.text(max_size=12).filter(lambda word: plain_name(word) not in WORDS))
def test_no_word_at_all_is_taken_for_yes_by_chance(word: str) -> None:
    layout = Layout.of(Record(1, ["email", "status"]))
    assert isinstance(layout.read(Record(2, ["reader@example.org", word])), Mistake)


@pytest.mark.parametrize("column", ["subscribed_to_emails", "email_disabled,active_subscription"])
def test_a_flag_that_is_neither_yes_nor_no_is_never_mailed(column: str) -> None:
    [row] = read(
        f"email,{column}\nreader@example.org,perhaps,\n"
        if "," in column
        else f"email,{column}\nreader@example.org,perhaps\n"
    )
    assert isinstance(row, Mistake)
    assert "neither true nor false" in row.why


@pytest.mark.parametrize(
    "word", ["unsubscribed", "Unsubscribed ", "cleaned", "Hard bounce", "COMPLAINED", "blocked"]
)
def test_any_no_outweighs_every_yes(word: str) -> None:
    row = one(f"email,status,subscribed,confirmed_at\nreader@example.org,{word},true,2024-01-01\n")
    assert not row.wanted


def test_a_time_of_leaving_outweighs_a_status_that_says_subscribed() -> None:
    row = one("email,status,unsub_time\nreader@example.org,subscribed,2024-01-01 10:00:00\n")
    assert row.standing is Standing.UNSUBSCRIBED


@pytest.mark.parametrize("zero", ["", "0000-00-00 00:00:00", " "])
def test_no_time_of_leaving_is_no_leaving(zero: str) -> None:
    row = one(f"email,status,unsub_time\nreader@example.org,subscribed,{zero}\n")
    assert row.standing is Standing.SUBSCRIBED


def test_in_a_file_of_those_who_left_everybody_has_left_also_without_a_time() -> None:
    header = "Email Address,OPTIN_TIME,CONFIRM_TIME,UNSUB_TIME\n"
    row = one(f"{header}reader@example.org,2020-01-01 10:00:00,2020-01-01 10:00:00,\n")
    assert row.standing is Standing.UNSUBSCRIBED


@pytest.mark.parametrize("header", ["email\n", ""])
@pytest.mark.parametrize(("word", "standing"), FILES.items())
def test_the_name_of_a_file_says_what_everybody_in_it_is(word: str, standing: Standing, header: str) -> None:
    for name, expected in (
        (f"{word}_segment_export_1a2b.csv", standing),
        (f"{word.upper()}.CSV", standing),
        (f"not-{word}.csv", Standing.SUBSCRIBED),
        ("cleaned-up-readers.csv", Standing.SUBSCRIBED),
    ):
        [row] = read(f"{header}reader@example.org\n", name)
        assert isinstance(row, Row)
        assert row.standing is expected


def test_the_author_may_say_that_nobody_in_a_file_is_ever_mailed() -> None:
    [row] = read("reader@example.org\n", everybody=Standing.COMPLAINED)
    assert isinstance(row, Row)
    assert row.standing is Standing.COMPLAINED


def test_a_row_with_a_comma_too_many_is_named_and_not_guessed_at() -> None:
    broken, sound = read("email,name\nreader@example.org,Example, Ada\nreader@example.org,Ada,,\n")
    assert isinstance(broken, Mistake)
    assert "3 cells" in broken.why
    assert isinstance(sound, Row)


def test_a_state_of_the_union_is_no_state_of_a_subscription() -> None:
    assert one("email,state\nreader@example.org,California\n").standing is Standing.SUBSCRIBED


# ----------------------------------------------------------------------------------------- what is kept


def test_a_name_is_one_plain_line() -> None:
    row = one('email,name\nreader@example.org,"<b>Ada</b>\u202e van\tExample"\n')
    assert row.name == "Ada van Example"
    assert len(one(f"email,name\nreader@example.org,{'x' * 5_000}\n").name) == 200


def test_only_digests_own_files_have_their_apostrophes_taken_away() -> None:
    own = one("address,name,state,added_at\nreader@example.org,'=Ada,confirmed,2024-01-01\n")
    assert own.name == "=Ada"
    assert one("email,name\nreader@example.org,'=Ada\n").name == "'=Ada"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-04-21 11:16:57", datetime(2023, 4, 21, 11, 16, 57, tzinfo=UTC)),
        ("2023-04-21T11:16:57.123Z", datetime(2023, 4, 21, 11, 16, 57, tzinfo=UTC)),
        ("2023-04-21T11:16:57+02:00", datetime(2023, 4, 21, 9, 16, 57, tzinfo=UTC)),
        ("2023-04-21 11:16:57.1 -0500 EST", datetime(2023, 4, 21, 16, 16, 57, tzinfo=UTC)),
        ("2023-04-21", datetime(2023, 4, 21, tzinfo=UTC)),
        ("2023-02-30", None),
        ("21/04/2023", None),
        ("yes", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_times_are_read_as_services_write_them(text: str, expected: datetime | None) -> None:
    assert moment(text) == expected


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = moment(text)
    assert found is None or found.tzinfo is UTC
