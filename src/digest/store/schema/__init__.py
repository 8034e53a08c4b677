"""The tables: what is remembered, as SQLAlchemy sees it.

A change of a table is a change here and a new file under `migrations/versions`; a test compares the two.
"""

from digest.store.schema.delivery import bounce, budget, chunk, delivery, fence, notice, worker
from digest.store.schema.kinds import Instant, metadata, written
from digest.store.schema.people import IS_PENDING, consent, secret, subscriber, suppression
from digest.store.schema.posts import issue, issue_post, post, slot, told_correction
from digest.store.schema.web import address_change, feed_reader, ping, service_mail, sign_up

REVISION = "0003"
"""The newest file under `migrations/versions`: what a database must be at before it is used."""

VERSION_TABLE = "digest_schema"

__all__ = [
    "IS_PENDING",
    "REVISION",
    "VERSION_TABLE",
    "Instant",
    "address_change",
    "bounce",
    "budget",
    "chunk",
    "consent",
    "delivery",
    "feed_reader",
    "fence",
    "issue",
    "issue_post",
    "metadata",
    "notice",
    "ping",
    "post",
    "secret",
    "service_mail",
    "sign_up",
    "slot",
    "subscriber",
    "suppression",
    "told_correction",
    "worker",
    "written",
]
