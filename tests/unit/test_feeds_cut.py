"""A very long post ends early in a feed, behind a block, and leads to the rest."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.render.feeds import ENTRY_HTML_BYTES, cut_html

PAGE = "https://remission.example.org/posts/long/"
VOID = {"br", "hr", "img"}


class Nesting(HTMLParser):
    """Fails on an end tag that ends nothing; `opened` is what was never ended."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag


def is_well_formed(markup: str) -> bool:
    reader = Nesting()
    reader.feed(markup)
    reader.close()
    return not reader.opened


def test_a_short_post_is_left_as_it_is() -> None:
    assert cut_html("<p>short</p>", 12, PAGE) == "<p>short</p>"


def test_a_long_post_ends_behind_a_paragraph_and_says_how_much_is_left() -> None:
    long = "<p>one two three</p>" * 20
    assert cut_html(long, 200, PAGE) == (
        "<p>one two three</p>" * 4 + f'<p><a href="{PAGE}">Read the rest on the site</a> (48 more words).</p>'
    )


def test_open_lists_tables_and_quotations_are_closed() -> None:
    inner = "<ul>" + "<li>word</li>" * 50 + "</ul>"
    cut = cut_html(f"<blockquote>{inner}</blockquote>", 250, PAGE)
    assert "<li>word</li></ul></blockquote><p><a" in cut
    table = "<table><tbody>" + "<tr><td>word</td></tr>" * 50 + "</tbody></table>"
    assert "</tr></tbody></table><p><a" in cut_html(table, 250, PAGE)


def test_a_heading_is_not_left_without_its_text() -> None:
    long = "<p>word</p><h2>Findings</h2><p>" + "word " * 100 + "</p>"
    assert cut_html(long, 200, PAGE).startswith("<p>word</p><p><a ")


def test_nothing_is_cut_inside_a_figure_or_an_attribute() -> None:
    figure = '<figure><img src="https://e.org/a.png" alt="a > b </p>"><p>x</p></figure>'
    assert cut_html("<p>word</p>" + figure + "<p>" + "word " * 90 + "</p>", 182, PAGE).startswith(
        "<p>word</p><p><a "
    )


def test_one_left_out_word_is_one_word() -> None:
    assert "(1 more word)" in cut_html(f"<p>a</p><p>{'x' * 300}</p>", 200, PAGE)


def test_a_single_block_above_the_limit_becomes_the_link_alone() -> None:
    cut = cut_html(f"<p>{'word ' * 30_000}</p>", ENTRY_HTML_BYTES, PAGE)
    assert cut == f'<p><a href="{PAGE}">Read the rest on the site</a> (30,000 more words).</p>'


def test_an_address_with_an_ampersand_stays_one_attribute() -> None:
    assert 'href="https://e.org/?a=1&amp;b=2"' in cut_html("<p>word</p>" * 90, 200, "https://e.org/?a=1&b=2")


@pytest.mark.parametrize("letter", ["x", "é", "症", "🧪"])
def test_the_limit_counts_bytes(letter: str) -> None:
    cut = cut_html(f"<p>{letter * 9}</p>" * 900, 2_000, PAGE)
    assert 1_900 < len(cut.encode()) <= 2_000


_INLINE = st.sampled_from(["word", "<em>word</em>", "a &lt; b", "<br>", "é", "🧪 "]).map(str)
_BLOCK = st.recursive(
    st.lists(_INLINE, min_size=1, max_size=8).map(lambda inside: f"<p>{''.join(inside)}</p>"),
    lambda inner: st.tuples(
        st.sampled_from(["ul", "ol", "blockquote", "figure", "h3"]), st.lists(inner, min_size=1, max_size=4)
    ).map(lambda drawn: _wrapped(drawn[0], drawn[1])),
    max_leaves=30,
)


def _wrapped(tag: str, inside: list[str]) -> str:
    body = "".join(f"<li>{each}</li>" for each in inside) if tag in ("ul", "ol") else "".join(inside)
    return f"<{tag}>{body}</{tag}>"


@settings(deadline=None)
@given(blocks=st.lists(_BLOCK, min_size=1, max_size=12), limit=st.integers(150, 900))
def test_whatever_is_cut_is_well_formed_and_within_the_limit(blocks: list[str], limit: int) -> None:
    whole = "".join(blocks)
    cut = cut_html(whole, limit, PAGE)
    assert is_well_formed(cut)
    assert len(cut.encode()) <= limit
    assert (cut == whole) == (len(whole.encode()) <= limit)
