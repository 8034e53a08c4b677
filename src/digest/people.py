"""Subscribers of a project: imported, exported, added, confirmed, removed and erased, over the store."""
