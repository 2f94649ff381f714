"""Secrets in any of the forms in which one leaks: looked for in every file of a folder, and in rows of a database."""

import asyncio
import base64
import json
import string
from random import Random
from urllib.parse import quote, quote_plus

_LETTERS = string.ascii_letters + string.digits


def plant(rng: Random) -> dict[str, str]:
    """Secrets of a manifest, by variable; each with what its field allows, and with what needs coding in a URL."""
    key = "".join(rng.choices(_LETTERS, k=34)) + "/+" + "".join(rng.choices(_LETTERS, k=4))
    word = "p/+&=%" + "".join(rng.choices(_LETTERS, k=20)) + "é\"'<"
    return {"S3_SECRET": key, "MAIL_PASSWORD": word}


def forms(secret: str) -> set[bytes]:
    """The secret itself, as JSON, base64 at every alignment, URL-coded and hexadecimal: what no file may hold."""
    raw = secret.encode()
    found = {
        raw,
        quote(secret, safe="").encode(),
        quote(secret).encode(),
        quote_plus(secret).encode(),
        raw.hex().encode(),
    }
    found |= {json.dumps(secret)[1:-1].encode(), json.dumps(secret, ensure_ascii=False)[1:-1].encode()}
    for pad in range(3):
        coded = base64.b64encode(b"\0" * pad + raw)
        # What surrounds it decides the first and the last characters.
        inner = coded[(0, 2, 3)[pad] :].rstrip(b"=")[: -1 or None]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def leaks(folder, secrets) -> list[str]:
    """Where a form of one of ``secrets`` stands in a file of ``folder``."""
    needles = _needles(secrets)
    found = set()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found |= {f"{name} in {path.relative_to(folder)}" for form, name in needles.items() if form in data}
    return sorted(found)


def leaks_in_database(url, org, secrets) -> list[str]:
    """The same, in the rows of one organisation in a PostgreSQL state."""
    needles = _needles(secrets)
    found = set()
    for table, text in asyncio.run(_rows(url, org)):
        data = text.encode()
        found |= {f"{name} in a row of {table}" for form, name in needles.items() if form in data}
    return sorted(found)


async def _rows(url, org):
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        columns = await connection.fetch(
            "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns "
            "WHERE table_schema = 'headgate' GROUP BY table_name"
        )
        found = []
        for table, names in columns:
            mine = "true"
            if "org" in names:
                mine = "org = $1"
            elif "run" in names:
                mine = "run IN (SELECT id FROM headgate.run WHERE org = $1)"
            rows = await connection.fetch(
                f"SELECT t::text FROM headgate.{table} t WHERE {mine}", *([org] * ("$" in mine))
            )
            found += [(table, row[0]) for row in rows]
        return found
    finally:
        await connection.close()


def _needles(secrets):
    return {form: name for name, secret in secrets.items() for form in forms(secret)}
