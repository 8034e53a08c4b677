"""Whether an issue's mail will be read: its subject, its size, its pictures, its links, its text part.

A mail cannot be corrected once it is gone, so each check takes the finished mail, as the mail server will
have it, and not what it was made from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from digest.checks.markup import see
from digest.checks.words import says_nothing
from digest.model import Email, Finding, Severity

SUBJECT_SHORTEST, SUBJECT_LONGEST = 10, 78
_WORD = re.compile(r"\w{3,}")
_IN_ANGLES = re.compile(r"<([a-z][a-z0-9+.-]*:[^<>]+)>", re.I)
_NOTE = re.compile(r"#fn(?:ref)?-\d+$")
"""Leads to a footnote or back from it: in plain text the note itself stands below."""
_MARKS = re.compile(r"[\[\]^~]")
_LOOK = "look at both with `digest render next --to FOLDER`, and write what is missing as Markdown, not HTML"
_SHORTENERS = frozenset(
    {"bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "buff.ly", "rebrand.ly"}
)
_BOGUS = re.compile(r"^\s*(?:(?:re|fwd?|aw|wg)\s*:)", re.I)


def subject(email: Email, where: str) -> list[Finding]:
    """Between 10 and 78 characters, and no answer to a mail that nobody wrote."""
    length, found = len(email.subject), []
    if not SUBJECT_SHORTEST <= length <= SUBJECT_LONGEST:
        much = "few" if length < SUBJECT_SHORTEST else "many; inboxes cut it"
        says = f"the subject has {length} characters, which are too {much}"
        cure = f"write {SUBJECT_SHORTEST} to {SUBJECT_LONGEST}; the title of an intro is the subject"
        found.append(_warning(where, says, cure))
    if _BOGUS.match(email.subject):
        found.append(_warning(where, "the subject pretends to be an answer", "begin it with another word"))
    return found


def size(email: Email, where: str, limit: int, names: Mapping[str, str]) -> list[Finding]:
    """Whether it fits into `limit` bytes, and which posts had to be shortened for that.

    `names` gives the file of each post by its id.
    """
    count, found = len(email.html.encode()), []
    if count > limit:
        says = f"the mail has {count:,} bytes, more than {limit:,}: Gmail hides what follows the first 102 kB"
        found.append(_warning(where, says, "let it carry fewer posts: [newsletter] max_posts"))
    for post_id in email.shortened:
        says = f"issue mail: only the bottom line and a link fit into {limit:,} bytes"
        cure = "write it shorter, or let an issue carry fewer posts"
        found.append(Finding(severity=Severity.NOTE, where=names.get(post_id, post_id), says=says, cure=cure))
    return found


def pictures(email: Email, where: str) -> list[Finding]:
    """Every picture has an `alt`, an empty one where it says nothing (WCAG 2.2, 1.1.1)."""
    return [
        _warning(where, f"the picture {address:.80} has no alternative text", "write what it shows")
        for address, alt in see(email.html).pictures
        if alt is None
    ]


def links(email: Email, where: str) -> list[Finding]:
    """Links that say where they lead."""
    found = []
    for address, words in see(email.html).links:
        if not words:
            found.append(_warning(where, f"the link to {address:.80} has no words", "give it some"))
        elif says_nothing(words):
            says = f"the link to {address:.80} is called {words!r}"
            found.append(_warning(where, says, "name what it leads to"))
    return found


def addresses(email: Email, where: str) -> list[Finding]:
    """Addresses that work in a mail: whole ones, pictures that are loaded, links that show their host."""
    seen, found = see(email.html), []
    for address in dict.fromkeys(
        [*(link for link, _ in seen.links), *(picture for picture, _ in seen.pictures)]
    ):
        scheme, colon, rest = address.partition(":")
        host = rest.removeprefix("//").partition("/")[0].casefold()
        if not colon or not scheme.isalnum():
            found.append(
                _warning(where, f"{address!r:.80} leads nowhere from a mail", "write the whole address")
            )
        elif scheme == "data":
            says = "a picture is written into the mail itself, and many mail programs do not show it"
            found.append(_warning(where, says, "put the file beside the post"))
        elif host in _SHORTENERS:
            says = f"the link to {address:.80} hides where it leads; spam filters distrust {host}"
            found.append(_warning(where, says, "write the address that it stands for"))
    return found


def text_part(email: Email, where: str, *, own_templates: bool = False) -> list[Finding]:
    """The text part holds the words and every link of the HTML part: some readers have nothing else.

    `own_templates` tells whether templates of the author's make the mail, and the cure lies in them.
    """
    seen = see(email.html)
    found = []
    theirs = _words(email.text)
    missing = [word for word in dict.fromkeys(_WORD.findall(seen.words.casefold())) if word not in theirs]
    if len(missing) * 50 > len(theirs):
        says = f"{len(missing)} words of the mail are not in its text part: {', '.join(missing[:5])} ..."
        cure = "bring templates/email/issue.txt and issue.mjml together" if own_templates else _LOOK
        found.append(_warning(where, says, cure))
    listed = {_same(address) for address in _IN_ANGLES.findall(email.text)}
    text = "".join(email.text.split())
    for address in dict.fromkeys(address for address, _ in seen.links):
        if not _NOTE.search(address) and _same(address) not in listed and address not in text:
            says = f"the link to {address:.80} is not in the mail's text part"
            cure = "add it to templates/email/issue.txt" if own_templates else _LOOK
            found.append(_warning(where, says, cure))
    return found


def _words(text: str) -> set[str]:
    """Of a plain text: what HTML sets high or low (`line[1]`, `10^6`) may belong to the word before."""
    text = text.casefold()
    return {*_WORD.findall(text), *_WORD.findall(_MARKS.sub("", text))}


def _same(address: str) -> str:
    return address.removeprefix("mailto:").rstrip("/")


def _warning(where: str, says: str, cure: str) -> Finding:
    return Finding(severity=Severity.WARNING, where=where, says=says, cure=cure)
