"""How the services speak of their objects: where one is posted, what answers, how they are listed (traps 50 to 52).

Flow Service, the Schema Registry, Catalog and Data Prep each have their own way of saying "created" and of listing.
Here they are made alike, for creations, look-ups and listings. Pure. An unreadable list is ``None`` and never empty:
"there is no such object" is what makes somebody create it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from headgate.classes import mutable
from headgate.exchange import Call
from headgate.workflows.collections import COLLECTIONS
from headgate.workflows.reading import ident, part, rows, text
from headgate.workflows.runs import items_of

if TYPE_CHECKING:
    from headgate.exchange import Service

Query = tuple[tuple[str, str], ...]

#: Objects on a page. The most that Flow Service and Catalog give; a hint to the Schema Registry (facts 2.4, 9).
PAGE: Final = 100


@mutable
class Seen:
    """One object of a list. ``marked`` is the text that bears its mark; ``created`` sorts, and is else opaque."""

    id: str
    marked: str
    created: str
    raw: Mapping[str, Any]

    @property
    def etag(self) -> str:
        """Its etag, empty where its kind has none."""
        return text(self.raw.get("etag"))


class Dialect:
    """How one collection is spoken to: as all of Flow Service are. The others are derived from it."""

    service: ClassVar[Service] = "flow"
    #: The field of a body that holds the object's name.
    name_field: ClassVar[str] = "name"
    #: Whether the transport can follow a look-up's pages by itself.
    paged: ClassVar[bool] = True
    #: The query of a creation, and the headers of a list.
    created_with: ClassVar[Query] = ()
    listed_with: ClassVar[Query] = ()
    #: Codes by which a creation is refused because an object of this name exists.
    taken: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, name: str, path: str = "") -> None:
        self.name = name
        self.path = path or f"/{name}"

    def made(self, body: Any) -> dict[str, Any]:
        """``{"id": …}`` and what else dependents need, from a creation's answer; empty when it names no id."""
        found = body if isinstance(body, dict) else {}
        return {"id": found["id"], "etag": found.get("etag")} if ident(found.get("id")) else {}

    def page(self, cursor: str) -> Query:
        """The query of one page of the whole list; ``cursor`` is empty for the first."""
        first: Query = (("limit", str(PAGE)),)
        return (*first, ("continuationToken", cursor)) if cursor else first

    def narrowed(self, name: str, body: Mapping[str, Any], fallback: str, cursor: str) -> Query:
        """The narrowest query that surely finds the object: by its name, else by ``fallback`` or its spec.

        A comma in a filter value means OR, quotes delimit (facts 2.4) and blanks around it may be trimmed, so such
        names fall back.
        """
        del cursor  # the transport follows
        condition = f"name=={name}" if _plain(name) else fallback
        if not condition and self.name == "flows":
            condition = "inheritedAttributes.properties.isDestinationFlow==true"
        elif not condition:
            condition = f"connectionSpec.id=={body['connectionSpec']['id']}"
        return (("property", condition), ("limit", str(PAGE)))

    def sought(self, name: str, cursor: str) -> Query:
        """The query for an object of which no more than its name is known, which may be empty."""
        del cursor  # the transport follows
        condition: Query = (("property", f"name=={name}"),) if _plain(name) else ()
        return (*condition, ("limit", str(PAGE)))

    def seen(self, body: Any) -> list[Seen] | None:
        """The objects on a page; what has no id is left out. ``None``: there is no list in it."""
        if not isinstance(body, dict) or not isinstance(body.get("items"), list):
            return None
        return [
            Seen(row["id"], text(row.get("description")), str(row.get("createdAt")), row)
            for row in rows(body, "items")
            if ident(row.get("id"))
        ]

    def read(self, remote: str) -> Call:
        """The request for one object."""
        return Call("GET", self.service, f"{self.path}/{remote}", f"GET {self.path}/{{id}}", "read")

    def object_of(self, body: Any, remote: str) -> dict[str, Any]:
        """The object in the answer to :meth:`read`; empty where it is not the one asked for.

        Flow Service wraps it into a list of one, or does not (facts 2.1).
        """
        found = next(iter(rows(body, "items")), {}) if isinstance(body, dict) and "items" in body else body
        return found if isinstance(found, dict) and text(found.get("id")) == remote else {}

    def also(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """What dependents need of an object that exists, besides its id."""
        del found
        return {}

    def after(self, body: Any, cursor: str) -> str:
        """The cursor of the next page, empty after the last."""
        del cursor
        return items_of(body)[1]

    def alike(self, sent: Mapping[str, Any], seen: Seen) -> bool:
        """Whether ``seen``, which bears no mark, can be nothing but what ``sent`` made. Never, by default."""
        del sent, seen
        return False


class Schemas(Dialect):
    """Schemas of the tenant. Titles are unique there (XDM-3005-400); every list needs an ``Accept`` of its own.

    ``xed-id`` rows carry no description, so whole rows are asked for. ``start`` is the last title seen, and both it
    and ``limit`` want ``orderby``.
    """

    service = "schemaregistry"
    name_field = "title"
    paged = False
    listed_with = (("Accept", "application/vnd.adobe.xed+json"),)
    taken = frozenset({"XDM-3005-400"})

    def made(self, body: Any) -> dict[str, Any]:
        """``$id`` is the id by which everything refers to a schema."""
        remote = ident(body.get("$id")) if isinstance(body, dict) else ""
        return {"id": remote} if remote else {}

    def page(self, cursor: str) -> Query:
        """A page by title."""
        first: Query = (("orderby", "title"), ("limit", str(PAGE)))
        return (*first, ("start", cursor)) if cursor else first

    def narrowed(self, name: str, body: Mapping[str, Any], fallback: str, cursor: str) -> Query:
        """By its title where a filter can hold that."""
        del body, fallback
        return self.sought(name, cursor)

    def sought(self, name: str, cursor: str) -> Query:
        """The same."""
        condition: Query = (("property", f"title=={name}"),) if _plain(name) else ()
        return (*condition, *self.page(cursor))

    def seen(self, body: Any) -> list[Seen] | None:
        """``results``; the age of a schema stands in its registry metadata."""
        if not isinstance(body, dict) or not isinstance(body.get("results"), list):
            return None
        return [
            Seen(
                row["$id"],
                text(row.get("description")),
                str(part(row, "meta:registryMetadata").get("repo:createdDate")),
                row,
            )
            for row in rows(body, "results")
            if ident(row.get("$id"))
        ]

    def read(self, remote: str) -> Call:
        """By the id that the registry takes in a path, and in a version, which it insists on."""
        where = COLLECTIONS[self.name]
        path = f"{self.path}/{where.address(remote)}"
        return Call("GET", self.service, path, f"GET {self.path}/{{id}}", "read", headers=where.headers)

    def object_of(self, body: Any, remote: str) -> dict[str, Any]:
        """The schema itself."""
        return body if isinstance(body, dict) and text(body.get("$id")) == remote else {}

    def after(self, body: Any, cursor: str) -> str:
        """The greatest title of the page: ``start`` is exclusive. ``limit`` is a hint, so only a page that adds
        nothing is the last.
        """
        found = rows(body, "results")
        last = text(found[-1].get("title")) if found else ""
        return last if last != cursor else ""


class DataSets(Dialect):
    """Datasets of Catalog: a list is an object keyed by id, a creation answers ``["@/dataSets/<id>"]`` (traps 51, 52).

    Pages go by offset; sorted by age, what is made meanwhile comes last and moves nothing.
    """

    service = "catalog"
    paged = False
    created_with = (("requestDataSource", "true"),)

    def made(self, body: Any) -> dict[str, Any]:
        """The last part of the one reference; ``@/datasets/`` is met as well."""
        first = text(body[0]) if isinstance(body, list) and body else ""
        if not first.lower().startswith("@/datasets/"):
            return {}
        remote = ident(first.rpartition("/")[2])
        return {"id": remote} if remote else {}

    def page(self, cursor: str) -> Query:
        """A page, oldest first, of what is looked at only."""
        return (
            ("limit", str(PAGE)),
            ("start", cursor or "0"),
            ("orderBy", "asc:created"),
            ("properties", "name,description,created,schemaRef"),
        )

    def narrowed(self, name: str, body: Mapping[str, Any], fallback: str, cursor: str) -> Query:
        """By its name where a filter can hold that."""
        del body, fallback
        return self.sought(name, cursor)

    def sought(self, name: str, cursor: str) -> Query:
        """The same."""
        condition: Query = (("name", name),) if _plain(name) else ()
        return (*condition, *self.page(cursor))

    def seen(self, body: Any) -> list[Seen] | None:
        """Every value of the object. A list (an error, some other service) is no list of datasets."""
        if not isinstance(body, dict) or not all(isinstance(row, dict) for row in body.values()):
            return None
        return [
            Seen(remote, text(row.get("description")), str(row.get("created")), row)
            for remote, row in body.items()
            if ident(remote)
        ]

    def object_of(self, body: Any, remote: str) -> dict[str, Any]:
        """The one value of an object keyed by id."""
        return dict(part(body, remote))

    def after(self, body: Any, cursor: str) -> str:
        """The next offset. There is no total: a page that is not full is the last."""
        return str(int(cursor or 0) + PAGE) if len(body) >= PAGE else ""


class MappingSets(Dialect):
    """Mapping sets of Data Prep. ``name`` is the one field of theirs that is kept as sent, so it bears the mark.

    The tutorial's dialect does not show a name. Should a platform drop it, a set without one and with the very same
    schema and mappings is what we made: version 0 of a set never changes, so it maps the same whoever posted it.
    """

    service = "conversion"
    paged = False

    def made(self, body: Any) -> dict[str, Any]:
        """The id, and the version that the flow has to name."""
        found = body if isinstance(body, dict) else {}
        return {"id": found["id"], **self.also(found)} if ident(found.get("id")) else {}

    def also(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Its version, which sources want as text (trap 45)."""
        version = found.get("version")
        return {"version": str(version)} if type(version) is int else {}

    def page(self, cursor: str) -> Query:
        """A page, oldest first; ``limit`` and ``start`` are both required."""
        return (("limit", str(PAGE)), ("start", cursor or "0"), ("orderBy", "+createdDate"))

    def narrowed(self, name: str, body: Mapping[str, Any], fallback: str, cursor: str) -> Query:
        """The whole list: what it takes for equal names is not documented, and a name may have been dropped."""
        del name, body, fallback
        return self.page(cursor)

    def seen(self, body: Any) -> list[Seen] | None:
        """``data``; dates are milliseconds although the schema says text."""
        if not isinstance(body, dict) or not isinstance(body.get("data"), list):
            return None
        return [
            Seen(row["id"], text(row.get("name")), str(row.get("createdDate")), row)
            for row in rows(body, "data")
            if ident(row.get("id"))
        ]

    def after(self, body: Any, cursor: str) -> str:
        """The next offset. How many a page may hold is not documented: only an empty one is surely the last."""
        count = len(rows(body, "data"))
        return str(int(cursor or 0) + count) if count else ""

    def alike(self, sent: Mapping[str, Any], seen: Seen) -> bool:
        """The same schema and the same mappings, and no name."""
        schema = text(seen.raw.get("xdmSchema")) or text(part(seen.raw, "outputSchema", "schemaRef").get("id"))
        return not seen.marked and schema == sent.get("xdmSchema") and _mapped(seen.raw) == _mapped(sent)


def _mapped(mapping_set: Any) -> list[tuple[str, str, bool]]:
    """What a mapping set maps, in either dialect."""
    return sorted(
        (
            text(row.get("sourceAttribute")) or text(row.get("source")),
            text(row.get("destinationXdmPath")) or text(row.get("destination")),
            bool(row.get("identity")),
        )
        for row in rows(mapping_set, "mappings")
    )


def _plain(name: str) -> bool:
    """Whether a filter can hold ``name`` as it is."""
    return bool(name) and name == name.strip() and not any(char in name for char in ',"\\')


DIALECTS: Final[Mapping[str, Dialect]] = {
    dialect.name: dialect
    for dialect in (
        Dialect("connections"),
        Dialect("sourceConnections"),
        Dialect("targetConnections"),
        Dialect("flows"),
        Schemas("schemas", "/tenant/schemas"),
        DataSets("dataSets"),
        MappingSets("mappingSets"),
    )
}
