"""A mail that answers one reader: a heading, a paragraph or two, one button, and why it came.

All kinds but the welcome, which is an issue, are one template filled from the catalogue, table
`[mail.confirm]` and its sisters. Nothing that a visitor typed stands in them. One thing only is said back: of
a change of address the old mailbox is shown the new one, because its reader cannot agree to what they do not
see. It has been read by `subscribers.addresses`, is escaped like every value, and is shown to nobody else.
"""

from __future__ import annotations

from collections.abc import Callable

from digest.catalogue import Words
from digest.model import Email, Newsletter, ServiceMailKind, Site
from digest.render.email_style import styled
from digest.render.shell import Plain, Seals, drawn, on_one_line, start_of
from digest.render.wording import direction, wrapped

Render = Callable[..., str]
"""`render("email/service.mjml", **values)`: a template, filled."""

_TABLES = {
    ServiceMailKind.CONFIRM: "mail.confirm",
    ServiceMailKind.ALREADY: "mail.already",
    ServiceMailKind.CHANGE_OLD: "mail.change_old",
    ServiceMailKind.CHANGE_NEW: "mail.change_new",
}
_TEXTS = ("subject", "heading", "first", "second", "button", "why", "ignored")


def service_email(
    render: Render,
    words: Words,
    site: Site,
    newsletter: Newsletter,
    kind: ServiceMailKind,
    *,
    url: str,
    days: int = 0,
    new_address: str = "",
) -> Email:
    """The mail of any kind but WELCOME. The same input gives the same bytes.

    `url` is where the button leads, and `days` how long that is good, 0 for ever. `new_address` is for
    CHANGE_OLD alone. Raises TemplateError.
    """
    said = _said(words, site, kind, days=days, new_address=new_address)
    seals = Seals()
    source = render("email/service.mjml", **_values(words, site, newsletter, said, url, seals))
    source = styled(source, direction=direction(words.language))
    text = wrapped(render("email/service.txt", **_values(words, site, newsletter, said, url, Plain())))
    return Email(
        subject=said["subject"],
        html=seals.opened(drawn(source, "email/service.mjml")),
        text=text.strip("\n") + "\n",
        summary=said["heading"],
    )


def _said(words: Words, site: Site, kind: ServiceMailKind, *, days: int, new_address: str) -> dict[str, str]:
    """Every text of the mail, by what it is."""
    named = {"newsletter": on_one_line(site.title), "site": site.url.partition("//")[2]}
    if kind is ServiceMailKind.CHANGE_OLD:
        named["address"] = new_address
    said = {name: words(f"{_TABLES[kind]}.{name}", **named) for name in _TEXTS}
    return said | {"below": words("mail.below"), "until": words("mail.until", count=days) if days else ""}


def _values(
    words: Words, site: Site, newsletter: Newsletter, said: dict[str, str], url: str, sealed: Seals | Plain
) -> dict[str, object]:
    texts = {name: sealed.text(text) for name, text in said.items()}
    return texts | {
        "paragraphs": [texts.pop("first"), texts.pop("second")],
        "language": words.language,
        "direction": direction(words.language),
        "start": start_of(words.language),
        "newsletter": sealed.text(on_one_line(site.title)),
        "url": sealed.text(url),
        "site_url": sealed.text(site.url),
        "postal_address": sealed.text(on_one_line(newsletter.postal_address)),
    }
