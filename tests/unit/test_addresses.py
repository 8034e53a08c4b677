"""What an address in a post means, and what is said where there is nothing behind it."""

from __future__ import annotations

import pytest
from builders import post

from digest.markdown import Addresses
from digest.model import Asset, Finding, Section, SectionKind, Severity, Site
from digest.render.addresses import absolute, linked, resolver, settled

SITE = Site(title="W", url="https://w.example.org/blog", author="E")
PICTURES = {
    "a.png": Asset(path="files/a.png", media_type="image/png", size=9, width=4, height=3),
    "50%.png": Asset(path="files/50%25.png", media_type="image/png", size=9, width=4, height=3),
    "broken.png": Asset(path="files/broken.png", media_type="image/png", size=9),
    "paper.pdf": Asset(path="files/paper.pdf", media_type="application/pdf", size=9),
}


@pytest.fixture
def told() -> list[Finding]:
    return []


@pytest.fixture
def addresses(told: list[Finding]) -> Addresses:
    text = "One.\n\n[x](absent.pdf)"
    lead = Section(kind=SectionKind.LEAD, label="", text=text, text_line=7)
    return resolver(
        post("a", sections=(lead,)),
        SITE,
        file=PICTURES.get,
        other={"b.md": "2026/b", 'it\'s #1 & "q".md': 'it\'s #1 & "q"'}.get,
        missing=told.append,
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://x.example/a b", "https://x.example/a%20b"),
        (" https://x.example/a\u200b ", "https://x.example/a"),
        ("HTTPS://x.example/", "HTTPS://x.example/"),
        ("https://x.example/?a=1&copy=2", "https://x.example/?a=1&copy=2"),
        ("https://x.example/100%", "https://x.example/100%25"),
        ("https://x.example/%3C1::AID%3E3.0.CO;2-1", "https://x.example/%3C1::AID%3E3.0.CO;2-1"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("//x.example/a", "https://x.example/a"),
        ("mailto:reader-17@example.org", "mailto:reader-17@example.org"),
        ("#place", "#place"),
        ("/about/", "/blog/about/"),
        ("/blog/about/", "/blog/about/"),
        ("/\\evil.example", "/blog/%5Cevil.example"),
        ("b.md", "digest-post:2026/b"),
        ("b.md#how", "digest-post:2026/b#how"),
        ("b.md?x#how", "digest-post:2026/b#how"),
        ("paper.pdf", "/blog/files/paper.pdf"),
        ("?q=2", "/blog/posts/a/?q=2"),
        ("", "/blog/posts/a/"),
        ("javascript:alert(1)", ""),
        ("java\tscript:alert(1)", ""),
        ("\x01javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("digest-post:x", ""),
    ],
)
def test_an_address_means_what_its_author_meant(written: str, meant: str, addresses: Addresses) -> None:
    assert addresses.link(written) == meant


def test_a_file_that_is_not_there_is_an_error_at_its_line_said_once(
    addresses: Addresses, told: list[Finding]
) -> None:
    assert addresses.link("absent.pdf") == addresses.link("absent.pdf") == "/blog/posts/a/absent.pdf"
    assert [str(finding) for finding in told] == [
        "posts/a.md:9: there is no file 'absent.pdf' beside the post; put it there, or mend the link"
    ]


def test_a_relative_link_to_a_page_is_a_warning(addresses: Addresses, told: list[Finding]) -> None:
    assert addresses.link("../other/") == "/blog/posts/other/"
    assert [finding.severity for finding in told] == [Severity.WARNING]


def test_pictures_beside_the_post_have_their_size(addresses: Addresses, told: list[Finding]) -> None:
    found = addresses.picture("a.png")
    assert found is not None
    assert (found.url, found.width, found.original) == ("/blog/files/a.png", 4, "")
    percent = addresses.picture("50%.png")
    assert percent is not None
    assert percent.url == "/blog/files/50%25.png"
    assert told == []


@pytest.mark.parametrize(
    ("written", "shown", "says"),
    [
        ("absent.png", False, "there is no picture 'absent.png' beside the post"),
        ("data:image/png;base64,AA", False, "is no file and no web address"),
        ("https://x.example/a.png", True, "is loaded from elsewhere"),
        ("//x.example/a.png", True, "is loaded from elsewhere"),
        ("broken.png", True, "cannot be read"),
    ],
)
def test_a_picture_that_needs_the_author_is_named(
    written: str, shown: bool, says: str, addresses: Addresses, told: list[Finding]
) -> None:
    assert (addresses.picture(written) is not None) is shown
    assert says in str(told[0])
    assert told[0].cure


def test_links_to_posts_are_settled_when_all_posts_are_known(addresses: Addresses) -> None:
    odd = addresses.link('it\'s #1 & "q".md'.replace("#", "%23"))
    html = f'<a href="{odd}">x</a> <a href="digest-post:2026/b#how">y</a> <code>digest-post:z</code>'
    assert linked(html) == ('it\'s #1 & "q"', "2026/b")
    assert settled(html, {"2026/b": "posts/b/"}.get, "/blog/") == (
        '<a href="/blog/archive/">x</a> <a href="/blog/posts/b/#how">y</a> <code>digest-post:z</code>'
    )


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("#how", "https://w.example.org/blog/posts/a/#how"),
        ("/blog/x/", "https://w.example.org/blog/x/"),
        ("https://x.example/", "https://x.example/"),
        ("mailto:a@example.org", "mailto:a@example.org"),
    ],
)
def test_from_afar_every_address_is_whole(address: str, seen: str) -> None:
    assert absolute(address, SITE, "https://w.example.org/blog/posts/a/") == seen
