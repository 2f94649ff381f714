"""JSON Patch as the Flow Service takes it: add, replace and remove in any case, on whole objects (facts
2.6). Pure.
"""

from __future__ import annotations

from typing import Any

import orjson

from headgate.simulator.reply import problem

_READ_ONLY = frozenset(
    {
        "id",
        "etag",
        "version",
        "createdAt",
        "updatedAt",
        "createdBy",
        "updatedBy",
        "createdClient",
        "updatedClient",
        "sandboxId",
        "sandboxName",
        "imsOrgId",
        "inheritedAttributes",
        "lastOperation",
        "lastRunDetails",
        "runs",
        "state",
    }
)


def patched(document: dict[str, Any], operations: Any) -> dict[str, Any]:
    """``document`` after all ``operations``, in order; the original is left alone.

    Args:
        document: JSON-able; keys that begin with ``_`` cannot be reached.
        operations: list of ``{op, path, value}``; ``value`` of a remove is ignored.

    Raises:
        Refusal: 1405 (nothing to do), 1434 (unsupported op), 1455 (a path does not resolve).
    """
    if isinstance(operations, dict):
        operations = [operations]  # F types the PATCH of a connection as a single object
    if not isinstance(operations, list) or not operations:
        raise problem("1405-400", "The request body cannot be null or empty. Provide a valid body and try again.")
    result: dict[str, Any] = orjson.loads(orjson.dumps(document))
    for operation in operations:
        _apply(result, operation)
    return result


def _invalid(detail: str) -> Exception:
    return problem("1455-400", f"An error has occurred while validating patch instructions: {detail}.")


def _apply(document: dict[str, Any], operation: Any) -> None:
    if not isinstance(operation, dict) or not isinstance(operation.get("op"), str):
        raise _invalid('Missing field "op"')
    op = operation["op"].lower()
    if op not in ("add", "replace", "remove"):
        raise problem("1434-400", f"Unsupported operation '{op}' received. Use add, replace or remove.")
    path = operation.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise _invalid(f"'{path}' is not a path")
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    if steps[0] in _READ_ONLY or steps[0].startswith("_"):
        raise _invalid(f'Field "{steps[0]}" cannot be changed')
    if op != "remove" and "value" not in operation:
        raise _invalid('Missing field "value"')
    parent: Any = document
    for step in steps[:-1]:
        parent = _child(parent, step)
    # A copy: the object that is kept must not share parts with the recorded operations.
    last, value = steps[-1], orjson.loads(orjson.dumps(operation.get("value")))
    if isinstance(parent, dict):
        if op != "add" and last not in parent:
            raise _invalid(f'Missing field "{last}"')
        if op == "remove":
            del parent[last]
        else:
            parent[last] = value
    elif isinstance(parent, list):
        _apply_to_list(parent, op, last, value)
    else:
        raise _invalid(f'Missing field "{last}"')


def _apply_to_list(items: list[Any], op: str, last: str, value: Any) -> None:
    if op == "add" and last == "-":
        items.append(value)
        return
    index = _index(last, len(items) + (op == "add"))
    if op == "add":
        items.insert(index, value)
    elif op == "replace":
        items[index] = value
    else:
        del items[index]


def _child(parent: Any, step: str) -> Any:
    if isinstance(parent, dict) and step in parent:
        return parent[step]
    if isinstance(parent, list):
        return parent[_index(step, len(parent))]
    raise _invalid(f'Missing field "{step}"')


def _index(step: str, size: int) -> int:
    if not (step.isascii() and step.isdigit()) or int(step) >= size:
        raise _invalid(f'Missing field "{step}"')
    return int(step)
