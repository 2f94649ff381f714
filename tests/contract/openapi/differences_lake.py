"""Known differences of ingestions: what sources are, and the three services that they need beside Flow Service."""

from __future__ import annotations

from tests.contract.openapi.known import D, F, Known, keys

CATALOG, REGISTRY, PREP = "catalog", "schema-registry", "data-prep"
NOT_IN_D = "fact 8: ingestions; D describes exports alone"
#: An ingestion's schedule and transformations, which exports do not have.
SCHEDULE, STEPS = "backfill frequency", "deltaColumn mappingId mappingVersion"
SOURCES = (
    *keys(D, "POST /connections", "request body", "auth.params", "endpoint securityToken", NOT_IN_D),
    *keys(D, "POST /sourceConnections", "request body", "params", "columns tableName", NOT_IN_D),
    *keys(D, "POST /targetConnections", "request body", "params", "dataSetId", NOT_IN_D),
    Known(D, "POST /targetConnections", "request body", "*body: required 'baseConnectionId'", NOT_IN_D),
    Known(D, "POST /targetConnections", "request body", "*params: required 'remotePath'", NOT_IN_D),
    Known(D, "POST /flows", "request body", "*transformations: type string, not array", NOT_IN_D),
    *keys(D, "POST /flows", "request body", "scheduleParams", SCHEDULE, NOT_IN_D),
    *keys(D, "POST /flows", "request body", "transformations[].params", STEPS, NOT_IN_D),
    *keys(D, "PATCH /flows/{id}", "request body", "[].value", SCHEDULE, NOT_IN_D),
    *(
        known
        for endpoint in ("GET /flows", "GET /flows/{id}")
        for at, names in (
            ("scheduleParams", SCHEDULE),
            ("transformations[].params", STEPS),
            ("inheritedAttributes.properties", "isSourceFlow"),
        )
        for known in keys(D, endpoint, "200 body", f"items[].{at}", names, NOT_IN_D)
    ),
    *keys(
        F, "POST /connections", "request body", "auth.params", "endpoint securityToken", "fact 8: F names few sources"
    ),
    *(
        known
        for endpoint in ("GET /connections", "GET /connections/{id}")
        for known in keys(
            F,
            endpoint,
            "200 body",
            "items[].auth.params",
            "password securityToken username",
            "fact 8: F names few sources",
        )
    ),
    *(
        known
        for endpoint, where, at in (
            ("POST /sourceConnections", "request body", "params"),
            ("PATCH /sourceConnections/{id}", "request body", "[].value"),
            ("GET /sourceConnections", "200 body", "items[].params"),
            ("GET /sourceConnections/{id}", "200 body", "items[].params"),
        )
        for known in keys(F, endpoint, where, at, "columns tableName", "fact 8: the tutorial's tables; F has files")
    ),
    *(
        known
        for endpoint, where, at in (
            ("POST /flows", "request body", "transformations[].params"),
            ("GET /flows", "200 body", "items[].transformations[].params"),
            ("GET /flows/{id}", "200 body", "items[].transformations[].params"),
        )
        for known in keys(F, endpoint, where, at, "deltaColumn", "fact 8: the Copy step, which F does not describe")
    ),
    *keys(F, "GET /flowSpecs", "200 body", "items[].optionSpec", "name", "fact 8: as the tutorial's sample has it"),
    Known(
        F,
        "GET /flowSpecs",
        "200 body",
        "items[].transformationSpecs: type object, not array",
        "fact 8: a list in the tutorial's sample, and in F's own example",
    ),
)
LAKE = (
    Known(CATALOG, "POST /dataSets", "query", "requestDataSource: *", "fact 8: as the tutorial creates a dataset"),
    Known(CATALOG, "GET /dataSets/{id}", "404 body", "no body *", "fact 1.4 b: Catalog says what is wrong"),
    Known(REGISTRY, "GET /{id}/schemas/{id}", "404 body", "no body *", "fact 9: XDM-1012-404"),
    Known(REGISTRY, "POST /tenant/schemas", "400 body", "no body *", "fact 9: XDM-3005-400, the title is taken"),
    *keys(
        REGISTRY,
        "POST /tenant/schemas",
        "request body",
        "body",
        "meta:class meta:containerId meta:resourceType meta:xdmType",
        "fact 8: as the tutorial's sample has them",
    ),
    *(
        known
        for where in ("request body", "201 body")
        for known in keys(
            REGISTRY,
            "POST /tenant/schemas",
            where,
            "allOf[]",
            "$ref",
            "fact 8: what a schema is made of; the file names it '$ref ', with a blank at its end",
        )
    ),
    *keys(
        REGISTRY,
        "GET /{id}/schemas/{id}",
        "200 body",
        "allOf[]",
        "$ref meta:xdmType type",
        "fact 8: what a schema is made of; the file names it '$ref ', with a blank at its end",
    ),
    *keys(REGISTRY, "GET /{id}/schemas/{id}", "200 body", "body", "refs", "fact 9: as xed shows a schema"),
    *(
        Known(
            REGISTRY,
            "GET /{id}/schemas",
            "200 body",
            f"{at}.next: type string, not null",
            "fact 9: null on the last page, as in the file's own examples",
        )
        for at in ("_links", "_page")
    ),
    *keys(
        REGISTRY,
        "GET /{id}/schemas",
        "200 body",
        "results[]",
        "allOf description imsOrg meta:abstract meta:class meta:containerId meta:extends meta:extensible "
        "meta:registryMetadata meta:resourceType meta:tenantNamespace meta:xdmType refs type",
        "fact 9: the file has the rows of xed-id, and xed gives whole ones",
    ),
    *(
        Known(PREP, endpoint, "200 body", f"{at}{name}: type string, not integer", "fact 9: milliseconds")
        for endpoint, at in (
            ("POST /mappingSets", ""),
            ("GET /mappingSets", "data[]."),
            ("GET /mappingSets", "data[].mappings[]."),
            ("GET /mappingSets/{id}", ""),
            ("GET /mappingSets/{id}", "mappings[]."),
        )
        for name in ("createdDate", "modifiedDate")
    ),
    *(
        known
        for at, names in (
            ("body", "xdmSchema xdmVersion"),
            ("mappings[]", "destinationXdmPath identity identityGroup namespaceCode sourceAttribute"),
        )
        for known in keys(PREP, "POST /mappingSets", "request body", at, names, "fact 9: the tutorial's dialect")
    ),
    Known(PREP, "POST /mappingSets", "request body", "id: type string, not null", "fact 9: the tutorial's dialect"),
    *(
        known
        for endpoint, body, each in (
            ("GET /mappingSets", "data[]", "data[].mappings[]"),
            ("GET /mappingSets/{id}", "body", "mappings[]"),
        )
        for at, names in (
            (body, "status xdmSchema xdmVersion"),
            (each, "destinationXdmPath identity identityGroup namespaceCode primaryIdentity sourceAttribute"),
        )
        for known in keys(PREP, endpoint, "200 body", at, names, "fact 9: the tutorial's dialect")
    ),
    *(
        Known(
            PREP,
            endpoint,
            "200 body",
            f"{at}.sourceType: enum, 'text/x.schema-path'",
            "fact 9: as in the file's own example",
        )
        for endpoint, at in (("GET /mappingSets", "data[].mappings[]"), ("GET /mappingSets/{id}", "mappings[]"))
    ),
)
