"""What tells the ten sources apart: exchange a rule with any other source's, and it is seen."""

import json
from datetime import timedelta
from typing import Any

import pytest
from builders import NOW
from records import BASE, PARIS, VAULT, fault, referral, take

from slotengine.adapters import PROFILES, Kind, New, Rejected, adapter_for
from slotengine.adapters.base import Detail, Intake, Profile
from slotengine.adapters.json_records import JsonFormat
from slotengine.adapters.registered import IdKind
from slotengine.adapters.seen import Seen, seen_by
from slotengine.adapters.sources import SourceAdapter
from slotengine.answers import Offer
from slotengine.codes import Mode, Profession, SourceKind
from slotengine.directory import Address, Role
from slotengine.domain import Motive

OWN_RULE = {
    SourceKind.PHARMACY: "ids",
    SourceKind.NURSE: "ids",
    SourceKind.PHYSIOTHERAPIST: "protocols",
    SourceKind.MIDWIFE: "ids",
    SourceKind.HOSPITAL: "ids",
    SourceKind.SAMU: "required",
    SourceKind.EMERGENCY: "priority",
    SourceKind.EHPAD: "modes",
    SourceKind.SOCIAL: "motives",
    SourceKind.PRACTICE: "professions",
}
"""For each source a rule that no other source has."""

NUMBERS = {
    IdKind.RPPS: "10002909371", IdKind.ADELI: "02A1234567", IdKind.FINESS: "1950047225",
    IdKind.SIRET: "26450015500011", IdKind.INTERNAL: "3456780581/7",
    IdKind.CABINET: "410002909371001", IdKind.ACCOUNT: "account-1",
}  # fmt: skip

FULL = {
    **BASE, "requester_id": "account-1", "care_level": "R3", "age": 20, "sex": "F",
}  # fmt: skip

PROBES: list[dict[str, object]] = [
    *({**FULL, "professions": "10", "requester_id": number} for number in NUMBERS.values()),
    *({**FULL, "professions": "10", "protocol": code} for code in ("odynophagie", "cheville")),
    {**FULL, "professions": "10", "motive_code": "M-1"},
    {**FULL, "professions": "10", "care_level": None},
    {**FULL, "professions": "10", "requester_id": None},
    {**FULL, "professions": "10", "patient_id": None},
    FULL,
]


def answers(profile: Profile) -> list[Intake]:
    door = adapter_for(
        profile.source.value, territory="giennois", zone=PARIS, pseudonymiser=VAULT
    ).door
    reader = SourceAdapter(
        type(door)(profile=profile, territory="giennois", zone=PARIS, pseudonymiser=VAULT),
        JsonFormat(),
    )
    return list(reader.read(json.dumps(PROBES).encode(), now=NOW))


@pytest.mark.parametrize("source", SourceKind)
@pytest.mark.parametrize("other", SourceKind)
def test_a_source_with_anothers_rule_answers_otherwise(
    source: SourceKind, other: SourceKind
) -> None:
    rule = OWN_RULE[source]
    mine = PROFILES[source]
    swapped = mine.replaced(**{rule: getattr(PROFILES[other], rule)})
    assert (answers(mine) == answers(swapped)) is (source is other)


# Every rule, between each pair of sources where it differs at all.

RULES = [name for name in Profile.model_fields if name not in {"source", "sees"}]
PAIRS = [
    (rule, one, two)
    for rule in RULES
    for one in SourceKind
    for two in SourceKind
    if getattr(PROFILES[one], rule) != getattr(PROFILES[two], rule)
]


def test_exchanging_any_rule_that_differs_is_seen() -> None:
    unseen = []
    known = {source: answers(PROFILES[source]) for source in SourceKind}
    for rule, one, two in PAIRS:
        swapped = PROFILES[one].replaced(**{rule: getattr(PROFILES[two], rule)})
        if answers(swapped) == known[one]:
            unseen.append((rule, one.value, two.value))
    assert unseen == []


# Who asks.

TAKEN = {
    "pharmacy": "rpps finess account",
    "nurse": "rpps adeli internal cabinet account",
    "physiotherapist": "rpps adeli cabinet account",
    "midwife": "rpps internal cabinet account",
    "hospital": "rpps finess siret internal account",
    "samu": "rpps finess internal account",
    "emergency": "rpps finess internal account",
    "ehpad": "finess siret account",
    "social": "finess siret account",
    "practice": "rpps adeli finess siret internal cabinet account",
}


@pytest.mark.parametrize("source", TAKEN)
@pytest.mark.parametrize("kind", IdKind)
def test_a_requester_is_known_by_the_numbers_its_source_has(source: str, kind: IdKind) -> None:
    fields = {**FULL, "professions": "10", "requester_id": NUMBERS[kind]}
    if kind.value in TAKEN[source].split():
        assert isinstance(take(fields, source), New)
    else:
        assert fault(source, **fields) == ("requester_id", Kind.WRONG_ID)


def test_nine_signs_are_an_adeli_from_a_nurse_and_a_finess_from_a_pharmacy() -> None:
    assert referral("nurse", requester_id="441234567").requester.id == "441234567"
    assert referral("pharmacy", requester_id="441234567").requester.id == "441234567"
    assert fault("midwife", requester_id="441234567") == ("requester_id", Kind.WRONG_ID)


def test_what_the_host_says_of_the_sender_is_checked_too() -> None:
    door = {"sender": NUMBERS[IdKind.RPPS]}
    assert fault("social", door=door) == ("requester_id", Kind.WRONG_ID)
    assert referral("nurse", door=door).requester.id == "10002909371"


# Why: social services neither give nor see a reason for care.


def test_a_reason_from_social_services_is_dropped_and_said() -> None:
    one = take({**FULL, "motive_code": "M-1", "motif": "Mal de gorge"}, "social")
    assert isinstance(one, New)
    assert one.referral.motive is None
    assert [(doubt.field, doubt.kind) for doubt in one.warnings] == [
        ("motive_code", Kind.NOT_ALLOWED)
    ]
    assert fault("social", requester_id="a", protocol="angine") == ("protocol", Kind.NOT_ALLOWED)


# What each source sees of an offer.

OFFER = Offer(
    token="t",  # noqa: S106 - opaque, and made up
    referral="r-1", slot="s-1", practitioner="10002909371", profession=Profession.PHYSICIAN,
    site="site-1", place="Maison de santé", start=NOW, end=NOW + timedelta(minutes=15),
    mode=Mode.AMB, travel_metres=900, travel_minutes=4, wait_minutes=60, value=500, cost=70,
    price=12, expires_at=NOW + timedelta(minutes=5),
)  # fmt: skip
ADDRESS = Address(line="1 rue de l'Exemple", postcode="45500", city="Gien")
ROLE = Role(
    territory="giennois", practitioner="10002909371", site="site-1", family_name="Exemple",
    given_name="Ann", phone="+33199000001", address=ADDRESS,
)  # fmt: skip
WHY = Motive(system="local", code="M-1", label="Mal de gorge")

SEEN = {
    "pharmacy": "practitioner address motive",
    "nurse": "practitioner address motive",
    "physiotherapist": "practitioner address motive",
    "midwife": "practitioner address motive",
    "hospital": "practitioner address phone motive",
    "samu": "practitioner address phone motive",
    "emergency": "practitioner address phone motive",
    "ehpad": "practitioner address phone motive",
    "social": "practitioner address",
    "practice": "practitioner address phone motive",
}

SHOWN: dict[Detail, dict[str, Any]] = {
    Detail.PRACTITIONER: {
        "practitioner": "10002909371", "family_name": "Exemple", "given_name": "Ann",
    },
    Detail.ADDRESS: {"address": ADDRESS},
    Detail.PHONE: {"phone": "+33199000001"},
    Detail.MOTIVE: {"motive": WHY},
}  # fmt: skip


@pytest.mark.parametrize("source", SourceKind)
def test_a_source_sees_of_an_offer(source: SourceKind) -> None:
    found = seen_by(PROFILES[source], OFFER, role=ROLE, motive=WHY)
    for detail, fields in SHOWN.items():
        seen = detail.value in SEEN[source.value].split()
        for name, value in fields.items():
            assert getattr(found, name) == (value if seen else None), name
    assert (found.token, found.start, found.place, found.travel_minutes) == (
        "t", NOW, "Maison de santé", 4,
    )  # fmt: skip


def test_nobody_sees_what_weighs_other_patients_needs_or_whose_referral_it_is() -> None:
    hidden = {"value", "cost", "price", "score", "wait_minutes", "referral", "slot", "site"}
    assert hidden.isdisjoint(Seen.model_fields)


def test_an_offer_without_a_directory_entry_is_shown_without() -> None:
    found = seen_by(PROFILES[SourceKind.SAMU], OFFER)
    assert (found.practitioner, found.family_name, found.phone, found.motive) == (
        "10002909371", None, None, None,
    )  # fmt: skip


def test_a_profile_that_allows_nothing_shows_when_and_where_only() -> None:
    bare = PROFILES[SourceKind.SAMU].replaced(sees=frozenset())
    found = seen_by(bare, OFFER, role=ROLE, motive=WHY)
    assert found.model_dump(exclude_none=True).keys() == {
        "token", "start", "end", "mode", "profession", "place", "travel_metres",
        "travel_minutes", "expires_at",
    }  # fmt: skip


def test_a_fault_names_the_source_and_never_the_number() -> None:
    one = take({**BASE, "requester_id": NUMBERS[IdKind.FINESS]}, "midwife")
    assert isinstance(one, Rejected)
    assert "950047225" not in repr(one)
    assert one.adapter == "midwife/json"


def motive(source: str, **fields: object) -> tuple[str, str] | None:
    adapter = adapter_for(source, territory="giennois", zone=PARIS, pseudonymiser=VAULT)
    payload = json.dumps({**FULL, "professions": "10", **fields}).encode()
    (one,) = adapter.read(payload, now=NOW)
    assert isinstance(one, New), one
    said = one.referral.motive
    return None if said is None else (said.system, said.code)


def test_a_red_flag_is_never_lost_among_other_reasons() -> None:
    # Whoever sends it, whatever was done already: the engine must see it, and say 15.
    red = {"motive_code": "M03.06", "motive_system": "hubsante-motif"}
    other = {"motive_code": "X9", "motive_system": "hubsante-motif"}
    protocol = {"protocol": "odynophagie"}
    assert motive("pharmacy", **protocol) == ("snp-protocol", "odynophagie")
    assert motive("pharmacy", **protocol, **other) == ("snp-protocol", "odynophagie")
    assert motive("pharmacy", **protocol, **red) == ("hubsante-motif", "M03.06")
    assert motive("social", **other) is None
    assert motive("social", **red) == ("hubsante-motif", "M03.06")


def test_a_territory_says_what_its_red_flags_are() -> None:
    def read(*red_flags: str) -> Motive | None:
        adapter = adapter_for(
            "social",
            territory="giennois",
            zone=PARIS,
            pseudonymiser=VAULT,
            red_flags=red_flags,
        )
        payload = json.dumps({**FULL, "motive_code": "X9"}).encode()
        (one,) = adapter.read(payload, now=NOW)
        assert isinstance(one, New)
        return one.referral.motive

    assert read() is None
    assert read("X9") == Motive(system="local", code="X9")
