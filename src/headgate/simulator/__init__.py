"""The embedded platform: a real HTTP server that stands in for Adobe Experience Platform, and a strict
witness.

It owns the wire format of its side, spelled independently of the client: nothing here imports the client's
code, and nothing of the client may lean on this room, so that a misreading of the documents cannot agree
with itself. It refuses what the documents refuse, keeps a ledger of what it saw (:mod:`.ledger`), and makes
trouble when asked (:mod:`.faults`).

Where to begin: :mod:`.dispatch` is one request's way, :mod:`.world` the state, :mod:`.flowservice`, :mod:`.adhoc`,
:mod:`.registry`, :mod:`.catalog` and :mod:`.dataprep` the services. One seed gives one story. Platform time is
scaled; the network, the rate limit and tokens are in real time. What is not here: drafts, dataset listing, schedules
of destinations that fire by themselves (see ``scheduled_run``; those of sources do).
"""

from __future__ import annotations

from headgate.simulator.faults import Fault, load_faults
from headgate.simulator.server import serve
from headgate.simulator.simulator import Simulator

__all__ = ["Fault", "Simulator", "load_faults", "serve"]
