"""Candidate arcs by kinds and cells are those that an independent double loop finds."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from builders import NOW, TOWN, north_of, patient, policy, practitioner, problem, referral, site
from builders import slot as slot_
from hypothesis import given, settings
from strategies import problems

from slotengine.codes import Audience, Mobility, Mode, Profession, SlotState, SourceKind
from slotengine.domain import Location, Motive, TimeWindow
from slotengine.policy import Detour
from slotengine.problem import Pin, Problem, TravelMatrix
from slotengine.solver.arcs import candidate_arcs
from slotengine.solver.cells import NOWHERE, blocks
from slotengine.solver.check_rules import Rules
from slotengine.solver.columns import to_columns
from slotengine.solver.stands import stands

PROFESSIONS = (Profession.PHYSICIAN, Profession.NURSE)
MODE_SETS = (
    (Mode.AMB,),
    (Mode.HH,),
    (Mode.VR,),
    (Mode.AMB, Mode.VR),
    (Mode.AMB, Mode.HH),
    (Mode.AMB, Mode.HH, Mode.VR),
)
BENDS = (
    {},
    {"factor": 0.5, "base": 1.0, "extra": 0.0},
    {"factor": 0.5, "base": 1.0, "extra": 5.0, "scale_metres": 3_000.0},
    {"factor": 3.0, "base": 2.0, "extra": 1.0},
)
"""Roads from half as long as the great circle, which no real one is, to nine times."""

WORLD = {
    "town": (47.27, -1.62, 0.3),
    "north pole": (89.9, 10.0, 0.09),
    "south pole": (-89.9, -120.0, 0.09),
    "antimeridian": (-17.0, 179.95, 0.3),
    "everywhere": (0.0, 0.0, None),
}
"""Where a drawn problem lies: latitude, longitude, and the half width of its square in degrees."""


def oracle(problem_: Problem) -> list[tuple[int, int, int]]:
    """Every arc as row, slot and cost, pair by pair in plain Python that shares no code."""
    rules = Rules(problem_)
    index = {one.id: at for at, one in enumerate(problem_.slots)}
    return [
        (row, index[slot.id], figures.cost)
        for row, asks in enumerate(problem_.referrals)
        for slot, figures in rules.allowed(asks)
    ]


def listed(problem_: Problem) -> list[tuple[int, int, int]]:
    arcs = candidate_arcs(to_columns(problem_))
    return list(zip(arcs.row.tolist(), arcs.slot.tolist(), arcs.cost.tolist(), strict=True))


@pytest.fixture(autouse=True)
def _by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small problems go the way of large ones too, in small pieces."""
    monkeypatch.setattr("slotengine.solver.arcs.FEW_PAIRS", 0)
    monkeypatch.setattr("slotengine.solver.arcs.PAIRS_AT_ONCE", 50)
    monkeypatch.setattr("slotengine.solver.arcs.KINDS_AT_ONCE", 100)
    monkeypatch.setattr("slotengine.solver.cells.ROWS_IN_CELL", 2)


def _place(rng: np.random.Generator, where: str, zones: tuple[str, ...]) -> Location:
    lat, lon, half = WORLD[where]
    if half is None:
        lat, lon = float(rng.uniform(-90, 90)), float(rng.uniform(-180, 180))
    else:
        lat, lon = lat + float(rng.uniform(-half, half)), lon + float(rng.uniform(-half, half))
        if abs(lat) > 89:
            lon = float(rng.uniform(-180, 180))
    zone = zones[rng.integers(len(zones))] if zones else None
    return Location(lat=lat, lon=(lon + 180) % 360 - 180, zone=zone)


def _some(rng: np.random.Generator, values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def _matrix(rng: np.random.Generator, zones: tuple[str, ...]) -> TravelMatrix:
    def cells(longest: int) -> tuple[tuple[int | None, ...], ...]:
        drawn = rng.integers(0, longest, (len(zones), len(zones))).tolist()
        cut = rng.random((len(zones), len(zones))) < 0.2
        return tuple(
            tuple(None if gone else cell for cell, gone in zip(row, gones, strict=True))
            for row, gones in zip(drawn, cut.tolist(), strict=True)
        )

    metres, minutes = cells(40_000), cells(60)
    # Unreachable by metres is unreachable by minutes.
    minutes = tuple(
        tuple(None if far is None else near or 0 for far, near in zip(a, b, strict=True))
        for a, b in zip(metres, minutes, strict=True)
    )
    metres = tuple(
        tuple(None if near is None else far for far, near in zip(a, b, strict=True))
        for a, b in zip(metres, minutes, strict=True)
    )
    return TravelMatrix(name="drawn", version="1", zones=zones, metres=metres, minutes=minutes)


def drawn(seed: int, where: str, *, zones: tuple[str, ...] = ()) -> Problem:
    """A problem of 25 referrals and 40 slots in which every rule refuses and allows something."""
    rng = np.random.default_rng([seed, len(zones), list(WORLD).index(where)])
    listed_zones = zones and (*zones, "unlisted")
    givers = [
        practitioner(
            f"d{at}",
            profession=_some(rng, PROFESSIONS),
            specialties=_some(rng, [(), ("SM26",), ("SM26", "SM54")]),
            min_age=_some(rng, [None, None, 15]),
            max_age=_some(rng, [None, None, 60]),
            refused_motives=_some(rng, [(), (), ("M9",)]),
        )
        for at in range(10)
    ]
    sites = [
        site(f"t{at}", location=_place(rng, where, listed_zones), accessible=rng.random() < 0.7)
        for at in range(8)
    ]
    slots = [
        slot_(
            # Ids in another order than practitioners: slots of one stand do not lie together.
            f"s{(at * 17) % 40:02}",
            after_minutes=60 * at + _some(rng, [5, 15, 30]),
            practitioner=f"d{at % 10}",
            site=f"t{at % 8}",
            modes=_some(rng, MODE_SETS),
            audiences=_some(rng, [(Audience.CPTS,), (Audience.SNP,), (Audience.CPTS,)]),
            state=_some(rng, [SlotState.OPEN] * 4 + [SlotState.WITHDRAWN]),
            territory=_some(rng, ["giennois", "giennois", "senart"]),
        )
        for at in range(40)
    ]
    window = TimeWindow(start=NOW, end=NOW + timedelta(hours=12))
    limits = [0, 5_000, 30_000, 30_000] if WORLD[where][2] else [10**6, 10**7, 10**8]
    asks = [
        referral(
            str(at),
            source=_some(rng, [SourceKind.PHARMACY, SourceKind.SAMU]),
            patient=patient(
                f"p{at}",
                location=_some(rng, [_place(rng, where, listed_zones)] * 5 + [None]),
                age=_some(rng, [15, 14, 60, 61, None]),
                mobility=_some(rng, list(Mobility)),
                own_practitioner=_some(rng, [None, "d1", "d2"]),
            ),
            professions=_some(rng, [PROFESSIONS, PROFESSIONS[:1]]),
            specialties=_some(rng, [(), (), ("SM54",)]),
            motive=_some(rng, [None, Motive(system="m", code="M9")]),
            windows=_some(rng, [(), (window,)]),
            modes=_some(rng, MODE_SETS),
            max_travel_metres=_some(rng, limits),
            deadline=NOW + timedelta(hours=_some(rng, [10, 40])),
        )
        for at in range(25)
    ]
    return problem(
        policy=policy(
            detour=Detour(**BENDS[seed % len(BENDS)]), home_visit_metres=_some(rng, limits)
        ),
        practitioners=givers,
        sites=sites,
        slots=slots,
        referrals=asks,
        pins=[Pin(referral="earlier", patient=patient("p3").key, slot="s17", seat=0)],
        matrix=_matrix(rng, zones) if zones else None,
    )


@pytest.mark.parametrize("where", WORLD)
@pytest.mark.parametrize("seed", range(6))
def test_cells_on_the_sphere_find_what_the_double_loop_finds(seed: int, where: str) -> None:
    made = drawn(seed, where)
    found = listed(made)
    assert found == oracle(made)
    assert found


@pytest.mark.parametrize("seed", range(6))
def test_the_zones_of_a_matrix_find_what_the_double_loop_finds(seed: int) -> None:
    made = drawn(seed, "town", zones=("a", "b", "c", "d"))
    found = listed(made)
    assert found == oracle(made)
    assert found


@settings(deadline=None, derandomize=True, max_examples=60)
@given(problems(max_referrals=4, max_slots=6))
def test_drawn_problems_agree_with_the_double_loop(made: Problem) -> None:
    assert listed(made) == oracle(made)


def _grid(half: int, step_metres: float) -> Iterator[Location]:
    for x in range(-half, half + 1):
        for y in range(-half, half + 1):
            place = north_of(TOWN, y * step_metres)
            yield place.replaced(lon=place.lon + x * step_metres / 75_000)


@pytest.mark.parametrize("bend", BENDS)
def test_limits_exactly_at_the_road_are_inclusive(bend: dict[str, float]) -> None:
    """Each home may travel exactly as far as one site, or a metre less, through all cells."""
    sites = [site(f"t{at:03}", location=place) for at, place in enumerate(_grid(4, 2_111.0))]
    slots = [
        slot_(f"s{at:03}", after_minutes=600, practitioner=f"d{at:03}", site=one.id)
        for at, one in enumerate(sites)
    ]
    givers = [practitioner(f"d{at:03}") for at in range(len(sites))]
    rng = np.random.default_rng(7)
    homes = [north_of(TOWN, float(metres)) for metres in rng.uniform(-9_000, 9_000, 20)]
    rules = policy(detour=Detour(**bend))
    scene = {"sites": sites, "slots": slots, "practitioners": givers, "policy": rules}
    far = [
        referral(str(at), patient=patient(f"p{at}", location=home)) for at, home in enumerate(homes)
    ]
    loop = Rules(problem(**scene, referrals=far))
    asks = []
    for at, one in enumerate(far):
        figures = loop.figures(one, slots[int(rng.integers(len(slots)))], Mode.AMB)
        assert figures is not None
        asks.append(one.replaced(max_travel_metres=max(0, figures.travel_metres - at % 2)))
    made = problem(**scene, referrals=asks)
    assert listed(made) == oracle(made)


def test_one_long_way_does_not_widen_the_cells_of_others() -> None:
    sites = [site(f"t{at:03}", location=place) for at, place in enumerate(_grid(5, 20_000.0))]
    slots = [slot_(f"s{at:03}", site=one.id, after_minutes=60 * at) for at, one in enumerate(sites)]
    asks = [
        referral("near", max_travel_metres=3_000),
        referral("far", max_travel_metres=10**30),
        referral("nowhere", patient=patient("n", location=None)),
    ]
    made = problem(sites=sites, slots=slots, referrals=asks)
    columns = to_columns(made)
    looked_at = {
        made.referrals[row].reference: len(block.stand)
        for block in blocks(columns, stands(columns), np.arange(3, dtype=np.int32), 10**6)
        for row in block.row.tolist()
    }
    assert looked_at["far"] == len(sites)
    assert 1 <= looked_at["near"] <= 9
    assert "nowhere" not in looked_at


def test_every_row_lies_in_one_block_and_pieces_keep_their_size() -> None:
    made = drawn(1, "town")
    columns = to_columns(made)
    shelf = stands(columns)
    rows = np.arange(columns.referrals, dtype=np.int32)
    pieces = list(blocks(columns, shelf, rows, 100))
    seen = sorted(row for piece in pieces for row in piece.row.tolist())
    assert len(seen) == len(set(seen))
    for piece in pieces:
        assert len(piece.row) == 1 or len(piece.row) * shelf.size[piece.stand].sum() <= 100
        assert piece.near.shape == (len(piece.row), len(piece.stand))
    assert NOWHERE < 0


def test_stands_keep_slots_that_differ_in_time_alone_together() -> None:
    twice = [
        slot_("a"),
        slot_("c", after_minutes=180),
        slot_("b", after_minutes=240, modes=(Mode.VR,)),
    ]
    shelf = stands(to_columns(problem(slots=twice)))
    assert shelf.slot.tolist() == [0, 2, 1]
    assert (shelf.first.tolist(), shelf.size.tolist()) == ([0, 2], [2, 1])
    assert shelf.example.tolist() == [0, 1]
    assert not shelf.in_order
    assert shelf.kind[0] != shelf.kind[1]
