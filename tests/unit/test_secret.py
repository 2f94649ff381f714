"""URLs of shared state stores, as they may be shown."""

from __future__ import annotations

import pytest

from headgate.secret import passwords_of, without_password
from headgate.settings import Profile


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:pw@host/db", "postgresql://u:***@host/db"),
        ("postgresql://u:p@w/x@host:5432/db?sslmode=require", "postgresql://u:***@host:5432/db?sslmode=require"),
        ("postgresql://u:p:w?x@host/db", "postgresql://u:***@host/db"),
        ("postgres://u@host/db", "postgres://u@host/db"),
        ("postgres://host/db", "postgres://host/db"),
        ("postgresql:///db?host=/run&user=u&password=pw&x=1", "postgresql:///db?host=/run&user=u&password=***&x=1"),
        ("postgresql://h/db?sslpassword=pw", "postgresql://h/db?sslpassword=***"),
        ("postgresql://u:pw@h/db?passwd=pw&PASSWORD=pw", "postgresql://u:***@h/db?passwd=***&PASSWORD=***"),
        (".headgate/state.db", ".headgate/state.db"),
        ("folder/a:b@c.db", "folder/a:b@c.db"),
    ],
)
def test_a_url_is_shown_without_its_password(url, shown):
    assert without_password(url) == shown
    profile = Profile.load(env={}, state=url)
    assert profile.state == url
    assert profile.state_shown == shown
    assert dict((key, value) for key, value, _ in profile.describe())["state"] == shown


def test_passwords_are_known_as_written_and_as_meant():
    assert passwords_of("postgresql://u:a%40b@h/db?password=c") == ("a%40b", "a@b", "c")
    assert passwords_of("postgresql://u@h/db") == ()
    assert passwords_of("state.db") == ()
