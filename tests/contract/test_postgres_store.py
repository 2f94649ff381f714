"""The PostgreSQL store passes the suite, on a real server, and a few things only a server can get wrong."""

from __future__ import annotations

import time

import pytest

from headgate.store import open_store
from headgate.store.postgres_schema import MIGRATIONS

from tests.contract.store_suite import StoreSuite


class PostgresPlace:
    def __init__(self, server, url):
        self.server, self.url = server, url
        self.name = url.rpartition("/")[2]

    def open(self, **options):
        return open_store(self.url, **options)

    def do(self, statement):
        return self.server.sql(statement, self.name)

    def holder_row(self, run, *, host, pid, machine=""):
        self.do(
            "WITH p AS (INSERT INTO headgate.process (token, host, pid, machine, expires_at) "
            f"VALUES (gen_random_uuid()::text, '{host}', {pid}, '{machine}', now() + interval '1 minute') RETURNING id), "
            f"l AS (UPDATE headgate.lease SET holder = p.id FROM p WHERE run = '{run}') "
            f"UPDATE headgate.run SET holder = p.id FROM p WHERE run.id = '{run}'"
        )

    def expire(self):
        self.do("UPDATE headgate.process SET expires_at = now() - interval '1 minute'")

    def make_newer(self):
        self.do(f"UPDATE headgate.version SET number = {len(MIGRATIONS) + 1}")

    def corrupt(self):
        self.do("ALTER TABLE headgate.run RENAME TO something_else")


@pytest.fixture
def place(postgres_server, postgres):
    return PostgresPlace(postgres_server, postgres)


class TestPostgres(StoreSuite):
    @pytest.fixture
    def place(self, postgres_server, postgres):
        return PostgresPlace(postgres_server, postgres)
