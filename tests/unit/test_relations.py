"""How one post stands to the others, and what is said where a name leads nowhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import A_MONDAY, post

from digest.model import Link, Post, Severity, Site
from digest.relations import Catalogue, held_back

SITE = Site(title="W", url="https://w.example.org", author="E")


def catalogue(*posts: Post) -> Catalogue:
    return Catalogue(posts, SITE)


def related(*names: str, in_text: bool = False) -> Post:
    return post("asking", related=names, related_in_text=names if in_text else ())


@pytest.mark.parametrize(
    "name",
    [
        "Great Story -How It Began",
        "great story – how it began",
        "began",
        "2026/began",
        "https://w.example.org/posts/began/",
    ],
)
def test_a_related_post_may_be_called_by_any_of_its_names(name: str) -> None:
    began = post("2026/began", slug="began", title="Great Story: How It Began")
    assert catalogue(began, related(name)).relations()["asking"].related == (
        Link(title="Great Story: How It Began", url="posts/began/", note="What 2026/began found."),
    )


def test_an_address_elsewhere_is_a_link_and_words_of_the_text_stay_words() -> None:
    asking = related("https://www.x.example/a/?b", "https://[", "Nowhere", in_text=True)
    assert [(link.title, link.url) for link in catalogue(asking).relations()["asking"].related] == [
        ("x.example/a", "https://www.x.example/a/?b"),
        ("[", "https://["),
        ("Nowhere", ""),
    ]


def test_a_post_is_never_related_to_itself_or_twice_to_another() -> None:
    found = catalogue(post("b"), related("asking", "b", "On b")).relations()["asking"].related
    assert [link.url for link in found] == ["posts/b/"]


def test_a_name_that_leads_nowhere_is_an_error_in_the_head_and_a_warning_in_the_text() -> None:
    began = post("began", title="How it all began")
    (finding,) = catalogue(began).unknown(related("How it all begun"), {})
    assert (
        str(finding)
        == "posts/asking.md: no post is called 'How it all begun'; did you mean 'How it all began'?"
    )
    assert finding.severity is Severity.ERROR
    (finding,) = catalogue(began).unknown(related("zzz", in_text=True), {})
    assert (finding.severity, finding.cure) == (
        Severity.WARNING,
        "write the slug, title or address of a post",
    )


def test_a_related_post_that_is_not_public_yet_is_only_noted() -> None:
    hidden = held_back([post("draft", draft=True)], {"draft": "a draft"})
    (finding,) = catalogue().unknown(related("On draft"), hidden)
    assert (finding.severity, finding.says) == (
        Severity.NOTE,
        "the related post 'On draft' is a draft; there is no link to it yet",
    )


def test_series_and_neighbours_follow_the_dates() -> None:
    first, second, third = (
        post(name, series=series, published=A_MONDAY + timedelta(days=day))
        for day, (name, series) in enumerate([("a", "Early reading"), ("b", ""), ("c", "early  Reading")])
    )
    found = catalogue(third, first, second).relations()
    assert ([link.url for link in found["c"].series], found["c"].part) == (["posts/a/", "posts/c/"], 2)
    assert (found["b"].series, found["b"].part) == ((), 0)
    assert found["b"].newer is not None
    assert (found["b"].newer.url, found["a"].older, found["c"].newer) == ("posts/c/", None, None)
