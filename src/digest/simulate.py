"""A year rehearsed: fake clock, fake readers, failing servers, and the accounting at its end."""
