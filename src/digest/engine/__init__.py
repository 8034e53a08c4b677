"""What wakes the work on one machine: `digest run`.

`rounds` decides what is to be done about one issue at one instant, without doing it; `look` does a round of
it over the posts and the ledger; `run` is the loop around, with its pauses and its end; `alone` sees to it
that there is one loop.
"""

from digest.engine.run import Deliver, Means, run
from digest.engine.told import Told

__all__ = ["Deliver", "Means", "Told", "run"]
