"""What strangers and readers can ask for beside the built site, a module each for what they are about.

`signing_up` (the form until the confirmed address), `leaving` (one click, and back), `reader` (the reader's
own page), `operating` (health and metrics). What they share stands in `common`. No GET changes anything.
"""
