"""A bag with nothing to hand out: whoever waits for letters is left in peace."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from audience import NOW

from digest.delivery.bag import Bag
from digest.delivery.limits import Limits


def test_lines_that_wait_for_a_retry_are_not_woken_by_every_look_at_the_quiet_hours() -> None:
    """A courier says at each of its turns whether the hour is quiet. Woken each time, the lines asked for
    letters, which woke the courier: between two tries of a letter both ran without a rest."""
    looks = 0

    def hungry() -> None:
        nonlocal looks
        looks += 1

    async def waiting() -> list[bool]:
        bag = Bag(
            clock=lambda: NOW,
            limits=Limits(),
            give_up_after=timedelta(hours=48),
            dice=lambda: 0.5,
            hungry=hungry,
            chunk_done=lambda _: None,
            halt=lambda _: None,
        )
        line = asyncio.create_task(bag.more())
        woken = []
        for paused in (False, True, True):
            await asyncio.sleep(0)
            bag.pause(paused)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            woken.append(line.done())
        return woken

    assert asyncio.run(waiting()) == [False, True, True]
    assert looks == 0
