"""The site: posts, lists, issues and the files around them, each as a `Page` that is not yet written.

A build makes one `Frame` with `Frame.of(...)` and hands it to the page functions. They take values of
`digest.model` and finished bodies, fill the templates of `templates/site/`, and know neither where
templates come from nor where pages go. The pages work without JavaScript and load nothing from elsewhere.
"""

from digest.render.site.frame import Frame, Group, Head, Render, Row, series, tag_path, topics
from digest.render.site.issues import issue_page, issues_page, nested
from digest.render.site.lists import (
    archive_files,
    archive_pages,
    feeds_page,
    front_page,
    not_found_page,
    series_page,
    tag_page,
    tags_page,
)
from digest.render.site.plain import robots, sitemap, sitemap_files, static_pages
from digest.render.site.posts import post_page, reference_files

__all__ = [
    "Frame",
    "Group",
    "Head",
    "Render",
    "Row",
    "archive_files",
    "archive_pages",
    "feeds_page",
    "front_page",
    "issue_page",
    "issues_page",
    "nested",
    "not_found_page",
    "post_page",
    "reference_files",
    "robots",
    "series",
    "series_page",
    "sitemap",
    "sitemap_files",
    "static_pages",
    "tag_page",
    "tag_path",
    "tags_page",
    "topics",
]
