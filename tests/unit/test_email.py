"""What a subscriber finds in an issue's mail, in its HTML and in its plain text."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import html5lib
import pytest
from builders import newsletter, post
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import TemplateError
from digest.model import (
    PREFERENCES_URL,
    UNSUBSCRIBE_URL,
    Correction,
    Email,
    Issue,
    MailedCorrection,
    Site,
    Slot,
)
from digest.render.email import MailPost, issue_email
from digest.theme import Theme

FRIDAY = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
THEME = Theme()
BODY = """<p class="bottom-line">The drug worked, at a price.</p>
<ul class="citations"><li class="citation">Example A, Sample B. <em>N Engl J Med</em> 2026; 394: 11–20. \
An invented trial. <a href="https://doi.org/10.5555/{id}">doi:10.5555/{id}</a></li></ul>
<table class="study"><caption>Study at a glance</caption><tr><th scope="row">Design</th>\
<td>Trial</td></tr></table>
<div class="methods"><h3>Methods</h3><p>271 adults were assigned to the drug or to placebo for two years; \
everybody took the standard treatment, and nobody knew who took what until the last visit.</p></div>
<div class="key-findings"><h3>Key findings</h3><ul><li>Complete response: 46.4% against 33.1%.</li>\
<li>Serious infections were more frequent with the drug than without it.</li></ul></div>
<div class="editorial"><h3>From the editorial</h3><blockquote><p>Who should be first?</p></blockquote></div>
<div class="take" aria-label="My take"><h3>My take</h3><p>After a first relapse, and \
vaccinate first.</p></div>"""
TEXT = """The drug worked, at a price.

Example A, Sample B. N Engl J Med 2026; 394: 11–20.
<https://doi.org/10.5555/{id}>"""


def site(**changes: Any) -> Site:
    ordinary: dict[str, Any] = {
        "title": "Remission Weekly",
        "url": "https://remission.example.org",
        "author": "The editors",
        "id_host": "remission.example.org",
        "disclaimer": "Not medical advice.",
        "corrections_to": "errata@remission.example.org",
    }
    return Site(**(ordinary | changes))


def mail(id: str = "baseline", *, body: str = BODY, text: str = TEXT, **changes: Any) -> MailPost:
    """A literature post of the usual length."""
    found = post(id, **changes)
    return MailPost(
        post=found,
        url=f"https://remission.example.org/{found.path}",
        body_html=body.replace("{id}", id),
        body_text=text.replace("{id}", id),
        lead=found.lead,
        minutes=2,
    )


def issue(number: int = 12, **changes: Any) -> Issue:
    return Issue(number=number, slot=Slot(cutoff=FRIDAY, sends=FRIDAY), posts=(), **changes)


def made(*posts: MailPost, **changes: Any) -> Email:
    """The issue with these posts; `site`, `issue`, `intro`, `byte_limit` where they matter."""
    about = changes.pop("site", site())
    return issue_email(THEME.render, about, newsletter(), changes.pop("issue", issue()), posts, **changes)


def tree(mail: Email) -> Any:
    return html5lib.parse(mail.html, treebuilder="etree", namespaceHTMLElements=False)


def words(element: Any) -> str:
    """What is read inside an element: no stylesheet, and no comment for Outlook."""
    texts = [element.text or ""] if isinstance(element.tag, str) and element.tag != "style" else []
    for child in element:
        texts += [words(child), child.tail or ""]
    return " ".join(" ".join(texts).split())


# --------------------------------------------------------------------------------------- what it says


def test_the_summary_is_the_first_thing_to_be_read_and_nothing_is_hidden() -> None:
    mail_ = made(mail())

    assert words(tree(mail_).find("body")).startswith("What baseline found. Read issue 12 on the web")
    assert mail_.text.startswith("What baseline found.\n\nRead issue 12 on the web:\n")
    assert mail_.summary == "What baseline found."
    assert "display:none" not in mail_.html


def test_opening_words_give_the_issue_its_subject_and_its_summary() -> None:
    ordinary = {"title": "A quiet week", "body": "<p>Hello.</p>", "text": "Hello."}
    intro = mail("intro", bottom_line="One paper.", **ordinary)
    silent = replace(mail("intro", bottom_line="", **ordinary), lead="Hello.")

    assert made(mail(), intro=silent).summary == "What baseline found."
    assert made(intro=silent).summary == "Hello."
    mail_ = made(mail(), intro=intro)

    assert (mail_.subject, mail_.summary) == ("A quiet week", "One paper.")
    assert words(tree(mail_).find(".//h1")) == "A quiet week"
    assert "Hello." in mail_.text
    assert "Hello." in mail_.html


@pytest.mark.parametrize(
    ("titles", "subject"),
    [
        (["One paper"], "One paper"),
        (["One paper", "Another", "A third"], "One paper (and 2 more)"),
        (["A title that is " + "rather " * 8 + "long", "B"], "A title that is " + "rather " * 8 + "long"),
        (["word " * 40], ("word " * 30).rstrip() + "…"),
        ([], "Remission Weekly 12"),
    ],
)
def test_without_opening_words_the_subject_is_the_first_title(titles: list[str], subject: str) -> None:
    posts = [mail(f"p{place}", title=title.strip()) for place, title in enumerate(titles)]

    assert made(*posts).subject == subject.strip()
    assert len(made(*posts).subject) <= 150


def test_the_contents_lead_to_the_issue_on_the_web_with_each_bottom_line() -> None:
    mail_ = made(mail("one"), mail("two"))
    (contents,) = (found for found in tree(mail_).iter("ol") if found.get("class") == "contents")

    assert [link.get("href") for link in contents.iter("a")] == [
        "https://remission.example.org/issues/12/#post-one",
        "https://remission.example.org/issues/12/#post-two",
    ]
    assert words(contents) == "On one What one found. On two What two found."
    assert (
        "1. On one\n   What one found.\n   <https://remission.example.org/issues/12/#post-one>" in mail_.text
    )


def test_posts_stand_in_the_issues_order_under_their_linked_titles() -> None:
    heads = [head for head in tree(made(mail("b"), mail("a"))).iter("h2") if head.find("a") is not None]

    assert [(words(head), head.find("a").get("href")) for head in heads] == [
        ("On b", "https://remission.example.org/posts/b/"),
        ("On a", "https://remission.example.org/posts/a/"),
    ]


def test_corrections_of_posts_mailed_before_are_told() -> None:
    corrected = MailedCorrection(
        post_id="old",
        title="An older trial",
        url="https://remission.example.org/posts/old/",
        issue=9,
        correction=Correction(date=date(2026, 11, 18), text="The ratio is 0.66,\nnot 0.60."),
    )
    withdrawn = replace(corrected, correction=replace(corrected.correction, severity="withdrawn"))

    mail_ = made(mail(), issue=issue(corrections=(corrected, withdrawn)))

    for text in (words(tree(mail_)), " ".join(mail_.text.split())):
        assert "Corrected on 18 November 2026: An older trial (issue 9)" in text
        assert "Withdrawn on 18 November 2026: An older trial (issue 9)" in text
        assert "The ratio is 0.66, not 0.60." in text


def test_the_footer_says_why_how_to_leave_and_who_sends_it() -> None:
    for text in (words(tree(made(mail()))), " ".join(made(mail()).text.split())):
        for said in ("because you subscribed to Remission Weekly", "Unsubscribe", "RSS feed"):
            assert said in text
        assert text.endswith("Not medical advice. 1 Example Street, London")


def test_a_readers_own_links_stand_in_both_parts_unchanged_to_be_replaced() -> None:
    for part in (made(mail()).html, made(mail()).text):
        assert part.count(UNSUBSCRIBE_URL) == 1
        assert part.count(PREFERENCES_URL) == 1


def test_the_text_part_has_72_columns_but_for_lines_that_are_one_address() -> None:
    long = mail("x" * 70, title="Long words of a title " * 5, bottom_line="A bottom line of many words " * 6)

    for line in made(long, mail()).text.split("\n"):
        assert len(line) <= 72 or re.fullmatch(r" *<\S+>", line), line


def test_every_address_of_the_html_stands_in_the_text() -> None:
    mail_ = made(mail("one"), mail("two"), intro=mail("intro", body="<p>Hi.</p>", text="Hi."))
    addresses = {link.get("href") for link in tree(mail_).iter("a")}

    assert {address for address in addresses if f"<{address}>" not in mail_.text} == set()


def test_the_same_input_gives_the_same_bytes() -> None:
    assert made(mail("one"), mail("two")) == made(mail("one"), mail("two"))


# ----------------------------------------------------------------------------------------- fidelity

HARD = [
    "95\u00a0% CI\u202f0.66",
    "a family 👨‍👩‍👧‍👦 at risk",
    'the "so-called" <b>J-curve</b> & more',
    "C:\\temp\\n {{ 7*7 }} {% raw %}",
    "\u200fالذئبة\u200f",
    "क्षय रोग और मधुमेह",
    "soft\u00adhyphen e\u0301",
    "SEALED00000X SEALED99999X",
]


@pytest.mark.parametrize("hard", HARD)
def test_titles_and_bodies_arrive_as_they_were_written(hard: str) -> None:
    escaped = hard.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    body = f'<p><img src="https://e.org/a.png" alt="{escaped}" width="20" height="10">{escaped}</p>'

    mail_ = made(mail(title=hard, body=body, text=f"Body: {hard}"), mail("two"))

    page = tree(mail_)
    assert {image.get("alt") for image in page.iter("img")} == {hard}
    assert [link.text for link in page.iter("a")].count(hard) == 2
    assert f"{escaped}</p>" in mail_.html
    assert mail_.subject == f"{hard} (and 1 more)"
    assert page.find("head/title").text == mail_.subject
    assert page.find("body/div").get("aria-label") == mail_.subject
    assert f"Body: {hard}" in mail_.text
    assert "\\u{" not in mail_.html


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=60))
def test_any_title_arrives_as_it_was_written(title: str) -> None:
    title = " ".join(title.split()) or "x"

    found = [link.text for link in tree(made(mail(title=title))).iter("a")]

    assert title in found


def test_a_template_that_the_engine_would_garble_is_refused(tmp_path: Path) -> None:
    source = (Path(__file__).parents[2] / "templates/email/issue.mjml").read_text(encoding="utf-8")
    (tmp_path / "email").mkdir()
    (tmp_path / "email/issue.mjml").write_text(
        source.replace('<p class="masthead">', '<p class="masthead" title="95\u00a0%">'), encoding="utf-8"
    )

    with pytest.raises(TemplateError, match="an attribute holds a character"):
        issue_email(Theme(tmp_path).render, site(), newsletter(), issue(), [mail()])


def test_one_block_of_the_shipped_shell_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()
    (tmp_path / "email/issue.mjml").write_text(
        '{% extends "shipped/email/issue.mjml" %}'
        '{% block closing %}<p class="small">Goodbye.</p>{% endblock %}'
    )

    page = tree(issue_email(Theme(tmp_path).render, site(), newsletter(), issue(), [mail()]))

    assert words(page.find("body")).endswith("Goodbye.")
    assert "271 adults" in words(page.find("body"))


def test_a_shell_of_the_authors_own_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()
    (tmp_path / "email/issue.mjml").write_text(
        "<mjml><mj-body><mj-section><mj-column><mj-text><h1>{{ subject | upper }}</h1>"
        "{% for post in posts %}{{ post.body }}{% endfor %}</mj-text>"
        "</mj-column></mj-section></mj-body></mjml>"
    )

    html = issue_email(Theme(tmp_path).render, site(), newsletter(), issue(), [mail()]).html

    assert ">On baseline</h1>" in html
    assert "271 adults" in html


# ------------------------------------------------------------------------------------------- access


def test_there_is_one_h1_and_no_level_is_skipped() -> None:
    intro = mail("intro", body="<p>Hi.</p><h3>Why</h3><p>So.</p><h4>More</h4>", text="Hi.")
    page = tree(made(mail("one"), mail("two"), intro=intro))

    levels = [int(found.tag[1]) for found in page.iter() if re.fullmatch(r"h[1-6]", str(found.tag))]

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_every_image_has_words_and_a_width_that_fits() -> None:
    body = (
        '<figure><img src="https://e.org/a.png" alt="A chart" width="1200" height="600"></figure>'
        '<p><img src="https://e.org/b.png" alt="" width="20" height="10"><img src="https://e.org/c.png"></p>'
    )

    images = [image.attrib for image in tree(made(mail(body=body))).iter("img")]

    assert [(image["alt"], image["width"], image.get("height")) for image in images] == [
        ("A chart", "536", "268"),
        ("", "20", "10"),
        ("", "536", None),
    ]
    assert all("max-width:100%;height:auto" in image["style"] for image in images)


def test_a_link_text_never_leads_to_two_posts() -> None:
    leads: dict[str, set[str]] = defaultdict(set)
    for link in tree(made(mail("one"), mail("two"), byte_limit=1)).iter("a"):
        leads[words(link)].add(re.sub(r"issues/12/#post-(\w+)", r"posts/\1/", link.get("href")))

    assert {text: urls for text, urls in leads.items() if len(urls) > 1} == {}


@pytest.mark.parametrize(
    ("language", "direction", "rule"),
    [
        ("en", "ltr", "padding-left:24px"),
        ("ar", "rtl", "padding-right:24px"),
        ("he", "rtl", "padding-right:24px"),
    ],
)
def test_language_and_direction_stand_on_the_page_and_on_what_survives_it(
    language: str, direction: str, rule: str
) -> None:
    page = tree(made(mail(), site=site(language=language)))

    for element in (page, page.find("body/div")):
        assert (element.get("lang"), element.get("dir")) == (language, direction)
    (plain,) = (found for found in page.iter("ul") if found.get("class") != "citations")
    assert rule in plain.get("style")


def test_a_post_in_another_language_says_so() -> None:
    page = tree(made(mail(language="fa"), mail("two")))

    (foreign,) = (found for found in page.iter("div") if found.get("lang") == "fa")
    assert (foreign.get("dir"), foreign.get("style")) == ("rtl", "text-align:right")
    assert words(foreign).startswith("On baseline")


# --------------------------------------------------------------------------------------------- size


def test_the_shell_is_small_and_twenty_full_posts_are_far_from_being_clipped() -> None:
    shell = made(site=site(disclaimer="", corrections_to=""))
    full = made(*[mail(f"post-{place}", title="A title of the usual length: a trial") for place in range(20)])

    assert len(shell.html.encode()) <= 9_000
    assert len(full.html.encode()) <= 75_000
    assert full.shortened == ()


def test_the_longest_posts_are_shortened_until_the_mail_fits() -> None:
    long = BODY + "<p>And it goes on, paragraph after paragraph.</p>" * 1_500
    posts = [mail("one"), mail("long", body=long), mail("three"), mail("longer", body=long + "<p>!</p>")]

    one_must_go = made(*posts, byte_limit=150_000)
    both_must_go = made(*posts)

    assert one_must_go.shortened == ("longer",)
    assert both_must_go.shortened == ("long", "longer")
    assert len(both_must_go.html.encode()) <= 90_000
    for part in (both_must_go.html, both_must_go.text):
        assert "Read on the web: On longer" in part
        assert "What longer found." in part
    assert "it goes on" not in both_must_go.html


def test_a_title_as_long_as_a_page_is_cut_in_the_mail_at_a_word() -> None:
    page = tree(made(mail("one", title="word " * 1_000), mail("two")))

    titles = [words(link) for link in page.iter("a") if words(link).startswith("word")]

    assert titles == ["word " * 59 + "word…"] * 2


def test_long_opening_words_are_shortened_too() -> None:
    intro = mail("intro", body="<p>Welcome to everybody.</p>" * 4_000, text="Welcome to everybody.")

    mail_ = made(mail(), intro=intro)

    assert mail_.shortened == ("intro",)
    assert "Read the opening words on the web" in mail_.html
    assert "271 adults" in mail_.html


def test_where_nothing_is_left_to_shorten_the_mail_is_made_all_the_same() -> None:
    assert made(mail("one"), mail("two"), byte_limit=100).shortened == ("one", "two")
