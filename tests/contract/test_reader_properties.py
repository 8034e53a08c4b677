"""Whatever the bytes of a post: it is read, or it is said why not; and what is shown can do no harm.

With `DIGEST_EXAMPLES=5000` in the environment many more are looked at.
"""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.markdown import Addresses, Picture, TooDeep
from digest.model import Asset, Finding, Post, Relations, Site
from digest.posts import read
from digest.render import body
from digest.render.addresses import resolver

EVERY_TIME = settings(
    max_examples=int(os.environ.get("DIGEST_EXAMPLES", "150")),
    deadline=None,
    derandomize="DIGEST_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)

SITE = Site(
    title="Remission Weekly",
    url="https://remission.example.org/blog",
    author="E",
    abbreviations={"SLE": "systemic lupus erythematosus"},
)
PICTURE = Asset(
    path="files/a.png", media_type="image/png", size=9, width=2000, height=10, small_path="files/a-s.png"
)
ACTIVE = {"script", "style", "iframe", "object", "embed", "form", "input", "button"} | {
    "meta",
    "base",
    "link",
    "svg",
    "math",
    "template",
}
PERMALINK = "https://remission.example.org/blog/posts/a/"

HEADS = (
    "title: A",
    "title: [a",
    "date: 2026-11-06",
    'date: "2026-03-29 02:30"',
    "timezone: Europe/Amsterdam",
    "tags: [no, 1.0]",
    "references:",
    "  - Q Reader et al. Lancet 2026; 407: 11-20. A trial: early reading",
    "  - {doi: 10.1000/x, title: [a]}",
    "study: {n: 15, arms: [a, b]}",
    "corrections:",
    "  - {date: 2026-11-07, text: '<b>x</b> [a](javascript:b)'}",
    "abbr: {SLE: '\"><script>'}",
    "related: ['https://[', //, '']",
    "lang: no",
    "id: 'http://x/?a=1'",
    'summary: "\\u202e\\0 <b"',
    "image: ../../etc/passwd",
    "disclosure: none",
    "\t",
    "key: &a [*a]",
    "a: " + "[" * 99,
)
BODIES = (
    "Methods: how",
    "My take: good",
    "## Results {#x .digest-section-0}",
    "### *a* [b](c)",
    "- AB Example et al. Lancet 2023; 401: 100-110. T",
    "- a",
    "  - b",
    "> q",
    "```",
    "~~~",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "<div onclick=x>",
    "</p>",
    "<a href='java&#9;script:x'>",
    "<img src=a.png onerror=x>",
    "<svg><style>",
    "<b id=notes>",
    "[a](https://[)",
    "[a](//x.example/%)",
    "[a](b.md#c)",
    '![a *b*](a.png "c")',
    "![a](data:x)",
    "[^1] SLE",
    "[^1]: note",
    "| a | b |",
    "|---|--:|",
    "| 1 | <b>2 |",
    "***a** b*",
    "\u202e\u200b\ufeff\u2028\x00",
    "digest-post:x",
    "&quot; &amp; &lt;b&gt; ]]>",
    "Term",
    ": meaning",
    "",
    "---",
    "    code",
)

plain = st.text(max_size=60)
posts = st.builds(
    lambda head, text: "\n".join(["---", *head, "---", *text]),
    st.lists(st.sampled_from(HEADS) | plain, max_size=8),
    st.lists(st.sampled_from(BODIES) | plain, max_size=14),
)
accepted = st.builds(
    lambda head, text: "\n".join(["---", "title: A", "date: 2026-11-06", *head, "---", *text]),
    st.lists(
        st.sampled_from([line for line in HEADS if line[0] in "alis" and "[[" not in line]),
        max_size=2,
        unique=True,
    ),
    st.lists(st.sampled_from(BODIES) | plain, max_size=20),
)


def shown(post: Post, told: list[Finding]) -> str:
    """The post's whole body for its page; no traceback but TooDeep."""
    return body.own(post, SITE, addresses(post, told)).html


def addresses(post: Post, told: list[Finding]) -> Addresses:
    return resolver(
        post,
        SITE,
        file=lambda path: PICTURE if path.endswith(".png") else None,
        other=lambda path: path.removesuffix(".md") if path == "b.md" else None,
        missing=told.append,
    )


class Reader(HTMLParser):
    """What a feed reader finds in an HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.harm: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ACTIVE:
            self.harm.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "class"):
                self.harm.append(name)
            if name in ("href", "src", "cite") and not re.match(
                r"https?:|mailto:|tel:|digest-post:", value or ""
            ):
                self.harm.append(f"{name}={value}")


def check(findings: list[Finding]) -> None:
    for finding in findings:
        assert finding.where == "posts/a.md"
        assert finding.says
        assert finding.cure
        assert "\n" not in str(finding)


@EVERY_TIME
@given(st.binary(max_size=300) | posts.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_make_the_reader_stumble(raw: bytes) -> None:
    found = read(raw, source="posts/a.md", name="a.md", site=SITE)
    check(list(found.findings))
    assert found.post is not None or found.findings
    if found.post is not None:
        told: list[Finding] = []
        try:
            shown(found.post, told)
            body.text(found.post, SITE, addresses(found.post, told), Relations())
        except TooDeep:
            return
        check(told)


@EVERY_TIME
@given(accepted)
def test_what_a_feed_carries_of_any_post_does_no_harm(text: str) -> None:
    found = read(text.encode("utf-8", "ignore"), source="posts/a.md", name="a.md", site=SITE)
    assert found.post is not None, found.findings
    try:
        html = body.for_feed(shown(found.post, []), SITE, PERMALINK)
    except TooDeep:
        return
    reader = Reader()
    reader.feed(html)
    assert reader.harm == []
    ids = re.findall(r' id="([^"]*)"', html)
    assert len(ids) == len(set(ids))


@EVERY_TIME
@given(posts)
def test_reading_twice_gives_the_same(text: str) -> None:
    raw = text.encode("utf-8", "ignore")
    first, second = (read(raw, source="posts/a.md", name="a.md", site=SITE) for _ in range(2))
    assert first == second
    if first.post is not None:
        try:
            assert shown(first.post, []) == shown(first.post, [])
        except TooDeep:
            return


@EVERY_TIME
@given(st.text(max_size=200))
def test_every_picture_and_link_has_an_answer(address: str) -> None:
    found = read(b"---\ntitle: A\ndate: 2026-11-06\n---\n", source="posts/a.md", name="a.md", site=SITE)
    assert found.post is not None
    asked = addresses(found.post, [])
    link, picture = asked.link(address), asked.picture(address)
    assert link.isascii()
    assert link == "" or re.match(r"https?:|mailto:|tel:|digest-post:|/|#", link, re.I)
    assert picture is None or isinstance(picture, Picture)
    assert picture is None or (picture.url.isascii() and re.match(r"https?:|/", picture.url, re.I))
