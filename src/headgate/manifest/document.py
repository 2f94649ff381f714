"""A YAML (or JSON) file as plain data that still knows its lines.

The composed node tree is kept: data is built from it by YAML 1.2 core rules, so that ``17:00``,
``2026-12-20`` and ``yes`` stay text (PyYAML's own constructor reads them as 1020, a date and True), and a
line is looked up by path only when a problem needs it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from headgate.errors import Diagnostic
from headgate.manifest.keys import Path, key_text

if TYPE_CHECKING:
    from pathlib import Path as FilePath

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined]
except ImportError:  # PyYAML without libyaml: about six times slower, and the same tree

    class _Parser(  # type: ignore[no-redef]
        yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer
    ):
        def __init__(self, stream: str) -> None:
            yaml.reader.Reader.__init__(self, stream)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)
            yaml.composer.Composer.__init__(self)


_TAG: Final = "tag:yaml.org,2002:"
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def plain(text: str) -> Any:
    """The value of an unquoted scalar: YAML 1.2 core, without .inf and .nan (JSON has neither)."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if text[0] in "+-.0123456789":
        if _INT.fullmatch(text):
            return int(text)
        if _OCTAL_HEX.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


class _Loader(_Parser):
    """Composes only. Marks what is plain; explicit tags stay visible."""

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        """The tag of a node without one. The signature is PyYAML's."""
        del value
        if kind is ScalarNode:
            return "plain" if implicit[0] else f"{_TAG}str"
        return f"{_TAG}seq" if kind is SequenceNode else f"{_TAG}map"

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        """No path resolvers."""

    def ascend_resolver(self) -> None:
        """No path resolvers."""


class Document:
    """One file: its ``data``, its structural ``problems``, and the line of any path.

    ``data`` is ``None`` when the file could not be read or parsed at all.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.data: Any = None
        self.problems: list[Diagnostic] = []
        #: The file as it was read.
        self.source = b""
        self._root: Node | None = None
        self._built: dict[int, Any] = {}
        if file.endswith(".json"):
            # JSON may be indented with tabs, YAML may not; a JSON string cannot contain a raw line break.
            text = re.sub(r"(?m)^\t+", lambda tabs: " " * len(tabs.group()), text)
        try:
            loader = _Loader(text)
            self._root = loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = ", ".join(part for part in (error.context, error.problem) if part)
            self._tell(
                mark.line + 1 if mark else 0,
                (),
                f"not valid YAML: {said}",
                "check the indentation, quotes and brackets here and just above",
            )
            return
        except yaml.YAMLError as error:
            line = text.count("\n", 0, getattr(error, "position", None) or 0) + 1
            self._tell(line, (), "not valid YAML: a character that is not allowed", "remove control characters")
            return
        except RecursionError:
            self._tell(0, (), "not valid YAML: nested too deeply")
            return
        if self._root is None:
            self._tell(0, (), "the file is empty", "`headgate init` writes a starter manifest")
            return
        self.data = self._value(self._root, (), frozenset())

    @classmethod
    def read(cls, path: FilePath) -> Document:
        """Read and compose a file. Never raises for what is wrong with it: look at ``problems``."""
        try:
            data = path.read_bytes()
            text = data.decode("utf-8-sig")
        except OSError as error:
            return cls._unread(path, 0, f"cannot be read: {error.strerror or error}", "check the path")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            return cls._unread(path, line, "not UTF-8 text", "save the file as UTF-8")
        document = cls(str(path), text)
        document.source = data
        return document

    @classmethod
    def _unread(cls, path: FilePath, line: int, message: str, hint: str) -> Document:
        blank = cls(str(path), "{}")
        blank.data = None
        blank._tell(line, (), message, hint)
        return blank

    def _tell(self, line: int, path: Path, message: str, hint: str = "") -> None:
        self.problems.append(Diagnostic(self.file, line, key_text(path), message, hint))

    # -- data ------------------------------------------------------------

    def _value(self, node: Node, path: Path, above: frozenset[int]) -> Any:
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._built:  # an alias: the same data, shared
            return self._built[id(node)]
        if id(node) in above:
            self._tell(node.start_mark.line + 1, path, "an anchor contains itself", "write the part out")
            return None
        above |= {id(node)}
        value: Any
        if isinstance(node, SequenceNode):
            value = [self._value(inner, (*path, n), above) for n, inner in enumerate(node.value)]
        elif isinstance(node, MappingNode):
            value = self._mapping(node, path, above)
        else:
            value = None
        if not node.tag.startswith(_TAG) or node.tag.removeprefix(_TAG) not in ("map", "seq"):
            self._tagged(node, path)
        self._built[id(node)] = value
        return value

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        if node.tag == "plain":
            return plain(node.value)
        kind = node.tag.removeprefix(_TAG)
        if kind in ("null", "bool", "int", "float"):
            return plain(node.value)
        if kind != "str":
            self._tagged(node, path)
        return node.value

    def _tagged(self, node: Node, path: Path) -> None:
        # The tag is not quoted: an unquoted password that begins with "!" is read as one.
        self._tell(
            node.start_mark.line + 1,
            path,
            "a YAML tag (!…) is not supported",
            "quote a value that begins with !",
        )

    def _mapping(self, node: MappingNode, path: Path, above: frozenset[int]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        value: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, inner in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._tell(line, path, "a key must be text", "quote it; ${…} needs quotes at the start of a value")
                continue
            key = key_node.value
            if key == "<<" and key_node.tag == "plain":
                parts = inner.value if isinstance(inner, SequenceNode) else [inner]
                for part in parts:
                    found = self._value(part, path, above)
                    if isinstance(found, dict):
                        merged = {**found, **merged}
                    else:
                        self._tell(line, (*path, key), "a merge takes a mapping", "<<: *anchor")
                continue
            if key in first:
                self._tell(
                    line,
                    (*path, key),
                    f"the key stands twice, first on line {first[key]}",
                    "keep one of the two",
                )
                self._value(inner, (*path, key), above)
                continue
            first[key] = line
            value[key] = self._value(inner, (*path, key), above)
        return {**merged, **value} if merged else value

    # -- lines -----------------------------------------------------------

    def line(self, path: Path) -> int:
        """The 1-based line of ``path``, or of the nearest thing above it that exists."""
        node, line = self._root, 1
        if node is None:
            return 0
        for part in path:
            found = _step(node, part)
            if found is None:
                break
            node, line = found
        return line


def _step(node: Node, part: str | int) -> tuple[Node, int] | None:
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        inner = node.value[part]
        return inner, inner.start_mark.line + 1
    if isinstance(node, MappingNode):
        merges: list[Node] = []
        for key, inner in node.value:
            if key.value == part:
                return inner, key.start_mark.line + 1
            if key.value == "<<":
                merges += inner.value if isinstance(inner, SequenceNode) else [inner]
        for merge in merges:
            found = _step(merge, part)
            if found is not None:
                return found
    return None
