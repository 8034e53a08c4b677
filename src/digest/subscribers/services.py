"""What other services call their columns, and what the words in them mean.

A table: `layouts` reads by it. The columns are those of the services' exports in 2026; what is called
otherwise next year is one word more here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Standing(StrEnum):
    """How somebody stands to the newsletter, as their row tells it; a later one outweighs an earlier."""

    SUBSCRIBED = "subscribed"
    UNCONFIRMED = "unconfirmed"
    """Signed up and never answered: not mailed, whatever the author says of the others."""
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    BARRED = "barred"
    """Kept out by the author, or by the service for them."""


WEIGHT = {standing: weight for weight, standing in enumerate(Standing)}
WANTED = frozenset({Standing.SUBSCRIBED, Standing.UNCONFIRMED})

# Words that stand in columns about the status, of every service at once.
WORDS: Mapping[str, Standing] = {
    word: standing
    for standing, words in {
        Standing.SUBSCRIBED: "subscribed active enabled confirmed regular premium gifted trialed paid free",
        Standing.UNCONFIRMED: "unconfirmed pending unactivated nonsubscribed transactional",
        Standing.BOUNCED: "bounced cleaned undeliverable hard_bounce hard_bounced invalid",
        Standing.UNSUBSCRIBED: "unsubscribed left opted_out removed disabled",
        Standing.COMPLAINED: "complained complaint spam_complaint abuse",
        Standing.BARRED: "blocklisted blacklisted blocked banned spammy malicious manual",
    }.items()
    for word in words.split()
}
YES = frozenset({"true", "yes", "1", "t", "y"})
NO = frozenset({"false", "no", "0", "f", "n"})

FILES = {
    "unsubscribed": Standing.UNSUBSCRIBED,
    "unsubscribers": Standing.UNSUBSCRIBED,
    "nonsubscribed": Standing.UNCONFIRMED,
}
"""First words of the names of files in which everybody is that: so Mailchimp calls them, and many people.

Its `cleaned` is not here: people call a list that they have tidied up by that word.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Whose file it is, and what its columns are called (as `plain_name` writes them)."""

    name: str
    signatures: tuple[frozenset[str], ...] = ()
    """Any one of these sets of columns tells it."""
    status: tuple[str, ...] = ("status", "subscription_status", "subscriber_status", "email_status")
    yes: tuple[str, ...] = ("subscribed",)
    """Columns that say true for who gets mail and false for who has left."""
    no: tuple[str, ...] = ()
    """Columns that say true for who has left."""
    guarded: bool = False
    """Its cells bear the apostrophes of `cells.guarded`."""


SERVICES = (
    Service(
        name="digest's suppression list",
        signatures=(frozenset({"mark", "address", "reason", "since"}),),
        status=("reason",),
        guarded=True,
    ),
    Service(
        name="digest",
        signatures=(frozenset({"address", "state", "added_at"}),),
        status=("state", "suppressed"),
        guarded=True,
    ),
    Service(name="Mailchimp", signatures=(frozenset({"email_address", "optin_time", "confirm_time"}),)),
    Service(
        name="Substack",
        signatures=(frozenset({"email", "active_subscription"}),),
        no=("email_disabled",),
    ),
    Service(
        name="Ghost",
        signatures=(frozenset({"email", "subscribed_to_emails"}),),
        yes=("subscribed_to_emails",),
    ),
    Service(name="listmonk", signatures=(frozenset({"uuid", "email", "status"}),)),
    Service(
        name="Buttondown",
        signatures=tuple(
            frozenset({email, kind, other})
            for email in ("email", "email_address")
            for kind in ("type", "state", "subscriber_type")
            for other in ("source", "notes", "metadata", "secondary_id")
        ),
        status=("type", "state", "subscriber_type", "status"),
    ),
)
PLAIN = Service(name="")

ADDRESS = (
    *("email_address", "email", "e_mail", "e_mail_address", "mail", "subscriber_email", "mail_address"),
    "address",  # the last, because in other files it is where somebody lives
)
NAME = ("name", "full_name", "display_name", "subscriber_name")
FIRST = ("first_name", "firstname", "given_name", "fname", "vorname", "prénom", "prenom")
LAST = ("last_name", "lastname", "family_name", "surname", "lname", "nachname", "nom")
ADDED = ("added_at", "optin_time", "created_at", "creation_date", "subscription_date", "subscribed_at")
CONFIRMED = ("confirmed_at", "confirm_time")
LEFT = ("unsub_time", "unsubscribed_at", "unsubscription_date", "deleted_at")
CLEANED = ("clean_time", "undeliverability_date", "bounced_at")
SINCE = ("since", "suppressed_since", *LEFT, *CLEANED)

MIXED = frozenset({"last_changed", "deleted_at", "unsubscription_date", "undeliverability_date"})
"""Where one of these stands, the file holds all kinds of people, whatever other columns it has."""


@lru_cache(maxsize=4096)
def plain_name(text: str) -> str:
    """`E-Mail Address ` and `e_mail_address` are one column, and `Hard bounce` and `hard_bounce` one word."""
    return re.sub(r"[\W_]+", "_", text.strip().lower()).strip("_")
