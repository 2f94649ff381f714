"""Benchmarks: ``python -m benchmarks`` from the repository's root, ``src`` installed or on ``PYTHONPATH``.

Every figure is a ratio against something simpler measured in the same run, in alternation, because absolute
times move by a factor of two within minutes on a shared machine. Nothing in ``src`` imports this.

``engine`` and ``jobs`` say what the engine costs, ``slots`` how far it goes with more requests at once, ``peers``
what others do with the same work (needs the extra ``peers``), ``pace`` whether it keeps a known limit, ``hidden`` how
well it finds one that nobody tells (three minutes a round), ``halves`` how it takes one that halves on the way,
``makespan`` how much longer all takes than it must (two minutes a round, three rounds), ``packing`` the same of ad-hoc
activations, ``polls`` of runs that are waited for, ``resume`` what picking a run up again costs. ``--plots DIR`` draws
what some of them have seen (needs the extra ``bench``).
"""
