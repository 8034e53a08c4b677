"""The same command again, after it has done its work or was stopped in it."""

from __future__ import annotations

from pathlib import Path

from program import digest
from scene import NOW, URL, project

from digest.store import Store


def test_sending_an_issue_that_is_sent_is_no_mistake_and_mails_nobody(tmp_path: Path) -> None:
    """A supervisor cannot know that the sending was killed behind its last commit."""
    folder = project(tmp_path, readers=3, transport="folder")
    send = ("--project", folder, "--now", NOW.isoformat(), "send", "1")
    first = digest(*send)
    assert (first.code, len(list((folder / "outbox").glob("*.eml")))) == (0, 3)
    with Store.open(URL, project=folder) as store:
        store.sending.enter("5eed0000-0000-4000-8000-000000000001", "mail.example.org", 4711, NOW)
    again = digest(*send)
    assert (again.code, "  accepted            3" in again.out) == (0, True)
    with Store.open(URL, project=folder) as store:
        assert store.sending.workers() == [], "the dead worker is not shown for ever"
