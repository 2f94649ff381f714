"""The platform as one object: start it, talk to it over HTTP, read its ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from headgate.simulator.app import Server
from headgate.simulator.ids import Credentials, credentials
from headgate.simulator.ims import new_token
from headgate.simulator.options import Options

if TYPE_CHECKING:
    from types import TracebackType


class Simulator:
    """An embedded Adobe Experience Platform, for tests and dry runs.

    Args:
        options: How it is to be; as :class:`Options` says.
        more: Single ones of these, by name.

    Raises:
        ValueError: a setting that makes no sense, or a world file that cannot be read.
        TypeError: there is no such option.
    """

    def __init__(self, options: Options | None = None, /, **more: Any) -> None:
        self._server = Server(replace(options or Options(), **more))
        control = self._server.control
        self.ledger = control.ledger
        self.set_faults = control.set_faults
        self.faults = control.faults
        self.scheduled_run = control.scheduled_run
        self.meddle = control.meddle
        self.foreign_adhoc = control.foreign_adhoc
        self.fail_next_run = control.fail_next_run
        self.refuse_schedule = control.refuse_schedule
        self.revoke_tokens = control.revoke_tokens
        self.advance = control.advance

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; returns the base URL. Starting twice changes nothing; after a stop it serves the same
        world.

        Raises:
            OSError: the address cannot be bound.
        """
        return await self._server.start(host, port)

    async def stop(self) -> None:
        """Stop listening. The ledger stays readable."""
        await self._server.stop()

    @property
    def url(self) -> str:
        """Base URL of the platform; empty before the first start."""
        return self._server.url

    @property
    def ims_url(self) -> str:
        """The whole token endpoint."""
        return f"{self._server.url}/ims/token/v3"

    @property
    def credentials(self) -> dict[str, str]:
        """``org_id, client_id, client_secret, scopes, sandbox``: what a profile needs."""
        return _as_dict(self._server.world.credentials)

    @staticmethod
    def credentials_of(seed: int = 0, sandbox: str = "dev") -> dict[str, str]:
        """The credentials of the platform that ``seed`` makes, without making it."""
        return _as_dict(credentials(seed, sandbox))

    def now(self) -> float:
        """Platform time, epoch seconds."""
        return self._server.world.now()

    def issue_token(self) -> str:
        """A valid token without the token endpoint."""
        return new_token(self._server.world)

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """Live objects of a kind (``flows``, ``connections`` …) as they are kept, oldest first."""
        world = self._server.world
        return [world.settle(entity) for entity in world.store.all(kind)]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def _as_dict(known: Credentials) -> dict[str, str]:
    return {
        "org_id": known.org_id,
        "client_id": known.client_id,
        "client_secret": known.client_secret,
        "scopes": known.scopes,
        "sandbox": known.sandbox,
    }
