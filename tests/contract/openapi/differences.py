"""Where headgate and the embedded platform differ from the published files, and why it is the files that are wrong.

An entry stands for every difference it fits: ``*`` in ``endpoint``, ``where`` and ``what`` is any text. Facts and traps are
those of the compiled API notes. An entry that fits nothing any more fails the test.
"""

from __future__ import annotations

from tests.contract.openapi.differences_flows import CHANGED_IN_PLACE, DATASETS, DELETED, FLOWS
from tests.contract.openapi.differences_lake import LAKE, SOURCES
from tests.contract.openapi.known import D, F, Known, keys

#: The parameters of a flow's transformation that destinations have.
SELECTORS = "mandatoryFields primaryFields profileMapping profileSelectors segmentSelectors"
EVERYWHERE = (
    Known(D, "* /*", "429", "this status *", "fact 1.6: no file of Flow Service declares 429; handled all the same"),
    Known(F, "* /*", "429", "this status *", "fact 1.6: no file of Flow Service declares 429; handled all the same"),
    Known(D, "GET /*", "404", "this status *", "fact 1.5: 2100-404, an unknown sandbox, on any request"),
    Known(F, "GET /*", "404", "this status *", "facts 1.4 d, 1.5: unknown ids and sandboxes; F declares no 404"),
    Known(D, "POST /targetConnections", "400", "this status *", "fact 1.4 f: create validation"),
    Known(F, "POST /targetConnections", "400", "this status *", "fact 1.4 f: create validation"),
    Known(F, "POST /connections", "401", "this status *", "fact 1.4: 401013, a token that is not valid"),
    Known(F, "GET /*", "403", "this status *", "fact 1.4: 403025 and its like come from the gateway, on any request"),
    Known(
        F, "GET /connections", "403 body", "no body *", "fact 1.4 l: F declares no content; the gateway sends shape a"
    ),
    Known(D, "PATCH /flows/{id}", "202", "this status *", "trap 3: 200 with JSON or 202 without a body"),
    Known(F, "PATCH /flows/{id}", "202", "this status *", "trap 3: 200 with JSON or 202 without a body"),
    Known(F, "PATCH /flows/{id}", "412", "this status *", "fact 2.5: a stale etag; F declares no 412"),
    Known(D, "GET /*", "200 body", "body: key '_links' *", "fact 2.4: paging is in F and the tutorials, not in D"),
    Known(F, "GET /connections", "200 body", "body: key '_links' *", "fact 2.4: aepp follows it here too"),
    Known(F, "GET /flowSpecs", "200 body", "body: key '_links' *", "fact 2.4: empty on the last page"),
    Known(
        F, "GET /*onnections*", "request headers", "x-sandbox-name: *", "trap 6: always sent; F forgets it here alone"
    ),
)
#: destinations.yaml describes two destinations, S3 and SFTP, of both generations.
ASKED_OF_D = (
    *keys(
        D,
        "POST /connections",
        "request body",
        "auth.params",
        "accessId accessKeyId connectionString secretAccessKey secretKey servicePrincipalId servicePrincipalKey tenant url",
        "fact 6.2: credentials of destinations that D does not describe",
    ),
    Known(
        D,
        "POST /connections",
        "request body",
        "*auth.specName: enum, *",
        "fact 6.2: D's enum has the specs of S3 and SFTP alone",
    ),
    Known(
        D,
        "POST /connections",
        "request body",
        "*auth.params: required 's3AccessKey', 's3SecretKey'",
        "trap 26: the nearest that D has to Adobe Campaign's S3, which takes accessId and secretKey",
    ),
    Known(
        D,
        "POST /connections",
        "request body",
        "*body: required 'auth'",
        "fact 2.2: the profile store and the landing zone take none",
    ),
    Known(
        D,
        "POST /connections",
        "request body",
        "*connectionSpec.id: enum, *",
        "fact 6.1: D's enum has S3 and SFTP alone, neither the other destinations nor the profile store",
    ),
    Known(
        D,
        "POST /targetConnections",
        "request body",
        "*connectionSpec.id: enum, *",
        "fact 6.1: D's enum has S3 and SFTP alone",
    ),
    *keys(
        D,
        "POST /targetConnections",
        "request body",
        "params",
        "container format",
        "fact 6.3: of destinations that D does not describe",
    ),
    Known(
        D,
        "POST /targetConnections",
        "request body",
        "*params: required 'bucketName'",
        "fact 6.3: the nearest that D has to other locations",
    ),
    *keys(D, "POST /targetConnections", "request body", "body", "data", "fact 6.3: the legacy literal (trap 28)"),
    *keys(
        D, "POST /sourceConnections", "request body", "body", "baseConnectionId data", "fact 6.1: as the seeds have it"
    ),
    Known(
        D,
        "POST /flows",
        "request body",
        "*transformations[].name: enum, 'GeneralTransform'",
        "trap 29: D's request enum says 'General Transform', its answers and all samples GeneralTransform",
    ),
    Known(
        D, "PATCH /flows/{id}", "request body", "[].value: oneOf, *", "fact 2.6: D's kinds of value are not exclusive"
    ),
)
ANSWERED_BY_D = (
    Known(
        D,
        "GET /*onnections*",
        "200 body",
        "body: required *",
        "fact 2.4: D describes one object where its examples list",
    ),
    Known(D, "GET /flows", "200 body", "body: oneOf, *", "an empty page fits batch and streaming flows alike"),
    Known(
        D, "GET /flows*", "200 body", "*onnections: type object, not array", "fact 2.3: D's examples have arrays there"
    ),
    Known(D, "GET /flows*", "200 body", "*: required 'description'", "fact 2.2: description is optional when created"),
    Known(
        D, "GET /flows*", "200 body", "*.mapping: key 'copyModeMapping' *", "fact 6.5: in the seed's validation sample"
    ),
    Known(D, "GET /runs", "200 body", "*.code: pattern, *", "fact 3.2: D's own examples do not match its pattern"),
    Known(
        D, "GET /runs", "200 body", "*.status: enum, *", "trap 15: capitals in the schema, lower case in every example"
    ),
)
#: flow-service.yaml describes sources; what destinations have is in destinations.yaml and the tutorials.
ASKED_OF_F = (
    *keys(
        F,
        "POST /connections",
        "request body",
        "auth.params",
        "accessId connectionString domain host password port s3AccessKey s3SecretKey secretKey servicePrincipalId "
        "servicePrincipalKey sshKey tenant url username",
        "fact 6.2: F names credentials of some sources alone",
    ),
    *keys(
        F,
        "POST /targetConnections",
        "request body",
        "params",
        "bucketName compression container csvOptions fileType format mode path remotePath",
        "fact 6.3: F names parameters of source flows alone",
    ),
    *keys(F, "POST /targetConnections", "request body", "body", "baseConnectionId", "fact 2.2: D requires it"),
    Known(F, "POST /targetConnections", "request body", "body: required 'data'", "fact 2.2: D requires it nowhere"),
    *keys(F, "POST /sourceConnections", "request body", "data", "schema", "fact 6.1: a literal null in the seeds"),
    *keys(
        F, "POST /flows", "request body", "transformations[].params", SELECTORS, "fact 6.4: F has mappings of sources"
    ),
    Known(F, "PATCH /flows/{id}", "request body", "[].op: enum, 'add'", "trap 55: F's enum has capitals, D's none"),
    Known(
        F,
        "PATCH /flows/{id}",
        "request body",
        "[].value: type object, not array",
        "fact 6.5: mandatoryFields and primaryFields are lists",
    ),
    *keys(F, "PATCH /flows/{id}", "request body", "[].value", "type value", "fact 6.5: selectors, as D has them"),
)
ANSWERED_BY_F = (
    *keys(
        F, "GET /connections*", "200 body", "items[].auth.params", "s3AccessKey s3SecretKey", "fact 6.2: sources alone"
    ),
    *keys(
        F,
        "GET /targetConnections*",
        "200 body",
        "items[].params",
        "bucketName compression fileType mode path",
        "fact 6.3: F names parameters of source flows alone",
    ),
    *keys(F, "GET /targetConnections*", "200 body", "items[]", "baseConnectionId", "fact 2.3: as D has it"),
    *keys(F, "GET /sourceConnections*", "200 body", "items[].data", "schema", "fact 6.1: a literal null in the seeds"),
    *(
        known
        for endpoint in ("GET /flows", "GET /flows/{id}")
        for at, names, why in (
            ("transformations[].params", SELECTORS, "fact 6.4: F has mappings of sources"),
            ("flowSpec", "id version", "fact 2.3: as D has them"),
            ("inheritedAttributes", "properties", "fact 2.3: as D's examples have them"),
            ("inheritedAttributes.targetConnections[]", "baseConnection", "fact 2.3: as D's examples have them"),
            ("lastOperation", "ops percentCompleted status", "fact 2.3: as D's examples have it"),
        )
        for known in keys(F, endpoint, "200 body", f"items[].{at}", names, why)
    ),
    *keys(
        F,
        "GET /flowSpecs",
        "200 body",
        "items[].attributes",
        "_workflow isDestinationFlow",
        "fact 7.3: _workflow tells segments from datasets",
    ),
    *(
        known
        for endpoint, at, names in (
            (
                "GET /runs*",
                "items[].metrics.recordSummary",
                "skippedInfo skippedRecordCount sourceSummaries targetSummaries",
            ),
            ("GET /runs*", "items[].metrics.statusSummary", "activityRefs"),
            ("GET /runs*", "items[]", "activities etag"),
            ("GET /runs", "items[].metrics.recordSummary", "failedInfo"),
            ("GET /runs", "items[].metrics.statusSummary", "errors"),
        )
        for known in keys(
            F, endpoint, "200 body", at, names, "facts 3.1, 3.2: as D's examples have runs of destinations"
        )
    ),
)
ADHOC = (
    Known(
        "ad-hoc-activation",
        "POST /adhocrun",
        "request body",
        "body: oneOf, *",
        "fact 4.1: a body of version 1 fits version 2 too, which is not closed; Accept tells them apart (trap 11)",
    ),
)

DIFFERENCES = (
    *EVERYWHERE,
    *ASKED_OF_D,
    *ANSWERED_BY_D,
    *ASKED_OF_F,
    *ANSWERED_BY_F,
    *ADHOC,
    *DATASETS,
    *CHANGED_IN_PLACE,
    *FLOWS,
    *DELETED,
    *SOURCES,
    *LAKE,
)
