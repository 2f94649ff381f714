"""Where the platform is and who we are to it: what the transport needs of a profile, checked."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headgate.classes import frozen
from headgate.errors import SettingsError
from headgate.settings import place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.secret import Secret
    from headgate.settings import Profile

_LIKE = "write it like https://platform.adobe.io"


@frozen
class PlatformSettings:
    """Everything a transport needs. ``access_token`` given means: use it, never ask for another.

    Raises:
        SettingsError: for a URL that is not https (plain http is for loopback hosts), holds a user or a
        query,
            or for times and counts that are not positive.
    """

    platform_url: str
    ims_url: str
    org_id: str
    client_id: str
    sandbox: str
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ()
    access_token: Secret | None = None
    timeout_s: float = 30.0
    connect_timeout_s: float = 5.0
    #: Connections kept at most; as many as requests may be under way.
    connections: int = 100

    def __post_init__(self) -> None:
        _checked_url("platform_url", self.platform_url, {})
        _checked_url("ims_url", self.ims_url, {})
        for key in ("timeout_s", "connect_timeout_s", "connections"):
            if not getattr(self, key) > 0:
                raise SettingsError(key, "given", "must be above zero", hint="leave it out for the default")

    @classmethod
    def of(cls, profile: Profile) -> PlatformSettings:
        """The settings a profile means.

        Raises:
            SettingsError: naming every missing credential, or a URL or number that cannot be used.
        """
        profile.require_platform()
        _checked_url("platform_url", profile.platform_url, profile.layers)
        _checked_url("ims_url", profile.ims_url, profile.layers)
        return cls(
            platform_url=profile.platform_url,
            ims_url=profile.ims_url,
            org_id=profile.org_id,
            client_id=profile.client_id,
            sandbox=profile.sandbox,
            client_secret=profile.client_secret,
            scopes=profile.scopes,
            access_token=profile.access_token,
            timeout_s=profile.timeout_s,
            connect_timeout_s=profile.connect_timeout_s,
            connections=profile.limits.concurrency,
        )

    @property
    def origin(self) -> str:
        """``scheme://host[:port]`` of the platform, lower case: the only place a token may go."""
        return origin_of(self.platform_url)


def origin_of(url: str) -> str:
    """``scheme://host[:port]`` of an absolute URL, lower case, without a scheme's own port.

    Raises:
        ValueError: when ``url`` is not an absolute URL, or its port is not a number.
    """
    parts = urlsplit(url)
    if not parts.scheme or not parts.hostname:
        raise ValueError("not an absolute URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in {None, usual} else "")


def loopback(host: str) -> bool:
    """Whether ``host`` is this machine: ``localhost``, 127.0.0.0/8 or ::1. Other names are not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_url(key: str, url: str, layers: Mapping[str, str]) -> None:
    # The URL itself is not repeated in the message: it may hold a password.
    layer = layers.get(key, "given")
    place = place_of(key, layer)
    try:
        parts = urlsplit(url)
        origin_of(url)
    except ValueError:
        raise SettingsError(key, layer, "is not a URL", hint=_LIKE, place=place) from None
    if parts.username is not None or parts.password is not None:
        hint = "credentials are client_id and client_secret, or access_token"
        raise SettingsError(key, layer, "must not hold a user or a password", hint=hint, place=place)
    if parts.query or parts.fragment:
        hint = "leave out what follows ? or #"
        raise SettingsError(key, layer, "must not have a query or a fragment", hint=hint, place=place)
    if parts.scheme == "https" or (parts.scheme == "http" and loopback(parts.hostname or "")):
        return
    hint = "plain http is allowed for localhost, 127.0.0.1 and [::1] only"
    raise SettingsError(key, layer, "must be https", hint=hint, place=place)
