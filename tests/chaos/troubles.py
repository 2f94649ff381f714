"""Random trouble: what the network does, how the platform is, and how a life of the command ends."""

from dataclasses import dataclass
from random import Random

from headgate.faultpoint import Point

EFFECT = "^(POST|PATCH|DELETE) "


def faults(rng: Random) -> list[dict]:
    """Rules of a fault file; each row is one kind of trouble."""
    share = rng.choice([0.0, 0.02, 0.05, 0.12])
    if not share:
        return []
    effects = {"method": rng.choice(["POST", "POST", "PATCH", "DELETE"]), "path": "/data/"}
    every = {"path": rng.choice(["/data/", "/flowservice/", "/adhocrun", "/runs", "/flows"])}
    known = [
        {"fault": "lost-after-commit", "match": {**effects, "probability": 2 * share}},
        {"fault": "lost-after-commit", "match": {"method": "POST", "path": "/adhocrun", "probability": 4 * share}},
        {"fault": "lost-before-commit", "match": {**every, "probability": share}},
        {"fault": "status", "status": rng.choice([500, 502, 503, 504]), "match": {**every, "probability": share}},
        {"fault": "status", "status": 503, "retry_after": 1, "match": {**every, "probability": share / 4}, "times": 2},
        {"fault": "status", "status": 429, "match": {**every, "probability": share / 4}, "times": 3},
        {"fault": "status", "status": 429, "retry_after": 1, "match": {**every, "probability": share / 4}, "times": 2},
        # Reads alone: a slow write is done when its request has been given up, and a second of ours is ten hours of
        # the platform's, so that it would be done long after it was looked for.
        {
            "fault": "slow",
            "seconds": rng.choice([0.1, 0.3, 1.5]),
            "times": 4,
            "match": {**every, "method": "GET", "probability": share},
        },
        {"fault": "truncated", "match": {**every, "probability": share}},
        {"fault": "html", "match": {**every, "probability": share}},
        {"fault": "html", "status": 200, "match": {**every, "probability": share}},
        {"fault": "reset", "match": {**every, "probability": share}},
        {"fault": "conflict", "match": {"method": "PATCH", "path": "/flows/", "first": 1}, "times": 5},
        {"fault": "status", "status": 503, "match": {"path": "/ims/token", "nth": 1}},
    ]
    return rng.sample(known, rng.randint(1, 5))


def platform(rng: Random) -> dict:
    """How the platform behaves where the documents leave it open."""
    return {
        "seed": rng.randrange(2**31),
        "delete_status": rng.choice(["202", "204", "alternate"]),
        "delete_seconds": rng.choice([0.0, 60.0, 300.0]),
        "patch_status": rng.choice(["200", "202", "alternate"]),
        "patch_shows": rng.choice(["at-once", "when-done"]),
        "update_seconds": rng.choice([5.0, 60.0]),
        "run_visible_after_s": rng.choice([0.0, 0.0, 20.0]),
        "adhoc_wording": rng.choice(["audience", "segment"]),
        "default_limit": rng.choice([1, 2, 20, 100]),
        "retry_after": rng.random() < 0.7,
        "latency_s": rng.choice([0.0, 0.002, 0.01, 0.03]),
    }


@dataclass(frozen=True)
class Death:
    """How one life ends: at a fault point, or after ``after_s`` by signals, or by itself.

    A rival does the same at the same time, and the first of the two is killed at a fault point, or neither. Overtaken:
    it is frozen until its lease is over and another has the run, and then goes on.
    """

    kind: str
    crash_at: str = ""
    after_s: float = 0.0
    frozen_s: float = 0.0


def death(rng: Random, *, hasty: bool) -> Death:
    """One of them; only where a lease is short is its end waited for."""
    known = ["point", "point", "point", "kill", "kill", "freeze", "ctrl-c", "ctrl-c twice", "rival"]
    kind = rng.choice(known + ["overtaken"] * 3 * hasty)
    crash_at = ""
    if kind == "point" or (kind == "rival" and rng.random() < 0.6):
        point = rng.choice(list(Point))
        pattern = rng.choice(["", "", EFFECT]) if point in _OF_ENDPOINTS else ""
        many = point in _OF_ENDPOINTS or point in (Point.GROUP_OPEN, Point.GROUP_DURABLE)
        nth = int(1 + rng.expovariate(1 / 8)) if many else 1
        crash_at = f"{point}:{nth}:{pattern}"
    return Death(kind, crash_at, rng.uniform(0.02, 0.25), rng.uniform(0.02, 0.3))


_OF_ENDPOINTS = (
    Point.INTENT_QUEUED, Point.MAY_LEAVE, Point.LEAVING, Point.SENT, Point.ANSWERED, Point.ANSWER_QUEUED,
)  # fmt: skip
