"""The engine: a pure machine that decides, a runner that performs, and the records that join two lives of one run.

Owns the walk over the graph, slots, retries, key leases, stops, and the order of journal and request. Refuses to know
endpoints, bodies or what an answer means (workflows), HTTP (platform) and SQL (store).

* ``machine``: events in, commands out; no I/O, no clock, no randomness but a seeded one.
* ``gate``: where requests wait for leave.
* ``runner``: performs commands as the gate lets it, journals before a request leaves and after its answer is
  understood.
* ``record``: what is journaled, and ``fold``: what it means to the next process.
"""
