"""Text -> Post. Everything that can be wrong with a file is said here, with file, line and cure.

A file is bytes in UTF-8: front matter (see `matter`) and Markdown. What an author of a literature blog types
without any markup is understood: a leading list of citations becomes the post's references, labelled lines
become sections, a `Related:` line names other posts. A reading is a Post or the reasons why there is none;
whether its pictures and neighbours exist is found out later, by who knows the folder.
"""

from digest.posts.front_matter import FrontMatter
from digest.posts.literature import leading_list
from digest.posts.reading import MAX_BYTES, Reading, content_hash, read
from digest.posts.together import duplicates, next_public, public

__all__ = [
    "MAX_BYTES",
    "FrontMatter",
    "Reading",
    "content_hash",
    "duplicates",
    "leading_list",
    "next_public",
    "public",
    "read",
]
