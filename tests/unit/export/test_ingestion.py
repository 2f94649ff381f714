"""Flows that read from a source, from lists of any shape: what was made is made again, what was given stays given."""

from __future__ import annotations

from copy import deepcopy

import pytest
import yaml

from headgate.catalogue import lake, source
from headgate.catalogue.source import CRM_FLOW_ID
from headgate.export import Live, assemble, manifest_text

CLOUD = source("salesforce_service_cloud")
MARK = "[headgate:0123456789abcdef01234567]"
PROFILE, PERSON = "https://ns.adobe.com/xdm/context/profile", "https://ns.adobe.com/xdm/context/profile-person-details"
SCHEMA = "https://ns.adobe.com/acme/schemas/0ff"
LISTS = {
    "flows": [
        {
            "id": "f1",
            "name": "Accounts",
            "description": MARK,
            "state": "enabled",
            "flowSpec": {"id": CRM_FLOW_ID, "version": "1.0"},
            "sourceConnectionIds": ["s1"],
            "targetConnectionIds": ["t1"],
            "inheritedAttributes": {"properties": {"isSourceFlow": True}},
            "transformations": [
                {"name": "Copy", "params": {"deltaColumn": {"name": "Id", "dateFormat": None}}},
                {"name": "Mapping", "params": {"mappingId": "m1", "mappingVersion": "0"}},
            ],
            "scheduleParams": {"startTime": 1798800000, "frequency": "once"},
        }
    ],
    "targetConnections": [
        {
            "id": "t1",
            "connectionSpec": {"id": lake()["connectionSpecId"]},
            "data": {"format": "parquet_xdm", "schema": {"id": SCHEMA, "version": "x"}},
            "params": {"dataSetId": "d1"},
        }
    ],
    "sourceConnections": [
        {
            "id": "s1",
            "baseConnectionId": "b1",
            "connectionSpec": {"id": CLOUD.connection_spec_id, "version": "1.0"},
            "data": {"format": "tabular", "schema": None},
            "params": {
                "tableName": "Account",
                "columns": [{"name": "Id", "type": "string", "xdm": {"type": "string"}, "meta:xdmType": None}],
            },
        }
    ],
    "connections": [
        {
            "id": "b1",
            "name": "Cloud",
            "connectionSpec": {"id": CLOUD.connection_spec_id},
            "auth": {"specName": "Basic Authentication", "params": {"username": "u", "password": "hushhush"}},
        }
    ],
    "schemas": [
        {
            "id": SCHEMA,
            "title": "Accounts $1",
            "description": f"Of ours {MARK}",
            "meta:class": PROFILE,
            "allOf": [{"$ref": PROFILE, "type": "object"}, {"$ref": PERSON}],
        }
    ],
    "dataSets": [{"id": "d1", "name": "Accounts", "description": MARK, "schemaRef": {"id": SCHEMA}}],
    "mappingSets": [
        {
            "id": "m1",
            "version": 0,
            "outputSchema": {"schemaRef": {"id": SCHEMA}},
            "mappings": [{"sourceType": "ATTRIBUTE", "source": "Id", "destination": "_id"}],
        }
    ],
}


def made(change=None, unread=None):
    lists = deepcopy(LISTS)
    if change is not None:
        change(lists)
    return assemble(Live.of(lists, unread), "m")


def test_what_headgate_made_is_made_again():
    found = made()
    assert found.left == [] == list(found.notes)
    assert found.manifest["entries"] == [
        {
            "kind": "source-ingestion",
            "name": "Accounts",
            "connection": "cloud",
            "table": {"tableName": "Account", "columns": [{"name": "Id", "type": "string", "xdm": {"type": "string"}}]},
            "schema": {
                "title": "Accounts $$1",
                "class": PROFILE,
                "fieldGroups": [PERSON],
                "description": "Of ours",
            },
            "dataset": {"name": "Accounts"},
            "mappings": [{"sourceAttribute": "Id", "destinationXdmPath": "_id"}],
            "deltaColumn": {"name": "Id"},
            "scheduleParams": {"startTime": 1798800000, "frequency": "once"},
        }
    ]
    assert found.manifest["connections"]["cloud"] == {
        "source": "salesforce_service_cloud",
        "name": "Cloud",
        "auth": {
            "specName": "Basic Authentication",
            "params": {
                "username": "u",
                "password": "${env:CLOUD_PASSWORD}",
                "securityToken": "${env:CLOUD_SECURITY_TOKEN}",
            },
        },
    }
    assert found.ids[0] == {"item": "Accounts", "flow": "f1", "targetConnection": "t1", "sourceConnection": "s1",
                            "baseConnection": "b1", "schema": SCHEMA, "dataset": "d1", "mappingSet": "m1"}  # fmt: skip


def unmark(kind):
    def change(lists):
        lists[kind][0]["description"] = "theirs"

    return change


def test_a_schema_that_somebody_else_made_is_a_variable():
    found = made(unmark("schemas"))
    assert found.manifest["vars"] == {"schema-accounts-1": SCHEMA}
    (entry,) = found.manifest["entries"]
    assert entry["schema"] == {"id": "${vars.schema-accounts-1}"}
    assert entry["dataset"] == {"name": "Accounts"}
    text = manifest_text(found, "dev")
    assert "schema-accounts-1  (schema 'Accounts $1': not made by headgate)" in text
    assert yaml.safe_load(text) == found.manifest


def test_a_dataset_that_somebody_else_made_is_a_variable_and_so_is_its_schema():
    found = made(unmark("dataSets"))
    assert found.manifest["vars"] == {"dataset-accounts": "d1", "schema-accounts-1": SCHEMA}
    (entry,) = found.manifest["entries"]
    assert (entry["schema"], entry["dataset"]) == (
        {"id": "${vars.schema-accounts-1}"},
        {"id": "${vars.dataset-accounts}"},
    )


def test_a_schema_with_parts_that_no_entry_can_say_is_a_variable():
    def change(lists):
        lists["schemas"][0]["allOf"].append({"$ref": "https://ns.adobe.com/acme/mixins/1"})

    found = made(change)
    assert "schema-accounts-1" in found.given
    assert "no entry can say" in found.given["schema-accounts-1"]


def test_what_could_not_be_listed_is_said():
    found = made(lambda lists: lists.update(dataSets=[], schemas=[]), {"dataSets": "no right", "schemas": "no right"})
    assert set(found.given) == {"dataset-d1", "schema-0ff"}
    assert found.given["dataset-d1"].endswith("no right")
    found = made(lambda lists: lists.update(mappingSets=[]), {"mappingSets": "no right"})
    assert "m1 cannot be read: no right" in found.left[0]


def test_two_datasets_of_one_name_stay_two():
    def change(lists):
        lists["flows"].append({**lists["flows"][0], "id": "f2", "targetConnectionIds": ["t2"]})
        lists["targetConnections"].append(
            {**lists["targetConnections"][0], "id": "t2", "params": {"dataSetId": "6ef3e3259ad2a1191ab7dd7d"}}
        )
        lists["dataSets"].append({**lists["dataSets"][0], "id": "6ef3e3259ad2a1191ab7dd7d"})

    found = made(change)
    assert [entry["dataset"]["name"] for entry in found.manifest["entries"]] == ["Accounts", "Accounts (1ab7dd7d)"]
    assert len(found.manifest["connections"]) == 1


def test_another_flow_spec_is_named_by_its_id():
    found = made(lambda lists: lists["flows"][0].update(flowSpec={"id": "another", "version": "2.0"}))
    assert found.manifest["entries"][0]["source"] == {
        "connectionSpec": {"id": CLOUD.connection_spec_id, "version": "1.0"},
        "flowSpec": {"id": "another", "version": "2.0"},
    }


def test_a_disabled_flow_and_an_account_that_shows_nothing_are_noted():
    def change(lists):
        lists["flows"][0]["state"] = "disabled"
        lists["connections"][0]["auth"] = None

    assert [note.partition(":")[0] for note in made(change).notes] == ["account 'Cloud'", "Accounts (f1)"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lists: lists["flows"][0].update(transformations=[]), "it maps nothing"),
        (lambda lists: lists["flows"][0]["transformations"].pop(0), "no delta column"),
        (lambda lists: lists["flows"][0]["transformations"].append({"name": "Filter"}), "'Filter'"),
        (lambda lists: lists["flows"][0].pop("scheduleParams"), "no schedule"),
        (lambda lists: lists["mappingSets"][0].update(version=2), "uses version 0"),
        (lambda lists: lists["mappingSets"][0]["mappings"][0].update(sourceType="EXPRESSION"), "an expression"),
        (lambda lists: lists["mappingSets"][0]["outputSchema"]["schemaRef"].update(id="x"), "of another schema"),
        (lambda lists: lists["dataSets"][0]["schemaRef"].update(id="x"), "of another schema"),
        (lambda lists: lists["sourceConnections"][0]["data"].update(format="delimited"), "read as delimited"),
        (lambda lists: lists["sourceConnections"][0]["params"].update(path="x"), "has path"),
        (
            lambda lists: lists["sourceConnections"][0]["params"].update(columns=[{"name": "Id"}]),
            "types of its columns",
        ),
        (lambda lists: lists["sourceConnections"][0].pop("baseConnectionId"), "stands on no account"),
        (lambda lists: lists["targetConnections"][0].update(connectionSpec={"id": "x"}), "not a table into"),
        (lambda lists: lists["targetConnections"][0]["params"].clear(), "schema and its dataset"),
    ],
)
def test_what_no_entry_can_say_is_left_out_with_the_reason(change, why):
    found = made(change)
    assert (found.manifest["entries"], len(found.left)) == ([], 1)
    assert why in found.left[0]
    assert "vars" not in found.manifest
