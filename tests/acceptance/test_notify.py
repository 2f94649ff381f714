"""--notify from the command line: what is posted, and that its failure changes nothing but a line."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.acceptance.cli_support import headgate, write_manifest

RUN = ("run", "small.yaml", "--simulate", "--rate", "500/s", "--no-progress")
TOKEN = "T000/B000/hushhush"


@pytest.fixture
def hook():
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200 if len(seen) == 1 else 410)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{TOKEN}", seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_webhook_is_told_and_its_trouble_is_not_the_runs(tmp_path, hook):
    url, seen = hook
    write_manifest(tmp_path)
    first = headgate(*RUN, "--notify", url, cwd=tmp_path)
    assert (first.code, len(seen)) == (0, 1), first.err
    path, body = seen[0]
    assert path == f"/{TOKEN}"
    assert "has succeeded in sandbox dev\n3 items: 3 created\n" in body["text"]
    assert "headgate report small" in body["text"]
    second = headgate(*RUN, "--json", cwd=tmp_path, env={"HEADGATE_NOTIFY": url})
    assert (second.code, len(seen)) == (0, 2)
    assert second.json["status"] == "succeeded"
    assert "warning: the summary was not posted: 127.0.0.1 answered 410; the run itself was not harmed" in second.err
    shown = headgate("status", "--settings", cwd=tmp_path, env={"HEADGATE_NOTIFY": url}).out
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "hushhush" not in first.out + first.err + second.out + second.err + shown
    assert b"hushhush" not in files


def test_a_url_that_is_not_https_is_refused_before_anything(tmp_path):
    write_manifest(tmp_path)
    done = headgate(*RUN, "--notify", "http://hooks.example.com/hushhush", cwd=tmp_path)
    assert done.code == 2
    assert "setting notify (flag): must be https; nothing was sent\nhint: " in done.err
    assert "hushhush" not in done.err
    assert not (tmp_path / ".headgate").exists()
