"""The moments of the matrix: what each life of a command dies of, in words, and which kinds never come there.

Every row is tried on every kind of entry, and those in ``never`` are shown not to come there.
"""

from dataclasses import dataclass

#: A request that changes something.
EFFECT = "^(POST|PATCH|DELETE) "
#: A group of the journal with an intent in it, or with what an effect's answer meant.
INTENT = "kind='intent'"
MEANT = r"kind='(step|settled)'(?:(?!Record\().)*'(posts|taken|sent|of|retried)'"
#: Only looks: there is nothing it could do twice.
LOOKS = frozenset({"watch"})
MAKERS = frozenset({"audience-export", "dataset-export", "source-ingestion", "changed manifest"})


@dataclass(frozen=True)
class Row:
    """One way to die: ``lives`` are the fault points of one process after another.

    Kinds in ``never`` do not come to the first of them, and so live.
    """

    name: str
    lives: tuple[str, ...]
    never: frozenset[str] = frozenset()
    #: Whether the work may be over before that.
    perhaps: bool = False


def rows():
    """Those of the usual suite."""
    return [
        Row("a new run is written, not committed", ("beginning",)),
        Row("a new run is there, and nothing else", ("begun",)),
        Row("an intent is queued", (f"intent-queued:2:{EFFECT}",), LOOKS),
        Row("an intent is written, not committed", (f"group-open:1:{INTENT}",), LOOKS),
        Row("an intent is durable, nobody knows", (f"group-durable:1:{INTENT}",), LOOKS),
        Row("an intent is durable, its request may leave", (f"may-leave:2:{EFFECT}",), LOOKS),
        Row("a request is about to leave", (f"leaving:1:{EFFECT}",), LOOKS),
        Row("a request was sent", (f"sent:1:{EFFECT}",), LOOKS),
        Row("a third request was sent", (f"sent:3:{EFFECT}",), LOOKS),
        Row("a flow's change was sent", ("sent:1:^PATCH ",), frozenset(
            {"activation", "dataset-export", "source-ingestion", "flow-action", "watch", "destroy"})),
        Row("an answer is read, nothing recorded", (f"answered:1:{EFFECT}",), LOOKS),
        Row("what an answer means is queued", (f"answer-queued:2:{EFFECT}",), LOOKS),
        Row("what an answer means is written, not committed", (f"group-open:1:{MEANT}",), LOOKS),
        Row("what an answer means is durable, nothing followed", (f"group-durable:1:{MEANT}",), LOOKS),
        Row("between two groups", ("group-durable:2",)),
        Row("a question was sent", ("sent:1:^GET ",)),
        Row("runs are asked for", ("sent:1:^GET /runs",), MAKERS | {"flow-update", "destroy"}),
        Row("how runs stand is read", ("answered:1:^GET /runs",), MAKERS | {"flow-update", "destroy"}),
        Row("sent, and twice again while it is looked for", (f"sent:1:{EFFECT}", "answered:1:^GET ", "answered:1:^GET "), LOOKS),
        Row("a takeover is written, not committed", ("begun", "claiming")),
        Row("a takeover is made, nothing is read", ("group-durable:1", "claimed")),
        Row("all is done, the end is not committed", ("finishing",)),
        Row("the end is written, nobody was told", ("finished",)),
    ]  # fmt: skip


#: What another store does in another way, on the kinds that use most of it.
STORE_ROWS = (
    "a new run is written, not committed", "an intent is written, not committed", "an intent is durable, nobody knows",
    "what an answer means is written, not committed", "a takeover is written, not committed",
    "all is done, the end is not committed", "the end is written, nobody was told",
)  # fmt: skip
STORE_KINDS = ("audience-export", "activation", "destroy")


def more_rows(depth):
    """Every point of a run at its ``n``-th time, for all ``n`` up to ``depth``, in one life and in two."""
    points = (
        "intent-queued",
        "group-open",
        "group-durable",
        "may-leave",
        "leaving",
        "sent",
        "answered",
        "answer-queued",
    )
    times = [(point, nth) for point in points for nth in range(1, depth + 1)]
    once = [Row(f"{point} {nth}", (f"{point}:{nth}",), perhaps=True) for point, nth in times]
    twice = [Row(f"{point} {nth} twice", (f"{point}:{nth}",) * 2, perhaps=True) for point, nth in times if nth % 2]
    return once + twice
