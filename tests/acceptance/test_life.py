"""The whole life of 300 mixed items, as a user sees it: made, run again, changed, and destroyed."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.acceptance.cli_support import headgate

AUDIENCE = "9f7d37fd-7039-4454-94ef-2b0cd6c3206a"
CHANGED = range(10)
FAST = ("--simulate", "--rate", "2000/s", "--no-progress")


def manifest(moved=()):
    """150 audience exports, 100 dataset exports, 50 ingestions; those in ``moved`` say something else in one field."""
    daily = {"frequency": "DAILY", "triggerType": "SCHEDULED", "startDate": "2026-01-01", "startTime": "05:00",
             "endDate": "2035-12-31"}  # fmt: skip
    audiences = [
        {
            "kind": "audience-export",
            "name": f"Audience {n}",
            "connection": "zone",
            "target": {"path": f"audiences/{n}" + ("/moved" if n in moved else "")},
            "audiences": [{"id": AUDIENCE, "exportMode": "DAILY_FULL_EXPORT", "schedule": daily}],
            "attributes": ["personalEmail.address"],
        }
        for n in range(150)
    ]
    datasets = [
        {
            "kind": "dataset-export",
            "name": f"Dataset {n}",
            "connection": "zone",
            "datasets": {"select": "AAM *"},
            "target": {"path": f"lake/{n}", "datasetFileType": "PARQUET", "compression": "GZIP"},
            "scheduleParams": {
                "exportMode": "FIRST_FULL_THEN_INCREMENTAL",
                "timeUnit": "hour",
                "interval": 3,
                "startTime": 1798800000,
                "endTime": 1830336000 + (86400 if n in moved else 0),
            },
        }
        for n in range(100)
    ]
    sources = [
        {
            "kind": "source-ingestion",
            "name": f"Accounts {n}",
            "source": "salesforce_service_cloud",
            "connection": "crm",
            "table": {"tableName": "Account", "columns": [{"name": "Id", "type": "string", "xdm": {"type": "string"}},
                      {"name": "Changed", "type": "string", "xdm": {"type": "string", "format": "date-time"}}]},
            "schema": {
                "title": "Accounts",
                "class": "https://ns.adobe.com/xdm/context/profile",
                "fieldGroups": ["https://ns.adobe.com/xdm/context/profile-person-details"],
            },
            "dataset": {"name": f"Accounts {n}"},
            "mappings": [{"sourceAttribute": "Id", "destinationXdmPath": "_id"}],
            "deltaColumn": {"name": "Changed"},
            "scheduleParams": {"startTime": 1798800000, "frequency": "hour", "interval": 1, "backfill": True},
        }
        for n in range(50)
    ]  # fmt: skip
    return {
        "headgate": 1,
        "name": "life",
        "sandbox": "dev",
        "connections": {
            "zone": {"destination": "data_landing_zone"},
            "crm": {
                "source": "salesforce_service_cloud",
                "auth": {
                    "specName": "Basic Authentication",
                    "params": {"username": "u", "password": "fake-password", "securityToken": "fake-token"},
                },
            },
        },
        "entries": [*audiences, *datasets, *sources],
    }


@pytest.fixture
def life(tmp_path):
    def go(moved=()):
        (tmp_path / "life.json").write_text(json.dumps(manifest(moved)))
        done = headgate("run", "life.json", *FAST, "--report", "report.json", cwd=tmp_path, timeout=200)
        assert "0 duplicates, 0 violations" in done.err, done.err
        report = json.loads((tmp_path / "report.json").read_text())
        return done, report, Counter(row["status"] for row in report["items"])

    return go


@pytest.mark.timeout(300)
def test_made_run_again_changed_and_destroyed(tmp_path, life):
    done, _, statuses = life()
    assert (done.code, statuses) == (0, {"created": 300}), done.out
    done, report, statuses = life()
    assert (done.code, statuses) == (0, {"reused": 300}), done.out
    assert not [endpoint for endpoint in report["requests"]["byEndpoint"] if endpoint.startswith(("POST /", "PATCH"))]

    done, report, statuses = life(CHANGED)
    assert (done.code, statuses) == (0, {"reused": 280, "updated": 20}), done.out
    asked = report["requests"]["byEndpoint"]
    assert (asked["PATCH /targetConnections/{id}"], asked["PATCH /flows/{id}"]) == (10, 10)
    assert not [endpoint for endpoint in asked if endpoint.startswith("POST /")]

    gone = headgate("destroy", "life.json", *FAST, "--yes", "--report", "gone.json", cwd=tmp_path, timeout=200)
    assert gone.code == 0, gone.out + gone.err
    found = json.loads((tmp_path / "gone.json").read_text())
    assert {row["status"] for row in found["items"]} <= {"deleted", "unchanged"}
    assert "kept: 50 mappingSets" in gone.err, "Data Prep documents no deletion"
    assert "embedded platform: 50 objects" in gone.err
    left = headgate("sweep", "--simulate", cwd=tmp_path, timeout=200)
    assert left.code == 0, left.err
    assert "0 objects in sandbox dev" in left.err
