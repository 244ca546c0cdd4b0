"""Each hard rule: allowed, refused, exactly on the edge, field absent; arcs and refusals agree."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from builders import NOW, TOWN, north_of, patient, policy, practitioner, problem, referral, site
from builders import slot as slot_
from hypothesis import given, settings
from strategies import problems, territory

from slotengine.codes import Audience, Mobility, Mode, Profession, SlotState, SourceKind
from slotengine.domain import Motive, TimeWindow
from slotengine.problem import Pin, Problem, TravelMatrix
from slotengine.reasons import Rule
from slotengine.solver.arcs import ALLOWED, FEW_PAIRS, best_ways, candidate_arcs, refusals
from slotengine.solver.columns import to_columns
from slotengine.solver.costs import MODE_ORDER

RULES = tuple(Rule)


def refusing(problem_: Problem) -> Rule | None:
    """The rule that refuses the first referral the first slot; arcs must say the same."""
    columns = to_columns(problem_)
    refused = refusals(columns, 0)
    arcs = candidate_arcs(columns)
    listed = arcs.slot[arcs.start[0] : arcs.start[1]].tolist()
    assert listed == np.flatnonzero(refused == ALLOWED).tolist()
    return None if refused[0] == ALLOWED else RULES[refused[0]]


def asked(
    *,
    who: dict[str, Any] | None = None,
    wants: dict[str, Any] | None = None,
    slot: dict[str, Any] | None = None,
    giver: dict[str, Any] | None = None,
    place: dict[str, Any] | None = None,
    rules: dict[str, Any] | None = None,
    **more: Any,
) -> Rule | None:
    """Asks about one referral and one slot that differ from a fitting pair as said."""
    return refusing(
        problem(
            practitioners=(practitioner(**(giver or {})),),
            sites=(site(**(place or {})),),
            slots=(slot_(**(slot or {})),),
            referrals=(referral(patient=patient(**(who or {})), **(wants or {})),),
            policy=policy(**(rules or {})),
            **more,
        )
    )


def at(minutes: float) -> Any:
    return NOW + timedelta(minutes=minutes)


def test_a_fitting_pair_is_allowed() -> None:
    assert asked() is None


def test_sharing() -> None:
    elsewhere = {"territory": "senart"}
    assert asked(slot=elsewhere) is Rule.SHARING
    assert asked(slot={**elsewhere, "shared_with": ("confluent",)}) is Rule.SHARING
    assert asked(slot={**elsewhere, "shared_with": ("confluent", "giennois")}) is None


def test_profession() -> None:
    nurse = {"profession": Profession.NURSE}
    assert asked(giver=nurse) is Rule.PROFESSION
    both = (Profession.NURSE, Profession.PHYSICIAN)
    assert asked(giver=nurse, wants={"professions": both}) is None


def test_specialty() -> None:
    assert asked(giver={"specialties": ()}) is None
    assert asked(wants={"specialties": ("SM26",)}) is Rule.SPECIALTY
    assert asked(wants={"specialties": ("SM26", "SM54")}) is None
    assert asked(wants={"specialties": ("SM54",)}, giver={"specialties": ()}) is Rule.SPECIALTY


def test_mode() -> None:
    assert asked(wants={"modes": (Mode.VR,)}) is Rule.MODE
    assert asked(wants={"modes": (Mode.VR,)}, slot={"modes": (Mode.HH, Mode.VR)}) is None


def test_audience() -> None:
    kept = {"audiences": (Audience.SNP,)}
    assert asked(slot=kept) is Rule.AUDIENCE
    assert asked(slot=kept, wants={"source": SourceKind.SAMU}) is None
    assert asked(slot={"audiences": (Audience.PRO,)}, wants={"source": SourceKind.SOCIAL}) is (
        Rule.AUDIENCE
    )


@pytest.mark.parametrize(
    ("low", "high", "age", "allowed"),
    [
        (15, 65, 15, True),
        (15, 65, 65, True),
        (15, 65, 14, False),
        (15, 65, 66, False),
        (None, 0, 0, True),
        (None, 0, 1, False),
        (16, None, 125, True),
        (None, 65, None, False),
        (0, None, None, False),
        (None, None, None, True),
        (None, None, 0, True),
    ],
)
def test_age(low: int | None, high: int | None, age: int | None, *, allowed: bool) -> None:
    refused = asked(giver={"min_age": low, "max_age": high}, who={"age": age})
    assert refused is (None if allowed else Rule.AGE)


@pytest.mark.parametrize(
    ("accepted", "refused", "code", "allowed"),
    [
        ((), (), None, True),
        ((), (), "M1", True),
        (("M1",), (), "M1", True),
        (("M1",), (), "M2", False),
        (("M1",), (), None, False),
        ((), ("M1",), "M1", False),
        ((), ("M1",), "M2", True),
        ((), ("M1",), None, True),
        (("M1", "M2"), ("M1",), "M1", False),
    ],
)
def test_motive(
    accepted: tuple[str, ...], refused: tuple[str, ...], code: str | None, *, allowed: bool
) -> None:
    rule = asked(
        giver={"accepted_motives": accepted, "refused_motives": refused},
        wants={"motive": None if code is None else Motive(system="m", code=code)},
    )
    assert rule is (None if allowed else Rule.MOTIVE)


def test_opening() -> None:
    assert asked(slot={"state": SlotState.WITHDRAWN}) is Rule.OPENING
    assert asked(slot={"opens_at": NOW}) is None
    assert asked(slot={"opens_at": NOW + timedelta(microseconds=1)}) is Rule.OPENING


@pytest.mark.parametrize(
    ("windows", "allowed"),
    [
        ([], True),
        ([(120, 135)], True),
        ([(121, 200)], False),
        ([(60, 134)], False),
        ([(0, 60), (100, 200)], True),
        # Two windows that touch inside the slot don't hold it together.
        ([(60, 130), (130, 200)], False),
    ],
)
def test_window(windows: list[tuple[int, int]], *, allowed: bool) -> None:
    spans = tuple(TimeWindow(start=at(start), end=at(end)) for start, end in windows)
    assert asked(wants={"windows": spans}) is (None if allowed else Rule.WINDOW)


def test_windows_of_another_referral_open_nothing() -> None:
    closed = (TimeWindow(start=at(0), end=at(10)),)
    open_ = (*closed, TimeWindow(start=at(100), end=at(200)))
    two = problem(referrals=(referral("1", windows=closed), referral("2", windows=open_)))
    arcs = candidate_arcs(to_columns(two))
    served = [two.referrals[row].reference for row in arcs.row]
    assert served == ["2"]


def test_deadline() -> None:
    assert asked(wants={"deadline": at(120)}) is None
    assert asked(wants={"deadline": at(120) - timedelta(microseconds=1)}) is Rule.DEADLINE


@pytest.mark.parametrize(
    ("after", "minutes", "allowed"),
    [(105, 15, True), (135, 15, True), (106, 15, False), (134, 15, False), (100, 60, False)],
)
def test_patient_busy(after: int, minutes: int, *, allowed: bool) -> None:
    busy = slot_("other", after_minutes=after, minutes=minutes, practitioner="d2")
    pin = Pin(referral="before", patient=patient().key, slot="other", seat=0)
    stranger = Pin(referral="before", patient=patient("else").key, slot="other", seat=0)
    for whose, allows in ((pin, allowed), (stranger, True)):
        pinned = problem(
            practitioners=(practitioner(), practitioner("d2")),
            slots=(slot_("a"), busy),
            referrals=(referral(patient=patient()),),
            pins=(whose,),
        )
        assert refusing(pinned) is (None if allows else Rule.PATIENT_BUSY)


def test_mobility() -> None:
    stuck = {"mobility": Mobility.HOMEBOUND}
    assert asked(who=stuck) is Rule.MOBILITY
    home = {"modes": (Mode.AMB, Mode.HH)}
    assert asked(who=stuck, wants=home, slot=home) is None
    video = {"modes": (Mode.VR,)}
    assert asked(who=stuck, wants=video, slot=video) is None


def test_access() -> None:
    wheels, steps = {"mobility": Mobility.WHEELCHAIR}, {"accessible": False}
    assert asked(who=wheels, place=steps) is Rule.ACCESS
    assert asked(who=wheels) is None
    assert asked(place=steps) is None
    home = {"modes": (Mode.HH,)}
    assert asked(who=wheels, place=steps, wants=home, slot=home) is None


def test_location() -> None:
    nowhere = {"location": None}
    assert asked(who=nowhere) is Rule.LOCATION
    home = {"modes": (Mode.HH,)}
    assert asked(who=nowhere, wants=home, slot=home) is Rule.LOCATION
    video = {"modes": (Mode.AMB, Mode.VR)}
    assert asked(who=nowhere, wants=video, slot=video) is None


def test_unknown_and_known_places_do_not_mix() -> None:
    mixed = problem(
        referrals=tuple(
            referral(str(number), patient=patient(f"p{number}", location=place))
            for number, place in enumerate([None, TOWN, None, north_of(TOWN, 200_000)])
        )
    )
    arcs = candidate_arcs(to_columns(mixed))
    assert [mixed.referrals[row].reference for row in arcs.row] == ["1"]


MATRIX = TravelMatrix(
    name="hand",
    version="1",
    zones=("home", "surgery", "island"),
    metres=((0, 5_000, None), (9_000, 0, None), (None, None, 0)),
    minutes=((0, 10, None), (30, 0, None), (None, None, 0)),
)
"""From home to surgery 5 km in 10 min; back, 9 km in 30 min. The island is out of reach."""


def by_matrix(zone: str | None, **more: Any) -> Rule | None:
    home = TOWN.replaced(zone=zone, insee=None)
    surgery = {"location": TOWN.replaced(zone="surgery")}
    who = {"location": home, **more.pop("who", {})}
    return asked(who=who, place=surgery, matrix=MATRIX, **more)


def test_travel_is_inclusive_in_whole_metres() -> None:
    assert by_matrix("home", wants={"max_travel_metres": 5_000}) is None
    assert by_matrix("home", wants={"max_travel_metres": 4_999}) is Rule.TRAVEL
    # Without a matrix: 10,000 m straight are 10,000 * (1.1 + 0.3 * exp(-0.5)) = 12,819.6 m.
    away = {"location": north_of(TOWN, 10_000)}
    assert asked(who=away, wants={"max_travel_metres": 12_820}) is None
    assert asked(who=away, wants={"max_travel_metres": 12_819}) is Rule.TRAVEL


def test_home_visits_lead_from_the_site_within_the_policys_limit() -> None:
    home = {"modes": (Mode.HH,)}
    for limit, refused in ((9_000, None), (8_999, Rule.TRAVEL)):
        wants = {**home, "max_travel_metres": 0}
        rules = {"home_visit_metres": limit}
        assert by_matrix("home", wants=wants, slot=home, rules=rules) is refused


def test_unreachable_places_are_refused_by_travel() -> None:
    far = {"max_travel_metres": 10**30}
    assert by_matrix("island", wants=far) is Rule.TRAVEL
    assert by_matrix("unlisted", wants=far) is Rule.TRAVEL
    assert by_matrix(None, wants=far) is Rule.TRAVEL
    far_home = {"modes": (Mode.HH,)}
    rules = {"home_visit_metres": 10**30}
    assert by_matrix("island", wants=far_home, slot=far_home, rules=rules) is Rule.TRAVEL


def test_reach_is_inclusive() -> None:
    # Notice 10 min and a journey of 10 min.
    assert by_matrix("home", slot={"after_minutes": 20}) is None
    assert by_matrix("home", slot={"after_minutes": 19}) is Rule.REACH
    # By public transport: 10 * 45 / 18 = 25 min.
    bus = {"who": {"mobility": Mobility.TRANSIT}}
    assert by_matrix("home", slot={"after_minutes": 35}, **bus) is None
    assert by_matrix("home", slot={"after_minutes": 34}, **bus) is Rule.REACH


def test_home_visits_are_reached_with_the_practitioners_minutes() -> None:
    home = {"modes": (Mode.HH,)}
    walker = {"mobility": Mobility.WALK}
    for after, refused in ((40, None), (39, Rule.REACH)):
        slot = {**home, "after_minutes": after}
        assert by_matrix("home", who=walker, wants=home, slot=slot) is refused


def test_video_is_reached_after_the_notice_alone() -> None:
    video = {"modes": (Mode.VR,)}
    for after, refused in ((10, None), (9, Rule.REACH)):
        slot = {**video, "after_minutes": after}
        assert asked(who={"location": None}, wants=video, slot=slot) is refused


def test_of_several_modes_the_one_that_got_furthest_gives_the_rule() -> None:
    both = {"modes": (Mode.AMB, Mode.HH)}
    # At the practice: mobility. At home: the journey of 30 min is too late.
    stuck = {"mobility": Mobility.HOMEBOUND}
    late = {**both, "after_minutes": 30}
    assert by_matrix("home", who=stuck, wants=both, slot=late) is Rule.REACH


def test_the_first_rule_failed_is_the_one_named() -> None:
    nurse = {"profession": Profession.NURSE}
    assert asked(giver=nurse, wants={"deadline": at(1), "modes": (Mode.VR,)}) is Rule.PROFESSION


def test_only_the_rows_asked_about_own_arcs() -> None:
    two = problem(referrals=(referral("1"), referral("2")))
    arcs = candidate_arcs(to_columns(two), np.array([1], dtype=np.int32))
    assert arcs.start.tolist() == [0, 0, 1]
    assert arcs.row.tolist() == [1]


@pytest.mark.parametrize(("referrals", "slots"), [((), None), (None, ()), ((), ())])
def test_empty_sides_have_no_arcs(referrals: Any, slots: Any) -> None:
    sides = {"referrals": referrals, "slots": slots}
    empty = problem(**{name: side for name, side in sides.items() if side is not None})
    arcs = candidate_arcs(to_columns(empty))
    assert len(arcs.slot) == 0
    assert arcs.start.tolist() == [0] * (len(empty.referrals) + 1)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(problems(max_referrals=3, max_slots=4))
def test_arcs_and_refusals_agree_on_every_pair(drawn: Problem) -> None:
    columns = to_columns(drawn)
    arcs = candidate_arcs(columns)
    for row in range(columns.referrals):
        listed = arcs.slot[arcs.start[row] : arcs.start[row + 1]].tolist()
        assert listed == np.flatnonzero(refusals(columns, row) == ALLOWED).tolist()


def test_chunks_of_rows_join_seamlessly(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = to_columns(territory(60, 90, seed=3))
    whole = candidate_arcs(columns)
    assert FEW_PAIRS >= 60 * 90
    monkeypatch.setattr("slotengine.solver.arcs.FEW_PAIRS", 0)
    monkeypatch.setattr("slotengine.solver.arcs.PAIRS_AT_ONCE", 7 * 90)
    pieces = candidate_arcs(columns)
    assert len(whole.slot) > 60
    for one, other in zip(whole, pieces, strict=True):
        assert one.tolist() == other.tolist()


def test_an_arc_at_rest_is_twelve_bytes() -> None:
    columns = to_columns(territory(60, 90, seed=3))
    arcs = candidate_arcs(columns)
    assert [part.dtype for part in arcs] == [np.int64, np.int32, np.int64]
    assert sum(part.nbytes for part in arcs) == 12 * len(arcs.slot) + 8 * (60 + 1)


def test_the_cheapest_mode_is_taken() -> None:
    every = {"modes": tuple(Mode)}
    # To the practice 10 min, home visit 30 min, video none.
    home = TOWN.replaced(zone="home", insee=None)
    for modes, chosen in (
        ((Mode.AMB, Mode.HH), Mode.AMB),
        ((Mode.AMB, Mode.HH, Mode.VR), Mode.VR),
        ((Mode.HH,), Mode.HH),
    ):
        asked_ = problem(
            sites=(site(location=TOWN.replaced(zone="surgery")),),
            slots=(slot_(**every),),
            referrals=(referral(patient=patient(location=home), modes=modes),),
            matrix=MATRIX,
        )
        arcs = candidate_arcs(to_columns(asked_))
        ways = best_ways(to_columns(asked_), arcs.row, arcs.slot)
        assert [MODE_ORDER[mode] for mode in ways.mode] == [chosen]
