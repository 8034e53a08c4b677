"""The web: the built site and its feeds served, readers signing up, their own page, leaving by one click.

`digest serve` is this package and the post that carries its mails (`office`). Everything that strangers send
is read and bounded here; what becomes of it is decided below (`subscribers`, `store`), and what a page says
stands in the catalogue (`catalogue`, `templates/words/`).
"""
