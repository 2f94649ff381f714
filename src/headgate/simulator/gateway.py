"""What is checked of every platform call before a service sees it: token, key, organisation, sandbox, media
type.

Codes and texts: facts 1.3, 1.4 (gateway table), 1.5 (sandbox codes).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from headgate.simulator.reply import Ask, gateway, generic, problem

if TYPE_CHECKING:
    from headgate.simulator.world import World

_ORG = re.compile(r"^[0-9A-Fa-f]{24}@AdobeOrg$")


def check(world: World, ask: Ask) -> None:
    """Let the call pass, and set ``ask.sandbox`` and ``ask.lenient``.

    Raises:
        Refusal: the gateway's own error.
    """
    headers = ask.headers
    authorization = headers.get("Authorization")
    if not authorization:
        raise gateway(403, "403010", "Oauth token is missing.", violation="headers")
    scheme, _, token = authorization.partition(" ")
    until = world.tokens.get(token.strip())
    if scheme.lower() != "bearer" or until is None or until <= world.real.mono():
        raise gateway(401, "401013", "Oauth token is not valid")
    key = headers.get("x-api-key")
    if not key:
        raise gateway(403, "403000", "Api Key is required", violation="headers")
    if key != world.credentials.client_id:
        raise gateway(403, "403003", "Api Key is invalid")
    org = headers.get("x-gw-ims-org-id")
    if not org:
        raise gateway(400, "400003", "Missing header", violation="headers")
    if not _ORG.match(org):
        raise gateway(403, "403027", "User region is missing")
    if org != world.credentials.org_id:
        raise gateway(403, "403025", "Profile is not valid")
    sandbox = headers.get("x-sandbox-name")
    if not sandbox:
        if not world.options.lenient:
            text = "The header 'x-sandbox-name' is missing in the request."
            raise problem("2105-400", text, violation="headers")
        sandbox = "prod"
    if sandbox not in world.options.sandboxes:
        raise problem("2100-404", f"The sandbox with the name '{sandbox}' could not be found.")
    ask.sandbox, ask.lenient = sandbox, world.options.lenient
    needs_type = ask.method in ("POST", "PATCH", "PUT") and (ask.body or "/action" not in ask.path)
    if needs_type and not _is_json(headers.get("Content-Type", "")):
        raise generic(400, "BadRequestError", "A valid content-type must be specified", violation="headers")


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def json_body(ask: Ask) -> Any:
    """The request's body, parsed.

    Raises:
        Refusal: 1405 for none, shape (b) for one that is not JSON.
    """
    if not ask.body.strip():
        raise problem("1405-400", "The request body cannot be null or empty. Provide a valid body and try again.")
    try:
        body = orjson.loads(ask.body)
    except orjson.JSONDecodeError:
        raise generic(400, "BadRequestError", "The request body is not valid JSON", violation="json") from None
    if not body:
        raise problem("1405-400", "The request body cannot be null or empty. Provide a valid body and try again.")
    return body
