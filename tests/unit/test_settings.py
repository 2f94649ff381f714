from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml

from headgate.errors import SettingsError
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.secret import Secret
from headgate.settings import ENVIRONMENT, Limits, Profile, _flat

EXAMPLE = Path(__file__).parents[2] / "configs" / "profile.example.yaml"
HUSH = "hunter2hunter2"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(text, name="p.yaml"):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_alone():
    profile = Profile.load(env={})
    assert profile == Profile()
    assert profile.platform_url == "https://platform.adobe.io"
    assert profile.limits.rate_per_s == 50
    assert profile.poll == PollPolicy(30, 120, 1.5)
    assert profile.retry == RetryPolicy()
    assert {layer for *_, layer in profile.describe()} == {"default"}


def test_each_layer_over_the_one_below():
    path = written("sandbox: file\norg_id: file\nclient_id: file\nlimits: {rate: 10/s, concurrency: 5}\n")
    profile = Profile.load(
        path, {"HEADGATE_SANDBOX": "env", "HEADGATE_ORG_ID": "env"}, sandbox="flag", rate="20/s", state=None
    )
    assert (profile.client_id, profile.org_id, profile.sandbox) == ("file", "env", "flag")
    assert (profile.limits.rate, profile.limits.concurrency) == ("20/s", 5)
    layers = {key: layer for key, _, layer in profile.describe()}
    assert [layers[key] for key in ("client_id", "org_id", "sandbox", "limits.rate", "limits.concurrency", "state")] == [
        "file", "environment", "flag", "flag", "file", "default"
    ]  # fmt: skip
    assert profile.layers["limits.rate"] == "flag"
    with pytest.raises(TypeError):
        profile.layers["x"] = "y"


def test_empty_variables_and_missing_flags_say_nothing():
    assert Profile.load(env={"HEADGATE_SANDBOX": ""}, sandbox=None).sandbox == ""


def test_every_variable_of_the_contract_is_read():
    env = {name: "3" for name in ENVIRONMENT.values()} | {"HEADGATE_OTEL": "true"}
    profile = Profile.load(env=env)
    layers = {key: layer for key, _, layer in profile.describe()}
    assert {key for key, layer in layers.items() if layer == "environment"} == set(ENVIRONMENT)
    assert profile.time_scale == 3.0


def test_the_example_loads_and_names_every_field_with_its_default():
    profile = Profile.load(EXAMPLE, {"AEP_CLIENT_SECRET": HUSH})
    profile.require_platform()
    assert profile.client_secret == Secret(HUSH)
    assert profile.client_secret.ref == "${env:AEP_CLIENT_SECRET}"
    content = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    shown = {f"{key}.{inner}" for key, value in content.items() if isinstance(value, dict) for inner in value}
    shown |= {key for key, value in content.items() if not isinstance(value, dict)}
    assert shown == {key for key, _ in _flat(profile)}
    own = ("org_id", "client_id", "client_secret", "scopes", "sandbox")
    assert dataclasses.replace(profile, **{key: getattr(Profile(), key) for key in own}) == Profile()


def test_the_file_is_named_or_found():
    written("sandbox: found", ".headgate/profile.yaml")
    assert Profile.load(env={}).sandbox == "found"
    written("sandbox: nearer", "headgate.yaml")
    assert Profile.load(env={}).sandbox == "nearer"
    written("sandbox: variable", "v.yaml")
    assert Profile.load(env={"HEADGATE_PROFILE": "v.yaml"}).sandbox == "variable"
    written("sandbox: named", "n.yaml")
    assert Profile.load("n.yaml", {"HEADGATE_PROFILE": "v.yaml"}).sandbox == "named"


@pytest.mark.parametrize(
    ("path", "env", "layer"),
    [("gone.yaml", {}, "flag"), (None, {"HEADGATE_PROFILE": "gone.yaml"}, "environment")],
)
def test_a_named_file_must_be_there(path, env, layer):
    with pytest.raises(SettingsError) as caught:
        Profile.load(path, env)
    assert (caught.value.layer, caught.value.exit_code) == (layer, 2)


@pytest.mark.parametrize(
    "content",
    [
        {"CLIENT_ID": "c", "CLIENT_SECRET": HUSH, "ORG_ID": "o", "SCOPES": ["a", "b"], "TECHNICAL_ACCOUNT_ID": "t", "SOMETHING_NEW": 1},
        {"client_id": "c", "secret": HUSH, "org_id": "o", "scopes": "a, b", "tech_id": "t", "environment": "prod"},
        {"client_id": "c", "secret": HUSH, "org_id": "o", "scopes": ["a", "b"], "sandbox-name": "dev"},
    ],
)  # fmt: skip
def test_the_consoles_and_aepps_json_are_profiles(content):
    profile = Profile.load(
        written(json.dumps(content), "c.json"), {}, sandbox=None if "sandbox-name" in content else "dev"
    )
    profile.require_platform()
    assert (profile.client_id, profile.org_id, profile.scopes, profile.sandbox) == (
        "c",
        "o",
        ("a", "b"),
        "dev",
    )
    assert profile.client_secret == Secret(HUSH)


def test_references_are_looked_up_beside_the_file():
    written(f"{HUSH}\n", "etc/secret.txt")
    path = written(
        "client_secret: ${file:secret.txt}\nsandbox: dev-${env:WHO}\nlimits: {rate: '${env:R}'}\n",
        "etc/p.yaml",
    )
    profile = Profile.load(path, {"WHO": "me", "R": "7/s"})
    assert profile.client_secret.reveal() == HUSH
    assert profile.client_secret.ref == "${file:secret.txt}"
    assert (profile.sandbox, profile.limits.rate) == ("dev-me", "7/s")


@pytest.mark.parametrize("text", ["state: ${env:GONE}", "state: ${file:gone}"])
def test_a_reference_to_nothing_is_told(text):
    with pytest.raises(SettingsError, match="state"):
        Profile.load(written(text), {})


@pytest.mark.parametrize("text", ["client_secret: ${env:GONE}", "client_secret: ${file:gone}"])
def test_a_credential_that_is_not_there_is_missed_only_when_needed(text):
    """``--simulate``, ``runs`` and ``report`` need none."""
    profile = Profile.load(written(text), {})
    assert profile.client_secret is None
    assert ("client_secret", "(not set)", "file") in profile.describe()
    with pytest.raises(SettingsError, match="client_secret"):
        profile.require_platform()


def test_what_is_missing_is_told_at_once_and_only_when_needed():
    with pytest.raises(SettingsError) as caught:
        Profile.load(env={}).require_platform()
    assert caught.value.key == "org_id, client_id, sandbox, client_secret, scopes"
    assert "HEADGATE_SCOPES" in caught.value.hint
    with_token = Profile.load(env={"HEADGATE_ACCESS_TOKEN": "t", "HEADGATE_ORG_ID": "o", "HEADGATE_CLIENT_ID": "c"})
    assert with_token.missing == ("sandbox",)


def test_no_secret_is_shown():
    path = written(f"client_secret: {HUSH}\naccess_token: {HUSH}\nstate: postgresql://me:{HUSH}@db/x\n")
    profile = Profile.load(path, {})
    assert HUSH not in str(profile.describe())
    shown = {key: value for key, value, _ in profile.describe()}
    assert shown["client_secret"] == shown["access_token"] == "***"
    assert shown["state"] == "postgresql://me:***@db/x"
    assert shown["org_id"] == "(not set)"
    assert HUSH not in repr(dataclasses.replace(profile, state="s"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sandbx: dev", "did you mean sandbox?"),
        ("limits: {rte: 5/s}", "did you mean limits.rate?"),
        ("limits: {rate: fast}", "limits.rate"),
        ("limits: {rate: 0}", "limits.rate"),
        ("limits: {concurrency: 0}", "at least 1"),
        ("limits: {concurrency: 2.5}", "whole number"),
        ("limits: {endpoints: [1]}", "mapping"),
        ("limits: 5", "mapping"),
        ("timeout_s: 0", "above zero"),
        ("lease_s: 59", "at least twice timeout_s"),
        ("lease_s: -1", "at least twice timeout_s"),
        ("timeout_s: .nan", "number"),
        ("timeout_s: yes", "number"),
        ("sandbox: no", "quote it"),
        ("sandbox: 5", "quote it"),
        ('org_id: "a\\r\\nX-Evil: b"', "line end"),
        ("scopes: {a: b}", "list"),
        ("client_secret: ''", "empty"),
        ("poll: {first_s: 500}", "cap_s"),
        ("retry: {attempts: 0}", "attempts"),
        ("- a", "mapping"),
        ("1: a", "mapping"),
        ("a: [", "not valid YAML"),
        ("a: \x01", "not valid YAML"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_layer(text, told):
    with pytest.raises(SettingsError) as caught:
        Profile.load(written(text), {})
    assert told in f"{caught.value} {caught.value.hint}"
    assert caught.value.layer == "file"


def test_several_problems_are_told_together():
    with pytest.raises(SettingsError) as caught:
        Profile.load(written("sandbx: dev\ntimeout_s: -1"), {"HEADGATE_TIME_SCALE": "slow"})
    message = str(caught.value)
    assert all(key in message for key in ("sandbx", "timeout_s", "time_scale (HEADGATE_TIME_SCALE)"))


def test_a_broken_file_is_not_quoted():
    with pytest.raises(SettingsError) as caught:
        Profile.load(written(f"sandbox: dev\nclient_secret: [{HUSH}"), {})
    assert "p.yaml:" in str(caught.value)
    assert HUSH not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_secret_in_the_wrong_place_is_not_quoted():
    with pytest.raises(SettingsError) as caught:
        Profile.load(written(f"client_secret: [{HUSH}]"), {})
    assert HUSH not in str(caught.value)


def test_flags_that_are_none_of_ours():
    with pytest.raises(SettingsError, match="colour"):
        Profile.load(env={}, colour="red")


def test_an_empty_file_and_null_values_are_defaults():
    assert Profile.load(written(""), {}) == Profile()
    assert Profile.load(written("sandbox:\nlimits: {rate: null}"), {}) == Profile()


def test_per_endpoint_rates():
    limits = Profile.load(written("limits: {endpoints: {POST /flows: 600/min, GET /flows: 5}}"), {}).limits
    assert limits.endpoint_rates() == {"POST /flows": 10.0, "GET /flows": 5.0}
    assert Profile.load(env={}, limits=Limits(rate="5/s", concurrency=2)).limits.concurrency == 2


def test_protected_sandboxes():
    profile = Profile.load(written("protected_sandboxes: [prod, prod-eu]"), {})
    assert profile.protects("prod")
    assert not profile.protects("dev")
