"""The lock file of CI pins everything that pyproject.toml asks for, by hash, and can be audited."""

import importlib.util
import json
import re
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / ".ci/requirements.txt").read_text()
#: Extras that CI installs. Adobe's own client brings a numeric stack along, and is not among them.
EXTRAS = ("test", "fast", "postgres")

spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci/audit.py")
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)


def entries():
    """Name, version and hashes of each pin."""
    text = LOCK.replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield (
                line.split("==")[0].strip(),
                re.search(r"==([^\s;]+)", line)[1],
                re.findall(r"--hash=sha256:([0-9a-f]{64})", line),
            )


def test_each_pin_has_hashes_and_no_address():
    found = list(entries())
    assert len(found) >= 40
    assert all(hashes for _, _, hashes in found)
    assert "://" not in LOCK
    assert not re.search(r"^\s*(-i|--index|--extra-index|--find-links|--trusted)", LOCK, re.MULTILINE)


@pytest.mark.parametrize("part", ["dependencies", *EXTRAS, "build"])
def test_everything_asked_for_is_pinned_within_its_bounds(part):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = {
        "dependencies": project["project"]["dependencies"],
        "build": project["build-system"]["requires"],
        **project["project"]["optional-dependencies"],
    }[part]
    versions = {canonicalize_name(name): version for name, version, _ in entries()}
    for text in asked:
        one = Requirement(text)
        name = canonicalize_name(one.name)
        assert name in versions, f"{text}: not in .ci/requirements.txt; README says how it is made"
        assert one.specifier.contains(versions[name]), f"{text}: pinned at {versions[name]}"


# -- the audit, with a database of our own


@pytest.fixture
def database():
    """An OSV server that knows something of the packages in ``bad``."""
    bad, asked = {}, []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            asked.extend(queries)
            found = [
                {"vulns": [{"id": each} for each in bad[name]]} if (name := query["package"]["name"]) in bad else {}
                for query in queries
            ]
            body = json.dumps({"results": found}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield bad, asked, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_nothing_known_is_well(database, capsys):
    _, asked, url = database
    assert audit.main(["--service", url]) == 0
    assert len(asked) == len(list(entries()))
    assert f"audited {len(asked)} pinned packages: 0 known" in capsys.readouterr().out


def test_what_is_known_fails_unless_it_is_ignored(database, capsys):
    bad, _, url = database
    bad["aiohttp"] = ["GHSA-1", "GHSA-2"]
    assert audit.main(["--service", url]) == 1
    assert re.search(r"aiohttp \S+: GHSA-1", capsys.readouterr().out)
    assert audit.main(["--service", url, "--ignore", "GHSA-1", "--ignore", "GHSA-2"]) == 0


def test_nobody_to_ask_is_said_and_fails_only_if_that_is_asked_for(capsys):
    nowhere = ["--service", "http://127.0.0.1:9/", "--timeout", "1"]
    assert audit.main(nowhere) == 0
    assert "NOT AUDITED" in capsys.readouterr().err
    assert audit.main([*nowhere, "--strict"]) == 3
