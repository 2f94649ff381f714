"""Ask the OSV database (what pip-audit asks, too) for known vulnerabilities of everything that the lock file pins.

``python3 .ci/audit.py`` needs nothing but Python. Exit codes: 0 none is known, or, said aloud, nobody could be asked;
1 some are; 3 nobody could be asked, and ``--strict`` was given.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

SERVICE = "https://api.osv.dev/v1/querybatch"
LOCK = Path(__file__).with_name("requirements.txt")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def pinned(text: str) -> list[tuple[str, str]]:
    """Names and versions in a lock file."""
    return _PINNED.findall(text)


def ask(packages: list[tuple[str, str]], service: str, timeout_s: float) -> list[list[str]]:
    """The ids of what is known of each package, in their order.

    Raises:
        OSError: nobody could be asked.
        ValueError: the answer makes no sense.
    """
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in packages]
    body = json.dumps({"queries": queries}).encode()
    request = urllib.request.Request(service, body, {"Content-Type": "application/json"})  # noqa: S310 -- https, above
    with urllib.request.urlopen(request, timeout=timeout_s) as response:  # noqa: S310
        results = json.load(response)["results"]
    if len(results) != len(packages):
        raise ValueError("an answer for another number of packages")
    return [[vulnerability["id"] for vulnerability in result.get("vulns", ())] for result in results]


def main(argv: list[str] | None = None) -> int:
    """Run the audit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--strict", action="store_true", help="fail when nobody can be asked")
    parser.add_argument("--ignore", action="append", default=[], metavar="ID", help="one that does not concern us")
    parser.add_argument("--service", default=SERVICE, help=argparse.SUPPRESS)
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS")
    asked = parser.parse_args(argv)
    packages = pinned(LOCK.read_text(encoding="utf-8"))
    try:
        found = ask(packages, asked.service, asked.timeout)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"NOT AUDITED: {SERVICE} cannot be asked from here ({type(error).__name__}: {error})", file=sys.stderr)
        return 3 if asked.strict else 0
    bad = 0
    for (name, version), ids in zip(packages, found, strict=True):
        for known in ids:
            ignored = known in asked.ignore
            bad += not ignored
            print(f"{name} {version}: {known}{' (ignored)' if ignored else ''}")
    print(f"audited {len(packages)} pinned packages: {bad} known vulnerabilities")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
