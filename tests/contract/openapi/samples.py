"""Manifests as the scenarios need them, with values for all that a destination asks for."""

from __future__ import annotations

from typing import Any

from headgate.catalogue import batch

AUDIENCES = [f"00000000-0000-4000-8000-{number:012d}" for number in range(4)]
DAILY = {"frequency": "DAILY", "triggerType": "SCHEDULED", "startDate": "2020-01-01", "startTime": "17:00"}
WHEN = {"exportMode": "DAILY_FULL_EXPORT", "schedule": {**DAILY, "endDate": "2099-01-01"}}
#: Values for the credentials and places of every destination; what is not here may be any text.
SAMPLES = {
    "s3AccessKey": "A" * 20,
    "s3SecretKey": "s" * 40,
    "sshKey": "ZmFrZQ==",
    "port": 22,
    "bucketName": "acme-exports",
    "container": "acme-exports",
}


def manifest(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"headgate": 1, "name": "contract", "sandbox": "dev", "entries": list(entries), **more}


def sample(names: Any) -> dict[str, Any]:
    return {name: SAMPLES.get(name, "sample") for name in names}


def export(name: str, key: str = "amazon_s3", **changes: Any) -> dict[str, Any]:
    """An audience export to ``key`` with its first way of authenticating."""
    return {
        "kind": "audience-export",
        "name": name,
        "connection": connections(key)[0],
        "target": targets(key)[0],
        "audiences": [{"id": AUDIENCES[0], "name": "Audience", **WHEN}],
        "attributes": ["personalEmail.address"],
        "mandatoryFields": ["personalEmail.address"],
        "primaryFields": [{"fieldType": "ATTRIBUTE", "attributePath": "personalEmail.address"}],
        **changes,
    }


def connections(key: str) -> list[dict[str, Any]]:
    """An inline connection for every way of authenticating at ``key``."""
    found = [
        {
            "destination": key,
            "name": f"{key} {spec.spec_name}",
            "auth": {"specName": spec.spec_name, "params": sample(spec.schema["properties"])},
        }
        for spec in batch(key).auth
    ]
    return found or [{"destination": key, "name": key}]


def targets(key: str) -> list[dict[str, Any]]:
    """A target for every mode of ``key``."""
    destination = batch(key)
    if destination.modes:
        return [{"mode": mode, **sample(names)} for mode, names in destination.modes.items()]
    return [{**sample(destination.target_schema["required"]), "fileType": "CSV", "compression": "GZIP"}]


def activation(flows: list[str], **more: Any) -> dict[str, Any]:
    return {"kind": "activation", "name": "now", "destinations": dict.fromkeys(flows, AUDIENCES[:1]), **more}


def audiences_of(flow: dict[str, Any]) -> list[str]:
    selectors = flow["transformations"][0]["params"]["segmentSelectors"]["selectors"]
    return [selector["value"]["id"] for selector in selectors]
