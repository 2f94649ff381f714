"""Sources, schemas, datasets and mapping sets: what the documents ask for is asked for."""

import copy

import pytest

XDM = "/data/foundation/schemaregistry/tenant/schemas"
SETS = "/data/foundation/catalog/dataSets"
MAPPINGS = "/data/foundation/conversion/mappingSets"
PROFILE = "https://ns.adobe.com/xdm/context/profile"
CLOUD = "cb66ab34-8619-49cb-96d1-39b37ede86ea"
OTHER = "3416976c-a9ca-4bba-901a-1f08f66978ff"
LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
CRM = "14518937-270c-4525-bdec-c2ba7cce3860"
LIST = {"Accept": "application/vnd.adobe.xed+json"}
LISTED_TYPE = "application/vnd.adobe.xed-full-notext+json; version=1"
AUTH = {"specName": "Basic Authentication", "params": {"username": "u", "password": "p", "securityToken": "t"}}
#: Without an entry: not to be there at all.
GONE = object()


def spec(spec_id):
    return {"id": spec_id, "version": "1.0"}


def changed(body, path, value):
    """``body`` with the value at the dotted ``path`` replaced or gone."""
    made = copy.deepcopy(body)
    *outer, last = path.split(".")
    at = made
    for key in outer:
        at = at[int(key)] if isinstance(at, list) else at[key]
    if value is GONE:
        del at[last]
    else:
        at[int(last) if isinstance(at, list) else last] = value
    return made


def schema(title="Accounts"):
    return {
        "type": "object",
        "title": title,
        "description": "of accounts",
        "allOf": [{"$ref": PROFILE}, {"$ref": f"{PROFILE}-person-details"}],
        "meta:containerId": "tenant",
        "meta:resourceType": "schemas",
        "meta:xdmType": "object",
        "meta:class": PROFILE,
    }


def mapping(schema_id):
    row = {"destinationXdmPath": "_id", "sourceAttribute": "Id", "identity": False, "identityGroup": None}
    return {
        "version": 0,
        "xdmSchema": schema_id,
        "xdmVersion": "1.0",
        "id": None,
        "mappings": [{**row, "namespaceCode": None, "version": 0}],
    }


class Lake:
    """Everything a flow from a source needs, made by hand."""

    def __init__(self, caller):
        self.caller = caller

    async def made(self):
        caller = self.caller
        self.schema = (await caller.call("POST", XDM, schema())).body["$id"]
        dataset = {"name": "Accounts", "schemaRef": {"id": self.schema, "contentType": LISTED_TYPE}}
        answer = await caller.call("POST", SETS, dataset, params={"requestDataSource": "true"})
        assert answer.status == 201
        self.dataset = answer.body[0].removeprefix("@/dataSets/")
        answer = await caller.call("POST", MAPPINGS, mapping(self.schema))
        assert answer.status == 200, "Data Prep says 200 of what it has made"
        self.mapping = answer.body["id"]
        self.base = await caller.made("/connections", {"name": "cloud", "connectionSpec": spec(CLOUD), "auth": AUTH})
        self.source_body = {
            "name": "source",
            "baseConnectionId": self.base,
            "connectionSpec": spec(CLOUD),
            "data": {"format": "tabular"},
            "params": {"tableName": "T", "columns": [{"name": "Id", "type": "string", "xdm": {"type": "string"}}]},
        }
        self.source = await caller.made("/sourceConnections", self.source_body)
        self.target_body = {
            "name": "target",
            "connectionSpec": spec(LAKE),
            "data": {
                "format": "parquet_xdm",
                "schema": {"id": self.schema, "version": "application/vnd.adobe.xed-full+json;version=1"},
            },
            "params": {"dataSetId": self.dataset},
        }
        self.target = await caller.made("/targetConnections", self.target_body)
        self.flow_body = {
            "name": "flow",
            "flowSpec": spec(CRM),
            "sourceConnectionIds": [self.source],
            "targetConnectionIds": [self.target],
            "transformations": [
                {"name": "Copy", "params": {"deltaColumn": {"name": "Id"}}},
                {"name": "Mapping", "params": {"mappingId": self.mapping, "mappingVersion": "0"}},
            ],
            "scheduleParams": {"startTime": 1590792316, "frequency": "hour", "interval": 1, "backfill": True},
        }
        return self


@pytest.fixture
async def lake(caller):
    return await Lake(caller).made()


async def test_a_flow_from_a_source_is_made_and_shown(lake, caller):
    flow = await caller.fetched("flows", await caller.made("/flows", lake.flow_body))
    assert flow["inheritedAttributes"]["properties"] == {"isSourceFlow": True}
    assert flow["scheduleParams"]["interval"] == 1
    assert caller.violations() == []
    book = caller.sim.ledger()
    assert book["created"] == dict.fromkeys(book["created"], 1)
    assert book["duplicates"] == []
    (found,) = (await caller.get("/flowSpecs", {"property": 'name=="CRMToAEP"'})).body["items"]
    assert found["id"] == CRM
    assert CLOUD in found["sourceConnectionSpecIds"]
    specs = (await caller.get("/connectionSpecs")).body["items"]
    assert {CLOUD, OTHER, LAKE} <= {row["id"] for row in specs}


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("auth", GONE, "400:create"),
        ("auth.specName", "Password", "1415-400"),
        ("auth.params.securityToken", GONE, "400:create"),
        ("auth.params.password", 5, "400:create"),
        ("connectionSpec.version", "", "422:version"),
    ],
)
async def test_accounts_of_sources_are_judged_by_their_spec(caller, path, value, code):
    body = {"name": "cloud", "connectionSpec": spec(CLOUD), "auth": AUTH}
    answer = await caller.post("/connections", changed(body, path, value))
    assert answer.status in (400, 422)
    assert caller.sim.ledger()["refusals"] == {code: 1}
    assert caller.violations()


async def test_of_a_source_that_is_only_an_id_any_credentials_are_taken_and_masked(caller):
    auth = {"specName": "Whatever", "params": {"host": "h", "password": "fake"}}
    made = await caller.made("/connections", {"name": "x", "connectionSpec": spec(OTHER), "auth": auth})
    assert (await caller.fetched("connections", made))["auth"]["params"] == {"host": "h", "password": "********"}
    assert (await caller.post("/connections", {"name": "y", "connectionSpec": spec(OTHER)})).status == 400


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("baseConnectionId", GONE),
        ("data.format", "json"),
        ("params.tableName", ""),
        ("params.columns", []),
        ("params.columns.0.xdm", GONE),
        ("params.columns.0.type", GONE),
        ("params.columns", [{"name": "a", "type": "string", "xdm": {"type": "string"}}] * 2),
        ("connectionSpec.id", OTHER),
    ],
)
async def test_tables_are_judged(lake, caller, path, value):
    assert (await caller.post("/sourceConnections", changed(lake.source_body, path, value))).status == 400
    assert len(caller.violations()) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.format", "json"),
        ("data.schema.version", "1.0"),
        ("data.schema.id", "https://ns.adobe.com/x/schemas/none"),
        ("params.dataSetId", "0" * 24),
        ("params", GONE),
    ],
)
async def test_the_lake_takes_a_dataset_that_exists(lake, caller, path, value):
    assert (await caller.post("/targetConnections", changed(lake.target_body, path, value))).status == 400
    assert len(caller.violations()) == 1


async def test_schema_dataset_and_mapping_must_agree(lake, caller):
    other = (await caller.call("POST", XDM, schema("Other"))).body["$id"]
    answer = await caller.post("/targetConnections", changed(lake.target_body, "data.schema.id", other))
    assert answer.code == "1425-400"
    strange = (await caller.call("POST", MAPPINGS, mapping(other))).body["id"]
    answer = await caller.post("/flows", changed(lake.flow_body, "transformations.1.params.mappingId", strange))
    assert answer.code == "1425-400"


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("flowSpec.id", "1a0514a6-33d4-4c7f-aff8-594799c47549", "400:create"),
        ("transformations", [], "400:create"),
        ("transformations", GONE, "400:create"),
        ("transformations.0.name", "copy", "400:create"),
        ("transformations.0.params.deltaColumn", GONE, "400:create"),
        ("transformations.0.params.deltaColumn.dateFormat", "YYYY-MM-DD", "400:create"),
        ("transformations.1.params.mappingVersion", 0, "1412-400"),
        ("transformations.1.params.mappingVersion", "1", "1412-400"),
        ("transformations.1.params.mappingId", "0" * 32, "1419-400"),
        ("scheduleParams", GONE, "400:create"),
        ("scheduleParams.startTime", "soon", "400:create"),
        ("scheduleParams.startTime", 1590792316000, "400:create"),
        ("scheduleParams.interval", "-1", "400:create"),
        ("scheduleParams.interval", "0", "400:create"),
        ("scheduleParams.interval", GONE, "400:create"),
        ("scheduleParams.interval", 0, "400:create"),
        ("scheduleParams.backfill", "yes", "400:create"),
        ("scheduleParams.frequency", "once", "400:create"),
        ("scheduleParams.frequency", "monthly", "400:create"),
        ("scheduleParams", {"startTime": 1, "frequency": "minute", "interval": 14}, "400:create"),
    ],
)
async def test_flows_of_sources_are_judged(lake, caller, path, value, code):
    assert (await caller.post("/flows", changed(lake.flow_body, path, value))).status == 400
    assert caller.sim.ledger()["refusals"] == {code: 1}
    assert len(caller.violations()) == 1


async def test_a_schedule_of_texts_is_taken_and_kept_typed(lake, caller):
    """As the tutorial's own sample has it."""
    texts = {"startTime": "1590792316", "frequency": "minute", "interval": "15", "backfill": "true"}
    made = await caller.made("/flows", {**lake.flow_body, "scheduleParams": texts})
    kept = (await caller.fetched("flows", made))["scheduleParams"]
    assert kept == {"startTime": 1590792316, "frequency": "minute", "interval": 15, "backfill": True}
    assert caller.violations() == []


async def test_a_destinations_flow_does_not_lead_into_the_lake(lake, caller):
    body = await caller.flow_body()
    assert (await caller.post("/flows", {**body, "targetConnectionIds": [lake.target]})).status == 400
    assert (
        await caller.post("/flows", {**lake.flow_body, "targetConnectionIds": body["targetConnectionIds"]})
    ).status == 400
    assert (
        await caller.post("/flows", {**lake.flow_body, "sourceConnectionIds": body["sourceConnectionIds"]})
    ).status == 400


# -- the Schema Registry --------------------------------------------------------------------------------------------------


async def test_a_title_is_taken_once_in_a_sandbox(lake, caller):
    answer = await caller.call("POST", XDM, schema())
    assert answer.status == 400
    assert answer.body["type"].endswith("XDM-3005-400")
    assert lake.schema in answer.body["detail"]
    assert (await caller.call("POST", XDM, schema(), headers={"x-sandbox-name": "prod"})).status == 201
    assert caller.violations() == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("title", GONE),
        ("type", "array"),
        ("allOf", []),
        ("allOf", [{"$ref": f"{PROFILE}-person-details"}]),
        ("allOf", [{"$ref": PROFILE}, {"$ref": "https://ns.adobe.com/xdm/context/experienceevent"}]),
        ("allOf.1.$ref", "https://ns.adobe.com/acme/mixins/0123"),
        ("allOf.1.$ref", PROFILE),
        ("meta:class", "https://ns.adobe.com/xdm/context/experienceevent"),
        ("colour", "red"),
    ],
)
async def test_schemas_are_judged(caller, path, value):
    assert (await caller.call("POST", XDM, changed(schema(), path, value))).status == 400
    assert caller.violations() == ["schema"]


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("", None, "XDM-1006-400"),
        ("", "application/json", "XDM-1006-400"),
        ("", "application/vnd.adobe.xed+json; version=1", "XDM-1006-400"),
        ("", "application/vnd.adobe.xed-id+json", ""),
        ("", "application/vnd.adobe.xed+json", ""),
        ("/{id}", None, "XDM-1007-400"),
        ("/{id}", "application/vnd.adobe.xed+json", "XDM-1007-400"),
        ("/{id}", "application/vnd.adobe.xed-full+json; version=1", ""),
        ("/{id}", "application/vnd.adobe.xed+json; version=2", "406"),
        ("/none", "application/vnd.adobe.xed+json; version=1", "XDM-1012-404"),
    ],
)
async def test_accept_is_part_of_the_question(lake, caller, path, accept, status):
    alt = "_" + lake.schema.removeprefix("https://ns.adobe.com/").replace("/", ".")
    answer = await caller.call("GET", XDM + path.format(id=alt), headers={"Accept": accept})
    said = "" if answer.status == 200 else answer.body["type"]
    assert status in said
    assert bool(status) == bool(said)
    assert caller.violations() == (["accept"] if "100" in status else [])


async def test_pages_of_schemas_start_after_a_value(caller):
    for letter in "cab":
        await caller.call("POST", XDM, schema(letter))

    async def titles(**params):
        answer = await caller.call("GET", XDM, headers=LIST, params=params)
        return [row["title"] for row in answer.body["results"]] if answer.status == 200 else answer.status

    assert await titles() == ["c", "a", "b"]
    assert await titles(orderby="title", limit="2") == ["a", "b"]
    assert await titles(orderby="title", limit="2", start="b") == ["c"]
    assert await titles(orderby="-title") == ["c", "b", "a"]
    assert await titles(property="title==b") == ["b"]
    assert await titles(limit="2") == 400
    assert await titles(start="b") == 400
    assert caller.violations() == ["query", "query"]


async def test_a_short_list_has_no_descriptions(lake, caller):
    answer = await caller.call("GET", XDM, headers={"Accept": "application/vnd.adobe.xed-id+json"})
    assert set(answer.body["results"][0]) == {"$id", "meta:altId", "version", "title"}


async def test_a_schema_is_found_by_either_id_and_deleted(lake, caller):
    one = {"Accept": "application/vnd.adobe.xed+json; version=1"}
    answer = await caller.call("GET", f"{XDM}/{lake.schema}", headers=one)
    assert answer.body["title"] == "Accounts"
    assert (await caller.call("DELETE", f"{XDM}/{lake.schema}")).status == 204
    assert (await caller.call("GET", f"{XDM}/{lake.schema}", headers=one)).status == 404
    assert caller.sim.ledger()["requests"]["byEndpoint"]["GET /tenant/schemas/{id}"] == 2


# -- Catalog --------------------------------------------------------------------------------------------------------------


async def test_datasets_are_listed_by_id_and_in_pages(lake, caller):
    for number in range(3):
        reference = {"id": lake.schema, "contentType": LISTED_TYPE}
        await caller.call("POST", SETS, {"name": f"n{number}", "description": "d", "schemaRef": reference})

    async def names(**params):
        answer = await caller.call("GET", SETS, params=params)
        return [row["name"] for row in answer.body.values()] if answer.status == 200 else answer.status

    assert await names() == ["Accounts", "n0", "n1", "n2"]
    assert await names(limit="2", start="1") == ["n0", "n1"]
    assert await names(start="4") == []
    assert await names(name="n1") == ["n1"]
    assert await names(orderBy="desc:created")
    answer = await caller.call("GET", SETS, params={"properties": "name,description", "start": "1", "limit": "1"})
    assert list(answer.body.values()) == [{"name": "n0", "description": "d"}]
    for wrong in ({"limit": "0"}, {"limit": "101"}, {"start": "x"}, {"orderBy": "created"}, {"continuationToken": "x"}):
        assert await names(**wrong) == 400
    assert caller.violations() == ["query"] * 5
    answer = await caller.call("GET", f"{SETS}/{lake.dataset}")
    assert answer.body[lake.dataset]["schemaRef"]["id"] == lake.schema
    assert (await caller.call("DELETE", f"{SETS}/{lake.dataset}")).body == [f"@/dataSets/{lake.dataset}"]
    assert (await caller.call("GET", f"{SETS}/{lake.dataset}")).body["title"] == "NotFoundError"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", GONE),
        ("schemaRef", GONE),
        ("schemaRef.id", "https://ns.adobe.com/x/schemas/none"),
        ("schemaRef.contentType", "application/json"),
        ("colour", "red"),
    ],
)
async def test_datasets_are_judged(lake, caller, path, value):
    body = {"name": "n", "schemaRef": {"id": lake.schema, "contentType": LISTED_TYPE}}
    assert (await caller.call("POST", SETS, changed(body, path, value))).status == 400
    assert len(caller.violations()) == 1


# -- Data Prep --------------------------------------------------------------------------------------------------------------


async def test_mapping_sets_are_listed_with_both_parameters_only(lake, caller):
    await caller.call("POST", MAPPINGS, {**mapping(lake.schema), "name": "named"})

    async def names(**params):
        answer = await caller.call("GET", MAPPINGS, params=params)
        return [row.get("name") for row in answer.body["data"]] if answer.status == 200 else answer.status

    assert await names(limit="10", start="0") == [None, "named"]
    assert await names(limit="1", start="1", orderBy="+createdDate") == ["named"]
    assert await names(limit="10", start="0", orderBy="-createdDate") == ["named", None]
    assert await names(limit="10", start="0", name="named") == ["named"]
    for wrong in (
        {},
        {"limit": "10"},
        {"start": "0"},
        {"limit": "0", "start": "0"},
        {"limit": "5", "start": "0", "orderBy": "x"},
    ):
        assert await names(**wrong) == 400
    assert caller.violations() == ["query"] * 5
    one = await caller.call("GET", f"{MAPPINGS}/{lake.mapping}")
    assert one.body["mappings"][0]["destinationXdmPath"] == "_id"
    assert (await caller.call("GET", f"{MAPPINGS}/none")).status == 404


async def test_both_dialects_are_taken(lake, caller):
    row = {"sourceType": "ATTRIBUTE", "source": "Id", "destination": "_id"}
    body = {"outputSchema": {"schemaRef": {"id": lake.schema, "contentType": "x"}}, "mappings": [row]}
    made = (await caller.call("POST", MAPPINGS, body)).body["id"]
    shown = (await caller.call("GET", f"{MAPPINGS}/{made}")).body
    assert (shown["xdmSchema"], shown["mappings"][0]["sourceAttribute"]) == (lake.schema, "Id")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("xdmSchema", "none"),
        ("xdmSchema", GONE),
        ("xdmVersion", GONE),
        ("id", "mine"),
        ("version", 1),
        ("mappings", []),
        ("mappings.0.sourceAttribute", GONE),
        ("mappings.0.identity", "no"),
        ("colour", "red"),
    ],
)
async def test_mapping_sets_are_judged_without_a_word(lake, caller, path, value):
    answer = await caller.call("POST", MAPPINGS, changed(mapping(lake.schema), path, value))
    assert (answer.status, answer.raw) == (400, b"")
    assert len(caller.violations()) == 1


# -- runs -------------------------------------------------------------------------------------------------------------------


async def test_runs_of_a_source_begin_by_the_clock(lake, caller, start, clock):
    body = changed(lake.flow_body, "scheduleParams.startTime", int(clock.at) + 60)
    flow = await caller.made("/flows", body)

    async def runs():
        answer = await caller.get("/runs", {"property": f"flowId=={flow}", "limit": "100"})
        return answer.body["items"]

    assert await runs() == []
    caller.sim.advance(61)
    (run,) = await runs()
    assert run["metrics"]["statusSummary"]["status"] == "processing"
    caller.sim.advance(600)
    (run,) = await runs()
    assert run["metrics"]["statusSummary"]["status"] == "success"
    assert [row["name"] for row in run["activities"]] == ["copyActivity", "promotionActivity"]
    assert "entitySummaries" not in str(run)
    assert run["sourceInfo"][0]["id"] == lake.source
    assert (await caller.get(f"/runs/{run['id']}")).body["items"][0]["id"] == run["id"]
    caller.sim.advance(3 * 3600)
    assert len(await runs()) == 4
    assert (await caller.fetched("flows", flow))["lastRunDetails"]["state"] == "success"
    caller.sim.advance(10_000 * 3600)
    assert len(await runs()) == 54, "of a long silence only the latest come true"
    assert caller.sim.ledger()["activations"]["foreign"] == []


async def test_once_is_once_and_a_disabled_flow_rests(lake, caller):
    flow = await caller.made(
        "/flows", changed(lake.flow_body, "scheduleParams", {"startTime": 1590792316, "frequency": "once"})
    )
    assert len((await caller.get("/runs")).body["items"]) == 1
    caller.sim.advance(1e6)
    assert len((await caller.get("/runs")).body["items"]) == 1
    resting = await caller.made("/flows", {**lake.flow_body, "name": "resting"})
    await caller.post(f"/flows/{resting}/action?op=disable")
    assert (await caller.get("/runs", {"property": f"flowId=={resting}"})).body["items"] == []
    assert flow != resting


async def test_a_run_that_fails_or_is_partial_says_so_as_sources_do(lake, start):
    for share, state in (("run_failure_share", "failed"), ("run_partial_share", "success")):
        caller = await start(**{share: 1.0})
        made = await Lake(caller).made()
        await caller.made("/flows", made.flow_body)
        await caller.get("/runs")
        caller.sim.advance(600)
        run = (await caller.get("/runs")).body["items"][-1]
        summary = run["metrics"]["statusSummary"]
        assert summary["status"] == state
        assert summary["errors"][0]["code"].startswith("CONNECTOR-")


async def test_a_world_with_a_lake_is_reloaded(start, tmp_path):
    caller = await start(world=tmp_path / "world.jsonl")
    lake = await Lake(caller).made()
    flow = await caller.made("/flows", lake.flow_body)
    await caller.get("/runs")
    await caller.sim.stop()
    again = await start(world=tmp_path / "world.jsonl")
    assert again.sim.ledger()["objects"] == caller.sim.ledger()["objects"]
    assert (await again.fetched("flows", flow))["name"] == "flow"
    assert len((await again.get("/runs")).body["items"]) >= 1
    answer = await again.call("POST", XDM, schema())
    assert answer.status == 400


async def test_what_is_no_endpoint_is_told(caller):
    for path in (
        "/data/foundation/catalog/batches",
        f"{MAPPINGS}/x/mappings",
        "/data/foundation/schemaregistry/global/schemas",
    ):
        assert (await caller.call("GET", path, headers=LIST)).status in (404, 405)
    assert (await caller.call("PUT", f"{XDM}/x", {"a": 1})).status == 405
