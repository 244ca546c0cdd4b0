"""Metres and minutes by hand, by circle and by matrix."""

import math

import numpy as np
import pytest
from builders import TOWN, north_of, patient, policy, problem, referral, site, slot

from slotengine.codes import Mobility, Mode
from slotengine.domain import Location
from slotengine.errors import ProblemError
from slotengine.policy import Detour, Speeds
from slotengine.problem import TravelMatrix
from slotengine.solver.columns import FAR, LONGEST, to_columns
from slotengine.solver.travel import great_circle_metres, journeys

PARIS = Location(lat=48.8566, lon=2.3522)
LYON = Location(lat=45.7640, lon=4.8357)


def straight(one: Location, other: Location) -> float:
    lats, lons = np.array([[one.lat, other.lat], [one.lon, other.lon]])
    return float(great_circle_metres(lats[:1], lons[:1], lats[1:], lons[1:])[0])


def journey(mode: Mode = Mode.AMB, **changes: object) -> tuple[int, int]:
    """Metres and minutes of the only pair of a problem."""
    one = np.zeros(1, dtype=np.int32)
    found = journeys(to_columns(problem(**changes)), one, one, mode)
    return int(found.metres[0]), int(found.minutes[0])


def from_home(place: Location | None, mobility: Mobility = Mobility.CAR) -> dict[str, object]:
    return {"referrals": (referral(patient=patient(location=place, mobility=mobility)),)}


def test_great_circles_of_known_length() -> None:
    quarter = math.pi / 2 * 6_371_008.8
    pole, equator = Location(lat=90, lon=0), Location(lat=0, lon=77)
    assert straight(pole, equator) == pytest.approx(quarter)
    assert straight(Location(lat=0, lon=-90), Location(lat=0, lon=90)) == pytest.approx(2 * quarter)
    # Paris to Lyon, by the spherical law of cosines.
    one, other = math.radians(PARIS.lat), math.radians(LYON.lat)
    cosine = math.sin(one) * math.sin(other) + math.cos(one) * math.cos(other) * math.cos(
        math.radians(LYON.lon - PARIS.lon)
    )
    assert straight(PARIS, LYON) == pytest.approx(6_371_008.8 * math.acos(cosine))
    assert straight(PARIS, PARIS) == 0


def test_the_detour_and_minutes_by_hand() -> None:
    # 10,000 m straight: 10,000 * (1.1 + 0.3 * exp(-0.5)) = 12,819.6 m; at 45 km/h 17.09 min.
    assert journey(**from_home(north_of(TOWN, 10_000))) == (12_820, 18)
    # On foot at 4 km/h 192.3 min, by wheelchair transport at 25 km/h 30.8 min.
    assert journey(**from_home(north_of(TOWN, 10_000), Mobility.WALK)) == (12_820, 193)
    assert journey(**from_home(north_of(TOWN, 10_000), Mobility.WHEELCHAIR)) == (12_820, 31)
    # The practitioner drives, whoever the patient is.
    walker = from_home(north_of(TOWN, 10_000), Mobility.WALK)
    assert journey(Mode.HH, **walker) == (12_820, 18)
    assert journey(Mode.VR, **walker) == (0, 0)


def test_the_policy_stretches_roads_and_sets_speeds() -> None:
    mountains = policy(
        detour=Detour(base=2.0, extra=0.0, scale_metres=1.0, factor=1.5), speeds=Speeds(car=30)
    )
    # 10,000 * 1.5 * 2 = 30,000 m, at 30 km/h exactly an hour.
    metres, minutes = journey(policy=mountains, **from_home(north_of(TOWN, 10_000)))
    assert (metres, minutes) == (30_000, 60)


def test_no_place_and_no_way_of_travelling_are_far() -> None:
    assert journey(**from_home(None)) == (FAR, FAR)
    assert journey(**from_home(TOWN, Mobility.HOMEBOUND)) == (FAR, FAR)
    assert journey(Mode.HH, **from_home(TOWN, Mobility.HOMEBOUND)) == (0, 0)


def matrix(**changes: object) -> TravelMatrix:
    fields = {
        "name": "hand",
        "version": "1",
        "zones": ("a", "b"),
        "metres": ((0, 5_000), (9_000, None)),
        "minutes": ((0, 10), (30, None)),
    }
    return TravelMatrix.model_validate({**fields, **changes})


def zoned(home: str | None, practice: str) -> dict[str, object]:
    return {
        **from_home(TOWN.replaced(zone=home, insee=None), Mobility.TRANSIT),
        "sites": (site(location=TOWN.replaced(zone=practice)),),
        "matrix": matrix(),
    }


def test_a_matrix_has_a_direction() -> None:
    # By public transport 10 * 45 / 18 = 25 and 30 * 45 / 18 = 75 min; a home visit is by car.
    assert journey(**zoned("a", "b")) == (5_000, 25)
    assert journey(**zoned("b", "a")) == (9_000, 75)
    assert journey(Mode.HH, **zoned("a", "b")) == (9_000, 30)
    assert journey(Mode.HH, **zoned("b", "a")) == (5_000, 10)


@pytest.mark.parametrize(("home", "practice"), [("b", "b"), ("c", "a"), (None, "a"), ("a", "c")])
def test_a_missing_zone_or_cell_is_far(home: str | None, practice: str) -> None:
    assert journey(**zoned(home, practice)) == (FAR, FAR)


def test_someone_faster_than_a_car_is_no_nearer_to_the_unreachable() -> None:
    fast = policy(speeds=Speeds(car=10, transit=130))
    assert journey(policy=fast, **zoned("b", "b")) == (FAR, FAR)
    # ceil(10 * 10 / 130) = 1.
    assert journey(policy=fast, **zoned("a", "b")) == (5_000, 1)


def test_the_commune_is_the_zone_when_none_is_named() -> None:
    listed = matrix(zones=("44114", "b"))
    assert journey(matrix=listed) == (0, 0)


def test_a_cell_beyond_reason_is_named() -> None:
    wrong = matrix(metres=((0, LONGEST + 1), (9_000, None)))
    with pytest.raises(ProblemError, match=f"holds {LONGEST + 1}"):
        to_columns(problem(matrix=wrong))


def test_many_pairs_and_few_pairs_agree() -> None:
    """Pairs that repeat a home and a site are priced once, by table or by sorting."""
    homes = [north_of(TOWN, 1_000 * at) for at in range(6)]
    wide = problem(
        referrals=[
            referral(str(at), patient=patient(f"p{at}", location=home))
            for at, home in enumerate(homes)
        ],
        sites=[site(f"s{at}", location=home) for at, home in enumerate(homes)],
        slots=[slot(f"slot{at}", after_minutes=60 * at, site=f"s{at}") for at in range(6)],
    )
    columns = to_columns(wide)
    row, seat = (index.ravel().astype(np.int32) for index in np.indices((6, 6)))
    dense = journeys(columns, row, seat, Mode.AMB)
    for at in range(36):
        alone = journeys(columns, row[[at, 0]], seat[[at, 35]], Mode.AMB)
        assert alone.metres[0] == dense.metres[at]
        assert alone.minutes[0] == dense.minutes[at]
    none = journeys(columns, row[:0], seat[:0], Mode.AMB)
    assert len(none.metres) == 0
