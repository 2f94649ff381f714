"""Load tests: items of a manifest that arrive by the clock, measured, judged, and cleaned up after.

An open model: who arrives does not wait for who came before, and a latency begins when a request was due, not when
it could be sent, so a slow platform cannot hide behind the client's patience. Owns stages (``stages``), thresholds
(``thresholds``), measurements (``meter``), what the arrivals are (``cast``), what it comes to (``result``,
``render``), and how the engine is driven by arrivals (``machine``, ``gate``). Refuses to do again what the engine
does: it is one run, journaled as every other, and its clean-up is a destroy.
"""
