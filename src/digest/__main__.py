"""`python -m digest`: the same as the command `digest`, where that is not on the PATH."""

from digest.cli import main

main()
