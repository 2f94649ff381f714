"""What headgate says and what the embedded platform answers, held against the published OpenAPI files.

The traffic is real: every scenario runs headgate against the embedded platform through a recorder. Whatever differs from
a file is a bug or stands in ``DIFFERENCES`` with its reason; what stands there must occur.
"""

import asyncio
import copy
from collections import defaultdict
from pathlib import Path

import pytest

from tests import virtual
from tests.contract.openapi import scenarios, scenarios_flows, scenarios_lake  # noqa: F401 - they enter themselves
from tests.contract.openapi.differences import DIFFERENCES
from tests.contract.openapi.judge import VARIABLE, differences, endpoint_of, folder, specs
from tests.contract.openapi.stage import SCENARIOS
from tests.contract.openapi.templates import endpoints, is_of

ROOT = Path(__file__).parents[3]
FLOW = "/data/foundation/flowservice"


@pytest.fixture(scope="module")
def published():
    where = folder()
    if not where.is_dir():
        pytest.skip(f"no OpenAPI files at {where}; set {VARIABLE} to their folder")
    return specs(where)


@pytest.fixture(scope="module")
def traffic(published, tmp_path_factory):
    async def everything():
        place = tmp_path_factory.mktemp("traffic")
        return [exchange for name, play in SCENARIOS.items() for exchange in await play(place / name)]

    with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=virtual.VirtualLoop) as runner:
        virtual.install(patch)
        return runner.run(everything())


@pytest.fixture(scope="module")
def found(traffic, published):
    """Every difference, and an exchange that shows it."""
    shown = defaultdict(list)
    for exchange in traffic:
        for difference in differences(exchange, published):
            shown[difference].append(exchange)
    return shown


def test_every_difference_from_the_published_files_is_known(found):
    unknown = [
        f"{' | '.join(difference)}  (scenario {exchanges[0].scenario})"
        for difference, exchanges in sorted(found.items())
        if not any(known.fits(difference) for known in DIFFERENCES)
    ]
    assert not unknown, "a bug of ours, or one more line for DIFFERENCES:\n" + "\n".join(unknown)


def test_every_known_difference_still_occurs(found):
    gone = [" | ".join(known[:4]) for known in DIFFERENCES if not any(known.fits(each) for each in found)]
    assert not gone, "no longer so, take it out of DIFFERENCES:\n" + "\n".join(gone)


def test_every_request_the_client_knows_was_made(traffic):
    """Endpoints are read from the source: one that no scenario brings about needs a scenario."""
    known = endpoints(ROOT / "src" / "headgate")
    collections = ("connections", "sourceConnections", "targetConnections", "flows")
    assert {f"{verb} /{name}" for verb in ("GET", "POST") for name in collections} <= known
    assert {f"{verb} /{name}/{{id}}" for verb in ("GET", "PATCH", "DELETE") for name in collections} <= known
    missing = [each for each in sorted(known) if not any(is_of(exchange, each) for exchange in traffic)]
    assert not missing, f"no scenario makes {missing}: add one"


def test_endpoints_are_read_from_f_strings(tmp_path):
    lines = (
        'call("GET /runs", f"/runs/{run}", "said: GET /no")',
        'f"PATCH /{spec.collection}/{{id}}"',
        'f"POST {DIALECTS[spec.collection].path}"',
    )
    (tmp_path / "some.py").write_text("\n".join(lines))
    found = endpoints(tmp_path)
    assert {"GET /runs", "PATCH /flows/{id}", "PATCH /connections/{id}", "POST /tenant/schemas"} <= found
    assert not {"GET /no", "GET /x"} & found
    (tmp_path / "some.py").write_text('f"GET /{anything}"')
    with pytest.raises(LookupError, match="anything"):
        endpoints(tmp_path)


def test_requests_carry_what_the_gateway_wants(traffic):
    for exchange in traffic:
        assert {"authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name"} <= exchange.headers.keys()
        assert ("content-type" in exchange.headers) == (exchange.method not in ("GET", "DELETE")), exchange.method


def test_ad_hoc_versions_are_told_apart_by_accept_alone(traffic):
    accepts = {
        ("exportIds" in exchange.body, exchange.headers.get("accept"))
        for exchange in traffic
        if exchange.path.endswith("/adhocrun")
    }
    assert accepts == {(False, "application/vnd.adobe.adhoc.activation+json; version=2"), (True, None)}


@pytest.mark.parametrize(
    ("endpoint", "spoil", "where", "what"),
    [
        ("POST /flows", lambda e: e.body.pop("name"), "request body", "required 'name'"),
        ("POST /flows", lambda e: e.body.update(sourceConnectionIds="x"), "request body", "type array, not string"),
        ("POST /flows", lambda e: e.body.update(nmae="x"), "request body", "key 'nmae' is not in the spec"),
        ("POST /flows", lambda e: e.answer.update(id=7), "201 body", "id: type string, not integer"),
        ("POST /flows", lambda e: e.headers.pop("x-api-key"), "request headers", "x-api-key: required"),
        ("GET /flows", lambda e: e.query.append(("filter", "x")), "query", "filter: is not in the spec"),
        ("GET /flows", lambda e: e.query.insert(0, ("limit", "ten")), "query", "limit: body: type integer, not string"),
        ("GET /runs", lambda e: setattr(e, "status", 418), "418", "this status is not in the spec"),
        ("POST /adhocrun", lambda e: e.body.pop("activationInfo"), "request body", "required 'activationInfo'"),
        ("GET /export/jobs", lambda e: e.query.append(("status", "DONE")), "query", "status: body: enum, 'DONE'"),
    ],
)
def test_the_judge_sees_what_is_wrong(traffic, published, endpoint, spoil, where, what):
    good = next(each for each in traffic if endpoint_of(each, published) == endpoint and each.status < 300)
    before = set(differences(good, published))
    bad = copy.deepcopy(good)
    spoil(bad)
    news = set(differences(bad, published)) - before
    assert any(each.where == where and what in each.what for each in news), news


def test_what_is_in_no_file_is_told(traffic, published):
    stray = copy.deepcopy(traffic[0])
    stray.path = FLOW + "/nonsense"
    assert [each.what for each in differences(stray, published)] == ["is in no spec"]
