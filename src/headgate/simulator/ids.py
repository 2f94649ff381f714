"""Ids, etags and seeded chance: the only randomness of the platform, so that one seed tells one story."""

from __future__ import annotations

import random
from dataclasses import dataclass


def uuid_from(bits: int) -> str:
    """A version-4 UUID from 128 random bits."""
    text = f"{bits & ~(0xF << 76) & ~(0x3 << 62) | 4 << 76 | 2 << 62:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Ids:
    """Seeded source of ids. ``generation`` counts restarts of a world: the same ids must not come twice."""

    def __init__(self, seed: int, generation: int = 0) -> None:
        self.random = random.Random(f"{seed}:{generation}")

    def uuid(self) -> str:
        """A fresh entity or run id."""
        return uuid_from(self.random.getrandbits(128))

    def hex(self, digits: int) -> str:
        """``digits`` random hex digits."""
        return f"{self.random.getrandbits(digits * 4):0{digits}x}"

    def etag(self, now: float) -> str:
        """A fresh etag, its double quotes included; its last group begins with the epoch seconds of the
        write.
        """
        bits = self.random.getrandbits(48)
        return f'"{bits >> 16:08x}-{bits & 0xFFFF:04x}-0200-0000-{int(now) & 0xFFFFFFFF:08x}0000"'


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the developer console would hand out. Follows from the seed alone."""

    org_id: str
    client_id: str
    client_secret: str
    scopes: str
    sandbox: str


def credentials(seed: int, sandbox: str) -> Credentials:
    """The credentials of the platform that ``seed`` makes."""
    ids = Ids(seed, -1)
    return Credentials(
        org_id=f"{ids.hex(24).upper()}@AdobeOrg",
        client_id=ids.hex(32),
        client_secret=f"p8e-{ids.hex(32)}",
        scopes="openid,AdobeID,read_organizations,additional_info.projectedProductContext,session",
        sandbox=sandbox,
    )
