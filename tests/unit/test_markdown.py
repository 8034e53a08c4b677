"""One text, two renderings: canonical HTML that can do no harm, and plain lines that say as much."""

from __future__ import annotations

import re
import time

import html5lib
import pytest

from digest import markdown
from digest.markdown import Addresses, Picture, Style, TooDeep
from digest.markdown.raw_html import ACTIVE
from digest.model import Section, SectionKind

WEB = Addresses(
    link=lambda address: address if re.match(r"https?:|mailto:|/|#", address) else "",
    picture=lambda address: Picture(url=address, width=40, height=30) if address.endswith("png") else None,
)
CANONICAL = re.compile(
    r'(?:[^<>&"]|&(?:lt|gt|amp|quot|#x27);|</[a-z][a-z0-9]*>|'
    r'<[a-z][a-z0-9]*(?: [a-z-]+="(?:[^<>&"]|&(?:lt|gt|amp|quot|#x27);)*")*>)*'
)


def page(text: str, **style: object) -> str:
    section = Section(kind=SectionKind.LEAD, label="", text=text)
    document = markdown.html([section], WEB, Style(**style))  # type: ignore[arg-type]
    html = document.passages[0].html
    assert CANONICAL.fullmatch(html + "".join(document.notes)), html
    return html


def plain(text: str, **style: object) -> str:
    section = Section(kind=SectionKind.LEAD, label="", text=text)
    passages, notes = markdown.text([section], WEB, Style(**style))  # type: ignore[arg-type]
    return "\n\n".join(filter(None, [passages[0].text, "\n".join(notes)]))


# ------------------------------------------------------------------------------------ hostile HTML

PAYLOADS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\n>alert(1)</script\n>",
    "<script/x>alert(1)</script>",
    "<<script>alert(1)//<</script>",
    "<img src=x.png onerror=alert(1)>",
    '<img src="x.png" onload="alert(1)">',
    "<img src=javascript:alert(1)>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    '<img """><script>alert(1)</script>">',
    "<img src=x.png style=position:fixed>",
    "<img/src=x.png/onerror=alert(1)>",
    "<img src=x.png onerror\n=\nalert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>",
    "<svg><style><img src=x.png onerror=alert(1)></style></svg>",
    "<math><mi//xlink:href=javascript:alert(1)>x</mi></math>",
    "<math><mtext><table><mglyph><style><img src=x.png onerror=alert(1)>",
    "<iframe src=https://evil.example/></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=x.swf></object>",
    "<embed src=x.swf>",
    "<applet code=x></applet>",
    "<form action=/x><input name=q><button>b</button></form>",
    "<button formaction=javascript:alert(1)>b</button>",
    "<input autofocus onfocus=alert(1)>",
    "<select onchange=alert(1)><option>a</select>",
    "<textarea onfocus=alert(1)>x</textarea>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href=https://evil.example/>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>body{display:none}</style>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<div style='width:expression(alert(1))'>x</div>",
    "<span style='position:fixed;top:0'>x</span>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=JaVaScRiPt:alert(1)>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='java&#x09;script:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='javascript&colon;alert(1)'>x</a>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='\x01javascript:alert(1)'>x</a>",
    "<a href=vbscript:x>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href=https://ok.example/ onclick=alert(1)>x</a>",
    "<a href=https://ok.example/ target=_blank ping=https://evil.example/>x</a>",
    "<a href='digest-post:../../x'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JAVASCRIPT&colon;alert(1))",
    "[x](data:text/html,x)",
    "[x](vbscript:x)",
    "![x](javascript:alert(1))",
    "![x](data:image/png;base64,AAAA)",
    "<javascript:alert(1)>",
    '[x](https://ok.example/ "\\" onclick=alert(1)")',
    '[x](<https://ok.example/" onclick="alert(1)>)',
    '![x" onerror="alert(1)](x.png)',
    "<body onload=alert(1)>",
    "<html onmouseover=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video src=v.mp4 onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<noscript><p title='</noscript><img src=x.png onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<title><img src=x.png onerror=alert(1)></title>",
    "<xmp><script>alert(1)</script></xmp>",
    "<plaintext><script>alert(1)</script>",
    "<!-- --><script>alert(1)</script><!-- -->",
    "<!--><script>alert(1)</script>-->",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script>alert(1)</script>",
    "<b onmouseover=alert(1)>x</b>",
    "<table background=javascript:alert(1)><tr><td background=javascript:alert(1)>x</table>",
    "<blockquote cite=javascript:alert(1)>x</blockquote>",
    "<p class='take'>x</p>",
    "<custom-element onclick=alert(1)>x</custom-element>",
]
ADDRESSES = {"href", "src", "cite", "action", "formaction", "background", "poster", "data", "xlink:href"}


def harm(html: str) -> list[str]:
    """What an HTML could do, as a browser reads it."""
    found = []
    for element in html5lib.parseFragment(html, namespaceHTMLElements=False).iter():
        name = str(element.tag)
        if (
            name in ACTIVE | {"input", "button", "meta", "base", "link", "video", "audio", "applet", "body"}
            or "-" in name
        ):
            found.append(name)
        for key, value in element.attrib.items():
            if str(key).startswith("on") or key in ("style", "target", "ping", "srcset"):
                found.append(f"{name} {key}")
            if key in ADDRESSES and not re.match(r"https?://|mailto:|/|#|[\w.-]+$", str(value)):
                found.append(f"{name} {key}={value}")
            if key == "class" and value not in ("note", "back"):
                found.append(f"class {value}")
    return found


def test_there_are_payloads_enough() -> None:
    assert len(set(PAYLOADS)) >= 60


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize(
    "around", ["{}", "Text {} text.", "- {}\n- b", "> {}", "| a |\n|---|\n| {} |", "### {}"]
)
def test_no_html_of_an_author_acts(payload: str, around: str) -> None:
    text = around.format(payload)
    assert harm(page(text)) == []
    assert harm(page(f"{text}\n\nNext *paragraph*.")) == []
    assert "\x00" not in plain(text)


def test_what_is_harmless_stays() -> None:
    assert page("5 x 10<sup>6</sup>/kg, CO<sub>2</sub>, <kbd>Q</kbd>") == (
        "<p>5 x 10<sup>6</sup>/kg, CO<sub>2</sub>, <kbd>Q</kbd></p>"
    )
    assert page("<details><summary>More</summary>\n\nText *here*.\n\n</details>") == (
        "<details><summary>More</summary>\n<p>Text <em>here</em>.</p>\n</details>"
    )


def test_an_unclosed_element_ends_with_its_section() -> None:
    sections = [
        Section(kind=SectionKind.OTHER, label=name, text=f"<b>bold {name}") for name in ("One", "Two")
    ]
    first, second = markdown.html(sections, WEB, Style()).passages
    assert first.html.startswith("<p><b>bold One</b></p>")
    assert second.html.startswith("<p><b>bold Two</b></p>")
    assert harm(first.html + second.html) == []


def test_beside_raw_html_links_and_pictures_of_the_text_stay_what_they_were() -> None:
    to_post = Addresses(
        link=lambda address: (
            "digest-post:a%20b" if address == "a.md" else "tel:+44" if address == "tel:+44" else ""
        ),
        picture=lambda address: Picture(url="/files/a&b.png", width=40, height=30, original="/files/big.png"),
    )
    text = "[post](a.md) [call](tel:+44) ![p](x.png)"
    alone = markdown.fragment(text, to_post)
    assert markdown.fragment(f"{text}<b></b>", to_post) == alone.replace("</a></p>", "</a><b></b></p>")


def test_a_no_break_space_beside_raw_html_stays_a_character() -> None:
    html = page('5\u00a0mg and <b title="a > b">x</b> <i>"q"</i>', typographic=False)
    assert "5\u00a0mg" in html
    assert markdown.words(html) == '5 mg and x "q"'


def test_raw_headings_take_their_place_without_a_gap() -> None:
    html = page("<h1>One</h1>\n\n<h6>Two</h6>\n\n### Three\n\n<h2 id=four>Four</h2>")
    assert re.findall(r"<(h\d)", html) == ["h3", "h4", "h3", "h3"]


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * 500,
        "<b>" * 200,
        "> " * 150 + "deep",
        "\n".join("  " * n + "- a" for n in range(200)),
        "- " * 200 + "a",
        "**a *b " * 120 + " b* a**" * 120,
        "<span>" * 101 + "x" + "</span>" * 101,
    ],
)
def test_nesting_that_no_author_writes_is_refused(text: str) -> None:
    with pytest.raises(TooDeep):
        page(text)


def test_paragraphs_without_their_end_tags_are_not_deep() -> None:
    assert page("<p>a\n" * 300).count("<p>") == 300
    assert page("<ul>" + "<li>a" * 300 + "</ul>").count("<li>") == 300


@pytest.mark.parametrize(
    "bomb",
    [
        "*a ",
        "**a ",
        "[",
        "](",
        "![",
        "`",
        "<!",
        "<a ",
        "<!--",
        "a|",
        "[a](",
        "~~a ",
        "&",
        "\\",
        "[^1]",
        "<b",
        "_a*",
    ],
)
def test_a_text_made_to_hang_a_parser_takes_no_longer_than_others(bomb: str) -> None:
    began = time.monotonic()
    text = bomb * 10_000
    page(text)
    plain(text)
    assert time.monotonic() - began < 5


# ------------------------------------------------------------------------------------------ inlines


def test_an_alternative_text_is_plain_words() -> None:
    assert page("![The *first* `arm` [x](https://a.example/) ![in](y.png)](x.png) end") == (
        '<p><img src="x.png" alt="The first arm x in" width="40" height="30"> end</p>'
    )


def test_a_picture_with_a_title_is_a_figure_with_a_caption() -> None:
    assert page('![Bars](x.png "Remission at a \\"year\\" & after")') == (
        '<figure><img src="x.png" alt="Bars" width="40" height="30">\n'
        "<figcaption>Remission at a &quot;year&quot; &amp; after</figcaption></figure>"
    )


def test_a_picture_that_cannot_be_shown_leaves_its_words() -> None:
    assert page("![Bars of *two* arms](x.gif)") == "<p><em>[Bars of two arms]</em></p>"
    assert page("<img src=x.gif alt='Bars &amp; more'>") == "<em>[Bars &amp; more]</em>"


def test_a_smaller_picture_leads_to_the_original_unless_it_is_a_link_already() -> None:
    large = Addresses(
        link=lambda a: a, picture=lambda a: Picture(url="/s.png", width=2, height=1, original="/l.png")
    )
    assert '<a href="/l.png"><img src="/s.png" alt="x"' in markdown.fragment("![x](l.png)", large)
    assert markdown.fragment("[![x](l.png)](/there)", large).count("<a ") == 1


def test_an_ampersand_in_an_address_is_no_entity() -> None:
    assert (
        page("[x](https://a.example/?a=1&copy=2)")
        == '<p><a href="https://a.example/?a=1&amp;copy=2">x</a></p>'
    )


def test_quotes_are_typographic_only_where_asked_and_never_in_code() -> None:
    assert page('"a" -- `"b" -- c`...') == "<p>“a” – <code>&quot;b&quot; -- c</code>…</p>"
    assert page('"a" -- b...', typographic=False) == "<p>&quot;a&quot; -- b...</p>"


def test_code_is_given_back_to_the_letter() -> None:
    code = "\t<a href=\"x\" onclick='y'>&amp; &lt; ]]> {{ 7*7 }} {% x %} \\x00\n\n  ``` ~~ \n"
    html = page(f"~~~html\n{code}~~~")
    (found,) = html5lib.parseFragment(html, namespaceHTMLElements=False).iter("code")
    assert "".join(found.itertext()) == code


# ----------------------------------------------------------------------------------- abbreviations


def test_an_abbreviation_is_spelled_out_at_its_first_use_in_the_text() -> None:
    html = page(
        "### SLE\n\n[SLE](https://a.example/) `SLE` SLE and SLE, SLEDAI",
        abbreviations={"SLE": 'systemic "lupus"'},
    )
    assert html.count("<abbr") == 1
    assert '</code> <abbr title="systemic &quot;lupus&quot;">SLE</abbr> and SLE, SLEDAI' in html


@pytest.mark.parametrize(
    "text",
    ["chimeric antigen receptor (CAR) T cells", "CAR (chimeric antigen receptor) T cells", "CARs", "a-CAR"],
)
def test_an_abbreviation_that_the_author_spelled_out_is_left_alone(text: str) -> None:
    assert "<abbr" not in page(text, abbreviations={"CAR": "chimeric antigen receptor"})


def test_the_longest_abbreviation_wins_and_odd_ones_do_no_harm() -> None:
    html = page("A+B and A", abbreviations={"A": "one", "A+B": "both", "": "nothing", "(": "bracket"})
    assert '<abbr title="both">A+B</abbr> and <abbr title="one">A</abbr>' in html


# --------------------------------------------------------------------------------- footnotes and ids


def test_footnotes_are_numbered_by_first_mention_and_lead_back() -> None:
    section = Section(
        kind=SectionKind.LEAD,
        label="",
        text="A[^b] b[^A] c[^b].\n\n[^a]: Second.\n[^b]: First.\n\n    code & <b>\n",
    )
    document = markdown.html([section], WEB, Style(prefix="p-"))
    html = document.passages[0].html
    assert re.findall(r'<sup id="([^"]*)"><a class="note" href="([^"]*)">(\d)', html) == [
        ("p-fnref-1", "#p-fn-1", "1"),
        ("p-fnref-2", "#p-fn-2", "2"),
        ("p-fnref-1-2", "#p-fn-1", "1"),
    ]
    assert document.notes[0].startswith('<li id="p-fn-1"><p>First.</p>')
    assert document.notes[1] == '<li id="p-fn-2"><p>Second. <a class="back" href="#p-fnref-2">↩</a></p></li>'


def test_a_footnote_that_is_nowhere_defined_stays_as_written() -> None:
    assert page("Claim[^1].") == "<p>Claim[^1].</p>"


def test_ids_are_unique_over_the_whole_post() -> None:
    sections = [
        Section(
            kind=SectionKind.METHODS, label="Methods", text="### Methods\n\n### Methods 2\n\n<h3 id=x>a</h3>"
        ),
        Section(
            kind=SectionKind.OTHER,
            label="Methods",
            text="### X\n\n<p><a id=x></a><a id=x></a>b</p>\n\n### Notes",
        ),
        Section(kind=SectionKind.OTHER, label="Fnref 1", text="a[^1] b[^1]\n\n[^1]: <sup id=fn-1>n</sup>"),
    ]
    document = markdown.html(sections, WEB, Style(taken=frozenset({"notes", "fn-1"}), prefix="p-"))
    whole = "".join(passage.html for passage in document.passages)
    ids = [passage.anchor for passage in document.passages] + re.findall(r'id="([^"]*)"', whole)
    assert len(ids) == len(set(ids))
    assert all(name.startswith("p-") for name in ids)
    assert "p-notes-2" in ids


def test_a_section_keeps_the_authors_own_anchor() -> None:
    section = Section(kind=SectionKind.METHODS, label="Methods", text="a", anchor="how")
    assert markdown.html([section], WEB, Style()).passages[0].anchor == "how"


def test_marks_in_a_label_are_rendered() -> None:
    section = Section(
        kind=SectionKind.OTHER, label="The *H. pylori* `x` &amp; <script>y</script>C#", text="a"
    )
    passage = markdown.html([section], WEB, Style()).passages[0]
    assert (passage.label, passage.anchor) == ("The H. pylori x & C#", "the-h-pylori-x-y-c")
    assert passage.heading == "The <em>H. pylori</em> <code>x</code> &amp; C#"
    texts, _ = markdown.text([section], WEB, Style())
    assert texts[0].label == "The H. pylori x & C#"


def test_headings_leave_no_gap_and_start_anew_in_each_section() -> None:
    sections = [
        Section(kind=SectionKind.OTHER, label="A", text="###### a\n\n##### b\n\n### c\n\n##### d")
    ] * 2
    html = markdown.html(sections, WEB, Style()).passages
    assert [re.findall(r"<(h\d)", passage.html) for passage in html] == [["h3", "h4", "h3", "h4"]] * 2


# ------------------------------------------------------------------------------------------- tables


def test_a_table_says_how_its_cells_stand() -> None:
    html = page("| a | b | c |\n|:--|--:|:-:|\n| *1* | 2 | p<0.05 |")
    assert '<th scope="col" align="left">a</th><th scope="col" align="right">b</th>' in html
    assert '<td align="left"><em>1</em></td><td align="right">2</td><td align="center">p&lt;0.05</td>' in html


# --------------------------------------------------------------------------------------------- text


def test_no_line_is_longer_than_72_columns_but_for_a_single_word() -> None:
    words = "remission was seen in eleven of fifteen patients after a single infusion " * 4
    text = f"{words}\n\n- {words}\n  - {words}\n    1. {words}\n\n> {words}\n\n### {words}\n"
    text += f"\nT[^1]\n\n[^1]: {words}\n"
    text += f"\n| a | b |\n|---|---|\n| {words} | {words} |\n\n[x](https://example.org/{'long' * 40})\n"
    for line in plain(text).split("\n"):
        assert len(line) <= 72 or len(line.split()) == 1, line


def test_every_link_and_number_of_the_page_stands_in_the_text() -> None:
    text = (
        "A [paper](https://a.example/1?b=2) says 11 of 15 (73%)[^1], <https://b.example/3>, "
        "<reader-17@example.org>.\n\n"
        "<p>Raw <a href='https://c.example/4'>link</a>, 10<sup>6</sup> &lt; 5</p>\n\n"
        '![Bars: 31](x.png "Figure 9")\n\n| n | % |\n|---|---|\n| 8 | 53.3 |\n\n'
        "[^1]: From [here](https://d.example/5)."
    )
    found = plain(text)
    for expected in (
        "paper <https://a.example/1?b=2>",
        "11 of 15 (73%)[1]",
        "https://b.example/3",
        "reader-17@example.org",
        "link <https://c.example/4>",
        "10^6 < 5",
        "[Image: Bars: 31. Figure 9] <x.png>",
        "53.3",
        "[1] From here <https://d.example/5>.",
    ):
        assert expected in found.replace("\n", " "), expected


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("1. one\n2. two\n   - in\n\n     more", "1. one\n2. two\n\n   * in\n\n     more"),
        ("9. nine\n10. ten", "9. nine\n10. ten"),
        ("- a\n- b", "* a\n* b"),
        ("> said\n> - point", "> said\n\n> * point"),
        ("```\ncode  here\n\n  kept\n```", "    code  here\n\n      kept"),
        ("a\n\n---\n\nb", "a\n\n* * *\n\nb"),
        ("Term\n: Meaning", "Term\n\n    Meaning"),
        ("### Head\n\na  \nb", "Head\n----\n\na\nb"),
    ],
)
def test_lists_quotations_and_code_keep_their_shape_in_text(markdown: str, text: str) -> None:
    assert plain(markdown) == text


def test_a_table_that_fits_keeps_its_columns_and_one_that_does_not_becomes_lines() -> None:
    assert plain("| arm | n |\n|---|--:|\n| drug | 8 |\n| placebo | 12 |") == (
        "arm       n\n-------  --\ndrug      8\nplacebo  12"
    )
    wide = "x" * 70
    assert plain(f"| arm | note |\n|---|---|\n| drug | {wide} |\n| none | b |") == (
        f"arm: drug\nnote:\n  {wide}\n\narm: none\nnote: b"
    )


def test_comments_scripts_and_styles_never_reach_the_text() -> None:
    text = "A\n\n<!-- secret\n\ns -->\n\n<style>p {}\n</style>\n\nB <script>alert(1)</script> C <!-- s --> D"
    assert plain(text) == "A\n\nB C D"


def test_abbreviations_are_written_out_in_text() -> None:
    assert plain("SLE & SLE", abbreviations={"SLE": "systemic <lupus>"}) == "SLE (systemic <lupus>) & SLE"


def test_words_and_paragraphs_are_read_back_from_html() -> None:
    html = page("One *two*, CO<sub>2</sub> & 3.\n\n- a\n- b\n\nT")
    assert markdown.words(html) == "One two, CO2 & 3. a b T"
    assert markdown.paragraphs(html) == ["One two, CO2 & 3.", "a", "b", "T"]
