"""Clearance: no request that changes something may outlive the claim on its run."""

import asyncio

import pytest

from headgate.engine.clearance import Clearance
from headgate.errors import StoreError

from tests.unit.engine.test_runner import Paper


class Clock:
    def __init__(self, mono):
        self.at = mono

    def mono(self):
        return self.at


class Claimed(Paper):
    """A journal whose renewal makes the claim last until ``renewed``, or fails."""

    def __init__(self, fresh, renewed):
        super().__init__()
        self.fresh_until_mono, self.renewed, self.asked = fresh, renewed, 0

    async def flush(self):
        self.asked += 1
        if isinstance(self.renewed, StoreError):
            raise self.renewed
        self.fresh_until_mono = self.renewed


async def test_a_fresh_claim_costs_nothing():
    journal = Claimed(fresh=140.0, renewed=0.0)
    await Clearance(journal, Clock(100.0), 30.0)()
    assert journal.asked == 0


async def test_a_claim_that_ends_before_the_request_may_is_renewed_first():
    journal = Claimed(fresh=129.0, renewed=190.0)
    await Clearance(journal, Clock(100.0), 30.0)()
    assert journal.asked == 1


async def test_a_claim_that_others_have_taken_lets_nothing_through():
    journal = Claimed(fresh=0.0, renewed=StoreError("taken over"))
    with pytest.raises(StoreError, match="taken over"):
        await Clearance(journal, Clock(100.0), 30.0)()


async def test_a_renewal_that_came_too_late_lets_nothing_through():
    journal = Claimed(fresh=0.0, renewed=110.0)
    with pytest.raises(StoreError, match="could not be renewed in time"):
        await asyncio.wait_for(Clearance(journal, Clock(100.0), 30.0)(), 1)
