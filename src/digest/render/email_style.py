"""The look of a mail's words: one table from (tag, class) to inline style.

Mail programs drop stylesheets, so each element carries its own style. What comes in is canonical HTML (our
own renderer's, or a template's): lower-case tags, quoted attributes, escaped signs. What a mail says is not
changed here. The dark colours stand in `templates/email/issue.mjml`, for the programs that read a stylesheet.

Colours have six digits, because some programs know no others. Sizes are those at which small print can be
read at arm's length on a phone.
"""

from __future__ import annotations

import re
from functools import cache

WIDEST = 536
"""Pixels of a text column: 600 less 32 on either side."""

# The site's own, so that both look like one publication: `templates/site/static/style.css`, the first rule.
_INK, _GREY, _ACCENT, _RULE, _PALE = "#211e1a", "#625c52", "#8c1c2b", "#ddd6c8", "#f5f1e7"
_MONO = "font-family:Menlo,Consolas,'Liberation Mono',monospace"
_LABEL = "font-size:13px;line-height:1.4;letter-spacing:0.06em;text-transform:uppercase;font-weight:700"

# A key is a tag, a tag with its class, or a tag inside an element of that class. The last that fits is taken.
STYLES = {
    "p": "margin:0 0 16px",
    "h1": "margin:0 0 12px;font-size:33px;line-height:1.2;font-weight:700",
    "h2": "margin:0 0 16px;font-size:25px;line-height:1.25;font-weight:700",
    "h2.corrections": "margin:0 0 14px;font-size:25px;line-height:1.25;font-weight:700",
    "h3": "margin:28px 0 8px;font-size:19px;line-height:1.3;font-weight:700",
    "h4": "margin:20px 0 6px;font-size:17px;line-height:1.4;font-weight:700",
    "h5": "margin:16px 0 4px;font-size:16px;line-height:1.4;font-weight:700",
    "h6": f"margin:16px 0 4px;font-size:15px;line-height:1.4;font-weight:700;color:{_GREY}",
    "a": f"color:{_ACCENT}",
    "h2 a": f"color:{_INK};text-decoration:underline {_RULE} 1px;text-underline-offset:4px",
    "ul": "margin:0 0 16px;padding-left:24px",
    "ol": "margin:0 0 16px;padding-left:24px",
    "li": "margin:0 0 8px",
    "li p": "margin:0 0 8px",
    "dl": "margin:0 0 16px",
    "dt": "font-weight:700",
    "dd": "margin:0 0 8px;padding-left:24px",
    "blockquote": f"margin:0 0 16px;padding:0 0 0 16px;border-left:3px solid {_RULE}",
    "pre": f"margin:0 0 16px;padding:12px 16px;background-color:{_PALE};{_MONO};font-size:14px;"
    "line-height:1.5;white-space:pre-wrap",
    "code": f"{_MONO};font-size:0.9em",
    "pre code": "",
    # A chart is drawn for white paper: on a dark screen a transparent one would lose its axes.
    "img": f"max-width:100%;height:auto;background-color:#ffffff;color:{_INK}",
    "hr": f"border:0;border-top:1px solid {_RULE};margin:24px 0",
    "sup": "line-height:1;font-size:0.75em",
    "sub": "line-height:1;font-size:0.75em",
    "figure": "margin:0 0 16px",
    "figcaption": f"margin:8px 0 0;font-size:14px;line-height:1.5;color:{_GREY}",
    "table": "width:100%;border-collapse:collapse;font-size:15px;line-height:1.45;word-break:normal",
    "caption": f"padding:0 0 6px;{_LABEL};color:{_GREY};text-align:start",
    "th": f"padding:7px 12px 7px 0;border-bottom:2px solid {_RULE};vertical-align:bottom;font-weight:700",
    "td": f"padding:7px 12px 7px 0;border-bottom:1px solid {_RULE};vertical-align:top",
    # What a post is made of.
    "p.bottom-line": "margin:0 0 18px;font-size:20px;line-height:1.45",
    "div.correction": f"margin:0 0 20px;padding:14px 16px 1px;border:1px solid {_ACCENT};font-size:15px;"
    "line-height:1.5",
    "ul.citations": f"margin:0 0 20px;padding:12px 0 4px;border-top:1px solid {_RULE};"
    f"border-bottom:1px solid {_RULE};font-size:15px;line-height:1.5;list-style:none",
    "ol.citations": f"margin:0 0 20px;padding:12px 0 4px 24px;border-top:1px solid {_RULE};"
    f"border-bottom:1px solid {_RULE};font-size:15px;line-height:1.5",
    "table.study": f"width:100%;border-collapse:collapse;border-top:2px solid {_INK};"
    "font-size:15px;line-height:1.45;word-break:normal",
    "study caption": f"padding:0 0 6px;{_LABEL};color:{_ACCENT};text-align:start",
    "study th": f"width:32%;padding:7px 12px 7px 0;border-bottom:1px solid {_RULE};vertical-align:top;"
    "font-weight:700",
    "div.take": f"margin:28px 0 20px;padding:16px 20px 4px;border-left:4px solid {_ACCENT};"
    f"background-color:{_PALE}",
    "take h3": f"margin:0 0 8px;font-size:19px;line-height:1.3;font-weight:700;font-style:italic;"
    f"color:{_ACCENT}",
    "correction h3": f"margin:0 0 6px;{_LABEL};color:{_ACCENT}",
    "div.footnotes": f"margin:24px 0 0;padding:12px 0 0;border-top:1px solid {_RULE};font-size:15px;"
    "line-height:1.5",
    "footnotes h3": f"margin:0 0 8px;{_LABEL};color:{_GREY}",
    "related h3": f"margin:24px 0 8px;{_LABEL};color:{_GREY}",
    "disclosure h3": f"margin:24px 0 8px;{_LABEL};color:{_GREY}",
    # What the shell is made of.
    "p.summary": f"margin:0;font-size:15px;line-height:1.5;color:{_GREY}",
    "p.web": f"margin:0 0 28px;padding:0 0 12px;border-bottom:1px solid {_RULE};font-size:15px;"
    "line-height:1.5",
    "p.masthead": f"margin:0 0 10px;{_LABEL};color:{_ACCENT}",
    "p.kicker": f"margin:0 0 6px;font-size:15px;line-height:1.5;color:{_GREY}",
    "p.meta": f"margin:0 0 20px;font-size:15px;line-height:1.5;color:{_GREY}",
    "h2.contents": f"margin:28px 0 0;padding:12px 0 0;border-top:2px solid {_INK};{_LABEL}",
    "ol.contents": "margin:8px 0 0;padding-left:24px;font-size:16px;line-height:1.5",
    "contents li": "margin:0 0 12px",
    "contents a": f"color:{_ACCENT};font-weight:700",
    "hr.post": f"border:0;border-top:2px solid {_INK};margin:36px 0 24px",
    "p.small": f"margin:0 0 10px;font-size:14px;line-height:1.5;color:{_GREY}",
    "small a": f"color:{_GREY}",
}
# A table wider than a phone scrolls. Without the outer box it would widen the mail: the shell is a table too.
_SCROLLING = (
    '<div style="display:table;table-layout:fixed;width:100%;margin:0 0 20px"><div style="overflow-x:auto">'
)
_CLASSES = {word for key in STYLES for word in re.findall(r"\.([a-z-]+)", key)} | {"related"}
# Mail programs do not jump within a message, and a name without a role is read by nobody.
_DROPPED = frozenset({"class", "style", "id", "aria-label"})
_VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
_TAG = re.compile(r"""<!--.*?-->|<(/?)([a-z][a-z0-9-]*)((?:[^"'<>]|"[^"]*"|'[^']*')*?)(/?)>""", re.S)
_ATTRIBUTE = re.compile(r"""\s+([a-z][a-z0-9:-]*)(?:="([^"]*)"|='([^']*)')?""")


def styled(html: str, *, direction: str = "ltr") -> str:
    """The same HTML with a style on every element that has a look; one that has a style already keeps it.

    Only the classes of the table stay, and no ids. Images are shown at most 536 px wide; tables scroll by
    themselves where a screen is too narrow for them. `direction` is `ltr` or `rtl`.
    """
    reading = _Reading(_mirrored() if direction == "rtl" else STYLES, direction)
    return _TAG.sub(reading.tag, html)


class _Reading:
    """One pass over the tags. `around` are the class names of the open elements, innermost last."""

    def __init__(self, styles: dict[str, str], direction: str) -> None:
        self.styles = styles
        self.start = "right" if direction == "rtl" else "left"
        self.around: list[tuple[str, str]] = []

    def tag(self, found: re.Match[str]) -> str:
        closing, name, rest, slash = found.groups()
        if not name or name.startswith("mj"):
            return found.group()
        if closing:
            self.leave(name)
            return "</table></div></div>" if name == "table" else found.group()
        attributes = {
            key: one or other.replace('"', "&quot;") for key, one, other in _ATTRIBUTE.findall(rest)
        }
        opening = self.opening(name, attributes)
        if name not in _VOID and not slash:
            self.around.append((name, attributes.get("class", "")))
        return opening

    def leave(self, name: str) -> None:
        for depth in range(len(self.around) - 1, -1, -1):
            if self.around[depth][0] == name:
                del self.around[depth:]
                return

    def opening(self, name: str, attributes: dict[str, str]) -> str:
        style = attributes.get("style") or self.style(name, attributes.get("class", ""))
        shown = {key: value for key, value in attributes.items() if key not in _DROPPED}
        if name == "a" and "href" not in attributes:
            style = ""  # it leads nowhere and must not look as if it did
        if name == "img":
            shown = _as_wide_as_it_may_be(shown)
            style = style if "width" in attributes else f"width:auto;{style}"
        if name in ("th", "td"):
            style = f"{style};text-align:{shown.pop('align', self.start)}"
        kept = [word for word in attributes.get("class", "").split() if word in _CLASSES]
        words = {"class": " ".join(kept), **shown, "style": style}
        opening = f"<{name}{''.join(_written(*pair) for pair in words.items())}>"
        return _SCROLLING + opening if name == "table" else opening

    def style(self, name: str, classes: str) -> str:
        for word in classes.split():
            if f"{name}.{word}" in self.styles:
                return self.styles[f"{name}.{word}"]
        for tag, words in reversed(self.around):
            for around in (*words.split(), tag):
                if f"{around} {name}" in self.styles:
                    return self.styles[f"{around} {name}"]
        return self.styles.get(name, "")


@cache
def _mirrored() -> dict[str, str]:
    """The table for languages written from right to left: what stood left stands right."""
    mirrored = {}
    for key, style in STYLES.items():
        swapped = re.sub(r"\b(left|right)\b", lambda side: "right" if side[0] == "left" else "left", style)
        swapped = re.sub(r"letter-spacing:[^;]*;", "", swapped)  # it would tear joined letters apart
        mirrored[key] = re.sub(r"padding:(\S+) (\S+) (\S+) (\S+?)(?=;|$)", r"padding:\1 \4 \3 \2", swapped)
    return mirrored


def _as_wide_as_it_may_be(image: dict[str, str]) -> dict[str, str]:
    """Outlook obeys the attributes alone, so they may not ask for more than the column has."""
    width, height = image.get("width", ""), image.get("height", "")
    if not width.isdecimal():
        return {"alt": "", **image, "width": str(WIDEST)}
    if int(width) <= WIDEST:
        return {"alt": "", **image}
    scaled = {"height": str(round(int(height) * WIDEST / int(width)))} if height.isdecimal() else {}
    return {"alt": "", **image, "width": str(WIDEST), **scaled}


def _written(attribute: str, value: str) -> str:
    if not value and attribute in ("class", "style"):
        return ""
    return f' {attribute}="{value}"'
