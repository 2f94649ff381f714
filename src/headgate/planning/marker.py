"""The mark every created object bears, so that it is recognised after a lost answer (contract 4, trap 66).

Flow Service has no idempotency key and does not promise unique names, so the description carries
``[headgate:<24 hex>]``: eight of a digest of the sandbox and the manifest's name, so that what belongs to one manifest
can be told from a list, and sixteen of one of the job's key. It holds nothing of the content, so nothing of a secret.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

PREFIX = "[headgate:"


@lru_cache(maxsize=64)
def marker(sandbox: str, scope: str, key: str) -> str:
    """The mark of job ``key``; ``scope`` is the manifest's name, or ``""`` for what a sandbox has once."""
    text = f"{sandbox}\x1f{scope}\x1f{key}".encode()
    return f"{scope_prefix(sandbox, scope)}{blake2b(text, digest_size=8).hexdigest()}]"


@lru_cache(maxsize=16)
def scope_prefix(sandbox: str, scope: str) -> str:
    """How the marks of all jobs of ``scope`` in ``sandbox`` begin."""
    text = f"{sandbox}\x1f{scope}".encode()
    return f"{PREFIX}{blake2b(text, digest_size=4).hexdigest()}"


def described(text: str, mark: str) -> str:
    """A description with its mark at the end."""
    return f"{text} {mark}" if text else mark
