"""From a file to a :class:`~headgate.manifest.model.Manifest`, or to every problem in it at once.

Owns the grammar of manifests: YAML with known lines (``document``), references and templates
(``template``), rows (``rows``), connections, options, and one file per entry kind (``kinds``). Refuses the
network, the store and the clock. Nothing is imported here, so that ``headgate.manifest.model`` stays light;
pydantic comes with ``kinds``.
"""
