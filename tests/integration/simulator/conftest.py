"""A caller that spells the wire format by hand, and clocks that stand still until told."""

import contextlib

import aiohttp
import pytest

from headgate.simulator import Simulator

FLOW = "/data/foundation/flowservice"
ADHOC = "/data/core/activation/disflowprovider/adhocrun"
UPS = "/data/core/ups"
V2 = "application/vnd.adobe.adhoc.activation+json; version=2"
PROFILE_STORE = "8a9c3494-9708-43d7-ae3f-cda01e5030e1"
DATA_LAKE = "23598e46-f560-407b-88d5-ea6207e49db0"
S3 = "4fce964d-3f37-408f-9778-e597338a21ee"
S3_FLOW = "1a0514a6-33d4-4c7f-aff8-594799c47549"
DATASET = "5ef3e3259ad2a1191ab7dd7d"
S3_DATASETS = "269ba276-16fc-47db-92b0-c1049a3c131f"
CAMPAIGN = "0b23e41a-cb4a-4321-a78f-3b654f5d7d97"
DLZ = "10440537-2a7b-4583-ac39-ed38d4b848e8"
SFTP_LEGACY = "64ef4b8b-a6e0-41b5-9677-3805d1ee5dd0"
LEGACY_FLOW = "71471eba-b620-49e4-90fd-23f1fa0174d8"
S3_AUTH = {"specName": "Access Key", "params": {"s3AccessKey": "A" * 20, "s3SecretKey": "s" * 40}}
S3_TARGET = {
    "mode": "Server-to-server",
    "bucketName": "acme-exports",
    "path": "out/",
    "fileType": "CSV",
    "compression": "GZIP",
}
NOON = 1_798_804_800.0  # 2027-01-01T12:00:00Z


class ManualClock:
    """Time that moves when told; nobody waits."""

    def __init__(self, now=NOON):
        self.at = now
        self.slept = []

    def mono(self):
        return self.at

    def now(self):
        return self.at

    async def sleep(self, seconds):
        self.slept.append(seconds)


def spec(spec_id):
    return {"id": spec_id, "version": "1.0"}


def transformation(current=True):
    if current:
        params = {
            "mandatoryFields": [],
            "primaryFields": [],
            "profileMapping": {},
            "segmentSelectors": {"selectors": []},
        }
    else:
        params = {"segmentSelectors": {"selectors": []}, "profileSelectors": {"selectors": []}}
    return {"name": "GeneralTransform", "params": params}


def add_audience(audience, name=None, **schedule):
    value = {
        "id": audience,
        "name": name or f"Name of {audience}",
        "filenameTemplate": "%DESTINATION_NAME%_%SEGMENT_ID%_%DATETIME(YYYYMMdd_HHmmss)%",
        "exportMode": "DAILY_FULL_EXPORT",
        "schedule": {
            "frequency": "ONCE",
            "triggerType": "SCHEDULED",
            "startDate": "2026-12-20",
            "startTime": "17:00",
            **schedule,
        },
    }
    return {
        "op": "add",
        "path": "/transformations/0/params/segmentSelectors/selectors/-",
        "value": {"type": "PLATFORM_SEGMENT", "value": value},
    }


class Answer:
    def __init__(self, status, headers, raw, body):
        self.status, self.headers, self.raw, self.body = status, headers, raw, body

    @property
    def code(self):
        return (self.body or {}).get("type", "").rpartition("FLOW-")[2]


class Caller:
    """A session, a token, every header; each can be left out (``None``) or replaced."""

    def __init__(self, sim, session):
        self.sim, self.session = sim, session
        known = sim.credentials
        self.base_headers = {
            "Authorization": f"Bearer {sim.issue_token()}",
            "x-api-key": known["client_id"],
            "x-gw-ims-org-id": known["org_id"],
            "x-sandbox-name": "dev",
            "Content-Type": "application/json",
        }

    async def call(self, method, path, body=None, *, headers=None, params=None, data=None):
        merged = {**self.base_headers, **(headers or {})}
        merged = {key: value for key, value in merged.items() if value is not None}
        async with self.session.request(
            method,
            self.sim.url + path,
            json=body,
            data=data,
            params=params,
            headers=merged,
            skip_auto_headers=("Content-Type", "Accept"),
        ) as response:
            raw = await response.read()
            is_json = raw and response.content_type == "application/json"
            return Answer(response.status, response.headers, raw, await response.json() if is_json else None)

    async def get(self, path, params=None, **more):
        return await self.call("GET", FLOW + path, params=params, **more)

    async def post(self, path, body=None, **more):
        return await self.call("POST", FLOW + path, body, **more)

    async def patch(self, path, body, etag=None, **more):
        return await self.call("PATCH", FLOW + path, body, headers={"If-Match": etag}, **more)

    async def delete(self, path, **more):
        return await self.call("DELETE", FLOW + path, **more)

    async def made(self, path, body):
        answer = await self.post(path, body)
        assert answer.status == 201, answer.body
        return answer.body["id"]

    async def source(self, name="source"):
        base = await self.made("/connections", {"name": f"base of {name}", "connectionSpec": spec(PROFILE_STORE)})
        body = {
            "name": name,
            "connectionSpec": spec(PROFILE_STORE),
            "baseConnectionId": base,
            "data": {"format": "CSV", "schema": None},
            "params": {},
        }
        return await self.made("/sourceConnections", body)

    async def s3_base(self, name="s3"):
        return await self.made("/connections", {"name": name, "connectionSpec": spec(S3), "auth": S3_AUTH})

    async def s3_target(self, name="target", base=None, **params):
        base = base or await self.s3_base(f"s3 of {name}")
        body = {
            "name": name,
            "baseConnectionId": base,
            "connectionSpec": spec(S3),
            "params": {**S3_TARGET, **params},
        }
        return await self.made("/targetConnections", body)

    async def flow_body(self, name="flow"):
        return {
            "name": name,
            "flowSpec": spec(S3_FLOW),
            "sourceConnectionIds": [await self.source(f"source of {name}")],
            "targetConnectionIds": [await self.s3_target(f"target of {name}")],
            "transformations": [transformation()],
        }

    async def flow(self, name="flow", audiences=(), **schedule):
        """A flow with mapped audiences; settled, so that its next patch is taken."""
        made = (await self.post("/flows", await self.flow_body(name))).body
        if audiences:
            operations = [add_audience(audience, **schedule) for audience in audiences]
            answer = await self.patch(f"/flows/{made['id']}", operations, made["etag"])
            assert answer.status in (200, 202), answer.body
            self.sim.advance(60)
        return made["id"]

    async def fetched(self, kind, entity_id):
        answer = await self.get(f"/{kind}/{entity_id}")
        assert answer.status == 200, answer.body
        return answer.body["items"][0]

    async def adhoc(self, info, *, accept=V2, **more):
        body = {"activationInfo": info, **more}
        return await self.call("POST", ADHOC, body, headers={"Accept": accept})

    def violations(self):
        return [row["rule"] for row in self.sim.ledger()["violations"]]


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def start(clock):
    """``await start(**options)`` gives a caller of a fresh platform."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(**options):
            options.setdefault("clock", clock)
            options.setdefault("patch_status", "200")
            sim = await stack.enter_async_context(Simulator(**options))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return Caller(sim, session)

        yield begin


@pytest.fixture
async def caller(start):
    return await start()


@pytest.fixture
def wire():
    """This file's names, for tests (import mode importlib has no packages)."""
    import sys

    return sys.modules[__name__]
