"""Numbered, forward-only migrations of the PostgreSQL store, all in a schema ``headgate`` of its database.

The same tables as SQLite's, on the database's clock. What must be one step (a journal's group, an answer to who asks
for keys) is a function: one statement from outside, so that a process that is frozen or killed on the way holds no
lock, and every statement inside sees what was committed before it.
"""

from __future__ import annotations

from typing import Final

#: Advisory locks, held until the transaction ends: of migrations, of who takes or ends a run, and of the keys of one
#: organisation's sandbox (taken after rows of ``process``).
LOCK_MIGRATIONS: Final = "SELECT pg_advisory_xact_lock(1751474532, 1)"
LOCK_CLAIMS: Final = "SELECT pg_advisory_xact_lock(1751474532, 2)"
LOCK_KEYS: Final = "SELECT pg_advisory_xact_lock(1751474536, hashtext($1 || ' ' || $2))"

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE headgate.process (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- rises for ever: it is the fence
        token text NOT NULL UNIQUE,  -- recognises a row whose commit was not heard of
        host text NOT NULL, pid integer NOT NULL, machine text NOT NULL,
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(), expires_at timestamptz NOT NULL,
        dead boolean NOT NULL DEFAULT false
    ) WITH (fillfactor = 50);
    CREATE TABLE headgate.run (
        id text PRIMARY KEY, manifest text NOT NULL, path text NOT NULL, sandbox text NOT NULL,
        fingerprint text NOT NULL, status text NOT NULL, started_at double precision NOT NULL,
        finished_at double precision, open integer NOT NULL DEFAULT 0, args text NOT NULL DEFAULT '{}',
        counters text NOT NULL DEFAULT '{}', org text NOT NULL,
        holder bigint REFERENCES headgate.process(id), outline bytea NOT NULL
    );
    CREATE INDEX run_by_manifest ON headgate.run (manifest, sandbox, started_at);
    CREATE TABLE headgate.journal (
        run text NOT NULL,  -- of headgate.run; a foreign key would ask for it with every record
        seq bigint NOT NULL, kind text NOT NULL, job integer NOT NULL, data text NOT NULL, PRIMARY KEY (run, seq)
    );
    CREATE TABLE headgate.object (
        org text NOT NULL, sandbox text NOT NULL, marker text NOT NULL, collection text NOT NULL, id text NOT NULL,
        name text NOT NULL, digest text NOT NULL, run text NOT NULL, found text NOT NULL,
        PRIMARY KEY (org, sandbox, marker)
    );
    CREATE INDEX object_by_id ON headgate.object (org, sandbox, id);
    CREATE TABLE headgate.lease (
        org text NOT NULL, sandbox text NOT NULL, key text NOT NULL, run text NOT NULL REFERENCES headgate.run(id),
        holder bigint REFERENCES headgate.process(id), since timestamptz NOT NULL, remote text[] NOT NULL DEFAULT '{}',
        PRIMARY KEY (org, sandbox, key)
    );
    CREATE INDEX lease_by_run ON headgate.lease (run);
    CREATE TABLE headgate.rate (
        org text NOT NULL, scope text NOT NULL, per_second double precision NOT NULL, next_at timestamptz NOT NULL,
        PRIMARY KEY (org, scope)
    );

    -- All of p_keys for the run, or who has one: {"held": [[process, host, pid, machine, run, seconds], ...]}
    -- or {"notes": [...]}. Who is found silent is dead from then on, unless he is writing at this very moment.
    CREATE FUNCTION headgate.take_keys(
        p_process bigint, p_run text, p_org text, p_sandbox text, p_keys text[], p_note text[]
    ) RETURNS jsonb LANGUAGE plpgsql AS $$
    DECLARE
        v_held jsonb;
        v_notes jsonb;
    BEGIN
        PERFORM pg_advisory_xact_lock(1751474536, hashtext(p_org || ' ' || p_sandbox));
        UPDATE headgate.process SET dead = true WHERE id IN (
            SELECT p.id FROM headgate.process p WHERE NOT p.dead AND p.expires_at < clock_timestamp() AND p.id IN (
                SELECT l.holder FROM headgate.lease l
                WHERE l.org = p_org AND l.sandbox = p_sandbox AND l.key = ANY (p_keys) AND l.run <> p_run
            ) FOR UPDATE SKIP LOCKED
        );
        SELECT jsonb_agg(jsonb_build_array(p.id, p.host, p.pid, p.machine, l.run,
                         greatest(0, extract(epoch FROM clock_timestamp() - l.since))) ORDER BY l.since, l.key)
        INTO v_held FROM headgate.lease l JOIN headgate.process p ON p.id = l.holder
        WHERE l.org = p_org AND l.sandbox = p_sandbox AND l.key = ANY (p_keys) AND l.run <> p_run AND NOT p.dead;
        IF v_held IS NOT NULL THEN
            RETURN jsonb_build_object('held', v_held);
        END IF;
        SELECT coalesce(jsonb_agg(n.note ORDER BY l.since, l.key, n.place), '[]') INTO v_notes
        FROM headgate.lease l CROSS JOIN unnest(l.remote) WITH ORDINALITY n(note, place)
        WHERE l.org = p_org AND l.sandbox = p_sandbox AND l.key = ANY (p_keys);
        INSERT INTO headgate.lease AS l (org, sandbox, key, run, holder, since, remote)
        SELECT DISTINCT p_org, p_sandbox, k.key, p_run, p_process, clock_timestamp(), p_note FROM unnest(p_keys) k(key)
        ON CONFLICT (org, sandbox, key) DO UPDATE SET run = excluded.run, holder = excluded.holder,
            since = CASE l.run WHEN excluded.run THEN l.since ELSE excluded.since END,
            remote = l.remote || ARRAY(
                SELECT n.note FROM unnest(excluded.remote) WITH ORDINALITY n(note, place)
                WHERE n.note <> ALL (l.remote) ORDER BY n.place
            );
        RETURN jsonb_build_object('notes', v_notes);
    END $$;

    -- One group of a journal: the process lives (else NULL and nothing is written), its records, what they say of
    -- objects, keys given back, keys asked for, counters. Objects without an id are in doubt. Answers as take_keys.
    CREATE FUNCTION headgate.write_group(
        p_process bigint, p_run text, p_org text, p_sandbox text, p_life double precision,
        p_seqs bigint[], p_kinds text[], p_jobs integer[], p_data text[],
        p_gone_ids text[], p_gone_collections text[], p_undone text[],
        p_markers text[], p_collections text[], p_ids text[], p_names text[], p_digests text[], p_founds text[],
        p_frees text[], p_asks text, p_counters text
    ) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
        v_ask jsonb;
        v_answers jsonb := '[]';
    BEGIN
        UPDATE headgate.process SET expires_at = clock_timestamp() + make_interval(secs => p_life)
        WHERE id = p_process AND NOT dead;
        IF NOT FOUND OR NOT EXISTS (SELECT FROM headgate.run WHERE id = p_run AND holder = p_process) THEN
            RETURN NULL;
        END IF;
        IF cardinality(p_seqs) > 0 THEN
            INSERT INTO headgate.journal (run, seq, kind, job, data)
            SELECT p_run, r.* FROM unnest(p_seqs, p_kinds, p_jobs, p_data) r;
        END IF;
        IF cardinality(p_gone_ids) > 0 THEN
            DELETE FROM headgate.object o USING unnest(p_gone_ids, p_gone_collections) g(id, collection)
            WHERE o.org = p_org AND o.sandbox = p_sandbox AND o.id = g.id AND o.collection = g.collection;
        END IF;
        IF cardinality(p_undone) > 0 THEN
            DELETE FROM headgate.object
            WHERE org = p_org AND sandbox = p_sandbox AND id = '' AND marker = ANY (p_undone);
        END IF;
        IF cardinality(p_markers) > 0 THEN
            -- An intent leaves an object in doubt, unless it is known already; an answer ends the doubt.
            INSERT INTO headgate.object (org, sandbox, run, marker, collection, id, name, digest, found)
            SELECT p_org, p_sandbox, p_run, r.*
            FROM unnest(p_markers, p_collections, p_ids, p_names, p_digests, p_founds)
                r(marker, collection, id, name, digest, found)
            WHERE r.id = '' ON CONFLICT (org, sandbox, marker) DO NOTHING;
            -- Who made it, and how it was found, stays as it was first known.
            INSERT INTO headgate.object AS o (org, sandbox, run, marker, collection, id, name, digest, found)
            SELECT p_org, p_sandbox, p_run, r.*
            FROM unnest(p_markers, p_collections, p_ids, p_names, p_digests, p_founds)
                r(marker, collection, id, name, digest, found)
            WHERE r.id <> '' ON CONFLICT (org, sandbox, marker) DO UPDATE SET
                id = excluded.id, digest = excluded.digest,
                run = CASE o.id WHEN excluded.id THEN o.run ELSE excluded.run END,
                found = CASE o.id WHEN excluded.id THEN o.found ELSE excluded.found END;
        END IF;
        IF cardinality(p_frees) > 0 THEN
            DELETE FROM headgate.lease
            WHERE org = p_org AND sandbox = p_sandbox AND run = p_run AND key = ANY (p_frees);
        END IF;
        FOR v_ask IN SELECT value FROM jsonb_array_elements(p_asks::jsonb) LOOP
            v_answers := v_answers || jsonb_build_array(headgate.take_keys(
                p_process, p_run, p_org, p_sandbox,
                ARRAY(SELECT jsonb_array_elements_text(v_ask->0)), ARRAY(SELECT jsonb_array_elements_text(v_ask->1))
            ));
        END LOOP;
        IF p_counters IS NOT NULL THEN
            UPDATE headgate.run SET counters = p_counters WHERE id = p_run;
        END IF;
        RETURN v_answers::text;
    END $$;
    """,
    """
    CREATE TABLE headgate.kept (run text PRIMARY KEY REFERENCES headgate.run(id), plan bytea NOT NULL);
    ALTER TABLE headgate.kept ALTER COLUMN plan SET STORAGE EXTERNAL;  -- compressed already
    """,
    """
    ALTER TABLE headgate.rate ADD COLUMN found_at timestamptz NOT NULL DEFAULT clock_timestamp();
    """,
    """
    CREATE TABLE headgate.length (
        org text NOT NULL, sandbox text NOT NULL, key text NOT NULL, counts text NOT NULL,
        PRIMARY KEY (org, sandbox, key)
    );
    """,
    # What is there says nothing of its sandbox.
    """
    ALTER TABLE headgate.rate ADD COLUMN sandbox text NOT NULL DEFAULT '';
    ALTER TABLE headgate.rate DROP CONSTRAINT rate_pkey;
    ALTER TABLE headgate.rate ADD PRIMARY KEY (org, sandbox, scope);
    """,
    """
    CREATE TABLE headgate.ask (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run text NOT NULL REFERENCES headgate.run(id),
        process bigint NOT NULL REFERENCES headgate.process(id), action text NOT NULL
    );
    CREATE INDEX ask_by_run ON headgate.ask (run, process, number);
    CREATE TABLE headgate.told (
        run text PRIMARY KEY REFERENCES headgate.run(id), process bigint NOT NULL REFERENCES headgate.process(id),
        data text NOT NULL
    );
    """,
)
