"""What to do about a problem: one table, by code, by message, by status; in that order.

Codes and their meaning: facts 1.4 (gateway) and 1.5 (Flow Service errors); messages of ad-hoc activation:
4.3. Wording is ours.
"""

from __future__ import annotations

import re

_CREDENTIALS = "check client_id, client_secret and scopes, or renew access_token"
_PERMISSION = "have this permission added to the credential's product profile"
_SANDBOX = "check the sandbox's name (lower case) and that the credential may use it"
_ORG = "check org_id: it ends in @AdobeOrg and must be the organisation of the credential"
_BUSY_FLOW = "the dataflow is changing state: wait until it is not Processing"
_OURS = "the request was built wrongly; please report it with the request id"
_QUERY = "the filter or order of a listing was not understood; please report it with the request id"
_TRY_LATER = "the platform failed inside; run again later, and quote the request id to Adobe if it stays"

_BY_CODE: dict[str, str] = {
    # The gateway.
    "403010": _CREDENTIALS,
    "401013": _CREDENTIALS,
    "403000": "set client_id: it is sent as the API key",
    "403003": "check client_id: it is sent as the API key and must belong to the credential",
    "400003": "set org_id",
    "403025": _PERMISSION + "; the organisation may also be a wrong one",
    "403027": _ORG + ", and a product profile must be assigned",
    "429050": "lower limits.rate in the profile or --rate",
    # The token endpoint.
    "invalid_client": _CREDENTIALS,
    "invalid_scope": "check scopes against the credential in the developer console",
    "unauthorized_client": _CREDENTIALS,
    # Flow Service.
    "1100-400": "the organisation has no licence for it: ask your Adobe contact",
    "1101-404": "the destination's service does not know this object: check the ids",
    "1403-400": _OURS,
    "1404-412": "somebody else changed the object in between; run again",
    "1405-400": _OURS,
    "1410-400": _OURS,
    "1412-400": "check the mapping's id and version",
    "1413-400": "check the connection or flow spec id: `headgate catalog` lists the known ones",
    "1415-400": "check auth.specName: `headgate catalog` lists those of each destination",
    "1416-400": _BUSY_FLOW,
    "1418-400": "delete the dataflows that use this connection first",
    "1419-400": "check the mapping's id and version",
    "1420-400": _BUSY_FLOW,
    "1421-400": _BUSY_FLOW,
    "1422-400": _BUSY_FLOW,
    "1425-400": "the mapping and the target dataset must use the same schema and version",
    "1430-400": "the dataflow does not exist in this sandbox; check its id",
    "1439-400": "it does not exist in this sandbox; check the id",
    "1439-404": "it does not exist in this sandbox; check the id",
    "1444-400": _BUSY_FLOW,
    "1447-400": "delete the dataflows that use this connection first",
    "1455-400": "a path of the patch does not exist on the object; fetch it and compare",
    "1457-400": _BUSY_FLOW,
    "1458-400": _BUSY_FLOW,
    "2000-401": _ORG,
    "2001-401": "set org_id",
    "2002-401": "set org_id",
    "2100-404": _SANDBOX,
    "2101-404": _SANDBOX,
    "2103-404": _SANDBOX,
    "2105-400": "set sandbox",
    "2106-404": _SANDBOX,
    "2114-400": _CREDENTIALS,
    "2115-400": _CREDENTIALS,
    "2118-403": _PERMISSION,
    "2120-403": _PERMISSION,
    "2121-403": _PERMISSION,
    # The Schema Registry.
    "XDM-1006-400": _OURS,
    "XDM-1007-400": _OURS,
    "XDM-1012-404": "check the schema's id, or that it is of this sandbox",
    "XDM-3005-400": "somebody else's schema has this title: name it by `schema: {id: …}`, or choose another title",
} | dict.fromkeys(
    ("1401-400", "1424-400", "1432-400", "1433-400", "1440-400", "1441-400", "1442-400", "1443-400",
     "1448-400", "1449-400", "1450-400", "1451-400", "1452-400", "1453-400", "1454-400"),
    _QUERY,
)  # fmt: skip

#: Patterns, whatever the case; compiled once something has gone wrong. "segment" and "audience" are the same thing
#: under two names, and messages mix them (trap 14).
_BY_MESSAGE: tuple[tuple[str, str], ...] = (
    (
        r"a web page instead of an answer",
        "a proxy, firewall or login page answered: check platform_url",
    ),
    (
        r"run already going on for \w+ \S+ for order",
        "this audience is being exported already; its run is the one to watch",
    ),
    (
        r"not part of this dataflow or out of schedule range",
        "map the audience, check that its schedule covers today, and wait an hour after its first activation",
    ),
    (
        r"not ready for dataset export",
        "a new dataflow needs some minutes before it can be exported; run again later",
    ),
    (r"valid spec id", _BY_CODE["1413-400"]),
    (
        r"supplied version.* does not match the current version",
        _BY_CODE["1404-412"],
    ),
    (r"oauth token is (missing|not valid)", _CREDENTIALS),
    (r"api key is (required|invalid)", _BY_CODE["403003"]),
    (r"request rate|too many requests", _BY_CODE["429050"]),
)

_BY_STATUS: dict[int, str] = dict.fromkeys(
    (301, 302, 303, 307, 308), "redirects are not followed; check platform_url"
) | {
    401: _CREDENTIALS,
    403: _PERMISSION,
    404: "it does not exist in this sandbox; check the id",
    409: "an object of this name or state is in the way; look at it on the platform",
    412: _BY_CODE["1404-412"],
    429: _BY_CODE["429050"],
    500: _TRY_LATER + "; overload can look like this too, then lower the rate",
    502: _TRY_LATER,
    503: _TRY_LATER,
    504: _TRY_LATER,
}


def advise(status: int, code: str, message: str) -> str:
    """What to do about a problem, or an empty string when nothing better than its message is known.

    Args:
        status: HTTP status, 0 when there was none.
        code: Normalised code: ``1418-400``, ``403010``, ``invalid_client``; may be empty.
        message: The platform's words.
    """
    if code in _BY_CODE:
        return _BY_CODE[code]
    for pattern, advice in _BY_MESSAGE:
        if re.search(pattern, message, re.IGNORECASE | re.DOTALL):
            return advice
    return _BY_STATUS.get(status, "")
