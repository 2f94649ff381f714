"""Settings: one frozen profile, built in layers, each value knowing where it came from.

defaults < profile file < environment < flags. The file is YAML (:file:`configs/profile.example.yaml` shows
every field) or the JSON of the developer console and of ``aepp``. Nobody else reads ``HEADGATE_*``.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from headgate.classes import frozen
from headgate.errors import SettingsError
from headgate.pacing.poll import PollPolicy
from headgate.pacing.rate import parse_rate
from headgate.pacing.retry import RetryPolicy
from headgate.secret import MASK, Secret, without_password

#: Looked for in the working directory when no profile is named.
DEFAULT_FILES = ("headgate.yaml", ".headgate/profile.yaml")

#: What the environment may say, by field.
ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "platform_url": "HEADGATE_PLATFORM_URL",
        "ims_url": "HEADGATE_IMS_URL",
        "org_id": "HEADGATE_ORG_ID",
        "client_id": "HEADGATE_CLIENT_ID",
        "client_secret": "HEADGATE_CLIENT_SECRET",
        "scopes": "HEADGATE_SCOPES",
        "access_token": "HEADGATE_ACCESS_TOKEN",
        "sandbox": "HEADGATE_SANDBOX",
        "state": "HEADGATE_STATE",
        "notify": "HEADGATE_NOTIFY",
        "prometheus": "HEADGATE_PROMETHEUS",
        "otel": "HEADGATE_OTEL",
        "time_scale": "HEADGATE_TIME_SCALE",
    }
)
#: What says who we are; may be absent until a run needs it.
_CREDENTIALS = frozenset({"org_id", "client_id", "client_secret", "scopes", "access_token", "sandbox"})
#: Fields a flag may set although they are inside another.
_FLAGS = {"rate": "limits.rate", "concurrency": "limits.concurrency"}

#: The console's and aepp's names (in lower case, "-" as "_") for ours.
_ALIASES = {"secret": "client_secret", "sandbox_name": "sandbox"}
#: What else those files hold; of no use to us.
_CONSOLE_ONLY = frozenset(
    {"tech_id", "tech_acct_id", "technical_account_id", "technical_account_email", "environment", "pathtokey",
     "private_key", "private_key_path", "auth_code", "oauthtokenendpointv2", "imsendpoint", "project",
     "region"}
)  # fmt: skip

#: What makes a file one of those; in it, keys we do not know are left alone.
_CONSOLE_MARKS = frozenset({"secret", "tech_id", "technical_account_id", "technical_account_email"})

#: The default of ``timeout_s``.
TIMEOUT_S: Final = 30.0

_REFERENCE = re.compile(r"\$\{(env|file):([^}]+)\}")


@frozen
class Limits:
    """How fast and how much at once."""

    #: Requests of the whole run: ``50/s``, ``3000/min``. The platform documents no limit (facts 1.6).
    rate: str = "50/s"
    #: Requests under way at once.
    concurrency: int = 100
    #: Tighter rates of single endpoints, by template: ``{"POST /flows": "10/s"}``.
    endpoints: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def rate_per_s(self) -> float:
        """:attr:`rate` in requests per second."""
        return parse_rate(self.rate)

    def endpoint_rates(self) -> dict[str, float]:
        """:attr:`endpoints` in requests per second."""
        return {endpoint: parse_rate(rate) for endpoint, rate in self.endpoints.items()}


@frozen
class Profile:
    """Everything that is about the installation and not about the work. Durations in seconds."""

    platform_url: str = "https://platform.adobe.io"
    #: The whole token endpoint.
    ims_url: str = "https://ims-na1.adobelogin.com/ims/token/v3"
    org_id: str = ""
    client_id: str = ""
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ()
    #: A fixed token instead of ``client_secret`` and ``scopes``; never renewed.
    access_token: Secret | None = None
    sandbox: str = ""
    #: Path of a SQLite file, or the URL of a PostgreSQL database.
    state: str = ".headgate/state.db"
    limits: Limits = field(default_factory=Limits)
    poll: PollPolicy = field(default_factory=PollPolicy)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    #: One request, from connecting to the last byte.
    timeout_s: float = TIMEOUT_S
    connect_timeout_s: float = 5.0
    #: A process that the state store has not heard of for this long has lost what it drives; 0 is twice ``timeout_s``,
    #: and at least 20: no request may outlive it.
    lease_s: float = 0.0
    #: Sandboxes in which nothing is written without being asked.
    protected_sandboxes: tuple[str, ...] = ()
    #: A webhook that is told how each run ended; whoever has its address may post, so it is a secret.
    notify: Secret | None = None
    #: Where numbers are served while a run goes: a port of this machine, or ``host:port``; empty for nowhere.
    prometheus: str = ""
    #: Whether spans and numbers go to OpenTelemetry, as the ``OTEL_*`` variables say.
    otel: bool = False
    #: How fast the platform's clock runs; other than 1 only for an embedded platform.
    time_scale: float = 1.0
    #: Where each value came from: default, file, environment or flag; keys like ``limits.rate``.
    layers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)

    @classmethod
    def load(cls, path: str | Path | None = None, env: Mapping[str, str] | None = None, **flags: Any) -> Self:
        """The profile as all layers together say.

        Args:
            path: Profile file; else ``HEADGATE_PROFILE``, else ``headgate.yaml`` or
            ``.headgate/profile.yaml``
                in the working directory, if there.
            env: Environment; the process's own if not given. Empty variables count as absent.
            flags: Fields by name, and ``rate`` and ``concurrency``; those that are ``None`` were not given.

        Raises:
            SettingsError: for a file that cannot be read, an unknown key or a value of the wrong kind;
            several
                problems are told together.
        """
        env = os.environ if env is None else env
        draft = _Draft()
        found = _profile_path(path, env)
        if found is not None:
            draft.add_file(found, env)
        for key, name in ENVIRONMENT.items():
            if env.get(name):
                draft.add(key, env[name], "environment", name)
        for flag, value in flags.items():
            if value is not None:
                draft.add(_FLAGS.get(flag, flag), value, "flag", flag)
        return cls(**draft.finish())

    @property
    def lease_life_s(self) -> float:
        """:attr:`lease_s`, or what follows from ``timeout_s``."""
        return self.lease_s or max(20.0, 2 * self.timeout_s)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of what is needed to talk to the platform and not set."""
        needed = ["org_id", "client_id", "sandbox"]
        if self.access_token is None:
            needed += ["client_secret", "scopes"]
        return tuple(key for key in needed if not getattr(self, key))

    def require_platform(self) -> None:
        """Check, before a run, that we can say who we are.

        Raises:
            SettingsError: naming everything that is missing.
        """
        missing = self.missing
        if missing:
            names = ", ".join(ENVIRONMENT[key] for key in missing)
            raise SettingsError(
                ", ".join(missing),
                self.layers.get(missing[0], "default"),
                "not set, and nothing can be asked of the platform without",
                hint=f"put them in a profile, or set {names}; --simulate needs none",
            )

    @property
    def state_shown(self) -> str:
        """:attr:`state` as it may be shown: a URL without its password."""
        return without_password(self.state)

    def protects(self, sandbox: str) -> bool:
        """Whether ``sandbox`` is one of the protected ones, however it is spelt."""
        return sandbox.strip().casefold() in {name.strip().casefold() for name in self.protected_sandboxes}

    def describe(self) -> list[tuple[str, str, str]]:
        """Rows of key, value as it may be shown, and layer, in the fields' order; secrets are masked."""
        return [(key, _shown(value), self.layers.get(key, "default")) for key, value in _flat(self)]


# --- layers -----------------------------------------------------------------------------------------------


class _Draft:
    """Values by dotted key, each from the topmost layer that gave it, and the problems met on the way."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._layers: dict[str, str] = {}
        self._problems: list[tuple[str, str, str, str]] = []
        self._file: Path | None = None

    def add(self, key: str, value: Any, layer: str, name: str) -> None:
        """Take a value over what lower layers gave. ``name`` is what the user called it there."""
        if key in _GROUPS:
            self._add_group(key, value, layer)
            return
        read = _FIELDS.get(key)
        if read is None:
            self._unknown(key, layer, name, [*_FIELDS, *_GROUPS])
            return
        try:
            self._values[key] = read(value)
        except ValueError as error:
            self._problems.append((key, layer, str(error), ""))
        self._layers[key] = layer

    def add_file(self, path: Path, env: Mapping[str, str]) -> None:
        """Take everything a profile file says."""
        self._file = path
        content = _read_file(path)
        console = any(_plain(key) in _CONSOLE_MARKS or key.isupper() for key in content)
        for key, value in content.items():
            if console:
                plain = _plain(key)
                if plain in _CONSOLE_ONLY or (plain not in _ALIASES and plain not in _FIELDS):
                    continue
                key = _ALIASES.get(plain, plain)  # noqa: PLW2901
            else:
                key = _ALIASES.get(_plain(key), key)  # noqa: PLW2901
            try:
                resolved = _resolved(value, path.parent, env)
            except ValueError as error:
                if key in _CREDENTIALS:  # missed in require_platform(): not every command needs them
                    self._layers[key] = "file"
                else:
                    self._problems.append((key, "file", str(error), ""))
                continue
            if resolved is not None:
                self.add(key, resolved, "file", key)

    def finish(self) -> dict[str, Any]:
        """Arguments of a :class:`Profile`. Raises ``SettingsError`` with all problems."""
        values: dict[str, Any] = {key: value for key, value in self._values.items() if "." not in key}
        for group, make in _GROUPS.items():
            inner = {key.partition(".")[2]: value for key, value in self._values.items() if key.startswith(f"{group}.")}
            try:
                values[group] = make(**inner)
            except ValueError as error:
                layer = next((self._layers[f"{group}.{key}"] for key in inner), "default")
                self._problems.append((group, layer, str(error), ""))
        lease_s, timeout_s = values.get("lease_s"), values.get("timeout_s", TIMEOUT_S)
        if lease_s and lease_s < 2 * timeout_s:
            short = f"must be at least twice timeout_s ({timeout_s:g}): no request may outlive its lease"
            self._problems.append(("lease_s", self._layers["lease_s"], short, "raise it, or lower timeout_s"))
        if self._problems:
            lines = _lines(self._file) if any(layer == "file" for _, layer, *_ in self._problems) else {}
            places = [self._place(key, layer, lines) for key, layer, *_ in self._problems]
            told = [
                f"{message}" if not number else f"{key} ({place}): {message}"
                for number, ((key, _, message, _), place) in enumerate(zip(self._problems, places, strict=True))
            ]
            hints = [hint or _example(key) for key, _, _, hint in self._problems]
            key, layer, _, _ = self._problems[0]
            hint = "; ".join(dict.fromkeys(hint for hint in hints if hint))
            raise SettingsError(key, layer, "; ".join(told), hint=hint, place=places[0])
        values["layers"] = MappingProxyType(dict(self._layers))
        return values

    def _place(self, key: str, layer: str, lines: Mapping[str, int]) -> str:
        """Where a value stands: file and line, or the variable's name."""
        if layer == "file" and self._file is not None:
            line = lines.get(key)
            return f"{self._file}:{line}" if line else str(self._file)
        return place_of(key, layer)

    def _add_group(self, group: str, value: Any, layer: str) -> None:
        if isinstance(value, _GROUPS[group]):
            value = {item.name: getattr(value, item.name) for item in fields(value)}
        if not isinstance(value, Mapping):
            self._problems.append((group, layer, "must be a mapping", ""))
            return
        for key, inner in value.items():
            full = f"{group}.{key}"
            if inner is None:
                continue
            if full in _FIELDS:
                self.add(full, inner, layer, full)
            else:
                self._unknown(full, layer, full, [name for name in _FIELDS if name.startswith(f"{group}.")])

    def _unknown(self, key: str, layer: str, name: str, known: list[str]) -> None:
        from difflib import get_close_matches

        near = get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
        self._problems.append((name, layer, "is not a setting", hint))


def _profile_path(path: str | Path | None, env: Mapping[str, str]) -> Path | None:
    """The file to read: the one named, which must be there, or a default one, which may."""
    named, layer = (path, "flag") if path is not None else (env.get("HEADGATE_PROFILE"), "environment")
    if named:
        found = Path(named).expanduser()
        if not found.is_file():
            raise SettingsError(
                "profile", layer, f"{found} is not a file", hint="`headgate init` writes a starter profile"
            )
        return found
    return next((file for name in DEFAULT_FILES if (file := Path(name)).is_file()), None)


def _read_file(path: Path) -> dict[str, Any]:
    import yaml  # only where there is a file

    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise SettingsError(
            "profile", "file", f"{path} cannot be read: {error.strerror}", hint="check the file and its permissions"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # Only the place: the parser's own message quotes the line, which may hold a secret.
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise SettingsError(
            "profile",
            "file",
            f"{place} is not valid YAML",
            hint="look for a bracket or quote that is not closed, or a tab",
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise SettingsError(
            "profile", "file", f"{path} must be a mapping of settings", hint="such as sandbox: dev, one on each line"
        )
    return content


def place_of(key: str, layer: str) -> str:
    """Where the value of ``key`` comes from, as exactly as its layer tells: the name of a variable."""
    return ENVIRONMENT.get(key, layer) if layer == "environment" else layer


def _lines(path: Path | None) -> dict[str, int]:
    """The line of each key of a profile file, by the name it has here: for those who mend it."""
    import yaml

    found: dict[str, int] = {}

    def walk(node: Any, above: str) -> None:
        if not isinstance(node, yaml.MappingNode):
            return
        for name, inner in node.value:
            key = str(name.value)
            plain = _plain(key) if not above else key
            for known in (key, _ALIASES.get(plain, plain)):
                found.setdefault(f"{above}{known}", name.start_mark.line + 1)
            walk(inner, f"{above}{key}.")

    if path is not None:
        with suppress(OSError, yaml.YAMLError, UnicodeDecodeError):
            walk(yaml.compose(path.read_bytes(), Loader=yaml.SafeLoader), "")
    return found


def _example(key: str) -> str:
    """How a setting is written: an example, or its default."""
    if key in _EXAMPLES:
        return f"such as {key}: {_EXAMPLES[key]}"
    defaults = dict(_flat(Profile()))
    return f"the default of {key} is {_shown(defaults[key])}" if key in defaults else ""


_EXAMPLES: Final = {
    "org_id": "0123456789ABCDEF01234567@AdobeOrg",
    "client_id": "0123456789abcdef0123456789abcdef",
    "client_secret": "${env:AEP_CLIENT_SECRET}",
    "access_token": "${env:AEP_TOKEN}",
    "scopes": "openid, AdobeID",
    "sandbox": "dev",
    "protected_sandboxes": "[prod]",
    "limits": "{rate: 50/s, concurrency: 100}",
    "limits.endpoints": "{POST /flows: 10/s}",
    "poll": "{first_s: 30, cap_s: 120}",
    "retry": "{attempts: 6}",
    "lease_s": "60, or 0 for twice timeout_s",
    "notify": "${env:SLACK_WEBHOOK}",
    "prometheus": "9464",
}


def _plain(key: str) -> str:
    return key.lower().replace("-", "_")


def _resolved(value: Any, folder: Path, env: Mapping[str, str]) -> Any:
    """``value`` with ``${env:X}`` and ``${file:path}`` in it replaced; one reference alone keeps its name."""
    if isinstance(value, dict):
        return {key: _resolved(inner, folder, env) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, folder, env) for inner in value]
    if not isinstance(value, str) or not _REFERENCE.search(value):
        return value

    def look_up(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "env":
            if name not in env:
                raise ValueError(f"{match.group()} is not in the environment")
            return env[name]
        try:
            return (folder / name).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{match.group()} cannot be read") from error

    return Secret(_REFERENCE.sub(look_up, value), value)


# --- kinds of values --------------------------------------------------------------------------------------
# Each takes a value of any layer (a Secret when it came by reference) and gives the field's, or says
# ValueError. Messages never repeat the value: it may be a secret that stands in the wrong place.


def _text(value: Any) -> str:
    value = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(value, str):
        raise ValueError("must be text; quote it")
    text: str = value.strip()
    if not text.isprintable():
        raise ValueError("holds a line end or another invisible character")
    return text


def _path(value: Any) -> str:
    return _text(str(value) if isinstance(value, Path) else value)


def _secret(value: Any) -> Secret:
    text = _text(value)
    if not text:
        raise ValueError("is empty")
    return Secret(text, value.ref if isinstance(value, Secret) else MASK)


def _words(value: Any) -> tuple[str, ...]:
    """A list, or text with commas or spaces between."""
    value = value.reveal() if isinstance(value, Secret) else value
    parts = re.split(r"[,\s]+", value) if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)):
        raise ValueError("must be a list, or text with commas")
    return tuple(word for part in parts for word in [_text(part)] if word)


def _number(value: Any) -> float:
    value = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(value, (int, float, str)) or isinstance(value, bool):
        raise ValueError("must be a number")
    try:
        found = float(value)
    except ValueError:
        raise ValueError("must be a number") from None
    if not math.isfinite(found):
        raise ValueError("must be a number")
    return found


def _positive(value: Any) -> float:
    found = _number(value)
    if found <= 0:
        raise ValueError("must be above zero")
    return found


def _whole(value: Any) -> int:
    found = _number(value)
    if not found.is_integer():
        raise ValueError("must be a whole number")
    return int(found)


def _count(value: Any) -> int:
    found = _whole(value)
    if found < 1:
        raise ValueError("must be at least 1")
    return found


def _switch(value: Any) -> bool:
    value = value.reveal() if isinstance(value, Secret) else value
    found = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    text = str(value).strip().lower()
    if text not in found:
        raise ValueError("must be true or false")
    return found[text]


def _address(value: Any) -> str:
    text = _text(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    host, colon, port = text.rpartition(":")
    if text and not (port.isascii() and port.isdigit() and int(port) < 65_536 and bool(colon) == bool(host)):
        raise ValueError("must be a port, or host:port")
    return text


def _rate(value: Any) -> str:
    value = value.reveal() if isinstance(value, Secret) else value
    parse_rate(value)
    return value if isinstance(value, str) else f"{value:g}/s"


def _rates(value: Any) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping of endpoints to rates")
    return MappingProxyType({_text(key): _rate(rate) for key, rate in value.items()})


#: The parts of a profile that are mappings themselves.
_GROUPS: Mapping[str, type[Limits | PollPolicy | RetryPolicy]] = {
    "limits": Limits,
    "poll": PollPolicy,
    "retry": RetryPolicy,
}

_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "platform_url": _text,
    "ims_url": _text,
    "org_id": _text,
    "client_id": _text,
    "client_secret": _secret,
    "scopes": _words,
    "access_token": _secret,
    "sandbox": _text,
    "state": _path,
    "limits.rate": _rate,
    "limits.concurrency": _count,
    "limits.endpoints": _rates,
    "poll.first_s": _number,
    "poll.cap_s": _number,
    "poll.factor": _number,
    "retry.attempts": _whole,
    "retry.first_s": _number,
    "retry.cap_s": _number,
    "retry.budget_ratio": _number,
    "retry.budget_floor": _whole,
    "timeout_s": _positive,
    "connect_timeout_s": _positive,
    "lease_s": _number,
    "protected_sandboxes": _words,
    "notify": _secret,
    "prometheus": _address,
    "otel": _switch,
    "time_scale": _positive,
}


def _flat(profile: Profile) -> list[tuple[str, Any]]:
    """Dotted keys and values of a profile, groups opened."""
    rows: list[tuple[str, Any]] = []
    for item in fields(profile):
        value = getattr(profile, item.name)
        if item.name in _GROUPS:
            rows += [(f"{item.name}.{inner.name}", getattr(value, inner.name)) for inner in fields(value)]
        elif item.name != "layers":
            rows.append((item.name, value))
    return rows


def _shown(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "(not set)"
    if isinstance(value, Secret):
        return value.ref
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {rate}" for key, rate in value.items())
    if isinstance(value, float):
        return f"{value:g}"
    return without_password(str(value))  # a shared store's URL may have one in it
