"""The witness leans on nobody it testifies about."""

import ast
from pathlib import Path

import headgate.simulator

ROOM = Path(headgate.simulator.__file__).parent
OURS = ("headgate.simulator", "headgate.clock")
OTHERS = {"aiohttp", "orjson", "yaml"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module


def test_only_the_clock_is_imported_from_the_project():
    import sys

    for path in ROOM.glob("*.py"):
        for name in imports(path):
            if name.startswith("headgate"):
                assert name.startswith(OURS), (path.name, name)
            else:
                assert name.split(".")[0] in OTHERS | sys.stdlib_module_names, (path.name, name)


def test_files_keep_to_one_subject():
    for path in ROOM.glob("*.py"):
        assert len(path.read_text().splitlines()) < 400, path.name
