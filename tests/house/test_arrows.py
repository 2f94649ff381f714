"""Imports point one way: the real arrows, read from the source, against the drawn ones."""

import ast
from pathlib import Path

import headgate

SOURCE = Path(headgate.__file__).parent

#: Who may import whom. A room may always import itself; ``errors`` and ``secret`` import nothing of ours.
ARROWS = {
    "errors": set(),
    "secret": set(),
    "classes": set(),
    "garbage": set(),
    "late": set(),
    "version": set(),
    "clock": set(),
    "faultpoint": set(),
    "exchange": set(),
    "pacing": {"exchange"},
    "settings": {"errors", "pacing", "secret"},
    "catalogue": {"secret"},
    "manifest": {"catalogue", "errors", "garbage", "pacing", "secret"},
    "planning": {"errors", "secret", "version"},
    "workflows": {"catalogue", "errors", "exchange", "manifest", "pacing", "planning", "secret"},
    "platform": {"clock", "errors", "exchange", "faultpoint", "pacing", "secret", "settings"},
    "engine": {"clock", "errors", "exchange", "faultpoint", "pacing", "planning", "platform", "store", "workflows"},
    "store": {"engine", "errors", "faultpoint", "secret"},
    "export": {"catalogue", "manifest", "secret"},
    "report": {"engine", "errors", "manifest", "planning", "store", "workflows"},
    "simulator": {"clock"},
    "changes": {"engine", "errors", "planning", "store", "workflows"},
    "embedded": {"secret", "settings", "simulator"},
    "launch": {"changes", "clock", "engine", "errors", "faultpoint", "garbage", "pacing", "planning", "platform", "report", "settings",
               "store", "watch", "workflows"},
    "looking": {"clock", "embedded", "engine", "errors", "exchange", "export", "pacing", "platform",
                "settings", "workflows"},
    "drift": {"changes", "embedded", "looking", "planning", "settings", "workflows"},
    "watch": {"engine", "store"},
    "teardown": {"engine", "planning", "store", "workflows"},
    "strays": {"clock", "engine", "launch", "looking", "planning", "report", "settings", "store", "workflows"},
    "web": {"engine", "errors", "launch", "planning", "report", "store", "watch"},
    "rest": {"errors", "launch", "manifest", "report", "store"},
    "loadtest": {"api", "bulletin", "catalogue", "clock", "engine", "errors", "exchange", "garbage", "launch", "manifest",
                 "pacing", "planning", "report", "settings", "store", "teardown", "watch", "workflows"},
    "telemetry": {"engine", "errors", "launch", "platform", "report", "settings", "version", "watch"},
    "bulletin": {"clock", "engine", "launch", "planning", "report", "watch"},
    "api": {"bulletin", "catalogue", "clock", "embedded", "engine", "errors", "export", "garbage", "launch", "looking", "manifest",
            "planning", "platform", "report", "rest", "secret", "settings", "simulator", "store", "teardown", "watch", "workflows"},
    "cli": None,
    "__main__": None,
    "__init__": None,
}  # fmt: skip

#: How things are written down, whatever they are: every room may use these.
TOOLS = {"classes", "late"}

#: Narrower than their rooms: pure modules that must not reach an effect, whatever their room may.
PURE = {
    "engine.machine": {"errors", "exchange", "pacing", "planning", "workflows"},
    "engine.judge": {"exchange", "pacing", "planning", "workflows"},
    "engine.live": {"exchange", "pacing", "workflows"},
    "engine.record": {"exchange", "workflows"},
    "engine.events": {"exchange"},
    "engine.awaited": {"exchange", "pacing", "workflows"},
    "engine.board": {"exchange", "pacing", "workflows"},
    "engine.polls": {"exchange", "pacing", "workflows"},
    "engine.leases": set(),
    "engine.skew": set(),
    "engine.tally": {"exchange"},
    "engine.gauges": set(),
    "loadtest.stages": set(),
    "loadtest.thresholds": {"catalogue"},
    "loadtest.meter": {"exchange"},
    "loadtest.cast": {"errors", "manifest"},
    "loadtest.machine": {"engine", "exchange", "planning", "workflows"},
    "loadtest.result": {"errors", "report"},
    "loadtest.render": {"report"},
}
EFFECTS = {"asyncio", "anyio", "aiohttp", "socket", "sqlite3", "time", "threading", "subprocess"}
PURE_ROOMS = ("pacing", "catalogue", "planning", "workflows", "export")


def imports(path: Path) -> list[tuple[str, int]]:
    """Every module a file imports, however late, with its line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import hides its arrow"
            found.append((node.module or "", node.lineno))
    return found


def modules():
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        yield path, parts[0], ".".join(parts)


def test_rooms_import_only_what_they_may():
    wrong = []
    for path, room, name in modules():
        assert room in ARROWS, f"{path}: a room that is not drawn"
        allowed = PURE.get(name, ARROWS[room])
        if allowed is None:
            continue
        for module, line in imports(path):
            if module == "headgate" or module.startswith("headgate."):
                target = module.split(".")[1] if "." in module else "__init__"
                if target != room and target not in allowed | TOOLS:
                    wrong.append(f"{path.relative_to(SOURCE)}:{line}: {room} must not import {module}")
    assert not wrong, "\n".join(wrong)


def test_pure_rooms_touch_no_effect():
    wrong = []
    for path, room, name in modules():
        if room in PURE_ROOMS or name in PURE:
            wrong += [
                f"{path.relative_to(SOURCE)}:{line}: {module}"
                for module, line in imports(path)
                if module.split(".")[0] in EFFECTS
            ]
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_the_shell_the_benchmarks_or_the_tests():
    for path, room, _ in modules():
        for module, line in imports(path):
            top = module.split(".")
            assert top[0] not in ("benchmarks", "tests"), f"{path}:{line}"
            if room not in ("cli", "__main__"):
                assert top[:2] != ["headgate", "cli"], f"{path}:{line}: only __main__ starts the shell"
