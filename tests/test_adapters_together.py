"""What a record says about others: siblings who come together, and the pathway it starts."""

import pytest
from records import fault, referral

from slotengine.adapters import Kind


def test_siblings_of_one_house_share_a_group_whatever_its_spelling() -> None:
    one = referral(group="Martin", requester_id="house-1")
    same = referral(group=" MARTIN ", reference="43", requester_id="house-1")
    other_house = referral(group="Martin", requester_id="house-2")
    other_group = referral(group="Durand", requester_id="house-1")
    assert one.group == same.group
    assert len({one.group, other_house.group, other_group.group}) == 3
    assert one.group is not None
    assert "artin" not in one.model_dump_json()
    assert referral().group is None


@pytest.mark.parametrize(
    "written",
    [
        "type-2-diabetes",
        "Type-2-Diabetes",
        "diabète de type 2 : médecin, infirmier, pédicure-podologue",
    ],
)
def test_a_pathway_is_read_by_code_and_by_name(written: str) -> None:
    one = referral(parcours=written)
    assert (one.pathway, one.step, one.follows) == ("type-2-diabetes", 0, None)


def test_a_territorys_own_pathway_passes_the_door_and_a_sentence_does_not() -> None:
    assert referral(pathway="back-pain").pathway == "back-pain"
    assert referral().pathway is None
    assert fault(pathway="après l'hôpital") == ("pathway", Kind.UNKNOWN_CODE)
    assert fault(pathway="x" * 41) == ("pathway", Kind.UNKNOWN_CODE)
    assert referral(pathway="x" * 40).pathway == "x" * 40


def test_a_pathway_that_names_the_patient_is_refused() -> None:
    named = {"family_name": "Dupond", "given_name": "Zoé", "birth_date": "1980-01-01"}
    assert fault(pathway="dupond", **named) == ("pathway", Kind.IDENTIFYING)
