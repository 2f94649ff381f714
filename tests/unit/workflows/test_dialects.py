"""Creations and listings outside Flow Service: every service's own way of saying created, and of listing."""

from __future__ import annotations

import pytest

from headgate.exchange import Verdict
from headgate.workflows import listing
from headgate.workflows.dialects import DIALECTS, PAGE
from headgate.workflows.contract import NO_PHASE, Ask, Ending, Pause, Settle, Signal
from headgate.workflows.create import CreateSpec, advance, evidence_of
from headgate.workflows.listing import ListSpec

from tests.unit.workflows.steps import MARK, context, no, ok

SCHEMA = CreateSpec("schemas", {"title": "Accounts", "description": MARK}, MARK)
DATASET = CreateSpec(
    "dataSets", {"name": "Accounts", "description": MARK, "schemaRef": {}}, MARK, (("schemaRef.id", "schema"),)
)
ROWS = [{"sourceAttribute": "Id", "destinationXdmPath": "_id", "identity": False}]
MAPPING = CreateSpec("mappingSets", {"name": f"Accounts {MARK}", "mappings": ROWS}, MARK, (("xdmSchema", "schema"),))
INPUTS = {"schema": {"id": "https://x/schemas/1"}, "mapping": {"id": "m-1", "version": "3"}, "old": {"id": "m-2"}}
LOST = {"at": "post", "posts": 1, "faults": 0}


def go(spec, signal, phase=NO_PHASE):
    return advance(context(spec, inputs=INPUTS), phase, signal)


def listed(name, *rows):
    """A page of objects ``(id, description, created)`` as the service of collection ``name`` gives it."""
    match name:
        case "schemas":
            return ok(
                {
                    "results": [
                        {
                            "$id": one,
                            "title": one,
                            "description": said,
                            "meta:registryMetadata": {"repo:createdDate": at},
                        }
                        for one, said, at in rows
                    ]
                }
            )
        case "dataSets":
            return ok({one: {"name": "n", "description": said, "created": at} for one, said, at in rows})
        case _:
            return ok({"data": [{"id": one, "name": said, "createdDate": at} for one, said, at in rows]})


# -- creations ----------------------------------------------------------------------------------------------------------


def test_each_is_posted_where_its_service_wants_it():
    step = go(SCHEMA, Signal.START)
    assert (step.call.service, step.call.path, step.call.query) == ("schemaregistry", "/tenant/schemas", ())
    step = go(DATASET, Signal.START)
    assert (step.call.service, step.call.path) == ("catalog", "/dataSets")
    assert step.call.query == (("requestDataSource", "true"),)
    assert step.call.body["schemaRef"] == {"id": "https://x/schemas/1"}
    step = go(MAPPING, Signal.START)
    assert (step.call.service, step.call.endpoint) == ("conversion", "POST /mappingSets")
    assert step.call.body["xdmSchema"] == "https://x/schemas/1"


@pytest.mark.parametrize(
    ("spec", "body", "output"),
    [
        (SCHEMA, {"$id": "https://x/schemas/1", "meta:altId": "_x.schemas.1"}, {"id": "https://x/schemas/1"}),
        (DATASET, ["@/dataSets/5e"], {"id": "5e"}),
        (DATASET, ["@/datasets/5e"], {"id": "5e"}),
        (MAPPING, {"id": "m-1", "version": 0}, {"id": "m-1", "version": "0"}),
        (MAPPING, {"id": "m-1"}, {"id": "m-1"}),
    ],
)
def test_what_was_made_is_read_from_the_answer(spec, body, output):
    assert go(spec, ok(body, 201), LOST) == Settle(Ending.SUCCEEDED, {**output, "posts": 1})


@pytest.mark.parametrize(
    "body", [None, [], {}, [5], ["@/dataSets/"], ["/dataSets/5e"], ["5e"], "x", {"id": 5}, {"$id": ""}]
)
@pytest.mark.parametrize("spec", [SCHEMA, DATASET, MAPPING], ids=lambda spec: spec.collection)
def test_success_without_an_id_is_looked_up(spec, body):
    step = go(spec, ok(body, 201), LOST)
    assert isinstance(step, Pause)
    assert go(spec, Signal.RESUME, step.phase).call.method == "GET"


def test_a_reference_may_name_another_field_and_reach_into_a_list():
    body = {"name": "f", "transformations": [{"name": "Copy"}, {"name": "Mapping", "params": {"mappingVersion": "0"}}]}
    at = "transformations.1.params.mappingVersion"
    for role, version in (("mapping", "3"), ("old", "0")):
        spec = CreateSpec("flows", body, MARK, ((at, f"{role}.version"), ("transformations.1.params.mappingId", role)))
        sent = go(spec, Signal.START).call.body["transformations"]
        assert sent[1]["params"] == {"mappingVersion": version, "mappingId": INPUTS[role]["id"]}
    assert body["transformations"][1]["params"] == {"mappingVersion": "0"}, "the plan's own body was changed"


# -- look-ups ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", [SCHEMA, DATASET, MAPPING], ids=lambda spec: spec.collection)
def test_after_a_lost_answer_the_one_that_bears_the_mark_is_adopted_from_any_page(spec):
    name = spec.collection
    step = go(spec, Signal.LOST, LOST)
    assert (step.call.method, step.call.paged) == ("GET", False)
    queries = [step.call.query]
    full = [(f"x{number:03}", "somebody's", number) for number in range(PAGE)]
    step = go(spec, listed(name, *full), step.phase)
    assert isinstance(step, Ask), "there may be a second page"
    queries.append(step.call.query)
    step = go(spec, listed(name, ("mine", f"text {MARK}", 7), ("z", "other", 8)), step.phase)
    while isinstance(step, Ask):
        queries.append(step.call.query)
        step = go(spec, listed(name), step.phase)
    assert step.output == {"id": "mine", "found": "after", "posts": 1}
    assert len(set(queries)) == len(queries)


@pytest.mark.parametrize("spec", [SCHEMA, DATASET, MAPPING], ids=lambda spec: spec.collection)
def test_not_found_is_looked_for_again_and_then_posted(spec):
    step, looks = go(spec, Signal.LOST, LOST), 0
    while step.phase["at"] == "look":
        looks += isinstance(step, Ask)
        step = go(spec, listed(spec.collection) if isinstance(step, Ask) else Signal.RESUME, step.phase)
    assert looks == evidence_of(spec.collection).looks
    assert step.call.method == "POST"
    assert step.phase == {"at": "post", "posts": 2, "faults": 1}


@pytest.mark.parametrize("spec", [SCHEMA, DATASET, MAPPING], ids=lambda spec: spec.collection)
def test_two_that_bear_the_mark_are_listed_and_none_is_chosen(spec):
    step = go(spec, Signal.LOST, LOST)
    found = listed(spec.collection, ("a", MARK, 1), ("b", MARK, 2))
    while isinstance(step, Ask):
        step = go(spec, found, step.phase)
        found = listed(spec.collection)
    assert step.problem.code == "headgate-two-candidates"
    assert step.output == {"candidates": "a, b"}


@pytest.mark.parametrize("spec", [SCHEMA, DATASET, MAPPING], ids=lambda spec: spec.collection)
@pytest.mark.parametrize("body", [None, [], "x", 5, {"items": []}, {"results": None}, {"data": None}])
def test_a_list_that_cannot_be_read_is_never_an_empty_one(spec, body):
    assert go(spec, ok(body), {"at": "look", "look": 1, "posts": 1}).problem.code == "headgate-list"


def test_a_list_that_does_not_end_is_given_up():
    step = go(MAPPING, Signal.LOST, LOST)
    for _ in range(20_000):
        if isinstance(step, Settle):
            break
        step = go(MAPPING, listed("mappingSets", ("x", "y", 1)), step.phase)
    assert step.problem.code == "headgate-list"


def test_a_mapping_set_whose_name_was_dropped_is_known_by_its_schema_and_mappings():
    same = {"xdmSchema": "https://x/schemas/1", "mappings": [{**ROWS[0], "id": "r", "version": 0}]}
    rows = [
        {"id": "named", "name": "somebody's", **same},
        {"id": "other-schema", **same, "xdmSchema": "https://x/schemas/2"},
        {"id": "other-rows", **same, "mappings": [{"source": "Name", "destination": "_id"}]},
        {"id": "mine", "outputSchema": {"schemaRef": {"id": same["xdmSchema"]}}, "mappings": [{"source": "Id", "destination": "_id"}]},
    ]  # fmt: skip
    step = go(MAPPING, ok({"data": rows}), go(MAPPING, Signal.LOST, LOST).phase)
    assert go(MAPPING, ok({"data": []}), step.phase).output["id"] == "mine"
    # Two of them: any would do, and still none is guessed.
    step = go(MAPPING, ok({"data": [*rows, {**rows[3], "id": "mine-too"}]}), go(MAPPING, Signal.LOST, LOST).phase)
    assert go(MAPPING, ok({"data": []}), step.phase).output == {"candidates": "mine, mine-too"}
    # The mark wins over likeness.
    step = go(MAPPING, ok({"data": [*rows, {"id": "marked", "name": MARK}]}), go(MAPPING, Signal.LOST, LOST).phase)
    assert go(MAPPING, ok({"data": []}), step.phase).output["id"] == "marked"


# -- a title that is taken ------------------------------------------------------------------------------------------------------


def test_a_title_that_is_taken_may_be_taken_by_ourselves():
    step = go(SCHEMA, no(400, "Title must be unique", "XDM-3005-400"), LOST)
    assert step.call.method == "GET"
    assert dict(step.call.query)["property"] == "title==Accounts"
    assert dict(step.call.headers)["Accept"] == "application/vnd.adobe.xed+json"
    step = go(SCHEMA, listed("schemas", ("mine", MARK, 1)), step.phase)
    assert go(SCHEMA, listed("schemas"), step.phase).output["id"] == "mine"


def test_a_title_that_somebody_else_has_fails_with_the_platforms_words():
    refusal = no(400, "Title must be unique", "XDM-3005-400")
    step = go(SCHEMA, refusal, LOST)
    while not isinstance(step, Settle):
        step = go(SCHEMA, listed("schemas") if isinstance(step, Ask) else Signal.RESUME, step.phase)
    assert (step.ending, step.problem) == (Ending.FAILED, refusal.problem)
    assert step.output == {"absent": True}


def test_other_refusals_fail_at_once():
    assert go(SCHEMA, no(400, "bad", "XDM-1600-400"), LOST).ending is Ending.FAILED
    assert go(SCHEMA, no(403, "no", verdict=Verdict.REFUSED), LOST).ending is Ending.FAILED


# -- names that filters cannot hold -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a, b", 'say "hi"', "back\\slash", " led", ""])
def test_odd_names_are_looked_for_in_the_whole_list(name):
    assert "property" not in dict(DIALECTS["schemas"].narrowed(name, {}, "", ""))
    assert "name" not in dict(DIALECTS["dataSets"].narrowed(name, {}, "", ""))
    assert dict(DIALECTS["flows"].narrowed(name, {}, "a==b", ""))["property"] == "a==b"


def test_plain_names_narrow_the_list():
    assert dict(DIALECTS["schemas"].narrowed("Accounts", {}, "", ""))["property"] == "title==Accounts"
    assert dict(DIALECTS["dataSets"].narrowed("Accounts", {}, "", "200"))["name"] == "Accounts"
    assert "name" not in dict(DIALECTS["mappingSets"].narrowed("Accounts", {}, "", "")), "its meaning is unknown"


# -- listings -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["schemas", "dataSets", "mappingSets"])
def test_a_listing_keeps_what_bears_this_manifests_marks(name):
    spec = ListSpec(name, ("[headgate:01234567",))
    step = listing.advance(context(spec), NO_PHASE, Signal.START)
    assert step.call.service == DIALECTS[name].service
    rows = [("mine", MARK, 2), ("older", MARK, 1), ("other", "[headgate:ffffffffffffffffffffffff]", 1), ("bare", "", 1)]
    step = listing.advance(context(spec), step.phase, listed(name, *rows))
    while isinstance(step, Ask):
        step = listing.advance(context(spec), step.phase, listed(name))
    assert step.output == {"objects": {MARK: ["older", "mine"]}}


def test_pages_of_datasets_go_by_offset_and_end_with_one_that_is_not_full():
    spec = ListSpec("dataSets", ("[headgate:",))
    step = listing.advance(context(spec), NO_PHASE, Signal.START)
    assert dict(step.call.query) == {
        "limit": "100",
        "start": "0",
        "orderBy": "asc:created",
        "properties": "name,description,created,schemaRef",
    }
    step = listing.advance(context(spec), step.phase, listed("dataSets", *[(str(n), "", n) for n in range(PAGE)]))
    assert dict(step.call.query)["start"] == "100"
    assert isinstance(listing.advance(context(spec), step.phase, listed("dataSets", ("x", "", 1))), Settle)


def test_pages_of_schemas_start_after_the_last_title():
    spec = ListSpec("schemas", ("[headgate:",))
    step = listing.advance(context(spec), NO_PHASE, Signal.START)
    assert step.call.query == (("orderby", "title"), ("limit", "100"))
    step = listing.advance(context(spec), step.phase, listed("schemas", ("A", "", 1), ("B", "", 1)))
    assert step.call.query[-1] == ("start", "B")
    assert isinstance(listing.advance(context(spec), step.phase, listed("schemas")), Settle)
