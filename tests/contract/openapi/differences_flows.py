"""Known differences of datasets, of flows that exist and of what is changed in place or deleted."""

from __future__ import annotations

from tests.contract.openapi.known import D, F, Known, keys

DATASETS = (
    Known(
        D,
        "POST /flows",
        "request body",
        "body: oneOf, *",
        "fact 2.2: D's flows of datasets and segments are not exclusive",
    ),
    Known(D, "POST /sourceConnections", "request body", "body: oneOf, *", "fact 7.2: D's two kinds are not exclusive"),
    Known(D, "GET /connectionSpecs/{id}/configs", "query", "properties: *", "fact 7.1: the tutorial asks with it"),
    *(
        Known(
            F,
            "GET /connectionSpecs/{id}/configs",
            "query",
            f"{name}: *",
            "facts 2.1, 7.1: F knows columns, not datasets",
        )
        for name in ("limit", "outputField", "outputType", "properties", "start")
    ),
    Known(
        F,
        "GET /connectionSpecs/{id}/configs",
        "200 body",
        "body: type array, not object",
        "facts 2.1, 7.1: F has a list of columns, D and the tutorial a page of datasets",
    ),
    Known(F, "POST /sourceConnections", "request body", "body: required 'data'", "fact 7.2: the tutorial sends none"),
    *keys(F, "POST /sourceConnections", "request body", "params", "datasets", "fact 7.2: F has params of sources"),
    *keys(
        F, "POST /targetConnections", "request body", "params", "datasetFileType", "fact 7.3: F has params of sources"
    ),
    *(
        known
        for endpoint, where, at in (
            ("POST /flows", "request body", "scheduleParams"),
            ("GET /flows/{id}", "200 body", "items[].scheduleParams"),
        )
        for known in (
            Known(F, endpoint, where, f"{at}.interval: type string, not integer", "trap 44: typed values are sent"),
            *keys(F, endpoint, where, at, "endTime exportMode timeUnit", "fact 7.4: F has the schedules of sources"),
        )
    ),
)

CHANGED_IN_PLACE = (
    Known(
        D, "PATCH /connections/{id}", "request body", "body: type object, not array", "fact 2.6: examples are arrays"
    ),
    Known(
        F, "PATCH /connections/{id}", "request body", "body: type object, not array", "fact 2.6: examples are arrays"
    ),
    *keys(
        F, "GET /connections/{id}", "200 body", "items[]", "encryptionSpecs", "trap 65: four spellings are published"
    ),
    Known(
        D,
        "PATCH /flows/{id}",
        "request body",
        "*[].value: type object, not string",
        "fact 11.2: names and descriptions",
    ),
    Known(F, "PATCH /*", "request body", "[].value: type object, not string", "fact 11.2: names and descriptions"),
    Known(
        D, "GET /flows/{id}", "200 body", "*items[].state: enum, 'updating'", "facts 2.6, 2.7: while a change goes on"
    ),
    Known(F, "PATCH /*", "request body", "[].op: enum, 'replace'", "trap 55: F's enum has capitals, D's none"),
    *(
        known
        for kind in ("sourceConnections", "targetConnections")
        for known in keys(
            F, f"PATCH /{kind}/{{id}}", "200 body", "body", "etag id", "fact 2.1: F has a list there, docs {id, etag}"
        )
    ),
    *keys(
        F,
        "PATCH /targetConnections/{id}",
        "request body",
        "[].value",
        "bucketName compression fileType mode path",
        "fact 11.2: F has parameters of sources",
    ),
)

#: What an export's schedule has, and what an ingestion's.
EXPORT_TIMES, SOURCE_TIMES = "endTime exportMode foldernameTemplate timeUnit", "backfill frequency"
FLOWS = (
    *(
        known
        for endpoint in ("GET /flows", "GET /flows/{id}")
        for known in keys(
            D,
            endpoint,
            "200 body",
            "items[].scheduleParams",
            "foldernameTemplate",
            "trap 30: D has folderNameTemplate, the tutorials foldernameTemplate",
        )
    ),
    *keys(D, "PATCH /flows/{id}", "request body", "[].value", "foldernameTemplate", "trap 30: as above"),
    Known(
        F,
        "GET /flows",
        "200 body",
        "items[].scheduleParams.interval: type string, not integer",
        "trap 44: values are typed",
    ),
    *(
        known
        for endpoint, names in (("GET /flows", EXPORT_TIMES), ("GET /flows/{id}", "foldernameTemplate"))
        for known in keys(
            F, endpoint, "200 body", "items[].scheduleParams", names, "fact 7.4: F has the schedules of sources"
        )
    ),
    *keys(
        F,
        "PATCH /flows/{id}",
        "request body",
        "[].value",
        f"{EXPORT_TIMES} {SOURCE_TIMES} interval startTime",
        "fact 11.1: the whole of scheduleParams, as D's own example; F has parts of mappings alone",
    ),
    *(
        Known(
            F,
            "POST /flows/{id}/action",
            "query",
            f"op: body: enum, {op!r}",
            "fact 2.7: documents and aepp send lower case",
        )
        for op in ("enable", "disable")
    ),
    Known(F, "POST /flows/{id}/action", "query", "subOp: required", "trap 56: not with enable and disable"),
    Known(F, "POST /runs/{id}/action", "query", "op: body: enum, 're-trigger'", "fact 3.5: as the documents spell it"),
    *keys(F, "POST /runs/{id}/action", "200 body", "body", "etag", "fact 3.5: a new run's id and etag"),
)
DELETED = (
    Known(D, "DELETE /*", "204", "this status *", "trap 4: 202 or 204"),
    Known(F, "DELETE /*", "202", "this status *", "trap 4: 202 or 204"),
    Known(D, "DELETE /flows/{id}", "400", "this status *", "fact 1.5: 1458-400, it is being deleted already"),
    Known(F, "DELETE /flows/{id}", "400", "this status *", "fact 1.5: 1458-400, it is being deleted already"),
    Known(F, "DELETE /flows/{id}", "404", "this status *", "fact 2.8: 404 for unknown ids; F declares none"),
    Known(
        D,
        "GET /flows/{id}",
        "200 body",
        "*items[].state: enum, 'delete-finalizing'",
        "fact 2.7: one of the states of which the texts speak; D's enum has two",
    ),
    *keys(
        F, "GET /sourceConnections/{id}", "200 body", "items[].params", "datasets", "fact 7.2: F has params of sources"
    ),
    *keys(
        F,
        "GET /targetConnections/{id}",
        "200 body",
        "items[].params",
        "datasetFileType",
        "fact 7.3: F has params of sources",
    ),
)
