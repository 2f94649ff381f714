"""Benchmarks: ``python -m benchmarks`` from the repository's root, ``src`` installed or on ``PYTHONPATH``.

Every figure is a ratio against something simpler measured in the same run, in alternation, because absolute
times move by a factor of two within minutes on a shared machine. Nothing in ``src`` imports this.

``engine`` and ``jobs`` say what the engine costs, ``pace`` whether it keeps a known limit, ``hidden`` how
well it finds one that nobody tells (three minutes a round), ``halves`` how it takes one that halves on the
way, ``resume`` what picking a run up again costs.
"""
