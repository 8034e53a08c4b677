"""The author of a rehearsal: writes, forgets, dates anew and imports; approves in time, late or never.

Every post has a word of its own, which stays in it whatever its file is called: by that word it is found in
what readers were sent.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path


@dataclass(kw_only=True, slots=True)
class Written:
    """A post: its word, its file, and what its front matter says now."""

    word: str
    path: Path
    dated: datetime
    draft: bool = False
    mail: bool = True
    role: str = ""
    edition: int = 0
    public_at: datetime | None = None
    """From when the wall clock showed it as public; None where it never was."""
    steady: bool = True
    """Written once and left alone since."""

    @property
    def name(self) -> str:
        return f"posts/{self.path.name}"


class Author:
    """Works in a folder of posts. `clock` is the wall clock, as the author's machine has it."""

    def __init__(
        self, posts: Path, dice: random.Random, clock: Callable[[], datetime], zone: tzinfo, max_posts: int
    ) -> None:
        self.posts: list[Written] = []
        self._folder, self._dice, self._clock, self._zone = posts, dice, clock, zone
        self._max_posts = max_posts

    # ------------------------------------------------------------------------------------- writing

    def writes(self) -> None:
        """One post, of the kind that the dice say."""
        kinds = ("plain", "plain", "plain", "plain", "late", "draft", "future", "quiet", "intro")
        kind, now = self._dice.choice(kinds), self._clock()
        dated = {"late": now - timedelta(days=9), "future": now + timedelta(days=10)}.get(kind, now)
        self._new(dated, draft=kind == "draft", mail=kind != "quiet", role="intro" * (kind == "intro"))

    def imports_archive(self) -> None:
        """Forty posts of years ago, from another system."""
        for number in range(40):
            self._new(self._clock() - timedelta(days=1500 + 7 * number))

    def imports_news(self) -> None:
        """More new posts at once than an issue holds."""
        for _ in range(2 * self._max_posts + 1):
            self._new(self._clock())

    def _new(self, dated: datetime, *, draft: bool = False, mail: bool = True, role: str = "") -> None:
        word = f"finding{len(self.posts) + 1:05}"
        post = Written(
            word=word, path=self._folder / f"{word}.md", dated=dated, draft=draft, mail=mail, role=role
        )
        self.posts.append(post)
        self._save(post)

    def changes(self) -> None:
        """An old file is renamed, dated anew, edited, or taken back for a while."""
        if not self.posts:
            return
        post, how = (
            self._dice.choice(self.posts),
            self._dice.choice(("rename", "redate", "edit", "unpublish")),
        )
        post.steady = False
        match how:
            case "rename":
                post.path = post.path.rename(self._folder / f"{post.word}-{self._dice.randrange(10**6)}.md")
            case "redate":
                post.dated = min(post.dated, self._clock()) + timedelta(hours=self._dice.randrange(48))
                self._save(post)
            case "unpublish":
                post.draft = not post.draft
                self._save(post)
            case "edit":
                self.edits(post)

    def publishes(self) -> None:
        """A draft that is ready."""
        for post in self.posts:
            if post.draft and post.steady and self._dice.random() < 0.5:
                post.draft = False
                self._save(post)
                return

    def edits(self, post: Written) -> None:
        post.edition += 1
        self._save(post)

    def edits_a_new_one(self) -> None:
        """One of the newest, perhaps in an issue that is approved and has not gone yet."""
        if self.posts:
            post = self._dice.choice(self.posts[-5:])
            post.steady = False
            self.edits(post)

    def _save(self, post: Written) -> None:
        front = [
            f'title: "What {post.word} showed"',
            f'date: "{post.dated.astimezone(self._zone):%Y-%m-%d %H:%M}"',
        ]
        front += ["draft: true"] * post.draft + ["mail: false"] * (not post.mail)
        front += [f"role: {post.role}"] * bool(post.role)
        post.path.write_text("\n".join(["---", *front, "---", "", self._text(post), ""]), "utf-8")
        if not post.draft and post.public_at is None:
            post.public_at = max(post.dated, self._clock())

    def _text(self, post: Written) -> str:
        number = int(post.word[-5:])
        says = (
            f"In {post.word}, {40 + number % 900} people were treated and {20 + number % 13} got better.",
            f"It was read {post.edition + 1} times before it was believed.",
            "The comparison was fair, the follow-up short, and nobody knew what they were given.",
        )
        return "\n\n".join(says)
