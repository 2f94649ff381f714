"""From lists of any shape to a manifest: what cannot be written is said, and nothing is guessed."""

from __future__ import annotations

from copy import deepcopy

import yaml

from headgate.catalogue import batch, profile_store
from headgate.export import Live, assemble, manifest_text

S3 = batch("amazon_s3")
SEGMENT = {
    "type": "PLATFORM_SEGMENT",
    "value": {
        "id": "9f7d37fd-7039-4454-94ef-2b0cd6c3206a",
        "name": "Yes",
        "createTime": "1700000000",
        "exportMode": "DAILY_FULL_EXPORT",
        "schedule": {"frequency": "ONCE", "triggerType": "SCHEDULED", "startDate": "2026-12-20", "startTime": "17:00"},
    },
}
LISTS = {
    "flows": [
        {
            "id": "f1",
            "name": "Costs $5",
            "description": "For us [headgate:0123456789abcdef01234567]",
            "sourceConnectionIds": ["s1"],
            "targetConnectionIds": ["t1"],
            "transformations": [{"name": "GeneralTransform", "params": {"segmentSelectors": {"selectors": [SEGMENT]}}}],
        }
    ],
    "targetConnections": [
        {
            "id": "t1",
            "baseConnectionId": "b1",
            "connectionSpec": {"id": S3.connection_spec_id},
            "params": {"mode": "Server-to-server", "bucketName": "acme", "path": "x", "fileType": "CSV", "compression": "GZIP"},
        }
    ],
    "sourceConnections": [{"id": "s1", "connectionSpec": {"id": profile_store()["connectionSpecId"]}}],
    "connections": [
        {
            "id": "b1",
            "name": "S3",
            "connectionSpec": {"id": S3.connection_spec_id},
            "auth": {"specName": "Access Key", "params": {"s3AccessKey": "AKIA", "s3SecretKey": "hushhush"}},
        }
    ],
}  # fmt: skip


def made(change=None, **options):
    lists = deepcopy(LISTS)
    if change is not None:
        change(lists)
    return assemble(Live.of(lists), "m", **options)


def test_an_entry_holds_what_was_asked_for_and_nothing_the_platform_added():
    found = made()
    (entry,) = found.manifest["entries"]
    assert entry["name"] == "Costs $$5"
    assert entry["description"] == "For us"
    assert entry["target"] == {"bucketName": "acme", "path": "x", "compression": "GZIP"}
    assert "createTime" not in entry["audiences"][0]
    assert found.ids == [
        {"item": "Costs $5", "flow": "f1", "targetConnection": "t1", "sourceConnection": "s1", "baseConnection": "b1"}
    ]


def test_secrets_are_references_and_the_head_says_which():
    found = made()
    assert found.manifest["connections"]["s3"]["auth"]["params"] == {
        "s3AccessKey": "AKIA",
        "s3SecretKey": "${env:S3_S3_SECRET_KEY}",
    }
    text = manifest_text(found, "dev")
    assert "hushhush" not in text
    assert "S3_S3_SECRET_KEY" in text.splitlines()[2]
    assert yaml.safe_load(text) == found.manifest
    assert '"17:00"' in text
    assert '"Yes"' in text, "a word that some readers take for true is quoted"


def test_what_cannot_be_written_is_left_out_with_the_reason():
    def broken(lists):
        one = lists["flows"][0]
        lists["flows"] += [
            {**one, "id": "f2", "name": "no target", "targetConnectionIds": ["gone"]},
            {**one, "id": "f3", "name": "two sources", "sourceConnectionIds": ["s1", "s1"]},
            {**one, "id": "f4", "name": "no audience", "transformations": []},
            {**one, "id": "f5", "name": "stranger", "sourceConnectionIds": ["s2"]},
            {"id": "f6"},
        ]
        lists["sourceConnections"].append({"id": "s2", "connectionSpec": {"id": "crm"}})

    found = made(broken)
    assert len(found.manifest["entries"]) == 1
    assert [text.partition(": ")[2] for text in found.left] == [
        "it has no target connections, and one is expected",
        "no audience is mapped to it",
        "its target connection gone is not there",
        "no kind of entry makes such a flow",
        "it has 2 source connections, and one is expected",
    ]
    assert "Not in this manifest" in manifest_text(found, "dev")


def test_namesakes_are_told_apart_and_accounts_of_one_name_too():
    def twins(lists):
        lists["flows"].append({**lists["flows"][0], "id": "f2-abcdef", "targetConnectionIds": ["t2"]})
        lists["targetConnections"].append({**lists["targetConnections"][0], "id": "t2", "baseConnectionId": "b2"})
        lists["connections"].append({**lists["connections"][0], "id": "b2"})

    found = made(twins)
    assert [row["item"] for row in found.ids] == ["Costs $5", "Costs $5 (f2-abcde)"]
    assert list(found.manifest["connections"]) == ["s3", "s3-2"]


def test_only_what_is_chosen():
    assert not made(select=["Loyalty *"]).manifest["entries"]
    assert made(select=["Costs*"]).manifest["entries"]
