"""Which posts the next issue carries, and the sentence that says why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from time import process_time
from zoneinfo import ZoneInfo

from builders import WEEKS, Author, Week, newsletter, post
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.collect import (
    Collected,
    Standing,
    carried_by,
    carry,
    first_seen,
    next_issue,
    observe,
    remembered,
    text_hash,
    untold,
)
from digest.model import (
    Correction,
    Fate,
    LedgerEntry,
    Newsletter,
    Post,
    PostRole,
    Severity,
    Slot,
    ToldCorrection,
)

NOW = datetime(2026, 11, 5, 19, 0, tzinfo=UTC)
SLOT = Slot(cutoff=NOW, sends=NOW + timedelta(hours=12))
WEEK = timedelta(weeks=1)

Ledger = Mapping[str, LedgerEntry]


def seen(
    posts: Sequence[Post],
    ledger: Ledger | None = None,
    *,
    at: datetime = NOW,
    letter: Newsletter | None = None,
) -> dict[str, LedgerEntry]:
    return remembered(ledger or {}, observe(posts, ledger or {}, letter or newsletter(), at))


def collected(posts: Sequence[Post], letter: Newsletter | None = None) -> Collected:
    letter = letter or newsletter()
    return next_issue(posts, seen(posts, letter=letter), letter, SLOT, 7)


def ids(result: Collected) -> list[str]:
    return [it.id for it in result.issue.posts] if result.issue else []


def standing(result: Collected) -> dict[str, Standing]:
    return {id: reason.standing for id, reason in result.reasons.items()}


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


# ------------------------------------------------------------------------------------ the ledger learns


def test_a_post_is_remembered_from_the_first_look_on() -> None:
    (entry,) = observe([post("a")], {}, newsletter(), NOW).new
    assert (entry.post_id, entry.fate, entry.first_seen, entry.first_public) == ("a", Fate.WAITING, NOW, NOW)


def test_a_renamed_post_is_still_first_seen_when_its_file_was() -> None:
    ledger = seen([post("a")])
    moved = replace(post("a"), id="b", source="posts/b.md")
    ledger = seen([moved, post("later")], ledger, at=NOW + WEEK)
    assert first_seen(ledger) == {"b": NOW, "later": NOW + WEEK}


def test_a_look_that_finds_nothing_new_changes_nothing() -> None:
    posts = [post("a"), post("b", draft=True), post("c", mail=False)]
    again = observe(posts, seen(posts), newsletter(), NOW + WEEK)
    assert (again.new, again.changed, again.renamed, again.findings) == ((), (), {}, ())


def test_a_draft_is_not_public_until_a_look_finds_it_so() -> None:
    draft = post("a", draft=True)
    ledger = seen([draft])
    assert ledger["a"].first_public is None
    later = seen([replace(draft, draft=False)], ledger, at=NOW + WEEK)["a"]
    assert (later.first_seen, later.first_public) == (NOW, NOW + WEEK)


def test_a_draft_may_still_be_dated_anew_before_it_is_public() -> None:
    letter = newsletter(starts=date(2026, 11, 1))
    draft = post("a", draft=True, published=ago(days=300))
    ledger = seen([draft], letter=letter)
    assert ledger["a"].fate is Fate.ARCHIVED
    finished = replace(draft, draft=False, published=ago(days=1))
    assert seen([finished], ledger, letter=letter)["a"].fate is Fate.WAITING


def test_the_day_on_which_a_post_is_dated_is_the_publications() -> None:
    letter = newsletter(starts=date(2026, 11, 1), timezone="America/New_York")
    midnight_in_london = post("a", published=datetime(2026, 11, 1, tzinfo=UTC))
    in_london = observe([midnight_in_london], {}, letter, NOW, ZoneInfo("Europe/London"))
    assert in_london.new[0].fate is Fate.WAITING
    assert observe([midnight_in_london], {}, letter, NOW).new[0].fate is Fate.ARCHIVED


def test_a_wrong_start_can_be_put_right_before_anything_is_mailed() -> None:
    posts = [post(f"old-{n}", published=ago(days=100 + n)) for n in range(5)]
    ledger = seen(posts, letter=newsletter())
    mended = observe(posts, ledger, newsletter(starts=date(2026, 11, 1)), NOW)
    assert {entry.fate for entry in mended.changed} == {Fate.ARCHIVED}


def test_taking_mail_false_away_lets_a_post_wait_again_and_says_so() -> None:
    quiet = post("a", mail=False)
    ledger = seen([quiet])
    assert ledger["a"].fate is Fate.ARCHIVED
    look = observe([replace(quiet, mail=True)], ledger, newsletter(), NOW)
    assert look.changed[0].fate is Fate.WAITING
    assert "waits for an issue now" in look.findings[0].says


def test_a_newsletter_that_is_taken_away_for_a_while_changes_no_posts_fate_and_announces_no_issue() -> None:
    letter = newsletter(starts=date(2026, 11, 1))
    posts = [post("old", published=ago(days=30)), post("new"), post("quiet", mail=False)]
    before = seen(posts, letter=letter)
    nobody = observe(posts, before, newsletter(sender="", postal_address=""), NOW + WEEK)
    assert nobody.findings == ()
    assert seen(posts, remembered(before, nobody), letter=letter, at=NOW + 2 * WEEK) == before


def test_a_renamed_file_is_known_by_its_content_and_the_author_is_told_how_to_keep_its_id() -> None:
    before = post("before")
    after = replace(before, id="after", source="posts/after.md")
    look = observe([after], seen([before]), newsletter(), NOW)
    assert look.renamed == {"after": "before"}
    assert look.new == ()
    assert (look.findings[0].where, "id: before" in look.findings[0].cure) == ("posts/after.md", True)
    assert set(remembered(seen([before]), look)) == {"after"}


def test_a_copy_beside_its_original_is_another_post() -> None:
    original = post("original")
    copy = replace(original, id="copy", source="posts/copy.md")
    assert observe([original, copy], seen([original]), newsletter(), NOW).renamed == {}


def test_of_two_equal_texts_that_are_gone_the_mailed_one_is_recognised() -> None:
    mailed, twin = post("mailed"), replace(post("twin"), content_hash=post("mailed").content_hash)
    ledger = seen([mailed, twin])
    ledger["mailed"] = replace(ledger["mailed"], fate=Fate.CARRIED, issue=1)
    again = replace(mailed, id="again", source="posts/again.md")
    assert observe([again], ledger, newsletter(), NOW).renamed == {"again": "mailed"}


def test_a_new_post_under_the_name_of_a_renamed_one_does_not_mail_the_old_words_again() -> None:
    old = post("a")
    ledger = seen([old])
    issue = next_issue([old], ledger, newsletter(), SLOT, 1).issue
    assert issue
    moved = replace(old, id="b", source="posts/b.md")
    posts = [replace(old, content_hash="new words"), moved]
    look = observe(posts, carry(ledger, issue), newsletter(), NOW)
    assert "which issue 1 carried" in look.findings[0].says
    result = next_issue(posts, remembered(carry(ledger, issue), look), newsletter(), SLOT, 2)
    assert standing(result) == {"a": Standing.CARRIED, "b": Standing.COPY}


def test_the_first_of_two_files_with_one_id_counts() -> None:
    one, two = post("a", source="posts/1.md"), post("a", source="posts/2.md")
    assert [entry.source for entry in observe([two, one], {}, newsletter(), NOW).new] == ["posts/1.md"]


# ------------------------------------------------------------------------ renamed and edited at once


def mailed_in_one(one: Post) -> Ledger:
    first = seen([one])
    issue = next_issue([one], first, newsletter(), SLOT, 1).issue
    assert issue
    return carry(first, issue)


def renamed_and_edited(before: Post, id: str, **changes: object) -> Post:
    edited = {"id": id, "source": f"posts/{id}.md", "slug": id, "content_hash": f"{id}, edited"} | changes
    return replace(before, **edited)  # type: ignore[arg-type]


def test_a_mailed_post_that_is_renamed_and_edited_is_not_mailed_again_and_the_author_is_asked() -> None:
    lab = post("lab", title="What the  Lab Found")
    other = renamed_and_edited(lab, "from-the-lab", title="what the lab found")
    look = observe([other], mailed_in_one(lab), newsletter(), NOW)
    assert (look.new, look.changed, look.renamed, look.held) == ((), (), {}, {"from-the-lab": "lab"})
    (finding,) = look.findings
    assert (finding.severity, finding.where) == (Severity.ERROR, "posts/from-the-lab.md")
    assert finding.says == "it looks like 'lab', which issue 1 carried"
    assert finding.cure == (
        "write `id: lab` in its front matter if it is that post, or another title if it is a new one"
    )


def test_a_held_post_stays_held_at_later_looks_whatever_else_is_edited() -> None:
    lab = post("lab")
    ledger = mailed_in_one(lab)
    for edit in ("once", "twice"):
        other = renamed_and_edited(lab, "other", content_hash=edit, published=NOW + WEEK)
        look = observe([other], ledger, newsletter(), NOW + WEEK)
        ledger = remembered(ledger, look)
        assert (len(look.findings), set(ledger)) == (1, {"lab"})
        result = next_issue([other], ledger, newsletter(), SLOT, 2, held=look.held)
        assert (result.issue, standing(result)) == (None, {"other": Standing.LOOKALIKE})


def test_a_mailed_post_under_a_new_title_is_asked_about_by_its_day_and_the_end_of_its_id() -> None:
    lab = post("2026-11-02-lab_notes")
    other = renamed_and_edited(lab, "2026/lab-notes", title="Another title")
    look = observe([other], mailed_in_one(lab), newsletter(), NOW)
    assert look.held == {"2026/lab-notes": "2026-11-02-lab_notes"}
    assert look.findings[0].cure.endswith("or an `id` of its own if it is a new one")
    next_day = replace(other, published=other.published + timedelta(days=1))
    assert observe([next_day], mailed_in_one(lab), newsletter(), NOW).held == {}


def test_a_post_that_bears_title_day_and_name_of_a_mailed_one_must_differ_in_both() -> None:
    lab = post("lab")
    look = observe([renamed_and_edited(lab, "2026/lab")], mailed_in_one(lab), newsletter(), NOW)
    assert "another title and an `id` of its own" in look.findings[0].cure
    new = renamed_and_edited(lab, "second-lab", title="The second")
    assert [entry.post_id for entry in observe([new], mailed_in_one(lab), newsletter(), NOW).new] == [
        "second-lab"
    ]


def test_a_held_post_that_is_given_the_known_id_is_the_mailed_one_again() -> None:
    lab = post("lab")
    own_id = renamed_and_edited(lab, "lab", source="posts/other.md")
    look = observe([own_id], mailed_in_one(lab), newsletter(), NOW)
    assert (look.held, look.findings, look.new) == ({}, (), ())
    assert (look.changed[0].fate, look.changed[0].source) == (Fate.CARRIED, "posts/other.md")


def test_a_held_post_that_is_given_another_title_goes_with_the_next_issue() -> None:
    lab = post("lab")
    ledger = mailed_in_one(lab)
    other = renamed_and_edited(lab, "other")
    ledger_then = remembered(ledger, observe([other], ledger, newsletter(), NOW))
    retitled = replace(other, title="A new one")
    result = next_issue([retitled], seen([retitled], ledger_then), newsletter(), SLOT, 2)
    assert ids(result) == ["other"]


def test_only_a_mailed_post_that_has_gone_is_asked_about() -> None:
    lab = post("lab")
    other = renamed_and_edited(lab, "other")
    assert observe([lab, other], mailed_in_one(lab), newsletter(), NOW).held == {}  # it is still there
    assert observe([other], seen([lab]), newsletter(), NOW).held == {}  # nobody has had it
    moved = replace(lab, id="moved", source="posts/moved.md")
    look = observe([moved, other], mailed_in_one(lab), newsletter(), NOW)  # it is known by its content
    assert (look.renamed, look.held) == ({"moved": "lab"}, {})


def test_a_post_that_was_known_before_the_mailed_one_went_is_not_asked_about() -> None:
    lab, second = post("lab", title="Journal club"), post("second", title="Journal club")
    ledger = seen([lab, second], mailed_in_one(lab))
    assert observe([second], ledger, newsletter(), NOW).held == {}


def test_looking_for_what_has_gone_takes_time_in_proportion() -> None:
    before = [post(f"p{n}", title="Journal club") for n in range(4000)]
    entry = mailed_in_one(before[0])["p0"]
    ledger = {it.id: replace(entry, post_id=it.id, content_hash=it.content_hash) for it in before}
    after = [renamed_and_edited(it, f"q-{it.id}") for it in before]
    started = process_time()
    assert len(observe(after, ledger, newsletter(), NOW).held) == 4000
    assert process_time() - started < 2


# -------------------------------------------------------------------------- posts that are withheld


def test_a_post_whose_file_is_only_broken_has_not_gone() -> None:
    lab = post("lab")
    ledger = mailed_in_one(lab)
    copy = replace(lab, id="copy", source="posts/copy.md")
    look = observe([copy], ledger, newsletter(), NOW, withheld=["lab"])
    assert (look.renamed, look.held, look.changed) == ({}, {}, ())
    assert [entry.post_id for entry in look.new] == ["copy"]
    assert remembered(ledger, look)["lab"] == ledger["lab"]
    edited = renamed_and_edited(lab, "edited")
    assert observe([edited], ledger, newsletter(), NOW, withheld={"lab"}).held == {}


def test_a_broken_file_with_an_id_of_its_own_is_named_by_the_file() -> None:
    lab = post("an-id", source="posts/lab.md")
    copy = replace(lab, id="copy", source="posts/copy.md")
    assert observe([copy], seen([lab]), newsletter(), NOW, withheld={"posts/lab.md"}).renamed == {}
    assert observe([copy], seen([lab]), newsletter(), NOW).renamed == {"copy": "an-id"}


# ------------------------------------------------------------------------------------ filling one issue


def test_a_week_without_a_post_has_no_issue() -> None:
    assert collected([]) == Collected(issue=None, reasons={})


def test_pinned_posts_lead_and_the_others_follow_newest_first() -> None:
    posts = [
        post("old", published=ago(days=3)),
        post("b-new", published=ago(days=1)),
        post("a-new", published=ago(days=1)),
        post("second", pin=2),
        post("first", pin=1),
    ]
    assert ids(collected(posts)) == ["first", "second", "a-new", "b-new", "old"]


def test_the_order_of_files_does_not_matter() -> None:
    posts = [post(f"p{n}", published=ago(hours=n % 3)) for n in range(9)]
    assert collected(posts) == collected(posts[::-1])


def test_every_post_has_its_reason() -> None:
    letter = newsletter(starts=date(2026, 11, 1))
    posts = [
        post("in"),
        post("draft", draft=True),
        post("future", published=NOW + timedelta(seconds=1)),
        post("old", published=ago(days=30)),
        post("quiet", mail=False),
        post("hello", role=PostRole.INTRO),
    ]
    result = collected(posts, letter)
    assert standing(result) == {
        "in": Standing.IN,
        "draft": Standing.DRAFT,
        "future": Standing.FUTURE,
        "old": Standing.ARCHIVED,
        "quiet": Standing.NO_MAIL,
        "hello": Standing.INTRO,
    }
    says = {id: reason.says for id, reason in result.reasons.items()}
    assert says["in"] == "It is in issue 7, 1 of 1 (newest first)."
    assert says["future"] == "It is public from Thursday 2026-11-05 19:00 on, after the cutoff."
    assert says["old"] == "It is archive: it was dated 2026-10-06 and the newsletter starts on 2026-11-01."


def test_a_post_public_at_the_very_cutoff_is_in() -> None:
    assert ids(collected([post("a", published=NOW)])) == ["a"]


def test_a_post_that_no_look_was_recorded_for_is_not_taken() -> None:
    assert standing(next_issue([post("a")], {}, newsletter(), SLOT, 7)) == {"a": Standing.UNSEEN}


def test_too_few_posts_wait_together() -> None:
    posts = [post("a"), post("b")]
    result = collected(posts, newsletter(min_posts=3))
    assert result.issue is None
    assert result.reasons["a"].says == "It waits: an issue needs 3 posts, and only 2 waited at the cutoff."


def test_where_an_issue_is_full_a_post_that_was_public_earlier_goes_before_one_dated_earlier() -> None:
    first = post("first", published=ago(days=2))
    late = post("late", published=ago(days=5))
    ledger = seen([first, late], seen([first], at=ago(days=1)))
    result = next_issue([first, late], ledger, newsletter(max_posts=1), SLOT, 7)
    assert ids(result) == ["first"]


def test_a_pinned_post_is_in_although_others_waited_longer() -> None:
    waiting = [post(f"p{n}", published=ago(days=n)) for n in range(3)]
    pinned = post("pinned", published=ago(hours=1), pin=1)
    result = collected([*waiting, pinned], newsletter(max_posts=2))
    assert ids(result) == ["pinned", "p2"]
    assert result.issue
    assert result.issue.rolled_over == ("p1", "p0")
    assert result.reasons["p0"].standing is Standing.FULL


def test_an_intro_alone_makes_no_issue() -> None:
    result = collected([post("hello", role=PostRole.INTRO)])
    assert (result.issue, standing(result)) == (None, {"hello": Standing.TOO_FEW})


def test_the_newest_intro_opens_the_issue_and_an_older_one_waits() -> None:
    intros = [post(f"intro-{n}", role=PostRole.INTRO, published=ago(days=n)) for n in (2, 1)]
    result = collected([post("a"), *intros])
    assert result.issue
    assert result.issue.intro == intros[1]
    assert ids(result) == ["a"]
    assert result.reasons["intro-2"].standing is Standing.NEWER_INTRO


# ------------------------------------------------------------------------------------------ corrections


def correction(text: str = "It was 24 weeks.", **changes: object) -> Correction:
    ordinary = Correction(date=date(2026, 11, 9), text=text)
    return replace(ordinary, **changes)  # type: ignore[arg-type]


def corrections_told(corrected: Post, ledger: Ledger | None = None) -> list[Correction]:
    """The corrections in the issue of the week after `corrected` was carried."""
    before = replace(corrected, corrections=(), draft=False)
    first = seen([before])
    issue = next_issue([before], first, newsletter(), SLOT, 1).issue
    assert issue
    ledger = ledger or carry(first, issue)
    later = Slot(cutoff=SLOT.cutoff + WEEK, sends=SLOT.sends + WEEK)
    posts = [corrected, post("next", published=later.cutoff)]
    result = next_issue(posts, seen(posts, ledger, at=later.cutoff), newsletter(), later, 2)
    assert result.issue
    return [notice.correction for notice in result.issue.corrections]


def test_a_correction_of_a_mailed_post_is_told_in_the_next_issue() -> None:
    assert corrections_told(post("a", corrections=(correction(),))) == [correction()]


def test_a_correction_pushed_late_is_told_although_it_is_dated_before_the_cut() -> None:
    early = correction(date=date(2026, 11, 3))
    assert corrections_told(post("a", corrections=(early,))) == [early]


def test_typos_quiet_corrections_and_those_of_tomorrow_are_not_told() -> None:
    silent = (
        correction("A comma.", severity="typo"),
        correction("For feeds.", notify="feed"),
        correction("For nobody.", notify="none"),
        correction("To come.", date=date(2026, 11, 13)),
    )
    assert corrections_told(post("a", corrections=silent)) == []


def test_a_correction_is_not_told_while_its_post_is_taken_down() -> None:
    assert corrections_told(post("a", corrections=(correction(),), draft=True)) == []


def test_a_correction_that_stood_in_the_mailed_post_is_not_told_again() -> None:
    known = post("a", corrections=(correction(date=date(2026, 11, 5)),))
    ledger = seen([known])
    issue = next_issue([known], ledger, newsletter(), SLOT, 1).issue
    assert issue
    assert corrections_told(known, carry(ledger, issue)) == []


def test_a_correction_dated_after_the_mailed_post_is_told_by_the_next_issue() -> None:
    known = post("a", corrections=(correction(date=date(2026, 11, 9)),))
    ledger = seen([known])
    issue = next_issue([known], ledger, newsletter(), SLOT, 1).issue
    assert issue
    assert corrections_told(known, carry(ledger, issue)) == list(known.corrections)


def test_a_correction_alone_makes_no_issue_and_waits() -> None:
    before = post("a")
    ledger = seen([before])
    issue = next_issue([before], ledger, newsletter(), SLOT, 1).issue
    assert issue
    corrected = [replace(before, corrections=(correction(),))]
    later = Slot(cutoff=SLOT.cutoff + WEEK, sends=SLOT.sends + WEEK)
    assert next_issue(corrected, carry(ledger, issue), newsletter(), later, 2).issue is None


def test_a_corrected_posts_address_is_as_absolute_as_asked_for() -> None:
    corrected = post("a", corrections=(correction(),))
    ledger = seen([corrected])
    ledger["a"] = replace(ledger["a"], fate=Fate.CARRIED, issue=1)
    posts = [corrected, post("b")]
    later = Slot(cutoff=SLOT.cutoff + WEEK, sends=SLOT.sends + WEEK)
    result = next_issue(
        posts, seen(posts, ledger), newsletter(), later, 2, address="https://remission.example.org/".__add__
    )
    assert result.issue
    assert result.issue.corrections[0].url == "https://remission.example.org/posts/a/"


def told(words: str, on: int = 9) -> ToldCorrection:
    return ToldCorrection(date=date(2026, 11, on), text_hash=text_hash(correction(words)), issue=2)


def test_a_reworded_correction_is_not_told_twice() -> None:
    assert untold([correction("It was 26 weeks, not 24.")], [told("It was 26 weeks")]) == []


def test_a_second_correction_of_the_same_day_is_told() -> None:
    second = correction("And the dose was 5 mg.")
    assert untold([second, correction()], [told("It was 24 weeks.")]) == [second]


def test_one_reworded_correction_hides_only_one_of_its_day() -> None:
    reworded, second = correction("It was 26 weeks, not 24."), correction("And the dose was 5 mg.")
    assert untold([reworded, second], [told("It was 26 weeks")]) == [second]


def test_the_ledger_keeps_what_was_told_before() -> None:
    corrected = post("a", corrections=(correction("One."), correction("Two.")))
    ledger = seen([corrected])
    ledger["a"] = replace(ledger["a"], fate=Fate.CARRIED, issue=1, told=(told("One."),))
    posts = [corrected, post("b")]
    later = Slot(cutoff=SLOT.cutoff + WEEK, sends=SLOT.sends + WEEK)
    issue = next_issue(posts, seen(posts, ledger), newsletter(), later, 3).issue
    assert issue
    assert [notice.correction.text for notice in issue.corrections] == ["Two."]
    assert [mark.issue for mark in carry(seen(posts, ledger), issue)["a"].told] == [2, 3]


def test_broken_lines_do_not_make_a_correction_new() -> None:
    assert untold([correction("It was\n24 weeks. ")], [told("It was 24 weeks.")]) == []


# ------------------------------------------------------------------- whatever an author does to the files


@settings(deadline=None, max_examples=150)
@given(WEEKS, st.integers(1, 4), st.integers(1, 2))
def test_every_post_that_is_public_and_mailable_in_the_end_was_in_exactly_one_issue(
    weeks: list[Week], max_posts: int, min_posts: int
) -> None:
    letter = newsletter(starts=date(2026, 9, 1), max_posts=max_posts, min_posts=min_posts)
    author, carried = Author(), Counter[str]()
    ledger: Ledger = {}
    for number in range(5 * len(weeks) + 3):
        written, changes = weeks[number] if number < len(weeks) else ([], [])
        now = NOW + number * WEEK
        author.works(written, changes, now, number)
        posts = list(author.files.values())
        ledger = seen(posts, ledger, at=now, letter=letter)
        slot = Slot(cutoff=now, sends=now + timedelta(hours=12))
        if issue := next_issue(posts, ledger, letter, slot, number).issue:
            ledger = carry(ledger, issue)
            carried.update(it.tags[0] for it in carried_by(issue))
    assert max(carried.values(), default=0) <= 1
    assert not author.archive & set(carried)
    expected = {
        name
        for name, file in author.files.items()
        if name not in author.archive and not file.draft and file.mail
    }
    assert len(expected - set(carried)) < min_posts


def test_the_ledger_hears_of_a_cut_even_where_it_knew_the_corrections() -> None:
    corrected = post("a", corrections=(correction(date=date(2026, 11, 5)),))
    ledger = seen([corrected])
    issue = next_issue([corrected], ledger, newsletter(), SLOT, 3).issue
    assert issue
    entry = carry(ledger, issue)["a"]
    assert (entry.fate, entry.issue, entry.slot) == (Fate.CARRIED, 3, SLOT)
    assert [mark.issue for mark in entry.told] == [3]
