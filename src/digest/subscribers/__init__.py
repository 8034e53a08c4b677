"""Addresses, tokens, and the tables of other services: people before anybody stores them (pure).

`addresses` reads an address and says when two are the same one, `tokens` makes what a reader's links carry,
`columns` takes a CSV file apart, `services` knows what its columns mean, and `cells` writes a file that no
spreadsheet takes for formulas. `challenge` is what a sign-up has to show, `feed_readers` what aggregators
report of readers who come by no mail at all.
"""
