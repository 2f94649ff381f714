"""property= filters: what they find, and the documented code of each misuse."""

import pytest

from headgate.simulator.filters import parse
from headgate.simulator.reply import Refusal

FLOW = {
    "id": "f1",
    "name": "Spring, sale",
    "createdAt": 1000,
    "state": "enabled",
    "flowSpec": {"id": "spec"},
    "sourceConnectionIds": ["s1", "s2"],
    "inheritedAttributes": {
        "properties": {"isDestinationFlow": True},
        "targetConnections": [{"connectionSpec": {"id": "t"}}],
    },
    "transformations": [
        {
            "params": {
                "segmentSelectors": {
                    "selectors": [
                        {"value": {"id": "a1"}},
                        {"value": {"id": "a2"}},
                    ]
                }
            }
        }
    ],
    "lastRunDetails": {"startedAtUTC": 5000},
}


def matches(*texts):
    return all(condition.matches(FLOW) for condition in parse(texts, "flows"))


@pytest.mark.parametrize(
    "text",
    [
        "id==f1",
        "id==x,f1",
        'name=="Spring, sale"',
        "flowSpec.id==spec",
        "sourceConnectionIds[]==s2",
        "inheritedAttributes.properties.isDestinationFlow==true",
        "inheritedAttributes.targetConnections[].connectionSpec.id==t",
        "transformations[].params.segmentSelectors.selectors[].value.id==a2",
        "createdAt>999",
        "createdAt<1001",
        "createdAt>=1000",
        "createdAt<=1000",
        "lastRunDetails.startedAtUTC>=5000",
    ],
)
def test_documented_paths_match(text):
    assert matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "id==f2",
        "name==Spring",
        "sourceConnectionIds==s1",
        "flowSpec[].id==spec",
        "flowSpec.nothing==spec",
        "createdAt>1000",
        "state>1",
        "scheduleParams.endTime<5",
        "description==null",
    ],
)
def test_others_do_not(text):
    assert not matches(text)


def test_conditions_are_anded():
    assert matches("id==f1", "state==enabled")
    assert not matches("id==f1", "state==disabled")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name~x", "1440-400"),
        ("updatedAt<=1,2", "1443-400"),
        ("id>=a", "1448-400"),
        ("nonsense==1", "1449-400"),
        ("createdAt!>1", "1450-400"),
        ("name=x", "1450-400"),
        ("name", "1450-400"),
        ("createdAt==1,2", "1452-400"),
        ("createdAt==", "1453-400"),
    ],
)
def test_each_misuse_has_its_code(text, code):
    with pytest.raises(Refusal) as caught:
        parse([text], "flows")
    assert caught.value.code == code
