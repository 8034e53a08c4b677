"""How the words of a mail look: a style on every element, and nothing else about it changed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.render.email_style import STYLES, styled
from digest.theme import SHIPPED


def style(html: str, tag: str, **options: str) -> str:
    """The style of the first such element."""
    found = re.search(rf'<{tag}(?: [^>]*)? style="([^"]*)"', styled(html, **options))
    return found[1] if found else ""


def without_styles(html: str) -> str:
    html = re.sub(r'<div style="display:table[^>]*><div[^>]*>(<table.*?</table>)</div></div>', r"\1", html)
    return re.sub(r' style="[^"]*"', "", html)


def test_the_opinion_stands_in_a_box_of_its_own_under_a_label() -> None:
    take = '<div class="take" aria-label="My take"><h3>My take</h3><p>I would wait.</p></div>'

    assert "border-left:4px solid" in style(take, "div")
    assert "background-color" in style(take, "div")
    assert "font-style:italic" in style(take, "h3")
    assert style("<h3>Methods</h3>", "h3") != style(take, "h3")
    assert without_styles(styled(take)) == take.replace(' aria-label="My take"', "")


def test_an_element_behind_the_opinion_looks_ordinary_again() -> None:
    html = '<div class="take"><h3>My take</h3></div><h4>Then</h4><h3>Methods</h3>'

    assert STYLES["h3"] in styled(html)


def test_cells_keep_to_their_side_and_head_cells_to_their_rows() -> None:
    table = '<table class="study"><tr><th scope="row">Patients</th><td align="right">271</td></tr></table>'

    assert style(table, "td").endswith("text-align:right")
    assert style(table, "th").endswith("text-align:left")
    assert style(table, "th", direction="rtl").endswith("text-align:right")
    assert 'scope="row"' in styled(table)
    assert " align=" not in styled(table)


def test_a_table_scrolls_by_itself_and_breaks_no_word() -> None:
    html = styled("<p>Before</p><table><tbody><tr><td>1</td></tr></tbody></table><p>After</p>")

    assert "overflow-x:auto" in html
    assert "word-break:normal" in html
    assert (
        without_styles(html) == "<p>Before</p><table><tbody><tr><td>1</td></tr></tbody></table><p>After</p>"
    )


def test_an_image_is_never_wider_than_the_column() -> None:
    wide = styled('<img src="a.png" alt="" width="1072" height="500">')

    assert 'width="536" height="250"' in wide
    assert "max-width:100%;height:auto" in wide


def test_languages_from_right_to_left_are_mirrored_and_their_letters_stay_joined() -> None:
    citations, take = '<ol class="citations"><li>A</li></ol>', '<div class="take">A</div>'

    assert "border-left:4px" in style(take, "div")
    assert "border-right:4px" in style(take, "div", direction="rtl")
    assert "padding:12px 24px 4px 0" in style(citations, "ol", direction="rtl")
    assert "letter-spacing" not in styled("<table><caption>A</caption></table>", direction="rtl")


def test_a_style_of_the_authors_own_is_kept_and_unknown_classes_go() -> None:
    assert styled('<p style="color:#123456" class="mine">A</p>') == '<p style="color:#123456">A</p>'
    assert styled("<p class='web' title='a \"b\"'>A</p>").startswith('<p class="web" title="a &quot;b&quot;"')


def test_a_link_that_leads_nowhere_does_not_look_like_one_and_places_lose_their_names() -> None:
    assert styled('<a>TULIP-2</a><h3 id="methods">') == f'<a>TULIP-2</a><h3 style="{STYLES["h3"]}">'


def test_mjml_and_comments_are_left_alone() -> None:
    source = '<mj-text css-class="t" align="left"><!-- <p>no</p> --></mj-text><mj-divider />'

    assert styled(source) == source


@pytest.mark.parametrize("look", sorted(STYLES.items()))
def test_colours_have_six_digits_and_sizes_can_be_read(look: tuple[str, str]) -> None:
    colours = re.findall(r"#[0-9a-fA-F]+", look[1])
    sizes = [int(size) for size in re.findall(r"font-size:(\d+)px", look[1])]

    assert all(len(colour) == 7 for colour in colours)
    assert all(size >= 13 for size in sizes)
    assert '"' not in look[1]


PAPER = {"": "#fdfcf8", "take": "#f5f1e7", "small": "#f5f1e7"}
NIGHT = {"#0f0e0d", "#171614", "#22201d"}


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2, from 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("key", [key for key, look in STYLES.items() if re.search(r"(^|;)color:", look)])
def test_words_can_be_read_on_their_ground(key: str) -> None:
    (colour,) = re.findall(r"(?:^|;)color:(#\w{6})", STYLES[key])
    own = re.findall(r"background-color:(#\w{6})", STYLES[key])
    around = PAPER.get(key.split(" ")[0].removeprefix("p."), PAPER[""])

    assert contrast(colour, own[0] if own else around) >= 4.5


def test_words_can_be_read_on_a_dark_screen() -> None:
    shell = (SHIPPED / "email" / "issue.mjml").read_text(encoding="utf-8")
    dark = shell.partition("prefers-color-scheme:dark")[2].partition("[data-ogsb]")[0]

    colours = set(re.findall(r"[{;]color:(#\w{6})", dark))

    assert len(colours) == 3
    assert set(re.findall(r"background-color:(#\w{6})", dark)) == NIGHT
    assert min(contrast(colour, ground) for colour in colours for ground in NIGHT) >= 4.5


def test_the_mail_has_the_colours_of_the_site_in_light_and_in_dark() -> None:
    sheet = (SHIPPED / "site" / "static" / "style.css").read_text(encoding="utf-8")
    shell = (SHIPPED / "email" / "issue.mjml").read_text(encoding="utf-8")
    names = ("paper", "tint", "ink", "soft", "line", "accent")
    light, dark = (
        dict(zip(names, re.findall(rf"--(?:{'|'.join(names)}): (#\w{{6}});", part)[:6], strict=True))
        for part in sheet.split("prefers-color-scheme: dark")
    )
    plain, night = shell.split("prefers-color-scheme:dark")

    assert f'border-top="4px solid {light["accent"]}"' in night
    assert f'background-color="{light["paper"]}"' in night
    assert f'color="{light["ink"]}"' in plain
    assert STYLES["a"] == f"color:{light['accent']}"
    assert all(light[name] in "".join(STYLES.values()) for name in ("tint", "ink", "soft", "line"))
    assert f".t .take h3,.t .correction h3{{color:{dark['accent']}!important}}" in night
    assert all(colour in night for colour in dark.values())


@given(
    st.lists(st.sampled_from(["<p>", "</p>", "<ul>", "</ul>", "<li>", "<br>", "a &lt; b", "</div>", "<h3>"]))
)
def test_any_order_of_tags_keeps_its_words(parts: list[str]) -> None:
    html = "".join(parts)

    assert without_styles(styled(html)) == html
