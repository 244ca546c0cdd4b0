"""Places and numbers of the official payloads, as the readers of every format see them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slotengine.adapters.base import Whereabouts
from slotengine.adapters.geocoding import Communes
from slotengine.adapters.kinds import Kind
from slotengine.adapters.registered import (
    IDNPS,
    IDNST,
    INS_OIDS,
    IdKind,
    check_digit_fits,
    person_id,
    structure_id,
)


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


PLACES = {
    "RC-EDA-DouleurThoracique-PierreLegrand.json": ("44109", []),
    "RS-EDA-SMUR_DouleurThoracique_PierreLegrand.01.json": ("44109", []),
    "RS-EDA_Secondaire_RobertVermande.01.json": ("68224", []),
    # The postcode of Vaires-sur-Marne, and the INSEE code of another commune 30 km away.
    "RS-EDA_partageDossier_DidierMorel.01a.json": ("77479", [("insee", Kind.POSTCODE)]),
    "RS-EDA_partageDossier_EnfantsNguyen.01.json": ("76345", []),
    "RS-EDA_partageDossier_MonsieurX.01.json": ("09029", []),
}


@pytest.mark.parametrize("with_name", [True, False])
@pytest.mark.parametrize("sample", PLACES)
def test_a_case_lies_where_its_commune_is(
    conformance: Path, sample: str, *, with_name: bool
) -> None:
    document = json.loads((conformance / "samu" / "samples" / sample).read_text("utf-8"))
    (location,) = [
        node["location"] for node in nodes(document) if "caseId" in node and "location" in node
    ]
    point = location.get("geometry", {}).get("point", {}).get("coord", {})
    city = location["city"]
    said = Whereabouts(
        lat=point.get("lat"),
        lon=point.get("lon"),
        insee=city["inseeCode"],
        city=city["name"] if with_name else None,
    )
    place, doubts = Communes().locate(said)
    assert place is not None
    assert (place.insee, [(one.field, one.kind) for one in doubts]) == PLACES[sample]
    if point:
        # None of the official points is doubtful: each stays where it is.
        assert (place.lat, place.lon) == (point["lat"], point["lon"])


PEOPLE = {
    "3456780581/11242343": (IdKind.INTERNAL, "456780581/11242343", True),
    "810002673899": (IdKind.RPPS, "10002673899", False),
    "810002909371": (IdKind.RPPS, "10002909371", True),
    "810100050075": (IdKind.RPPS, "10100050075", False),
}
HOUSES = {
    "1810004421": (IdKind.FINESS, "810004421", False),
    "1810004956": (IdKind.FINESS, "810004956", False),
    "1950046227": (IdKind.FINESS, "950046227", True),
    "1950047225": (IdKind.FINESS, "950047225", True),
    "334173748400020": (IdKind.SIRET, "34173748400020", True),
    "392080466300010": (IdKind.SIRET, "92080466300010", True),
}


def test_every_national_number_of_the_examples_is_told_for_what_it_is(conformance: Path) -> None:
    seen: dict[str, set[str]] = {IDNPS: set(), IDNST: set()}
    for file in (conformance / "sas" / "examples").glob("*.json"):
        for node in nodes(json.loads(file.read_text("utf-8"))):
            oid = str(node.get("system", "")).removeprefix("urn:oid:")
            if oid in seen and "value" in node:
                seen[oid].add(node["value"])
    for oid, expected, of in ((IDNPS, PEOPLE, person_id), (IDNST, HOUSES, structure_id)):
        found = {text: of(text) for text in seen[oid]}
        assert {
            text: (known.kind, known.value, check_digit_fits(known))
            for text, known in found.items()
        } == expected


def test_the_systems_of_the_nomenclature_are_ours(conformance: Path) -> None:
    table = (conformance / "nomenclatures" / "identifier_systems.csv").read_text("utf-8")
    assert all(oid in table for oid in (IDNPS, IDNST, *INS_OIDS))
