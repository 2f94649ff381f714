"""Wrong inputs of every sort, as a person would give them: the table behind ``messages.txt``."""

from __future__ import annotations

import errno
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

BASE = """\
headgate: 1
name: spring
sandbox: dev
vars: {bucket: acme-exports}
connections:
  s3:
    destination: amazon_s3
    auth: {specName: Access Key, params: {s3AccessKey: AKIAFAKEFAKEFAKEFAKE, s3SecretKey: "${env:S3_SECRET}"}}
entries:
  - kind: audience-export
    name: "Loyalty ${row.region}"
    foreach: {rows: [{region: emea, id: one}, {region: amer, id: two}]}
    connection: s3
    target: {bucketName: "${vars.bucket}", path: "x/${row.region}", fileType: CSV, compression: GZIP}
    audiences:
      - id: "${row.id}"
        exportMode: DAILY_FULL_EXPORT
        schedule: {frequency: ONCE, triggerType: SCHEDULED, startDate: "2026-12-20", startTime: "17:00"}
    attributes: [personalEmail.address]
"""
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYfakesecret"
#: Credentials that look right, for what fails before they are used.
WHO = {
    "HEADGATE_ORG_ID": "ORG@AdobeOrg",
    "HEADGATE_CLIENT_ID": "client",
    "HEADGATE_CLIENT_SECRET": "hushhushhush",
    "HEADGATE_SCOPES": "openid",
}


@dataclass(frozen=True)
class Case:
    """One command line, the files it finds, and what comes before it. Only stderr is kept."""

    name: str
    argv: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    before: tuple[tuple[str, ...], ...] = ()
    then: dict[str, str] = field(default_factory=dict)  # files put there after `before`


def wrong(name: str, *changes: tuple[str, str], more: str = "", **files: str) -> Case:
    """The good manifest with some of its text exchanged, validated."""
    text = BASE
    for old, new in changes:
        assert old in text, f"{name}: {old}"
        text = text.replace(old, new)
    return Case(name, ("validate", "m.yaml"), {"m.yaml": text + more, **files})


def entry(name: str, text: str, **files: str) -> Case:
    """A manifest of one entry, validated."""
    lines = text.strip("\n").splitlines()
    return Case(
        name, ("validate", "m.yaml"), {"m.yaml": "\n".join(["headgate: 1", "name: m", "entries:", *lines, ""])} | files
    )


ONCE = '{frequency: ONCE, triggerType: SCHEDULED, startDate: "2026-12-20", startTime: "17:00"}'
MANIFESTS = [
    Case("no such file", ("validate", "gone.yaml")),
    Case("a folder", ("validate", "."), {}),
    Case("no YAML", ("validate", "m.yaml"), {"m.yaml": "headgate: [1\nname: x\n"}),
    Case("a list", ("validate", "m.yaml"), {"m.yaml": "- headgate: 1\n"}),
    Case("empty", ("validate", "m.yaml"), {"m.yaml": ""}),
    Case("a tab", ("validate", "m.yaml"), {"m.yaml": "headgate: 1\n\tname: x\n"}),
    wrong("another grammar", ("headgate: 1", "headgate: 2")),
    wrong("unknown top-level key", ("vars:", "variables:")),
    wrong("a key twice", ("sandbox: dev", "sandbox: dev\nsandbox: prod")),
    wrong("a name with blanks", ("name: spring", "name: spring campaign")),
    wrong("a null name", ("name: spring", "name:")),
    wrong("vars that are no mapping", ("vars: {bucket: acme-exports}", "vars: [bucket]")),
    wrong("unknown destination", ("amazon_s3", "amazon_s4")),
    wrong("retired destination", ("amazon_s3", "amazon_s3_legacy"), ("Access Key", "AccessKey")),
    wrong("unknown auth spec", ("Access Key", "Acces Key")),
    wrong("an auth param too few", ("s3AccessKey: AKIAFAKEFAKEFAKEFAKE, ", "")),
    wrong("a secret of the wrong form", ("${env:S3_SECRET}", "too short")),
    wrong("a variable that is not set", ("S3_SECRET", "S4_SECRET")),
    wrong("a reference that is none", ("${vars.bucket}", "${var.bucket}")),
    wrong("a reference that is not closed", ("${vars.bucket}", "${vars.bucket")),
    wrong("an unknown variable", ("${vars.bucket}", "${vars.buckets}")),
    wrong("an unknown column", ("x/${row.region}", "x/${row.regoin}")),
    wrong("a file outside", ("${vars.bucket}", "${file:/etc/hostname}")),
    wrong("a file that is not there", ("${vars.bucket}", "${file:bucket.txt}")),
    wrong("unknown kind", ("audience-export", "audience-exprt")),
    wrong("no kind", ("kind: audience-export\n    name", "name")),
    wrong("names that are the same", ('"Loyalty ${row.region}"', "Loyalty")),
    wrong("unknown connection", ("connection: s3", "connection: s4")),
    wrong("unknown key of an entry", ("attributes:", "atributes:")),
    wrong("unknown key of a target", ("fileType:", "fileTyp:")),
    wrong("unknown file type", ("fileType: CSV", "fileType: XML")),
    wrong("a bucket's name", ("acme-exports", "Acme_Exports")),
    wrong("JSON that is not compressed", ("fileType: CSV, compression: GZIP", "fileType: JSON")),
    wrong("no audiences", ("    audiences:\n", "    audiences: []\n    x:\n")),
    wrong("a number for an id", ('id: "${row.id}"', "id: 7")),
    wrong("unknown export mode", ("DAILY_FULL_EXPORT", "FULL_DAILY")),
    wrong("a frequency of the other mode", ("ONCE", "EVERY_3_HOURS")),
    wrong("a chained schedule", ("ONCE", "CHAINED")),
    wrong("no start date", ('startDate: "2026-12-20", ', "")),
    wrong("a date that is none", ("2026-12-20", "2026-13-20")),
    wrong("half past", ("17:00", "17:30")),
    wrong("an end with ONCE", ('startTime: "17:00"}', 'startTime: "17:00", endDate: "2027-01-01"}')),
    wrong("a trigger of the other mode", ("DAILY_FULL_EXPORT", "FIRST_FULL_THEN_INCREMENTAL"), ("ONCE", "DAILY")),
    wrong("an attribute that is no path", ("personalEmail.address", "personal Email")),
    wrong("a csv that is not there", ("{rows: [{region: emea, id: one}, {region: amer, id: two}]}", "{csv: r.csv}")),
    wrong(
        "a csv with a broken row",
        ("{rows: [{region: emea, id: one}, {region: amer, id: two}]}", "{csv: r.csv}"),
        **{"r.csv": "region,id\nemea,one\namer,two,three\n"},
    ),
    wrong(
        "jsonl with a broken line",
        ("{rows: [{region: emea, id: one}, {region: amer, id: two}]}", "{jsonl: r.jsonl}"),
        **{"r.jsonl": '{"region": "emea", "id": "one"}\n["amer"]\n'},
    ),
    wrong("rows of two sources", ("{rows: [", "{range: [1, 2], rows: [")),
    wrong("a range backwards", ("{rows: [{region: emea, id: one}, {region: amer, id: two}]}", "{range: [5, 1]}")),
    wrong("unknown option", more="options: {rat: 5/s, audiencesPerJob: 100, tolerate: some}\n"),
    entry("an activation of nothing", "  - {kind: activation, name: now}"),
    entry("an activation of an unknown item", "  - {kind: activation, name: now, destinations: {Loyalty: [one]}}"),
    entry(
        "pairs without a column",
        "  - {kind: activation, name: now, pairs: {csv: p.csv}}",
        **{"p.csv": "destination,segmentId\na,b\n"},
    ),
    entry("a flow-update of every flow", "  - {kind: flow-update, name: u, select: {}, set: {/name: x}}"),
    entry(
        "a filter that is none",
        '  - {kind: flow-update, name: u, select: {property: ["state=enabled"]}, set: {/name: x}}',
    ),
    entry(
        "a where that is none",
        '  - {kind: flow-update, name: u, select: {where: "scheduleParams.endTime < 5"}, set: {/name: x}}',
    ),
    entry("a dotted pointer", "  - {kind: flow-update, name: u, flows: [x], set: {scheduleParams.endTime: 5}}"),
    entry(
        "a part that cannot be changed",
        '  - {kind: flow-update, name: u, select: {where: "id"}, set: {/state: disabled}}',
    ),
    entry(
        "a patch that is none",
        '  - {kind: flow-update, name: u, select: {where: "id"}, patch: [{op: add, path: /name}, {op: set}]}',
    ),
    entry("an unknown action", '  - {kind: flow-action, name: a, select: {where: "id"}, action: pause}'),
    entry("a watch without end", '  - {kind: watch, name: w, select: {where: "id"}, within: forever}'),
    entry(
        "a dataset export in milliseconds",
        """\
  - kind: dataset-export
    name: D
    connection: {destination: data_landing_zone}
    datasets: [{dataSetId: d, nam: x}]
    target: {path: a, datasetFileType: JSON, compression: NONE}
    scheduleParams: {exportMode: DAILY_FULL_EXPORT, timeUnit: day, interval: 1, startTime: 1798800000000}
""",
    ),
    entry(
        "a source ingestion with slips",
        """\
  - kind: source-ingestion
    name: S
    source: salesforce
    connection: {source: servicenow, auth: {specName: Basic Authentication, params: {username: u}}}
    table: {tableName: T, columns: [{name: Id, type: string}]}
    schema: {title: T}
    dataset: {}
    mappings: [{sourceAttribute: Ids, destinationXdmPath: _id}]
    deltaColumn: {name: Id, dateFormat: yyyy}
    scheduleParams: {startTime: 1798800000, frequency: minute, interval: 5}
""",
    ),
]

GOOD = {"m.yaml": BASE}
#: The least that a load test is asked.
_LOAD = ("--simulate", "--stage", "1/s:1s")
_WATCH = "headgate: 1\nname: spring\nentries: [{kind: watch, name: w, flows: [8256cfb4-17e6-432c-a469-6aedafb16cd5]}]\n"
USAGE = [
    Case("unknown command", ("pln", "m.yaml")),
    Case("unknown command, nothing near", ("xyzzy",)),
    Case("unknown option", ("plan", "m.yaml", "--jsn"), GOOD),
    Case("unknown option, nothing near", ("plan", "m.yaml", "--xyzzy"), GOOD),
    Case("missing argument", ("plan",)),
    Case("an argument too many", ("plan", "m.yaml", "n.yaml"), GOOD),
    Case("an option without its value", ("plan", "m.yaml", "--rate"), GOOD),
    Case("a rate that is none", ("run", "m.yaml", "--rate", "fast"), GOOD),
    Case("a share that is none", ("run", "m.yaml", "--tolerate", "some"), GOOD),
    Case("no requests at once", ("run", "m.yaml", "--concurrency", "0"), GOOD),
    Case("a choice that is none", ("run", "m.yaml", "--on-error", "ignore"), GOOD),
    Case("a time that is none", ("run", "m.yaml", "--finish-by", "noon"), GOOD),
    Case("a time that has passed", ("run", "m.yaml", "--finish-by", "2001-01-01T00:00"), GOOD),
    Case("a variable without a value", ("plan", "m.yaml", "--set", "bucket"), GOOD),
    Case("a variable that is not used", ("plan", "m.yaml", "--set", "bukket=x"), GOOD),
    Case("a selection of nothing", ("plan", "m.yaml", "--select", "Loyalti *"), GOOD),
    Case("a tag of nothing", ("plan", "m.yaml", "--tag", "nightly"), GOOD),
    Case("a folder that is not there", ("plan", "m.yaml", "--allow-files", "gone"), GOOD),
    Case("a format that is none", ("report", "r", "--format", "word")),
    Case("a report of nothing", ("report",)),
    Case(
        "a failed manifest of events", ("report", "--events", "e.jsonl", "--failed-manifest", "f.yaml"), {"e.jsonl": ""}
    ),
    Case("a report of no events", ("report", "--events", "e.jsonl"), {"e.jsonl": ""}),
    Case("a report of events that are not there", ("report", "--events", "gone.jsonl")),
    Case("a report of what is no event", ("report", "--events", "e.jsonl"), {"e.jsonl": "{}\n[]\n"}),
    Case("a graph that is none", ("plan", "m.yaml", "--graph", "png"), GOOD),
    Case("an unknown destination", ("catalog", "amazon_s4")),
    Case("help about nothing", ("help", "rum")),
    Case("help about no kind", ("help", "manifest", "watsh")),
    Case("a shell that is none", ("completion", "tcsh")),
    Case("init over something", ("init",), {"manifest.yaml": BASE}),
    Case("init for no destination", ("init", "demo", "--destination", "sftpp")),
    Case("init by a bad name", ("init", "demo", "--name", "my exports")),
    Case("a report that cannot be written", ("run", "m.yaml", "--simulate", "--report", "m.yaml/r.json"), GOOD),
    Case("events that cannot be written", ("run", "m.yaml", "--simulate", "--events", "m.yaml/e.jsonl"), GOOD),
    Case("a plan that cannot be saved", ("plan", "m.yaml", "--out", "m.yaml/plan.json"), GOOD),
    Case("adopt and delete", ("sweep", "--adopt", "m.yaml", "--delete"), GOOD),
    Case("destroy of nothing", ("destroy",)),
    Case("destroy of what is not there", ("destroy", "gone.yaml")),
    Case("a latency that is none", ("simulate", "--latency", "soon")),
    Case("given things that are none", ("simulate", "--given", "flows")),
    Case("a load test without a stage", ("loadtest", "m.yaml"), GOOD),
    Case("a stage that is none", ("loadtest", "m.yaml", "--stage", "10/s"), GOOD),
    Case("a stage of no time", ("loadtest", "m.yaml", "--stage", "10/s:soon"), GOOD),
    Case("stages in which nobody arrives", ("loadtest", "m.yaml", "--simulate", "--stage", "0/s:10s"), GOOD),
    Case("stages with too many arrivals", ("loadtest", "m.yaml", "--simulate", "--stage", "500/s:1h"), GOOD),
    Case("a threshold that is none", ("loadtest", "m.yaml", *_LOAD, "--threshold", "quick"), GOOD),
    Case("a threshold of nothing known", ("loadtest", "m.yaml", *_LOAD, "--threshold", "eror<1%"), GOOD),
    Case("a latency without a unit", ("loadtest", "m.yaml", *_LOAD, "--threshold", "p95<800"), GOOD),
    Case("a threshold the wrong way round", ("loadtest", "m.yaml", *_LOAD, "--threshold", "errors>1%"), GOOD),
    Case("a threshold of what is not asked", ("loadtest", "m.yaml", *_LOAD, "--threshold", "p95(POST /flow)<1s"), GOOD),
    Case("a load test of what nothing undoes", ("loadtest", "m.yaml", *_LOAD), {"m.yaml": _WATCH}),
    Case("a fault that is none", ("simulate", "--faults", "f.yaml"), {"f.yaml": "faults: [{fault: flood}]\n"}),
]
_PROFILE = {**GOOD, "headgate.yaml": "# mine\nsandbox: dev\n"}
SETTINGS = [
    Case("no credentials", ("run", "m.yaml"), GOOD),
    Case("no profile there", ("plan", "m.yaml", "--profile", "gone.yaml"), GOOD),
    Case("no profile there, by the environment", ("plan", "m.yaml"), GOOD, {"HEADGATE_PROFILE": "gone.yaml"}),
    Case("a profile that is no YAML", ("plan", "m.yaml"), {**GOOD, "headgate.yaml": "a: 1\nsandbox: [dev\n"}),
    Case("a profile that is a list", ("plan", "m.yaml"), {**GOOD, "headgate.yaml": "- sandbox\n"}),
    Case("unknown setting", ("plan", "m.yaml"), {**GOOD, "headgate.yaml": "# mine\nsandbx: dev\n"}),
    Case(
        "several settings",
        ("plan", "m.yaml"),
        {**GOOD, "headgate.yaml": "timeout_s: -1\nlimits:\n  rate: fast\n  concurency: 5\nretry: 6\n"},
        {"HEADGATE_TIME_SCALE": "slow"},
    ),
    Case("a secret in a list", ("plan", "m.yaml"), {**GOOD, "headgate.yaml": "client_secret: [hushhush]\n"}),
    Case("a lease too short", ("plan", "m.yaml"), {**GOOD, "headgate.yaml": "lease_s: 10\n"}),
    Case("plain http", ("run", "m.yaml"), GOOD, {**WHO, "HEADGATE_PLATFORM_URL": "http://platform.example.com"}),
    Case("no URL", ("run", "m.yaml"), GOOD, {**WHO, "HEADGATE_PLATFORM_URL": "platform"}),
    Case(
        "a URL with a password", ("run", "m.yaml"), GOOD, {**WHO, "HEADGATE_IMS_URL": "https://me:hush@ims.example.com"}
    ),
    Case("a URL with a query", ("run", "m.yaml"), GOOD, {**WHO, "HEADGATE_IMS_URL": "https://ims.example.com?hush=1"}),
    Case(
        "a protected sandbox",
        ("run", "m.yaml"),
        {**GOOD, "headgate.yaml": "protected_sandboxes: [dev]\n"},
        {**WHO, "HEADGATE_PLATFORM_URL": "http://127.0.0.1:9", "HEADGATE_IMS_URL": "http://127.0.0.1:9/token"},
    ),
    Case(
        "a load test in a protected sandbox",
        ("loadtest", "m.yaml", "--stage", "1/s:1s"),
        {**GOOD, "headgate.yaml": "protected_sandboxes: [dev]\n"},
        WHO,
    ),
    Case("no sandbox", ("sweep",), {}, WHO),
    Case(
        "a webhook over plain http",
        ("run", "m.yaml", "--simulate", "--notify", "http://hooks.example.com/hushhush"),
        GOOD,
    ),
    Case("a webhook that is no URL", ("run", "m.yaml", "--simulate"), GOOD, {"HEADGATE_NOTIFY": "hushhush"}),
    Case("a port that is none", ("run", "m.yaml", "--simulate", "--prometheus", "http"), GOOD),
    Case("a switch that is none", ("run", "m.yaml", "--simulate"), {**GOOD, "headgate.yaml": "otel: perhaps\n"}),
]
#: The same items, to another kind of destination.
_MOVED = (
    BASE.replace("amazon_s3\n", "data_landing_zone\n")
    .replace(BASE[BASE.index("    auth:") : BASE.index("entries:")], "")
    .replace('bucketName: "${vars.bucket}", ', "")
)
_RUN = ("run", "m.yaml", "--simulate", "--rate", "500/s", "--no-progress")
#: A run that was made in an earlier case of the same folder is not there: each case has a folder of its own.
STATE = [
    Case("no store yet: status", ("status", "spring-1")),
    Case("a store that is a folder", ("run", "m.yaml", "--simulate", "--state", "."), GOOD),
    Case("a store that is a folder, to be read", ("destroy", "m.yaml", "--simulate", "--state", "."), GOOD),
    Case(
        "a store that is a text",
        ("runs", "--state", "notes.txt"),
        {"notes.txt": "These are my notes, not a database.\n" * 9},
    ),
    Case("a store of another program", ("runs", "--state", "other.db"), {"other.db": "sqlite:CREATE TABLE mine (x)"}),
    Case("a store of a newer program", ("runs",), {".headgate/state.db": "newer"}),
    Case("a database that is none", ("runs", "--state", "postgresql://me:hushhush@127.0.0.1:9/x:y:z"), {}),
    Case("a saved plan that is none", ("run", "plan.json"), {"plan.json": '{"schema": "headgate.plan/1"}'}),
    Case(
        "a saved plan that is stale",
        ("run", "plan.json", "--simulate"),
        GOOD,
        before=(("plan", "m.yaml", "--out", "plan.json"),),
        then={"m.yaml": BASE.replace("2026-12-20", "2026-12-21")},
    ),
    Case("no such run", ("report", "sprang"), GOOD, before=(_RUN,)),
    Case(
        "what cannot be changed",
        _RUN,
        GOOD,
        before=(_RUN,),
        then={"m.yaml": _MOVED},
    ),
    Case("destroy without a yes", ("destroy", "m.yaml", "--simulate"), GOOD, before=(_RUN,)),
    Case("destroy with another yes", ("destroy", "m.yaml", "--simulate", "--yes", "prod"), GOOD, before=(_RUN,)),
    Case("nothing left undone", ("report", "spring", "--failed-manifest", "f.yaml"), GOOD, before=(_RUN,)),
    Case("a retry of nothing", ("retry", "sprung"), GOOD, before=(_RUN,)),
    Case("a difference to nothing", ("diff", "spring", "sprung"), GOOD, before=(_RUN,)),
    Case("a report into a folder", ("report", "spring", "--out", "."), GOOD, before=(_RUN,)),
]
#: Trouble of the disk that a test cannot have at will, as the system says it.
TROUBLE = [
    ("locked by another program", sqlite3.OperationalError("database is locked"), sqlite3.SQLITE_BUSY),
    ("may not be written", sqlite3.OperationalError("attempt to write a readonly database"), sqlite3.SQLITE_READONLY),
    ("full disk", sqlite3.OperationalError("database or disk is full"), sqlite3.SQLITE_FULL),
    ("failing disk", sqlite3.OperationalError("disk I/O error"), sqlite3.SQLITE_IOERR),
    ("broken file", sqlite3.DatabaseError("database disk image is malformed"), sqlite3.SQLITE_CORRUPT),
    ("no permission", PermissionError(errno.EACCES, "Permission denied"), 0),
    ("no room", OSError(errno.ENOSPC, "No space left on device"), 0),
    ("no such device", OSError(errno.ENXIO, "No such device or address"), 0),
]


def prepare(folder: Path, files: dict[str, str]) -> None:
    """Put the files of a case in place; some of them are databases."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text == "newer":
            with sqlite3.connect(path) as made:
                made.execute("PRAGMA application_id = 1751344487")
                made.execute("PRAGMA user_version = 999")
                made.execute("CREATE TABLE run (id)")
            made.close()
        elif text.startswith("sqlite:"):
            with sqlite3.connect(path) as made:
                made.execute(text.removeprefix("sqlite:"))
            made.close()
        else:
            path.write_text(text)
