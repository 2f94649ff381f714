"""Numbered, forward-only migrations of the SQLite store. A store newer than this list is refused.

``process`` is the one lease-and-fence row of each living process; ``run`` names it, so that what a dead process drove
is free the moment its row is dead. ``lease`` holds keys across processes in the same way; one without a holder is of
a run that ended with open jobs. ``rate`` is the limits that an organisation's runs have found in a sandbox; as a
schedule that several processes share (``next_at``) it is laid out only.
"""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE process (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- rises for ever: it is the fence
        host TEXT NOT NULL, pid INTEGER NOT NULL, started_at REAL NOT NULL,
        expires_at REAL NOT NULL, dead INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE run (
        id TEXT PRIMARY KEY, manifest TEXT NOT NULL, path TEXT NOT NULL, sandbox TEXT NOT NULL,
        fingerprint TEXT NOT NULL, status TEXT NOT NULL, started_at REAL NOT NULL, finished_at REAL,
        open INTEGER NOT NULL DEFAULT 0, args TEXT NOT NULL DEFAULT '{}', counters TEXT NOT NULL DEFAULT '{}',
        holder INTEGER REFERENCES process(id), outline BLOB NOT NULL DEFAULT x''
    );
    CREATE INDEX run_by_manifest ON run (manifest, sandbox, started_at);
    CREATE TABLE journal (
        run TEXT NOT NULL REFERENCES run(id), seq INTEGER NOT NULL, kind TEXT NOT NULL, job INTEGER NOT NULL,
        data BLOB NOT NULL, PRIMARY KEY (run, seq)
    ) WITHOUT ROWID;
    CREATE TABLE object (
        sandbox TEXT NOT NULL, marker TEXT NOT NULL, collection TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,
        digest TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (sandbox, marker)
    ) WITHOUT ROWID;
    CREATE TABLE lease (
        key TEXT PRIMARY KEY, holder INTEGER NOT NULL REFERENCES process(id), run TEXT NOT NULL,
        remote TEXT NOT NULL DEFAULT ''
    ) WITHOUT ROWID;
    CREATE TABLE rate (
        org TEXT NOT NULL, scope TEXT NOT NULL, per_second REAL NOT NULL, next_at REAL NOT NULL,
        PRIMARY KEY (org, scope)
    ) WITHOUT ROWID;
    """,
    # What an older program wrote does not say how it was found: not taken for created by its last run.
    """
    ALTER TABLE object ADD COLUMN found TEXT NOT NULL DEFAULT 'before';
    CREATE INDEX object_by_id ON object (sandbox, id);
    """,
    # Sandboxes of two organisations may have one name. What is there belongs to none until a run begins beside it.
    """
    ALTER TABLE process ADD COLUMN machine TEXT NOT NULL DEFAULT '';
    ALTER TABLE run ADD COLUMN org TEXT NOT NULL DEFAULT '';
    ALTER TABLE object RENAME TO object_2;
    CREATE TABLE object (
        org TEXT NOT NULL, sandbox TEXT NOT NULL, marker TEXT NOT NULL, collection TEXT NOT NULL, id TEXT NOT NULL,
        name TEXT NOT NULL, digest TEXT NOT NULL, run TEXT NOT NULL, found TEXT NOT NULL,
        PRIMARY KEY (org, sandbox, marker)
    ) WITHOUT ROWID;
    INSERT INTO object (org, sandbox, marker, collection, id, name, digest, run, found)
    SELECT '', sandbox, marker, collection, id, name, digest, run, found FROM object_2;
    DROP TABLE object_2;
    CREATE INDEX object_by_id ON object (org, sandbox, id);
    DROP TABLE lease;  -- never written before
    CREATE TABLE lease (
        org TEXT NOT NULL, sandbox TEXT NOT NULL, key TEXT NOT NULL, run TEXT NOT NULL REFERENCES run(id),
        holder INTEGER REFERENCES process(id), since REAL NOT NULL, remote TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (org, sandbox, key)
    ) WITHOUT ROWID;
    CREATE INDEX lease_by_run ON lease (run);
    """,
    # Not a column of ``run``: SQLite writes a row as a whole, and its counters are written twice a second.
    """
    CREATE TABLE kept (run TEXT PRIMARY KEY REFERENCES run(id), plan BLOB NOT NULL);
    """,
    # Nothing was in it before.
    """
    ALTER TABLE rate ADD COLUMN found_at REAL NOT NULL DEFAULT 0;
    """,
    # How long runs take, by what they have in common: a histogram (JSON) that the next run begins with.
    """
    CREATE TABLE length (
        org TEXT NOT NULL, sandbox TEXT NOT NULL, key TEXT NOT NULL, counts TEXT NOT NULL,
        PRIMARY KEY (org, sandbox, key)
    ) WITHOUT ROWID;
    """,
    # What is there says nothing of its sandbox.
    """
    ALTER TABLE rate RENAME TO rate_6;
    CREATE TABLE rate (
        org TEXT NOT NULL, sandbox TEXT NOT NULL, scope TEXT NOT NULL, per_second REAL NOT NULL, next_at REAL NOT NULL,
        found_at REAL NOT NULL, PRIMARY KEY (org, sandbox, scope)
    ) WITHOUT ROWID;
    INSERT INTO rate (org, sandbox, scope, per_second, next_at, found_at)
    SELECT org, '', scope, per_second, next_at, found_at FROM rate_6;
    DROP TABLE rate_6;
    """,
    # What other processes ask of the one that drives a run, and what that one tells them.
    """
    CREATE TABLE ask (
        number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES run(id),
        process INTEGER NOT NULL REFERENCES process(id), action TEXT NOT NULL
    );
    CREATE INDEX ask_by_run ON ask (run, process, number);
    CREATE TABLE told (
        run TEXT PRIMARY KEY REFERENCES run(id), process INTEGER NOT NULL REFERENCES process(id), data TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
    # Marks and ids are random: a table in their order, and an index by ids, made every object cost three pages of the
    # log. Rows as they come cost one, that of the index by marks. Who looks for ids makes an index of its own.
    """
    ALTER TABLE object RENAME TO object_8;
    CREATE TABLE object (
        org TEXT NOT NULL, sandbox TEXT NOT NULL, marker TEXT NOT NULL, collection TEXT NOT NULL, id TEXT NOT NULL,
        name TEXT NOT NULL, digest TEXT NOT NULL, run TEXT NOT NULL, found TEXT NOT NULL,
        PRIMARY KEY (org, sandbox, marker)
    );
    INSERT INTO object SELECT org, sandbox, marker, collection, id, name, digest, run, found FROM object_8;
    DROP TABLE object_8;
    """,
)
