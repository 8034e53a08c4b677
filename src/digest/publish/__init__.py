"""A build: posts in, a whole site with its feeds out, and only what changed is made.

`edition` is what there is, `page_targets`, `feed_targets` and `assets` are what can be made of it, each with
the key of what it is made from (`targets`); `run` makes what is stale and moves it into the site.
"""

from digest.publish.edition import Edition, MailedIssue, Memory, cards_of
from digest.publish.feed_targets import feed_id
from digest.publish.run import Built, build

__all__ = ["Built", "Edition", "MailedIssue", "Memory", "build", "cards_of", "feed_id"]
