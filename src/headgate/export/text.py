"""A manifest as YAML that reads back as exactly what it was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headgate.export.assemble import Exported

#: What may stand without quotes: anything else could be read as a number, a date, a word for true or a reference.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./*-]*(?: [A-Za-z0-9_./*-]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def manifest_text(exported: Exported, sandbox: str) -> str:
    """The manifest with a head of comments: where it came from, what it needs, what it leaves out."""
    head = [f"# Flows of sandbox {sandbox}: `headgate run` on another sandbox makes them there."]
    if exported.variables:
        head.append("# Secrets are not exported. The environment must hold:")
        head += [f"#   {variable}  ({purpose})" for variable, purpose in sorted(exported.variables.items())]
    if exported.given:
        head.append(
            f"# Used as they are, not made again. These ids are of {sandbox}: give another sandbox's with --set."
        )
        head += [f"#   {variable}  ({what})" for variable, what in sorted(exported.given.items())]
    if exported.notes:
        head.append("# Not quite as it is there:")
        head += [f"#   {text}" for text in exported.notes]
    if exported.left:
        head.append("# Not in this manifest:")
        head += [f"#   {text}" for text in exported.left]
    return "\n".join(head) + "\n" + yaml_text(exported.manifest)


def yaml_text(value: Any) -> str:
    """``value`` as YAML in blocks, every text quoted that might be read as something else."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Blocks for mappings, quotes for every text that is not surely one."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- the name is the library's
            return True

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        plain = _PLAIN.fullmatch(data) is not None and data.lower() not in _WORDS
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=None if plain else '"')

    Dumper.add_representer(str, text)
    made = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    return str(made)
