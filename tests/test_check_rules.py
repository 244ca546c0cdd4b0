"""The independent rules: each allowed, refused, exactly on the edge, with the field absent."""

from datetime import timedelta
from typing import Any

import pytest
from builders import (
    NOW,
    TOWN,
    north_of,
    patient,
    policy,
    practitioner,
    problem,
    referral,
    site,
    slot,
)

from slotengine.codes import Audience, Mobility, Mode, Profession, SlotState, SourceKind
from slotengine.domain import Location, Motive, TimeWindow
from slotengine.policy import Speeds
from slotengine.problem import Pin, TravelMatrix
from slotengine.reasons import Rule
from slotengine.seat_prices import SeatPrice
from slotengine.solver.check_figures import Figures
from slotengine.solver.check_rules import RULES, Rules

TEN_KM = north_of(TOWN, 10_000)
AWAY = patient(location=TEN_KM)
HERE = {
    "slot": {},
    "referral": {},
    "practitioner": {},
    "site": {},
    "policy": {},
}
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def _rules(**changes: Any) -> Rules:
    given_ = {**HERE, **changes}
    return Rules(
        problem(
            policy=policy(**given_["policy"]),
            practitioners=(practitioner(**given_["practitioner"]), practitioner("d2")),
            sites=(site(**given_["site"]),),
            slots=(slot(**given_["slot"]), *given_.get("others", ())),
            referrals=(referral(**given_["referral"]),),
            pins=given_.get("pins", ()),
            prices=given_.get("prices", ()),
            promised=given_.get("promised", ()),
            told=given_.get("told", ()),
            matrix=given_.get("matrix"),
        )
    )


def verdict(**changes: Any) -> str | None:
    rules = _rules(**changes)
    (asking,), wanted = rules.problem.referrals, rules.slots["slot1"]
    refused_by = rules.refusal(asking, wanted)
    # The same verdict on the way that looks at whole slots first.
    assert (refused_by is None) == ("slot1" in [one.id for one, _ in rules.allowed(asking)])
    return refused_by


def best(**changes: Any) -> Figures:
    rules = _rules(**changes)
    return rules.modes(rules.problem.referrals[0], rules.slots["slot1"])[0]


def test_rules_are_named_and_ordered_as_the_reasons_are() -> None:
    assert tuple(rule.value for rule in Rule) == RULES


def test_the_first_rule_that_fails_is_named_in_the_order_of_the_rules() -> None:
    """One pair that breaks everything is mended rule by rule, and each names the next."""
    somebody = patient("p", location=None, age=10, mobility=Mobility.HOMEBOUND)
    busy = Pin(referral="r-other", patient=somebody.key, slot="busy", seat=0, group="g")
    visit = Pin(referral="r-home", patient="p", slot="home", seat=0, mode=Mode.HH, location=TEN_KM)
    broken: dict[str, Any] = {
        "slot": {
            "territory": "sologne",
            "modes": (Mode.VR,),
            "audiences": (Audience.SNP,),
            "state": SlotState.WITHDRAWN,
        },
        "practitioner": {
            "profession": Profession.MIDWIFE,
            "min_age": 18,
            "refused_motives": ("M",),
            "max_bookings_per_day": 1,
        },
        "referral": {
            "specialties": ("SM26",),
            "motive": Motive(system="hub", code="M"),
            "windows": (TimeWindow(start=NOW, end=NOW + MINUTE),),
            "deadline": NOW,
            "max_travel_metres": 12_819,
            "patient": somebody,
            "follows": "r-before",
            "pathway": "second-recourse",
            "step": 1,
        },
        "site": {"accessible": False},
        "policy": {"notice": timedelta(minutes=110)},
        "others": (
            slot("busy", practitioner="d2"),
            slot("home", after_minutes=100, modes=(Mode.HH,)),
        ),
        "pins": (busy, visit),
        "prices": (SeatPrice(slot="slot1", price=100_000),),
    }
    in_a_chair = {"mobility": Mobility.WHEELCHAIR, "age": 18}
    walks = {"age": 18, "mobility": Mobility.CAR}
    mends: dict[str, tuple[str, dict[str, Any]]] = {
        "sharing": ("slot", {"shared_with": ("giennois",)}),
        "profession": ("practitioner", {"profession": Profession.PHYSICIAN}),
        "specialty": ("practitioner", {"specialties": ("SM26",)}),
        "mode": ("slot", {"modes": (Mode.AMB,)}),
        "audience": ("slot", {"audiences": (Audience.PRO,)}),
        "age": ("referral", {"patient": somebody.replaced(age=18)}),
        "motive": ("practitioner", {"refused_motives": ()}),
        "opening": ("slot", {"state": SlotState.OPEN}),
        "window": ("referral", {"windows": ()}),
        "deadline": ("referral", {"deadline": NOW + timedelta(hours=24)}),
        "patient_busy": ("", {"pins": (busy.replaced(patient="p"), visit)}),
        "pathway": ("referral", {"follows": None, "step": 0, "group": "g"}),
        "group": ("", {"pins": (visit,)}),
        "mobility": ("referral", {"patient": somebody.replaced(**in_a_chair)}),
        "access": ("referral", {"patient": somebody.replaced(**walks)}),
        "location": ("referral", {"patient": somebody.replaced(**walks, location=TEN_KM)}),
        "travel": ("referral", {"max_travel_metres": 12_820}),
        "reach": ("policy", {"notice": timedelta(0)}),
        "tour": ("", {"pins": (visit.replaced(mode=Mode.VR),)}),
        "cap": ("practitioner", {"max_bookings_per_day": 2}),
        "kept": ("", {"prices": ()}),
    }
    for rule in Rule:
        assert verdict(**broken) == rule.value
        part, fields = mends[rule.value]
        broken = {**broken, part: {**broken[part], **fields}} if part else {**broken, **fields}
    assert verdict(**broken) is None


def motive(code: str) -> dict[str, Any]:
    return {"motive": Motive(system="hub", code=code)}


def window(start_minute: int, end_minute: int) -> TimeWindow:
    return TimeWindow(start=NOW + start_minute * MINUTE, end=NOW + end_minute * MINUTE)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"slot": {"territory": "sologne"}}, "sharing"),
        ({"slot": {"territory": "sologne", "shared_with": ("berry",)}}, "sharing"),
        ({"slot": {"territory": "sologne", "shared_with": ("berry", "giennois")}}, None),
        ({"referral": {"professions": (Profession.NURSE,)}}, "profession"),
        ({"referral": {"professions": (Profession.NURSE, Profession.PHYSICIAN)}}, None),
        ({"referral": {"specialties": ("SM26",)}}, "specialty"),
        ({"referral": {"specialties": ("SM26", "SM54")}}, None),
        (
            {"referral": {"specialties": ("SM54",)}, "practitioner": {"specialties": ()}},
            "specialty",
        ),
        ({"practitioner": {"specialties": ()}}, None),
        ({"slot": {"modes": (Mode.HH,)}}, "mode"),
        ({"slot": {"modes": (Mode.HH, Mode.AMB)}}, None),
        ({"slot": {"audiences": (Audience.SNP,)}}, "audience"),
        ({"slot": {"audiences": (Audience.SNP,)}, "referral": {"source": SourceKind.SAMU}}, None),
        (
            {"slot": {"audiences": (Audience.PRO,)}, "referral": {"source": SourceKind.SOCIAL}},
            "audience",
        ),
        ({"slot": {"audiences": (Audience.SNP, Audience.PRO)}}, None),
        (
            {"policy": {"audiences": {SourceKind.PHARMACY: (Audience.SNP,)}}},
            "audience",
        ),
    ],
)
def test_who_may_ask_for_a_slot(changes: dict[str, Any], wanted: str | None) -> None:
    assert verdict(**changes) == wanted


@pytest.mark.parametrize(
    ("limits", "age", "wanted"),
    [
        ({"min_age": 18}, 17, "age"),
        ({"min_age": 18}, 18, None),
        ({"max_age": 65}, 65, None),
        ({"max_age": 65}, 66, "age"),
        ({"min_age": 3, "max_age": 3}, 3, None),
        ({"min_age": 0}, None, "age"),
        ({"max_age": 125}, None, "age"),
        ({}, None, None),
    ],
)
def test_age_limits_include_their_ends_and_need_an_age(
    limits: dict[str, int], age: int | None, wanted: str | None
) -> None:
    assert verdict(practitioner=limits, referral={"patient": patient(age=age)}) == wanted


@pytest.mark.parametrize(
    ("limits", "asked", "wanted"),
    [
        ({"refused_motives": ("M1",)}, motive("M1"), "motive"),
        ({"refused_motives": ("M1",)}, motive("M2"), None),
        ({"refused_motives": ("M1",)}, {}, None),
        ({"accepted_motives": ("M1",)}, motive("M1"), None),
        ({"accepted_motives": ("M1",)}, motive("M2"), "motive"),
        ({"accepted_motives": ("M1",)}, {}, "motive"),
        ({"accepted_motives": ("M1",), "refused_motives": ("M1",)}, motive("M1"), "motive"),
        ({}, motive("M1"), None),
    ],
)
def test_motives_are_accepted_or_refused(
    limits: dict[str, Any], asked: dict[str, Any], wanted: str | None
) -> None:
    assert verdict(practitioner=limits, referral=asked) == wanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"slot": {"state": SlotState.WITHDRAWN}}, "opening"),
        ({"slot": {"opens_at": NOW + SECOND}}, "opening"),
        ({"slot": {"opens_at": NOW}}, None),
        ({"referral": {"windows": (window(120, 135),)}}, None),
        ({"referral": {"windows": (window(121, 135),)}}, "window"),
        ({"referral": {"windows": (window(120, 134),)}}, "window"),
        ({"referral": {"windows": (window(0, 128), window(128, 300))}}, "window"),
        ({"referral": {"windows": (window(0, 60), window(100, 300))}}, None),
        ({"referral": {"deadline": NOW + 120 * MINUTE}}, None),
        ({"referral": {"deadline": NOW + 120 * MINUTE - SECOND}}, "deadline"),
    ],
)
def test_when_a_slot_may_be_used(changes: dict[str, Any], wanted: str | None) -> None:
    assert verdict(**changes) == wanted


@pytest.mark.parametrize(
    ("after_minutes", "who", "wanted"),
    [
        (106, "p1", "patient_busy"),
        (134, "p1", "patient_busy"),
        (105, "p1", None),
        (135, "p1", None),
        (120, "p2", None),
    ],
)
def test_a_patient_with_an_overlapping_appointment_is_busy(
    after_minutes: int, who: str, wanted: str | None
) -> None:
    taken = slot("taken", after_minutes=after_minutes, practitioner="d2")
    pin = Pin(referral="r-other", patient=patient(who).key, slot="taken", seat=0)
    asked = {"patient": patient("p1")}
    assert verdict(others=(taken,), pins=(pin,), referral=asked) == wanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"referral": {"patient": patient(mobility=Mobility.HOMEBOUND)}}, "mobility"),
        ({"site": {"accessible": False}}, None),
        (
            {
                "site": {"accessible": False},
                "referral": {"patient": patient(mobility=Mobility.WHEELCHAIR)},
            },
            "access",
        ),
        ({"referral": {"patient": patient(mobility=Mobility.WHEELCHAIR)}}, None),
        ({"referral": {"patient": patient(location=None)}}, "location"),
        ({"referral": {"patient": AWAY, "max_travel_metres": 12_820}}, None),
        ({"referral": {"patient": AWAY, "max_travel_metres": 12_819}}, "travel"),
        ({"slot": {"after_minutes": 28}, "referral": {"patient": AWAY}}, None),
        ({"slot": {"after_minutes": 27}, "referral": {"patient": AWAY}}, "reach"),
    ],
)
def test_the_patient_gets_to_the_practice(changes: dict[str, Any], wanted: str | None) -> None:
    assert verdict(**changes) == wanted


@pytest.mark.parametrize(
    ("mode", "changes", "wanted"),
    [
        (Mode.HH, {"referral": {"patient": patient(mobility=Mobility.HOMEBOUND)}}, None),
        (Mode.HH, {"referral": {"patient": patient(location=None)}}, "location"),
        (Mode.HH, {"referral": {"patient": AWAY}, "policy": {"home_visit_metres": 12_820}}, None),
        (
            Mode.HH,
            {"referral": {"patient": AWAY}, "policy": {"home_visit_metres": 12_819}},
            "travel",
        ),
        (Mode.HH, {"referral": {"patient": AWAY, "max_travel_metres": 0}}, None),
        (
            Mode.HH,
            {
                "slot": {"after_minutes": 28},
                "referral": {"patient": AWAY.replaced(mobility=Mobility.WALK)},
            },
            None,
        ),
        (Mode.HH, {"slot": {"after_minutes": 27}, "referral": {"patient": AWAY}}, "reach"),
        (
            Mode.VR,
            {"referral": {"patient": patient(location=None, mobility=Mobility.HOMEBOUND)}},
            None,
        ),
        (Mode.VR, {"slot": {"after_minutes": 10}, "referral": {"patient": AWAY}}, None),
        (Mode.VR, {"slot": {"after_minutes": 9}}, "reach"),
    ],
)
def test_a_visit_and_a_video_ask_other_things(
    mode: Mode, changes: dict[str, Any], wanted: str | None
) -> None:
    merged = {
        **changes,
        "slot": {**changes.get("slot", {}), "modes": (mode,)},
        "referral": {**changes.get("referral", {}), "modes": (mode,)},
    }
    assert verdict(**merged) == wanted


def test_one_mode_that_passes_is_enough_and_else_the_latest_rule_is_named() -> None:
    both: dict[str, Any] = {"modes": (Mode.AMB, Mode.HH)}
    asked = {**both, "patient": AWAY.replaced(mobility=Mobility.HOMEBOUND)}
    assert verdict(slot=both, referral=asked) is None
    assert verdict(slot=both, referral=asked, policy={"home_visit_metres": 0}) == "travel"


CELLS = ((0, 9_000), (12_000, 0))
TABLE = TravelMatrix(
    name="roads",
    version="1",
    zones=("44114", "farm"),
    metres=CELLS,
    minutes=((0, 8), (20, 0)),
)
FARM = Location(lat=0, lon=0, zone="farm")
OFF_THE_MAP = Location(lat=TOWN.lat, lon=TOWN.lon)


def test_a_matrix_is_read_in_the_direction_of_the_journey() -> None:
    farmer = {"patient": patient(location=FARM)}
    assert best(matrix=TABLE, referral=farmer)[1:3] == (12_000, 20)
    home: dict[str, Any] = {"modes": (Mode.HH,)}
    assert best(matrix=TABLE, slot=home, referral={**farmer, **home})[1:3] == (9_000, 8)


@pytest.mark.parametrize(
    ("mobility", "minutes"),
    [
        (Mobility.CAR, 20),
        (Mobility.TRANSIT, 50),  # 20 * 45 / 18
        (Mobility.WALK, 225),  # 20 * 45 / 4
        (Mobility.WHEELCHAIR, 36),  # 20 * 45 / 25
    ],
)
def test_matrix_minutes_are_by_car_and_slower_means_take_longer(
    mobility: Mobility, minutes: int
) -> None:
    slow = {"patient": patient(location=FARM, mobility=mobility)}
    assert best(matrix=TABLE, referral=slow, slot={"after_minutes": 240})[1:3] == (12_000, minutes)


def test_matrix_minutes_are_rounded_up() -> None:
    slow = {"patient": patient(location=FARM, mobility=Mobility.TRANSIT)}
    speeds = {"speeds": Speeds(car=45, transit=17)}  # 900 / 17 = 52.9
    assert best(matrix=TABLE, referral=slow, policy=speeds).travel_minutes == 53


@pytest.mark.parametrize("nowhere", [OFF_THE_MAP, FARM.replaced(zone="unlisted")])
def test_a_place_outside_the_matrix_is_unreachable(nowhere: Location) -> None:
    assert verdict(matrix=TABLE, referral={"patient": patient(location=nowhere)}) == "travel"
    assert verdict(matrix=TABLE, site={"location": nowhere}) == "travel"


def test_an_empty_cell_is_unreachable() -> None:
    broken = TABLE.replaced(metres=((0, 9_000), (None, 0)), minutes=((0, 8), (None, 0)))
    assert verdict(matrix=broken, referral={"patient": patient(location=FARM)}) == "travel"
