"""Where rows come from: csv, jsonl, rows, matrix and range, for ``foreach:`` and for ``pairs:``."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue.schema import type_name
from headgate.catalogue.words import suggestion
from headgate.classes import frozen, mutable
from headgate.manifest.lines import Lines
from headgate.manifest.made import Drawn
from headgate.manifest.references import UNRESOLVED, Row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path as FilePath

    from headgate.manifest.inputs import Inputs
    from headgate.manifest.keys import Path

#: The sources of rows and what they are.
MEANINGS: Final[Mapping[str, str]] = {
    "csv": "A CSV file beside the manifest; its first row names the columns, and all values are text.",
    "jsonl": "A file beside the manifest with a JSON object on each line.",
    "rows": "The rows themselves.",
    "matrix": "Every combination of the lists: {country: [fr, de], tier: [gold, vip]} gives four rows.",
    "range": "Whole numbers from the first to the last, both included: [1, 500]; ${row} is the number.",
}
KINDS: Final = tuple(MEANINGS)
#: More rows than this is a slip (a matrix of the wrong lists), not a wish.
MOST: Final = 1_000_000
_FORMS = "one of csv: FILE, jsonl: FILE, rows: […], matrix: {a: […]}, range: [first, last]"


@mutable
class Source:
    """Rows in order. ``columns`` are the names every row has, ``None`` when each row decides for itself.

    ``broken`` means that the rows are not all known (which was reported), so that nothing follows from
    their number.
    """

    label: str
    rows: Sequence[Row] = ()
    columns: tuple[str, ...] | None = None
    broken: bool = False


@frozen
class Reader:
    """Reads rows. ``say(path, message, hint, place)``; a ``place`` of ``None`` means the path's own line.

    ``line`` gives the manifest line of a path.
    """

    file: str
    base: FilePath
    say: Callable[[Path, str, str, tuple[str, int] | None], None]
    line: Callable[[Path], int]
    inputs: Inputs

    def read(self, spec: Any, path: Path) -> Source:
        """The rows of ``spec`` (references already resolved), every problem said."""
        if spec is UNRESOLVED:
            return Source("foreach", broken=True)
        if not isinstance(spec, dict) or not spec:
            self.say(path, f"must be a mapping, not {type_name(spec)}", _FORMS, None)
            return Source("foreach", broken=True)
        known = [key for key in spec if key in KINDS]
        for key in spec:
            if key not in KINDS:
                self.say((*path, key), "unknown key", suggestion(key, KINDS, noun="known keys"), None)
        if len(known) != 1:
            if known or len(spec) > 1:
                self.say(
                    path,
                    "has more than one source of rows" if known else "names no source of rows",
                    _FORMS,
                    None,
                )
            return Source("foreach", broken=True)
        kind = known[0]
        if spec[kind] is UNRESOLVED:
            return Source(kind, broken=True)
        found: Source = getattr(self, f"_{kind}")(spec[kind], (*path, kind))
        found.broken = found.broken or len(known) != len(spec)
        return found

    def _text(self, name: Any, path: Path, newline: str) -> tuple[str, io.TextIOWrapper] | None:
        """Shown name and text of a file beside the manifest, line by line."""
        if not isinstance(name, str) or not name:
            self.say(path, f"must be the name of a file, not {type_name(name)}", "csv: regions.csv", None)
            return None
        target = self.base / name
        try:
            data = target.read_bytes()
            self.inputs.rows(name, target, data)
            data.decode("utf-8-sig")  # all of it, before anything is said of a part
            return str(target), io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=newline)
        except OSError as error:
            self.say(
                path,
                f"'{name}' cannot be read: {error.strerror or 'error'}",
                "paths are relative to the manifest",
                None,
            )
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            self.say(path, "not UTF-8 text", "save the file as UTF-8", (str(target), line))
        except ValueError:
            self.say(path, "is not a usable file name", "paths are relative to the manifest", None)
        return None

    def _csv(self, name: Any, path: Path) -> Source:
        read = self._text(name, path, "")
        if read is None:
            return Source(str(name), broken=True)
        shown, text = read
        columns: tuple[str, ...] = ()
        rows = Lines(shown, lambda cells: dict(zip(columns, cells, strict=True)))
        source = Source(str(name), rows)
        lines = csv.reader(text, strict=True)
        line = 1
        try:
            for cells in lines:
                line, at = lines.line_num + 1, line
                if not cells or (not columns and not any(cell.strip() for cell in cells)):
                    continue
                if not columns:
                    columns = tuple(cell.strip() for cell in cells)
                    self._header(columns, path, (shown, at), source)
                elif len(cells) == len(columns):
                    rows.append(cells, at)
                else:
                    source.broken = True
                    self.say(
                        path,
                        f"{len(columns)} columns in the header, but {len(cells)} here",
                        "quote cells that contain commas",
                        (shown, at),
                    )
        except csv.Error:
            source.broken = True
            self.say(path, "not valid csv", "check the quotes of this row", (shown, line))
        if not columns:
            source.broken = True
            self.say(path, "the csv file is empty", "its first row names the columns", (shown, 1))
        source.columns = columns or None
        return source

    def _header(self, columns: tuple[str, ...], path: Path, place: tuple[str, int], source: Source) -> None:
        for position, name in enumerate(columns):
            if not name:
                self.say(path, f"column {position + 1} has no name", "the first row names the columns", place)
            elif name in columns[:position]:
                self.say(path, f"the column '{name}' stands twice", "rename one of the two", place)
            else:
                continue
            source.broken = True

    def _jsonl(self, name: Any, path: Path) -> Source:
        read = self._text(name, path, "\n")
        if read is None:
            return Source(str(name), broken=True)
        shown, text = read
        rows = Lines(shown, json.loads)
        source = Source(str(name), rows)
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except ValueError:
                value = None
            if isinstance(value, dict):
                rows.append(line, number)
            else:
                source.broken = True
                self.say(path, "not a JSON object", 'each line is one object: {"id": "…"}', (shown, number))
        return source

    def _rows(self, value: Any, path: Path) -> Source:
        source = Source("rows")
        if not isinstance(value, list):
            self.say(path, f"must be a list, not {type_name(value)}", "rows: [{id: a}, {id: b}]", None)
            source.broken = True
            return source
        source.rows = [
            Row(row, number, f"{self.file}:{self.line((*path, number))}") for number, row in enumerate(value)
        ]
        return source

    def _matrix(self, value: Any, path: Path) -> Source:
        source = Source("matrix")
        lists = value if isinstance(value, dict) else {}
        for key, choices in lists.items():
            if not isinstance(choices, list):
                source.broken = True
                if choices is not UNRESOLVED:
                    hint = f"{key}: [fr, de]"
                    self.say((*path, key), f"must be a list, not {type_name(choices)}", hint, None)
        if not lists:
            self.say(
                path,
                f"must be a mapping of lists, not {type_name(value)}",
                "matrix: {a: [1, 2], b: [x]}",
                None,
            )
        elif not source.broken and (count := math.prod(map(len, lists.values()))) > MOST:
            self.say(path, f"makes more than {MOST:,} rows", "use shorter lists", None)
            source.broken = True
        source.broken = source.broken or not lists
        source.columns = tuple(lists) if lists else None
        if not source.broken:
            place = f"{self.file}:{self.line(path)}"
            source.rows = Drawn(count, lambda index: Row(_combination(lists, index), index, place))
        return source

    def _range(self, value: Any, path: Path) -> Source:
        source = Source("range", columns=())
        ends = [_whole(end) for end in value] if isinstance(value, list) else []
        if len(ends) != 2 or None in ends:
            if not (isinstance(value, list) and UNRESOLVED in value):
                self.say(path, "must be two whole numbers", "range: [1, 500], both ends included", None)
            source.broken = True
            return source
        first, last = ends[0] or 0, ends[1] or 0
        if last < first or last - first >= MOST:
            message = f"makes more than {MOST:,} rows" if last >= first else f"ends ({last}) before it begins ({first})"
            self.say(path, message, "range: [first, last]", None)
            source.broken = True
            return source
        place = f"{self.file}:{self.line(path)}"
        source.rows = Drawn(last - first + 1, lambda index: Row(first + index, index, place))
        return source


def _combination(lists: dict[str, list[Any]], index: int) -> dict[str, Any]:
    """One of every combination of ``lists``: in order, the last list is the one that turns fastest."""
    found: dict[str, Any] = dict.fromkeys(lists)
    for key, values in reversed(lists.items()):
        index, at = divmod(index, len(values))
        found[key] = values[at]
    return found


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)  # from ${env:…}
    return value if isinstance(value, int) and not isinstance(value, bool) else None
