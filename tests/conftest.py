"""What several rooms of tests share: a real PostgreSQL, started when the first test asks for it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# A machine that is busy with something else makes examples slowly: that says nothing of what is tested.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def postgres_server():
    """The session's server. Without one this is an error, not a skip: the ``test`` extra brings one."""
    from tests.postgres_server import Server

    server = Server()
    yield server
    server.stop()


@pytest.fixture
def postgres(postgres_server):
    """The URL of an empty database that nobody else uses."""
    name = postgres_server.database()
    yield postgres_server.url(name)
    postgres_server.give_back(name)
