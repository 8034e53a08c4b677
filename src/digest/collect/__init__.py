"""Which posts the next issue carries, and why: posts and what was remembered of them, turned into an issue.

Collecting goes by a ledger of post ids. A post's date decides only the order inside an issue, whether it is
public yet, and (once, by the date it bore when it first was public) whether it belongs to the archive. So a
post that was written late still goes out, and one that was renamed, re-dated, or taken down and put back
does not go out again.

`observe` says what a look at the posts adds to the ledger, `next_issue` fills one slot, `carry` says what
the ledger holds once that issue is cut. All three are pure: `store` remembers, `plan` looks ahead.
"""

from digest.collect.corrections import text_hash, untold
from digest.collect.filling import Collected, Reason, Standing, carried_by, carry, next_issue, told_in
from digest.collect.looking import Observation, first_seen, is_public, observe, remembered

__all__ = [
    "Collected",
    "Observation",
    "Reason",
    "Standing",
    "carried_by",
    "carry",
    "first_seen",
    "is_public",
    "next_issue",
    "observe",
    "remembered",
    "text_hash",
    "told_in",
    "untold",
]
