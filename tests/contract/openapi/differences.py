"""Where headgate and the embedded platform differ from the published files, and why it is the files that are wrong.

An entry stands for every difference it fits: ``*`` in ``endpoint``, ``where`` and ``what`` is any text. Facts and traps are
those of the compiled API notes. An entry that fits nothing any more fails the test.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.contract.openapi.spec import Difference

D, F = "destinations", "flow-service"


class Known(NamedTuple):
    """``why``: the fact or trap that explains it."""

    spec: str
    endpoint: str
    where: str
    what: str
    why: str

    def fits(self, found: Difference) -> bool:
        """Whether ``found`` is one of these."""
        return self.spec == found.spec and all(
            re.fullmatch(re.escape(mine).replace(r"\*", ".*"), theirs)
            for mine, theirs in zip(self[1:4], found[1:4], strict=True)
        )


DIFFERENCES = (
    # -- both files of Flow Service ------------------------------------------------------------------------------------
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
        F, "GET /connections", "request headers", "x-sandbox-name: *", "trap 6: always sent; F forgets it here alone"
    ),
    # -- destinations.yaml: requests -----------------------------------------------------------------------------------
    Known(
        D,
        "POST /connections",
        "request body",
        "*auth*",
        "fact 6.2, trap 26: D writes the credentials of S3 and SFTP alone, in two generations; others are in the seeds",
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
    Known(
        D,
        "POST /targetConnections",
        "request body",
        "*params: *",
        "fact 6.3: containers, remote paths and formats of destinations that D does not describe",
    ),
    Known(D, "POST /targetConnections", "request body", "body: key 'data' *", "fact 6.3: the legacy literal (trap 28)"),
    Known(
        D, "POST /sourceConnections", "request body", "body: key *", "fact 6.1: baseConnectionId and data, of the seeds"
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
    # -- destinations.yaml: answers ------------------------------------------------------------------------------------
    Known(
        D,
        "GET /*onnections",
        "200 body",
        "body: required *",
        "fact 2.4: D describes one object where its examples list",
    ),
    Known(D, "GET /flows", "200 body", "body: oneOf, *", "an empty page fits batch and streaming flows alike"),
    Known(
        D, "GET /flows*", "200 body", "*onnections: type object, not array", "fact 2.3: D's examples have arrays there"
    ),
    Known(D, "GET /flows*", "200 body", "*: required 'description'", "fact 2.2: description is optional when created"),
    Known(D, "GET /flows*", "200 body", "*: key 'copyModeMapping' *", "fact 6.5: in the seed's validation sample"),
    Known(D, "GET /runs", "200 body", "*.code: pattern, *", "fact 3.2: D's own examples do not match its pattern"),
    Known(
        D, "GET /runs", "200 body", "*.status: enum, *", "trap 15: capitals in the schema, lower case in every example"
    ),
    # -- flow-service.yaml, which describes sources --------------------------------------------------------------------
    Known(F, "* /connections", "*body", "*auth.params: key *", "fact 6.2: F names credentials of some sources alone"),
    Known(F, "* /targetConnections", "*body", "*params: key *", "fact 6.3: F names parameters of source flows alone"),
    Known(F, "* /targetConnections", "*body", "*: key 'baseConnectionId' *", "fact 2.2: D requires it, F knows none"),
    Known(F, "POST /targetConnections", "request body", "body: required 'data'", "fact 2.2: D requires it nowhere"),
    Known(F, "* /sourceConnections", "*body", "*data: key 'schema' *", "fact 6.1: a literal null in the seeds"),
    Known(F, "* /flows*", "*body", "*transformations[].params: key *", "fact 6.4: F has mappings, D the selectors"),
    Known(F, "GET /flows*", "200 body", "*flowSpec: key *", "fact 2.3: id and version, as D has them"),
    Known(F, "GET /flows*", "200 body", "*inheritedAttributes*", "fact 2.3: as D's examples have them"),
    Known(F, "GET /flows*", "200 body", "*lastOperation: key *", "fact 2.3: as D's examples have it"),
    Known(F, "GET /flowSpecs", "200 body", "*attributes: key *", "fact 7.3: _workflow tells segments from datasets"),
    Known(F, "GET /runs*", "200 body", "*: key *", "fact 3.1: as D's examples have runs of destinations"),
    Known(F, "PATCH /flows/{id}", "request body", "[].op: enum, 'add'", "trap 55: F's enum has capitals, D's none"),
    Known(F, "PATCH /flows/{id}", "request body", "[].value: *", "fact 6.5: F has no values of destinations"),
    # -- ad-hoc-activation.yaml ----------------------------------------------------------------------------------------
    Known(
        "ad-hoc-activation",
        "POST /adhocrun",
        "request body",
        "body: oneOf, *",
        "fact 4.1: a body of version 1 fits version 2 too, which is not closed; Accept tells them apart (trap 11)",
    ),
)
