"""The token endpoint: OAuth server-to-server (facts 1.2).

A token lives in *real* time: on a platform clock that runs a thousand times as fast it would be dead on
arrival, and the caller measures ``expires_in`` with its own clock. Tokens are not part of a saved world: a
restarted platform knows none, as a caller must expect of any 401. Error bodies are undocumented; these
follow RFC 6749.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from headgate.simulator.reply import Ask, Refusal, Reply

if TYPE_CHECKING:
    from headgate.simulator.world import World

_FIELDS = ("client_id", "client_secret", "grant_type", "scope")


def _refused(status: int, error: str, text: str) -> Refusal:
    return Refusal(f"ims:{error}", Reply(status, {"error": error, "error_description": text}), detail=text)


def issue(world: World, ask: Ask) -> Reply:
    """Answer a token request; fields may come in the body or in the query."""
    if ask.method != "POST":
        raise _refused(405, "invalid_request", "use POST")
    fields = dict(ask.query)
    content_type = ask.headers.get("Content-Type", "")
    if ask.body:
        if not content_type.startswith("application/x-www-form-urlencoded"):
            raise _refused(400, "invalid_request", "the body must be application/x-www-form-urlencoded")
        fields |= dict(parse_qsl(ask.body.decode("utf-8", "replace"), keep_blank_values=True))
    for name in _FIELDS:
        if not fields.get(name):
            raise _refused(400, "invalid_request", f"missing parameter {name}")
    if fields["grant_type"] != "client_credentials":
        raise _refused(400, "unsupported_grant_type", "grant_type must be client_credentials")
    known = world.credentials
    if (fields["client_id"], fields["client_secret"]) != (known.client_id, known.client_secret):
        raise _refused(401, "invalid_client", "invalid client id or client secret")
    if " " in fields["scope"].strip():
        raise _refused(400, "invalid_scope", "scopes are separated by commas")
    life = world.options.token_life_s
    world.commit("token")
    return Reply(200, {"access_token": new_token(world), "token_type": "bearer", "expires_in": int(life)})


def new_token(world: World) -> str:
    """A token that is valid from now on for ``token_life_s`` real seconds."""
    token = f"eyJhbGciOiJSUzI1NiJ9.{world.ids.hex(40)}.{world.ids.hex(40)}"
    now = world.real.mono()
    for old in [known for known, until in world.tokens.items() if until <= now]:
        del world.tokens[old]
    world.tokens[token] = now + world.options.token_life_s
    return token
