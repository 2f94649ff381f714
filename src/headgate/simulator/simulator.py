"""The platform as one object: start it, talk to it over HTTP, read its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from headgate.clock import Clock, SystemClock
from headgate.simulator.app import Server
from headgate.simulator.ids import Credentials, credentials
from headgate.simulator.ims import new_token
from headgate.simulator.options import Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from headgate.simulator.faults import Fault


class Simulator:
    """An embedded Adobe Experience Platform, for tests and dry runs.

    Args:
        seed: Decides ids, credentials, run lengths and faults.
        time_scale: How fast the platform's clock runs; its ``Date`` header shows it.
        rate_limit: ``"50/s"``, ``"3000/min"`` or a number per second; real time. ``None`` is no limit.
        retry_after: Whether a 429 (or a 503 that stands for it) carries ``Retry-After``.
        limit_model: How the limit counts: a token ``bucket``, a ``fixed`` or ``sliding`` window as long as the rate's
            period, or ``gcra``, a bucket that hardly holds anything.
        limit_burst: Requests that a bucket holds, instead of a whole period's.
        limit_changes: ``(seconds, factor)``: from so many real seconds after the first request on, factor times the
            rate is allowed.
        limit_status: What exceeding it is answered with: 429, or a bare 500 or 503.
        latency_s: Real seconds before each answer leaves (after the effect), with ``latency_jitter`` the
            sigma of a lognormal factor.
        faults: Trouble on purpose; see :class:`Fault` and :func:`load_faults`.
        world: File that keeps the state; reloaded when it exists.
        clock: The platform's clock instead of a scaled one.
        real_clock: What the gateway and the tokens live by.
        run_seconds: Shortest and longest run, platform seconds.
        run_visible_after_s: Platform seconds before a new run can be read (404 until then).
        run_failure_share: Share of runs that fail; likewise ``run_partial_share``.
        token_life_s: Real seconds a token lives.
        lenient: Take an unquoted If-Match, a missing sandbox header (as ``prod``) and an unpadded page token.
        sandboxes: Names that exist.
        patch_status: What a flow's PATCH answers: ``200``, ``202`` or ``alternate`` by flow.
        update_seconds: Platform seconds an accepted (202) update takes.
        delete_status: What a DELETE answers: ``202``, ``204`` or ``alternate`` by object.
        delete_seconds: Platform seconds a deletion answered by 202 takes; until then the object is there, in state
            ``delete-finalizing``.
        list_lag_seconds: Platform seconds before what was created, a run included, shows in a list; by its id it can be
            read at once.
        patch_shows: Whether an accepted update shows ``at-once``, or ``when-done``: until then the flow keeps its
            values and its etag, and only its state and ``lastOperation`` tell.
        adhoc_wording: ``audience`` or ``segment`` in the message of a run going on.
        audiences: Names of audiences by id, where selectors do not say.
        datasets: Names of further datasets by id, beside those that follow from the seed.
        default_limit: Items in a page when the caller does not say.
        seed_counts: What a new world holds already: ``flows``, and ``audiences`` for each of them; ``datasetFlows``
            whose end dates differ, and ``sourceFlows``.

    Raises:
        ValueError: a setting that makes no sense, or a world file that cannot be read.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        time_scale: float = 1.0,
        rate_limit: str | float | None = None,
        retry_after: bool = True,
        limit_model: str = "bucket",
        limit_burst: float | None = None,
        limit_changes: Iterable[tuple[float, float]] = (),
        limit_status: int = 429,
        latency_s: float = 0.0,
        latency_jitter: float = 0.0,
        faults: Sequence[Fault] = (),
        world: Path | None = None,
        clock: Clock | None = None,
        real_clock: Clock | None = None,
        run_seconds: tuple[float, float] = (30.0, 300.0),
        run_visible_after_s: float = 0.0,
        run_failure_share: float = 0.0,
        run_partial_share: float = 0.0,
        token_life_s: float = 86399,
        lenient: bool = False,
        sandboxes: Iterable[str] = ("prod", "dev"),
        patch_status: str = "alternate",
        update_seconds: float = 5.0,
        delete_status: str = "202",
        delete_seconds: float = 0.0,
        list_lag_seconds: float = 0.0,
        patch_shows: str = "at-once",
        adhoc_wording: str = "audience",
        audiences: Mapping[str, str] | None = None,
        datasets: Mapping[str, str] | None = None,
        default_limit: int = 20,
        seed_counts: Mapping[str, int] | None = None,
    ) -> None:
        self._server = Server(
            Options(
                seed=seed,
                time_scale=time_scale,
                rate_limit=rate_limit,
                retry_after=retry_after,
                limit_model=limit_model,
                limit_burst=limit_burst,
                limit_changes=tuple(limit_changes),
                limit_status=limit_status,
                latency_s=latency_s,
                latency_jitter=latency_jitter,
                faults=tuple(faults),
                world=world,
                clock=clock,
                real_clock=real_clock or SystemClock(),
                run_seconds=run_seconds,
                run_visible_after_s=run_visible_after_s,
                run_failure_share=run_failure_share,
                run_partial_share=run_partial_share,
                token_life_s=token_life_s,
                lenient=lenient,
                sandboxes=frozenset(sandboxes),
                patch_status=patch_status,
                update_seconds=update_seconds,
                delete_status=delete_status,
                delete_seconds=delete_seconds,
                list_lag_seconds=list_lag_seconds,
                patch_shows=patch_shows,
                adhoc_wording=adhoc_wording,
                audiences=audiences,
                datasets=datasets or {},
                default_limit=default_limit,
                seed_counts=seed_counts or {},
            )
        )
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
