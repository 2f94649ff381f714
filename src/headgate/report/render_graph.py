"""A graph as text: Mermaid (shown by GitHub and many wikis), DOT (Graphviz) and JSON.

Names come from manifests and may hold anything; each language has its own way to say it harmlessly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from headgate.report.render_table import clip, entry_name, plural

if TYPE_CHECKING:
    from headgate.planning.graph import Graph, Node

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
#: What jobs make or do, one and many.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "listed": ("listing", "listings"),
    "profileStore": ("profile store", "profile stores"),
    "selectors": ("audiences and attributes", "× audiences and attributes"),
    "check": ("validation", "validations"),
    "adhoc": ("ad-hoc job", "ad-hoc jobs"),
    "select": ("selection", "selections"),
    "flowSpec": ("flow spec look-up", "flow spec look-ups"),
    "order": ("wait", "waits"),
    "datasets": ("dataset listing", "dataset listings"),
}
#: Fill and line of each state: readable on white and on dark, and never the only sign of it.
_COLOURS: Final[Mapping[str, tuple[str, str]]] = {
    "succeeded": ("#d7f0dd", "#2e7d46"),
    "reused": ("#e3ecf7", "#4a6fa5"),
    "failed": ("#f9d6d5", "#b3261e"),
    "skipped": ("#ece7e1", "#7a6a58"),
    "in doubt": ("#fbe6c2", "#9a6400"),
    "running": ("#fdf3c8", "#8a7400"),
    "held": ("#e9e0f5", "#6a4c93"),
    "waiting": ("#f2f2f2", "#767676"),
    "create": ("#d7f0dd", "#2e7d46"),
    "update": ("#fdf3c8", "#8a7400"),
    "replace": ("#fbe6c2", "#9a6400"),
    "reuse": ("#e3ecf7", "#4a6fa5"),
}
#: States in the order in which the gravest decides the colour of a node.
_GRAVITY: Final = (
    "failed", "skipped", "in doubt", "replace", "running", "held", "update", "waiting", "create",
    "succeeded", "reused", "reuse",
)  # fmt: skip
_MOST: Final = 48


def json_graph(graph: Graph) -> str:
    """``headgate.graph/1``."""
    import orjson

    return orjson.dumps(graph.as_json(), option=orjson.OPT_INDENT_2).decode()


def dot(graph: Graph) -> str:
    """For Graphviz: ``dot -Tsvg``."""
    lines = [
        "digraph headgate {",
        '  graph [rankdir=LR, fontname="Helvetica,Arial,sans-serif", fontsize=12, labelloc=t, nodesep=0.25,',
        f"         label={_dot_text(_caption(graph))}];",
        '  node [shape=box, style="rounded,filled", fontname="Helvetica,Arial,sans-serif", fontsize=11,',
        '        fillcolor="#f2f2f2", color="#767676", fontcolor="#1a1a1a", margin="0.15,0.08"];',
        '  edge [color="#767676", fontname="Helvetica,Arial,sans-serif", fontsize=9, arrowsize=0.7];',
    ]
    for number, (entry, nodes) in enumerate(_by_entry(graph).items()):
        indent = "    " if entry else "  "
        if entry:
            lines += [f"  subgraph cluster_{number} {{", f'    label={_dot_text(_entry(entry))}; color="#bdbdbd";']
        for node in nodes:
            fill, line = _COLOURS.get(_gravest(node), ("#f2f2f2", "#767676"))
            look = f', fillcolor="{fill}", color="{line}"' if node.states else ""
            lines.append(f"{indent}n{node.id} [label={_dot_text(*_label(node))}{look}];")
        if entry:
            lines.append("  }")
    for edge in graph.edges:
        style = "" if edge.firm else " [style=dashed]"
        lines.append(f"  n{edge.source} -> n{edge.target}{style};")
    return "\n".join([*lines, "}"])


def mermaid(graph: Graph) -> str:
    """For Mermaid: a code block of the language ``mermaid`` on GitHub, or mermaid.live."""
    lines = [f"%% {_plain(line)}" for line in _caption(graph).replace("{", "(").replace("}", ")").split("\n")]
    lines += ["flowchart LR"]
    for number, (entry, nodes) in enumerate(_by_entry(graph).items()):
        indent = "    " if entry else "  "
        if entry:
            lines.append(f"  subgraph e{number}[{_mermaid_text(_entry(entry))}]")
        for node in nodes:
            look = f":::{_class(_gravest(node))}" if node.states else ""
            lines.append(f"{indent}n{node.id}[{_mermaid_text(*_label(node))}]{look}")
        if entry:
            lines.append("  end")
    lines += [f"  n{edge.source} {'-->' if edge.firm else '-.->'} n{edge.target}" for edge in graph.edges]
    lines.append("  classDef default fill:#f2f2f2,stroke:#767676,color:#1a1a1a")
    for state in dict.fromkeys(_gravest(node) for node in graph.nodes if node.states):
        fill, line = _COLOURS.get(state, ("#f2f2f2", "#767676"))
        lines.append(f"  classDef {_class(state)} fill:{fill},stroke:{line},color:#1a1a1a")
    return "\n".join(lines)


FORMATS: Final[Mapping[str, Callable[[Graph], str]]] = {"mermaid": mermaid, "dot": dot, "json": json_graph}


def _by_entry(graph: Graph) -> dict[str, list[Node]]:
    """Nodes by entry, in order; what belongs to none comes first."""
    found: dict[str, list[Node]] = {"": []}
    for node in graph.nodes:
        found.setdefault(node.entry, []).append(node)
    return {entry: nodes for entry, nodes in found.items() if nodes}


def _caption(graph: Graph) -> str:
    parts = [plural(graph.jobs, "job")]
    if graph.states:
        parts.append(_spelled(graph.states))
    if len(graph.nodes) + graph.hidden < graph.jobs:
        parts.append(f"{graph.view} (--graph-limit shows more)")
    if graph.hidden:
        parts.append(f"{plural(graph.hidden, 'listing')} not shown")
    return f"{_plain(graph.title)}\n{'; '.join(parts)}"


def _label(node: Node) -> Iterator[str]:
    """The lines of a node: how many of what, whose, and in which states."""
    words = _WORDS.get(node.role) or _WORDS.get(node.kind) or _spoken(node.role)
    yield words[0] if node.count == 1 else f"{node.count:,} {words[1]}"
    if node.name and _bare(node.name) != _bare(words[0]):
        yield clip(node.name, _MOST)
    if node.states:
        yield _spelled(node.states) if len(node.states) > 1 else next(iter(node.states))


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def _spoken(role: str) -> tuple[str, str]:
    one = _HUMP.sub(" ", role).replace(":", " ").lower()
    return one, f"{one}s"


def _spelled(states: Mapping[str, int]) -> str:
    known = sorted(states, key=lambda state: _GRAVITY.index(state) if state in _GRAVITY else len(_GRAVITY))
    return ", ".join(f"{states[state]:,} {state}" for state in known)


def _entry(entry: str) -> str:
    return clip(entry_name(entry), _MOST)


def _gravest(node: Node) -> str:
    return min(node.states, key=lambda state: _GRAVITY.index(state) if state in _GRAVITY else 99, default="")


def _class(state: str) -> str:
    # "do" and "end" are words of Mermaid itself.
    return "s_" + re.sub(r"\W", "_", state)


def _plain(line: str) -> str:
    """Without what no picture can show: line breaks, other control characters."""
    return "".join(char if char.isprintable() else " " for char in line)


def _dot_text(*lines: str) -> str:
    split = [part for line in lines for part in line.split("\n")]
    escaped = (_plain(part).replace("\\", "\\\\").replace('"', '\\"') for part in split)
    return '"' + "\\n".join(escaped) + '"'


def _mermaid_text(*lines: str) -> str:
    """A quoted label. Whatever might be read as markup is a code: ``#35;`` is a hash."""
    escaped = (
        "".join(char if char.isalnum() or char in " .,:_-/()+*…" else f"#{ord(char)};" for char in _plain(line))
        for line in lines
    )
    return '"' + "<br/>".join(escaped) + '"'
