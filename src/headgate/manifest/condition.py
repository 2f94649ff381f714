"""``where``: a JMESPath on a flow. What is absent is null, and null does not match. Pure.

The library is imported when the first condition is read: most manifests have none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=256)
def _compiled(expression: str) -> Any:
    import jmespath

    return jmespath.compile(expression)


def problem_of(expression: str) -> str:
    """Why ``expression`` is no JMESPath, in one line; empty when it is one."""
    from jmespath.exceptions import JMESPathError

    try:
        unknown = _unknown_function(_compiled(expression).parsed)
    except JMESPathError as error:
        first = " ".join(str(error).split("\n", maxsplit=1)[0].split())
        return first.removesuffix(", for expression:") or "not a JMESPath"
    except (ValueError, RecursionError) as error:
        return str(error).split("\n", maxsplit=1)[0] or "not a JMESPath"
    return f"there is no function {unknown}()" if unknown else ""


def _unknown_function(node: Any) -> str:
    """A function the expression calls and nobody knows: it would only be missed by the flow it is applied to."""
    from jmespath.functions import Functions

    if node.get("type") == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
        return str(node["value"])
    found = (_unknown_function(child) for child in node.get("children", ()) if isinstance(child, dict))
    return next((name for name in found if name), "")


def matches(expression: str | None, flow: Any) -> bool:
    """Whether ``flow`` is meant by ``expression``; everything is, by none.

    A function that is handed something it does not take (``starts_with`` of an absent text) does not match either.
    """
    if not expression:
        return True
    from jmespath.exceptions import JMESPathError

    try:
        found = _compiled(expression).search(flow)
    except (JMESPathError, TypeError, ValueError, ArithmeticError):
        return False
    # False by JMESPath's own rules; a zero is not.
    return not (found is None or found is False or found in ("", [], {}))
