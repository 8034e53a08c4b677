"""Posts that trip publishing tools over: one text a case, by the name of its file.

`ACCEPTED` are built and stand in the feeds with the title given; `REFUSED` are named with the words given;
`HIDDEN` are right and not public. `NOTED` are said something about though they are accepted.
"""

# ruff: noqa: E501  (a text is easier to read unbroken)

from __future__ import annotations


def post(title: str, text: str, *head: str, minute: int = 0) -> bytes:
    lines = [
        "---",
        f"title: {title}",
        f"date: 2026-02-0{1 + minute % 9}T10:{minute % 60:02}:00Z",
        *head,
        "---",
        "",
        text,
        "",
    ]
    return "\n".join(lines).encode()


ACCEPTED: dict[str, tuple[bytes, str]] = {}
REFUSED: dict[str, tuple[bytes, str]] = {}
HIDDEN: dict[str, bytes] = {}
NOTED: dict[str, str] = {}


def accept(name: str, title: str, text: str, *head: str, shown: str | None = None) -> None:
    ACCEPTED[f"{name}.md"] = (
        post(title, text, *head, minute=len(ACCEPTED)),
        title.strip("'\"") if shown is None else shown,
    )


def refuse(name: str, raw: bytes, says: str) -> None:
    REFUSED[f"{name}.md"] = (raw, says)


# --------------------------------------------------------------------------------- odd characters

accept(
    "emoji",
    '"🩺 A ward round: 👩🏾‍🔬 asks ‘why’"',
    "Team 👨🏿‍⚕️👩🏻‍🔬, flags 🇳🇴🏴󠁧󠁢󠁷󠁬󠁳󠁿, keycap 3️⃣ and 𝛼 beyond the plane.\n\n- 🩺 **odds** 1.2",
    "tags: [🩺, nephrology]",
    'summary: "👍🏿 in short"',
)
accept(
    "bidi",
    '"Plain \u202egnp.tpircs\u202c words, done"',
    "Here \u202eis turned\u202c and \u2067isolated\u2069, zero\u200bwidth, soft\u00adhyphen.",
    shown="Plain gnp.tpircs words, done",
)
accept(
    "cdata",
    '"What ]]> does to <![CDATA[ in feeds"',
    "Inline `m[n[1]]>z`, ]]> bare.\n\n```xml\n<![CDATA[ m[n[1]]>z && y ]]>\n```\n\n<pre>raw ]]> text</pre>\n\n]]&gt; end.",
    'summary: "a ]]> b"',
)
accept(
    "controls",
    "'A bell\x07 and a tab\x0b in the title'",
    "feed\x0c vertical\x0b escape\x1b[1m nul\x00 bell\x07 delete\x7f none\ufffe\uffff\ufdd0\U0001fffe end.",
    shown="A bell and a tab in the title",
)
NOTED["controls.md"] = "characters that no page or feed can carry were left out: U+0007"
ACCEPTED["bom-crlf.md"] = (
    b"\xef\xbb\xbf---\r\ntitle: From Windows\r\ndate: 2026-02-03T10:11:00Z\r\n---\r\n\r\nOne.\r\n\r\n```\r\na\r\n\r\nb\r\n```\r\n",
    "From Windows",
)
ACCEPTED["old-mac.md"] = (
    b"---\rtitle: From an old Mac\rdate: 2026-02-04T10:12:00Z\r---\r\rOne.\r\rTwo.\r",
    "From an old Mac",
)
accept(
    "separators",
    '"Lines\u2028and\u2029paragraphs"',
    "One\u2028two\u2029three\u0085four.",
    shown="Lines and paragraphs",
)
accept("hebrew", '"מחקר חדש: 15 חולים"', "טקסט עם 15 ו-CAR-T, ועוד (סוגריים).", "lang: he")
accept("devanagari", '"हृदय की विफलता"', "क्षत्रिय, ज्ञान और श्री; संख्या १२३.", "lang: hi")
accept(
    "thai",
    '"หัวใจล้มเหลว"',
    "ข้อความภาษาไทยไม่มีช่องว่างระหว่างคำและยาวมากพอที่จะต้องตัดบรรทัดเมื่อเป็นข้อความธรรมดา",
    "lang: th",
)
accept("combining", '"Zalgo s\u0336t\u0337o\u0338p and e\u0301"', "n\u0303 " + "a" + "\u0301" * 60 + " end")
accept(
    "joiners",
    '"Zero\u200dwidth\u200cjoiners"',
    "soft\u00adhyphen, word\u2060joiner, no\u00a0break, thin\u2009space.",
)
accept(
    "long-title",
    '"' + "An endless title " * 180 + "x" * 2000 + '"',
    "Text.",
    shown="An endless title " * 180 + "x" * 2000,
)

# ------------------------------------------------------------------------------------ front matter

accept(
    "title-markup",
    '"The <i>true</i> effect: p<0.01 & R&D <script>stop(1)</script>"',
    "Text.",
    shown="The true effect: p<0.01 & R&D stop(1)",
)
accept("only-markup", '"<b><i></i></b>"', "Text.", shown="only-markup")
accept(
    "entities", '"Fish &amp; chips &lt;b&gt; &copy;"', "Fish &amp; chips &lt;b&gt; &copy; &nbsp; &unknown;"
)
accept("typed-by-yaml", "1984", "Text.", "tags: [yes, 2.50, null, 2026-02-01]", "authors: false")
NOTED["typed-by-yaml.md"] = "title is a number to YAML (1984)"
accept(
    "hundred-tags", "A hundred tags", "Text.", "tags: [" + ", ".join(f"topic {n}" for n in range(100)) + "]"
)
accept("odd-tags", "Odd tags", "Text.", 'tags: ["🫀", "C++", "C#", "../x", "<b>", "a/b", "con", "Ünï"]')
accept("moved", "Moved here from elsewhere", "Text.", 'id: "https://journal.example.net/?post=77&lang=en"')
accept(
    "corrected",
    "A corrected post",
    "The ratio is 0.6.",
    "updated: 2026-03-01T08:00:00Z",
    "corrections:",
    "  - {date: 2026-03-02, text: 'It said *6.0*.'}",
)
accept("dst-gap", "In the gap of spring", "Text.")
ACCEPTED["dst-gap.md"] = (
    b"---\ntitle: In the gap of spring\ndate: '2026-03-29 02:15'\ntimezone: Europe/Berlin\n---\n\nText.\n",
    "In the gap of spring",
)
NOTED["dst-gap.md"] = "date 02:15 does not exist in Europe/Berlin that day; it is read as 03:15"
ACCEPTED["sunlight.md"] = (
    b"---\ntitle: By the local sun\ndate: '1891-05-01T12:00:00'\ntimezone: Europe/Amsterdam\n---\n\nOld.\n",
    "By the local sun",
)
ACCEPTED["slug-taken-first.md"] = (
    b"---\ntitle: First\ndate: 2026-02-01T11:00:00Z\nslug: the-same\n---\n\nA.\n",
    "First",
)
refuse(
    "slug-taken",
    b"---\ntitle: Second\ndate: 2026-02-02T11:00:00Z\nslug: The-Same/\n---\n\nB.\n",
    "its slug the-same is already that of posts/slug-taken-first.md",
)
ACCEPTED["con.md"] = (post("A name that Windows keeps", "Text.", minute=41), "A name that Windows keeps")
refuse(
    "latin-1",
    "---\ntitle: Ångström\ndate: 2026-02-01\n---\n\nµ\n".encode("latin-1"),
    "byte 11 (0xc5) is not UTF-8",
)
refuse(
    "no-such-day",
    b"---\ntitle: A\ndate: '2026-04-31 26:10 CET'\n---\n\nText.\n",
    "date is no date: 2026-04-31 26:10 CET",
)
refuse(
    "broken-head",
    b"---\ntitle: 'Open\n\tdate: 2026-02-01\ntitle: again\n---\nText.\n",
    "a quotation mark is not closed",
)
refuse("tab", b"---\ntitle: A\n\tdate: 2026-02-01\n---\nText.\n", "a line begins with a tab")
refuse(
    "twice",
    b"---\ntitle: A\ntitle: B\ndate: 2026-02-01\n---\nText.\n",
    "title is written twice (first in line 2)",
)
refuse(
    "bomb", b"---\ntitle: A\ndate: 2026-02-01\na: &a [x,x]\nb: [*a,*a]\n---\nText.\n", "anchors and aliases"
)
refuse("deep-head", b"---\na: " + b"[" * 30_000 + b"]" * 30_000 + b"\n---\nText.\n", "nested too deep")
refuse("never-closed", b"---\ntitle: A\ndate: 2026-02-01\n\nText.\n", "the front matter is not closed")
refuse("note", b"# Only a note\n\nNothing above.\n", "there is no front matter")
refuse(
    "list-of-200-levels",
    post("Deep", "\n".join("  " * n + "- a" for n in range(200))),
    "nested more than 100 deep",
)
refuse("deep-html", post("Deep HTML", "<div>" * 300 + "x" + "</div>" * 300), "nested more than 100 deep")
HIDDEN["future.md"] = b"---\ntitle: Not yet\ndate: 2198-01-01T00:00:00Z\n---\n\nText.\n"
HIDDEN["draft.md"] = b"---\ntitle: Unfinished\ndate: 2026-02-01\ndraft: true\n---\n\nText.\n"

# -------------------------------------------------------------------------------------- the text

accept(
    "links",
    "Links of every kind",
    "[up](../../2024/other/) [root](/about/) [same](./table.html) [query](?q=3) [place](#results) "
    "[scheme](//cdn.example.com/a.css) [ref][r] <https://self.example.com/a?b=1&c=2> [parens](https://x.example/a_(b)_c) "
    "[space](<https://x.example/a b>) [percent](https://x.example/100%) [half](https://x.example/%zz%41) "
    "[idn](https://bücher.example/straße?ü=1) [copy](https://x.example/?a=1&copy=2)\n\n"
    '<img src="files/dot.png" srcset="files/dot.png 1x" alt="a dot"> <video poster="p.jpg" src="v.mp4"></video>\n\n'
    '<blockquote cite="../q.html">said</blockquote> <a href=other.html>bare</a> '
    '<a href="mailto:reader-17@example.org?subject=a&amp;body=b">mail</a>\n\n'
    "[r]: files/paper.pdf\n\n## Results {#results}\n\nText.",
)
accept(
    "figures",
    "Pictures",
    '![A dot](files/dot.png "A \\"dot\\" & more <b>")\n\n![Percent](files/100%.png) ![Spaced](<files/a b.png>)',
)
accept(
    "notes-one",
    "Notes, one",
    "A[^1] b[^x] c[^1].\n\n[^1]: One *note* with a [link](https://doi.org/10.1000/a).\n[^x]: Two.\n\n    code & <b>",
)
accept("notes-two", "Notes, two", "D[^1] e[^x] f[^missing].\n\n[^1]: Another one.\n[^x]: Another two.")
accept(
    "hostile",
    "Hostile HTML",
    '<script>stop(1)</script><img src=y onerror="stop(1)"><a href="javascript:stop(1)">j</a>\n\n[k](javascript:stop(2)) '
    '<a href="VbScript:x">l</a> <a href="data:text/html,<script>stop(3)</script>">m</a>\n\n'
    '<p style="position:absolute;background:url(javascript:stop(4))">styled</p><iframe src="https://bad.example/"></iframe>'
    '<object data="y.swf"></object><embed src="y"><form action="/y"><input name="z"></form>\n\n'
    '<meta http-equiv="refresh" content="0;url=https://bad.example/"><base href="https://bad.example/">'
    '<link rel="stylesheet" href="https://bad.example/y.css"><style>p{display:none}</style>'
    '<svg onload="stop(5)"><script>stop(6)</script></svg><math><mi xlink:href="data:y">x</mi></math>\n\n'
    "<!-- a comment -- with --> <!-- <script>stop(7)</script> -->",
)
accept(
    "templates",
    '"Templates: {{ title }} and {% if x %}"',
    "```jinja\n{% raw %}{{ 9*9 }}{% endraw %} {{ settings }} {# c #} {%- for a in b -%}\n```\n\n"
    "{{ 9*9 }} {% include 'y' %} {{< ref \"y\" >}} <%= 2 %> ${y} <mj-text>y</mj-text> <mj-raw><!-- y --></mj-raw>\n\n"
    "~~~\n\tTab\\x00\\u0000 \\ ` ~~ ```  <b>&amp;</b> ]]> -- \n~~~",
)
accept(
    "long",
    "Very long",
    "\n".join(f"- item {n}: OR {n / 100:.2f} & p<0.0{n % 9 + 1}, see [ref {n}](/r/{n})" for n in range(6000)),
)
accept(
    "bombs",
    "Bombs of emphasis",
    "\n\n".join(part * 6000 for part in ("*a ", "[", "](", "`", "<!", "![", "~~a")),
)
accept(
    "citations",
    '"Early reading: HR 0.75; p<0.001 [SERIES-1] & “so what?”"',
    "SICI: <https://doi.org/10.1002/(SICI)1097-0142(19960101)77:1%3C1::AID-CNCR1%3E3.0.CO;2-4>, "
    "[bracket](https://doi.org/10.1016/S0140-6736(96)00001-X), `10.1002/(SICI)1<2::AID>3.0.CO;2-1`\n\n"
    "## Methods\n\nHbA1c ≥7%, eGFR <45 mL/min/1.73 m<sup>2</sup>, CO<sub>2</sub>, 5–10 µg·kg⁻¹, 3′-UTR, β₂, ½, ±1 SD\n\n"
    "## Key findings\n\n* <b>11%</b> vs 14% & NNT=33\n* I² = 0%\n\n## My take\n\nGood. \"Quoted\" 'so'.",
)
accept("attached", "Attachments", "Text.", "enclosures: [files/paper.pdf, files/a b.pdf]")
accept("mathml", "A formula", "Before <math><mfrac><mn>1</mn><mn>2</mn></mfrac></math> after.")
accept(
    "nested-tables",
    "Tables in tables",
    "<table><tr><td>a<table><tr><td>b</table></table>\n\n| a | b |\n|---|---|\n| 1 | 2 |",
)
accept("details", "Folded", "<details open><summary>More</summary>\n\n- a\n- b\n\n</details>")
accept("unclosed-fence", "A fence that is never closed", "Text.\n\n```\nMethods: x\n\n<b>")
accept(
    "unclosed-comment",
    "A comment that is never closed",
    "Text.\n\n<!-- to do\n\nMethods: shown\n\nMy take: shown too",
)
accept(
    "same-headings",
    "Headings twice",
    "## Notes\n\na\n\n## Notes\n\nb\n\n### Notes\n\nc\n\n## Main\n\nd[^1]\n\n[^1]: e",
)
accept("no-text", "Nothing but a title", "")
accept("only-picture", "Nothing but a picture", "![A dot](files/dot.png)")
accept(
    "entity-soup",
    "Half entities",
    "&amp;lt; &lt;b&gt; AT&T &#0; &#7; &#x1b; &#xD800; &#xFFFE; &#x1F600; &am p; <b>&#7;</b>",
)
accept("unclosed-html", "Unclosed HTML", "<b>bold <i>both\n\n<ul><li>a<li>b\n\nMy take: not bold")
