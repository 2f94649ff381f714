"""Base, source and target connections: what is taken, what is refused, what is shown."""

import pytest

CASES = {
    "campaign-s3": ("CAMPAIGN", {"specName": "S3", "params": {"accessId": "x", "secretKey": "y"}}),
    "campaign-ssh": (
        "CAMPAIGN",
        {
            "specName": "SFTP with SSH Key",
            "params": {"domain": "d", "host": "h", "username": "u", "sshKey": "k"},
        },
    ),
    "campaign-blob": ("CAMPAIGN", {"specName": "Azure Blob", "params": {"connectionString": "c"}}),
    "legacy-sftp": (
        "SFTP_LEGACY",
        {
            "specName": "Basic Authentication for sftp",
            "params": {"host": "h", "username": "u", "password": "p"},
        },
    ),
    "landing-zone": ("DLZ", None),
    "profile-store": ("PROFILE_STORE", None),
}


def base(wire, spec_name, auth, name="base"):
    body = {"name": name, "connectionSpec": wire.spec(getattr(wire, spec_name))}
    return body if auth is None else {**body, "auth": auth}


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_tutorial_base_connections_are_taken(caller, wire, case):
    answer = await caller.post("/connections", base(wire, *CASES[case]))
    assert answer.status == 201
    assert set(answer.body) == {"id", "etag"}
    assert answer.body["etag"].startswith('"')
    assert answer.body["etag"].endswith('"')
    assert answer.headers["Location"].endswith("/connections/" + answer.body["id"])


async def test_secrets_are_forgotten(caller, wire):
    entity = await caller.fetched("connections", await caller.s3_base())
    assert entity["auth"] == {
        "specName": "Access Key",
        "params": {"s3AccessKey": "A" * 20, "s3SecretKey": "********"},
    }
    assert entity["version"] == entity["etag"]
    assert (entity["state"], entity["sandboxName"]) == ("enabled", "dev")
    assert not [key for key in entity if key.startswith("_")]


def without(body, *path):
    *parents, last = path
    holder = body
    for step in parents:
        holder = holder[step]
    del holder[last]
    return body


async def test_version_missing_is_422(caller, wire):
    body = without(base(wire, "S3", wire.S3_AUTH), "connectionSpec", "version")
    answer = await caller.post("/connections", body)
    assert answer.status == 422
    assert "'version' is required for spec info" in answer.body["message"]


@pytest.mark.parametrize("bad", ["3567r537-2a7b-4583-ac39-ed38d4b848e8", "", None, 5])
async def test_bad_spec_ids(caller, wire, bad):
    answer = await caller.post("/connections", {"name": "x", "connectionSpec": {"id": bad, "version": "1.0"}})
    assert (answer.status, answer.body) == (400, {"message": "Please provide a valid spec id"})


async def test_unknown_auth_spec_is_1415(caller, wire):
    answer = await caller.post("/connections", base(wire, "S3", {**wire.S3_AUTH, "specName": "S3"}))
    assert (answer.status, answer.code) == (400, "1415-400")
    assert answer.body["errorMessage"] == (
        f"The auth spec 'S3' could not be found for the connection spec ID {wire.S3}."
    )


async def test_auth_where_none_is_taken(caller, wire):
    assert (await caller.post("/connections", base(wire, "DLZ", wire.S3_AUTH))).code == "1415-400"


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"s3AccessKey": "A" * 20},
        {"s3AccessKey": "a" * 20, "s3SecretKey": "s" * 40},
        {"s3AccessKey": "A" * 20, "s3SecretKey": "short"},
        {"s3AccessKey": 5, "s3SecretKey": "s" * 40},
        None,
    ],
)
async def test_auth_params_are_checked_and_never_quoted(caller, wire, params):
    answer = await caller.post("/connections", base(wire, "S3", {"specName": "Access Key", "params": params}))
    assert answer.status == 400
    assert "short" not in answer.body["message"]
    assert caller.violations() == ["auth"]


async def test_auth_and_name_are_needed(caller, wire):
    assert (await caller.post("/connections", base(wire, "S3", None))).status == 400
    assert (await caller.post("/connections", without(base(wire, "S3", wire.S3_AUTH), "name"))).status == 400


@pytest.mark.parametrize(
    ("encryption", "status"),
    [
        ({"specName": "Encryption spec", "params": {"encryptionAlgo": "PGPGPG", "publicKey": "a2V5"}}, 201),
        ({"specName": "Encryption spec", "params": {"encryptionAlgo": "PGPGPG"}}, 400),
        ({"specName": "Encryption spec", "params": {"encryptionAlgo": "ROT13", "publicKey": "a2V5"}}, 400),
    ],
)
async def test_encryption(caller, wire, encryption, status):
    body = {**base(wire, "S3", wire.S3_AUTH), "encryptionSpecs": encryption}
    assert (await caller.post("/connections", body)).status == status


@pytest.mark.parametrize(
    "change",
    [
        {"baseConnectionId": "11111111-2222-4333-8444-555555555555"},
        {"baseConnectionId": None},
        {"data": {"format": "JSON"}},
        {"connectionSpec": {"id": "4fce964d-3f37-408f-9778-e597338a21ee", "version": "1.0"}},
    ],
)
async def test_source_connections(caller, wire, change):
    base_id = await caller.made("/connections", base(wire, "PROFILE_STORE", None))
    body = {
        "name": "s",
        "connectionSpec": wire.spec(wire.PROFILE_STORE),
        "baseConnectionId": base_id,
        "data": {"format": "CSV", "schema": None},
        "params": {},
    }
    assert (await caller.post("/sourceConnections", {**body, **change})).status == 400
    assert (await caller.post("/sourceConnections", body)).status == 201


async def test_dataset_sources_need_datasets(caller, wire):
    body = {"name": "s", "connectionSpec": wire.spec(wire.DATA_LAKE), "params": {}}
    assert (await caller.post("/sourceConnections", body)).status == 400
    body["params"] = {"datasets": [{"dataSetId": "5ef3e3259ad2a1191ab7dd7d", "name": "d"}]}
    assert (await caller.post("/sourceConnections", body)).status == 201


@pytest.mark.parametrize(
    "params",
    [
        {"bucketName": "UPPER"},
        {"bucketName": None},
        {"path": "a/%SEGMENT_ID%/b"},
        {"compression": "ZIP"},
        {"compression": None},
        {"fileType": None},
        {"fileType": "XML"},
        {"mode": "S3"},
        {"csvOptions": {"delimiter": "#"}},
        {"fileType": "JSON", "csvOptions": {"delimiter": ","}},
    ],
)
async def test_current_targets_are_checked(caller, wire, params):
    base_id = await caller.s3_base()
    merged = {key: value for key, value in {**wire.S3_TARGET, **params}.items() if value is not None}
    body = {"name": "t", "baseConnectionId": base_id, "connectionSpec": wire.spec(wire.S3), "params": merged}
    assert (await caller.post("/targetConnections", body)).status == 400
    assert caller.violations() == ["target"]


@pytest.mark.parametrize(
    "params",
    [
        {"path": ""},
        {"path": "a/%SEGMENT_ID%"},
        {"csvOptions": {"delimiter": "\t", "quote": ""}},
        {"fileType": "JSON"},
    ],
)
async def test_current_targets_that_are_taken(caller, params):
    await caller.s3_target(**params)


async def test_one_of_the_two_file_types_will_do(caller, wire):
    base_id = await caller.s3_base()
    params = {**wire.S3_TARGET, "datasetFileType": "PARQUET"}
    del params["fileType"]
    body = {"name": "t", "baseConnectionId": base_id, "connectionSpec": wire.spec(wire.S3), "params": params}
    assert (await caller.post("/targetConnections", body)).status == 201


async def legacy_target(caller, wire, params, data):
    base_id = await caller.made("/connections", base(wire, *CASES["campaign-s3"]))
    body = {
        "name": "t",
        "baseConnectionId": base_id,
        "connectionSpec": wire.spec(wire.CAMPAIGN),
        "params": params,
    }
    return await caller.post("/targetConnections", body if data is None else {**body, "data": data})


LITERAL = {"format": "json", "schema": {"id": "1.0", "version": "1.0"}}


@pytest.mark.parametrize(
    "params",
    [
        {"mode": "S3", "bucketName": "b", "path": "p", "format": "CSV"},
        {"mode": "AZURE_BLOB", "container": "c", "path": "p", "format": "CSV", "includeFileManifest": True},
        {"mode": "FTP", "remotePath": "/p"},
    ],
)
async def test_legacy_modes(caller, wire, params):
    assert (await legacy_target(caller, wire, params, LITERAL)).status == 201


@pytest.mark.parametrize(
    ("params", "data"),
    [
        ({"mode": "S3", "bucketName": "b", "path": "p", "format": "CSV"}, None),
        ({"mode": "S3", "bucketName": "b", "path": "p", "format": "CSV"}, {"format": "CSV"}),
        ({"mode": "S3", "bucketName": "b", "format": "CSV"}, LITERAL),
        ({"mode": "S3", "bucketName": "b", "path": "p"}, LITERAL),
        ({"mode": "FTP", "bucketName": "b", "path": "p", "format": "CSV"}, LITERAL),
        ({"mode": "FTP", "remotePath": "p", "format": "JSON"}, LITERAL),
        ({"mode": "Server-to-server", "bucketName": "b", "path": "p", "format": "CSV"}, LITERAL),
        ({"mode": "FTP", "remotePath": "p", "includeFileManifest": "yes"}, LITERAL),
    ],
)
async def test_legacy_mistakes(caller, wire, params, data):
    assert (await legacy_target(caller, wire, params, data)).status == 400


async def test_target_must_be_of_its_base_and_sandbox(caller, wire):
    base_id = await caller.s3_base()
    body = {
        "name": "t",
        "baseConnectionId": base_id,
        "connectionSpec": wire.spec(wire.DLZ),
        "params": wire.S3_TARGET,
    }
    assert (await caller.post("/targetConnections", body)).status == 400
    body["connectionSpec"] = wire.spec(wire.S3)
    assert (await caller.post("/targetConnections", body, headers={"x-sandbox-name": "prod"})).status == 400
    assert (await caller.post("/targetConnections", body)).status == 201


async def test_specs_can_be_looked_up(caller, wire):
    specs = (await caller.get("/connectionSpecs")).body["items"]
    assert {wire.S3, wire.CAMPAIGN, wire.PROFILE_STORE} <= {row["id"] for row in specs}
    one = (await caller.get(f"/connectionSpecs/{wire.S3}")).body["items"]
    assert one[0]["authSpec"][0]["name"] == "Access Key"
    assert (await caller.get("/connectionSpecs/none")).status == 404
    found = (await caller.get("/flowSpecs", {"property": 'name=="upsToCampaign"'})).body["items"]
    assert [row["targetConnectionSpecIds"] for row in found] == [[wire.CAMPAIGN]]
    assert found[0]["id"] != wire.LEGACY_FLOW  # a table entry must not stand in for the look-up
    assert (await caller.get(f"/flowSpecs/{found[0]['id']}")).body["items"] == found


async def patched(caller, path, operations):
    kind, entity_id = path.strip("/").split("/")
    return await caller.patch(path, operations, (await caller.fetched(kind, entity_id))["etag"])


async def test_patching_connections(caller, wire):
    base_id = await caller.s3_base()
    path = f"/connections/{base_id}"
    assert (await patched(caller, path, [{"op": "replace", "path": "/name", "value": "new"}])).status == 200
    answer = await patched(caller, path, [{"op": "replace", "path": "/connectionSpec", "value": wire.spec(wire.DLZ)}])
    assert answer.code == "1414-400"
    masked = (await caller.fetched("connections", base_id))["auth"]["params"]
    answer = await patched(caller, path, [{"op": "replace", "path": "/auth/params", "value": masked}])
    assert answer.status == 400
    assert caller.violations()[-1] == "masked-secret-written-back"
    params = {"s3AccessKey": "B" * 20, "s3SecretKey": "t" * 40}
    assert (await patched(caller, path, [{"op": "add", "path": "/auth/params", "value": params}])).status == 200
    assert (await caller.fetched("connections", base_id))["auth"]["params"]["s3AccessKey"] == "B" * 20
    assert (await patched(caller, path, [{"op": "remove", "path": "/auth/params"}])).status == 200


async def test_patching_a_target_takes_the_whole_params(caller, wire):
    target = await caller.s3_target()
    lossy = [{"op": "replace", "path": "/params", "value": {"bucketName": "other", "path": "p"}}]
    assert (await patched(caller, f"/targetConnections/{target}", lossy)).status == 400
    small = [{"op": "add", "path": "/params/appendSegmentId", "value": True}]
    assert (await patched(caller, f"/targetConnections/{target}", small)).status == 200
