"""Home visits of one plan: what is one place, and the way between places that are two."""

from typing import Any

import numpy as np
import pytest
from builders import TOWN, north_of, patient, policy, problem, referral, site, slot

from slotengine.codes import Mode
from slotengine.domain import Location
from slotengine.problem import Limits, Problem, TravelMatrix
from slotengine.reasons import ReasonCode
from slotengine.side_constraints import HomeVisits
from slotengine.solver.check import check
from slotengine.solver.columns import to_columns
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.solve import solve
from slotengine.solver.tours import Tours

HOME = MODE_ORDER.index(Mode.HH)
SITE = MODE_ORDER.index(Mode.AMB)
VIDEO = MODE_ORDER.index(Mode.VR)

NORTH_FLAT, SOUTH_FLAT = (TOWN.replaced(zone=zone) for zone in ("north-stairs", "south-stairs"))
"""One roof, two zones of a travel table, whether or not anybody has one."""


def visits(*homes: Location | None, **changes: Any) -> Problem:
    """One referral a home, all to be visited; ``one`` has two seats."""
    fields = {
        "policy": policy(home_visits=HomeVisits()),
        "slots": (slot("one", capacity=2, minutes=30, modes=tuple(Mode)),),
        "referrals": tuple(
            referral(str(at), patient=patient(str(at), location=home), modes=(Mode.HH,))
            for at, home in enumerate(homes)
        ),
    }
    return problem(**{**fields, **changes})


def row_of(asked: Problem, home: Location | None) -> int:
    return next(at for at, one in enumerate(asked.referrals) if one.patient.location == home)


@pytest.mark.parametrize(
    ("homes", "served"),
    [
        ((NORTH_FLAT, NORTH_FLAT), 2),
        ((NORTH_FLAT, SOUTH_FLAT), 1),
        ((NORTH_FLAT, TOWN), 1),
        ((NORTH_FLAT, north_of(NORTH_FLAT, 1).replaced(zone="north-stairs")), 1),
        # A zone stands before the commune's code, which is then nobody's key.
        ((NORTH_FLAT, NORTH_FLAT.replaced(insee="44194")), 2),
    ],
)
def test_one_place_is_equal_coordinates_and_zone_without_a_table_too(
    homes: tuple[Location, Location], served: int
) -> None:
    asked = visits(*homes)
    plan = solve(asked, limits=Limits())
    assert check(asked, plan) == []
    assert len(plan.assignments) == served
    assert [one.reasons[0].code for one in plan.unserved] == [ReasonCode.TOUR] * (2 - served)


def test_zones_that_a_table_does_not_list_are_two_places_all_the_same() -> None:
    """Whom the table does not list nobody can visit, but the pairs are asked before that."""
    asked = visits(
        NORTH_FLAT,
        SOUTH_FLAT,
        matrix=TravelMatrix(name="t", version="1", zones=("z",), metres=((0,),), minutes=((0,),)),
    )
    tours = Tours(to_columns(asked))
    first, second = (tours.stop(row, 0, Mode.HH) for row in range(2))
    assert not tours.at_peace(first, second)
    assert tours.at_peace(first, first)


def test_a_patient_who_lives_at_the_practice_shares_its_place() -> None:
    """A flat above the practice: a home visit and a visit there fit on one slot."""
    asked = visits(NORTH_FLAT, TOWN, sites=(site(location=NORTH_FLAT),))
    tours = Tours(to_columns(asked))
    here, elsewhere = (row_of(asked, home) for home in (NORTH_FLAT, TOWN))
    at_site = tours.stop(elsewhere, 0, Mode.AMB)
    assert tours.at_peace(tours.stop(here, 0, Mode.HH), at_site)
    assert not tours.at_peace(tours.stop(elsewhere, 0, Mode.HH), at_site)


def test_all_pairs_at_once_say_what_each_two_say() -> None:
    """Two homes 2 km apart, one unknown; at 45 km/h over 2.8 km of road 4 minutes."""
    far = north_of(TOWN, 2_000)
    asked = visits(
        TOWN,
        far,
        None,
        slots=tuple(
            slot(f"{at}", after_minutes=at, minutes=15, modes=tuple(Mode))
            for at in (120, 135, 153, 171)
        ),
    )
    tours = Tours(to_columns(asked))
    bookings = [(row, at, mode) for row in range(3) for at in range(4) for mode in (0, 1, 2)]
    rows, slots, modes = (np.array(part, dtype=np.int32) for part in zip(*bookings, strict=True))
    peace = tours.peace(rows.astype(np.int64), slots, modes)
    stops = [tours.stop(row, at, MODE_ORDER[mode]) for row, at, mode in bookings]
    for one, here in enumerate(stops):
        for other, there in enumerate(stops):
            if here.slot != there.slot:
                assert peace[one, other] == tours.at_peace(here, there), (here, there)
    here, there, unknown = (row_of(asked, home) for home in (TOWN, far, None))
    at = {booking: index for index, booking in enumerate(bookings)}
    # By hand: no minute between the first two slots, three between the next, 18 to the one after.
    assert not peace[at[here, 0, HOME], at[there, 1, HOME]]
    assert not peace[at[here, 1, HOME], at[there, 2, HOME]]
    assert peace[at[here, 0, HOME], at[there, 2, HOME]]
    assert peace[at[here, 0, HOME], at[here, 1, SITE]]
    assert not peace[at[there, 0, HOME], at[here, 1, SITE]]
    assert peace[at[here, 0, HOME], at[there, 1, VIDEO]]
    assert peace[at[here, 0, HOME], at[unknown, 1, HOME]]
