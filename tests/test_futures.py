"""Sampled futures against the rules pair by pair, Poisson counts, and chance that stays put."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
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
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.codes import Audience, Mode, Priority, Profession, SourceKind
from slotengine.counter_rules import Commune
from slotengine.domain import Location, Referral, Requester
from slotengine.forecast import Forecast, Kind, OpeningRate
from slotengine.opening import deadline
from slotengine.policy import Counting, Deadlines, Policy
from slotengine.problem import Pin, Problem
from slotengine.seat_prices import SeatPrice
from slotengine.side_constraints import Floor
from slotengine.solver.arcs import ALLOWED, refusals
from slotengine.solver.check_rules import Rules
from slotengine.solver.columns import to_columns
from slotengine.solver.futures import Future, futures
from slotengine.solver.futures_draws import ArrivalDraws, uniforms
from slotengine.solver.futures_due import Due

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
DOCTOR = (Profession.PHYSICIAN,)
DEADLINES = Deadlines(stat=4 * HOUR, asap=8 * HOUR, urgent=12 * HOUR, routine=24 * HOUR)


def town(insee: str = "44114", north: float = 0.0) -> Commune:
    place = north_of(TOWN, north)
    return Commune(
        insee=insee,
        inhabitants=10_000,
        location=Location(lat=place.lat, lon=place.lon, insee=insee),
    )


def rules(**changes: Any) -> Policy:
    fields: dict[str, Any] = {
        "communes": (town(), town("44001", 8_000), town("44002", 25_000)),
        "counting": Counting.OPENING,
        "deadlines": DEADLINES,
    }
    return policy(**{**fields, **changes})


def kind(share: float = 1.0, **changes: Any) -> Kind:
    fields: dict[str, Any] = {
        "source": SourceKind.PHARMACY,
        "priority": Priority.URGENT,
        "professions": DOCTOR,
        "insee": "44114",
        "share": share,
    }
    return Kind(**{**fields, **changes})


def forecast(*kinds: Kind, hourly: tuple[float, ...] = (2.0,) * 10, **changes: Any) -> Forecast:
    fields: dict[str, Any] = {
        "territory": "giennois",
        "as_of": NOW,
        "hourly": hourly,
        "kinds": kinds or (kind(),),
        "cancel_chance": 0.0,
        "miss_chance": 0.0,
    }
    return Forecast(**{**fields, **changes})


def drawn(one: Problem, expected: Forecast, future: int = 0, seed: int = 0) -> list[Referral]:
    """The arrivals of a future as referrals, as the engine would have filled them in."""
    found = ArrivalDraws(one.policy, expected).of(seed, future)
    places = {commune.insee: commune.location for commune in one.policy.communes}
    arrivals = []
    for number, (at_us, index) in enumerate(
        zip(found.at_us.tolist(), found.kind.tolist(), strict=True)
    ):
        of_kind = expected.kinds[index]
        at = expected.as_of + at_us * MICROSECOND
        arrivals.append(
            referral(
                f"drawn {number}",
                source=of_kind.source,
                requester=Requester(kind=of_kind.source),
                priority=of_kind.priority,
                professions=of_kind.professions,
                patient=patient(f"drawn {number}", location=places[of_kind.insee or ""]),
                max_travel_metres=one.policy.max_travel_metres,
                deadline=deadline(one.policy, of_kind.priority, at),
                received_at=at,
            )
        )
    return arrivals


def arcs(future: Future, row: int) -> dict[int, int]:
    span = slice(int(future.start[row]), int(future.start[row + 1]))
    return dict(zip(future.col[span].tolist(), future.cost[span].tolist(), strict=True))


def at_its_hour(one: Problem, arrival: Referral) -> Problem:
    """The problem that the counter has when an arrival comes: what opened since is open."""
    return Problem.build(
        territory=one.territory,
        as_of=arrival.received_at,
        policy=one.policy,
        practitioners=one.practitioners,
        sites=one.sites,
        slots=one.slots,
        referrals=(arrival,),
        pins=one.pins,
    )


def busy_day(**changes: Any) -> Problem:
    """A day of slots that differ in time, place, profession, audience, mode and limits."""
    people = (
        practitioner("d1"),
        practitioner("d2", min_age=6),
        practitioner("d3", max_age=15),
        practitioner("n1", profession=Profession.NURSE),
        practitioner("d4", max_bookings_per_day=1),
    )
    sites = (
        site("s1"),
        site("s2", location=north_of(TOWN, 14_000)),
        site("s3", location=north_of(TOWN, 31_000)),
    )
    slots = [
        slot(
            f"{person.id}-{at:02d}",
            practitioner=person.id,
            site=sites[(number + at) % 3].id,
            after_minutes=30 + 47 * at + 5 * number,
            capacity=1 + (at % 5 == 0),
            modes=(Mode.HH,) if at % 7 == 6 else (Mode.AMB, Mode.VR),
            audiences=(Audience.SNP,) if at % 6 == 5 else (Audience.CPTS,),
        )
        for number, person in enumerate(people)
        for at in range(14)
    ]
    fields: dict[str, Any] = {
        "policy": rules(),
        "practitioners": people,
        "sites": sites,
        "slots": slots,
        "referrals": (referral("1"), referral("2", priority=Priority.ROUTINE)),
        "pins": (Pin(referral="old", patient=patient("old").key, slot="d4-03", seat=0),),
    }
    return problem(**{**fields, **changes})


MIXED = (
    kind(0.3),
    kind(0.2, source=SourceKind.SAMU, priority=Priority.STAT, insee="44001"),
    kind(0.2, priority=Priority.ROUTINE, insee="44002"),
    kind(0.2, professions=(Profession.NURSE,), priority=Priority.ASAP),
    kind(0.1, source=SourceKind.SOCIAL, insee="44001"),
)


# --- arcs and costs ------------------------------------------------------------------------------


@pytest.mark.parametrize("counting", list(Counting))
def test_an_arrival_has_the_arcs_that_the_rules_give_it_at_its_hour(counting: Counting) -> None:
    """Pair by pair against the plain rules and against the night's, each at the arrival's hour."""
    one = busy_day(policy=rules(counting=counting))
    expected = forecast(*MIXED, hourly=(3.0,) * 12)
    seen = 0
    for number, future in enumerate(futures(one, expected, count=3, seed=5)):
        arrivals = drawn(one, expected, number, seed=5)
        assert len(future.value) == len(one.referrals) + len(arrivals)
        for row, arrival in enumerate(arrivals, start=len(one.referrals)):
            then = at_its_hour(one, arrival)
            plain = Rules(then)
            allowed = {
                at: plain.modes(arrival, plain.slots[slot_id])[0].cost
                for at, (slot_id, _) in enumerate(one.free_seats)
                if plain.refusal(arrival, plain.slots[slot_id]) is None
            }
            arrived = arcs(future, row)
            assert arrived.keys() == allowed.keys()
            refused = refusals(to_columns(then), 0)
            order = {slot.id: at for at, slot in enumerate(then.slots)}
            assert all(
                (refused[order[slot_id]] == ALLOWED) == (at in arrived)
                for at, (slot_id, _) in enumerate(one.free_seats)
            )
            assert arrived == allowed
            seen += len(arrived)
    assert seen > 300


def test_who_waits_has_the_arcs_of_the_present_in_every_future() -> None:
    one = busy_day()
    plain = Rules(one)
    for future in futures(one, forecast(*MIXED), count=3, seed=1):
        for row, waiting in enumerate(one.referrals):
            allowed = {
                at: plain.modes(waiting, plain.slots[slot_id])[0].cost
                for at, (slot_id, _) in enumerate(one.free_seats)
                if plain.refusal(waiting, plain.slots[slot_id]) is None
            }
            assert arcs(future, row) == allowed


def test_values_are_those_of_the_policy_in_row_order() -> None:
    one = busy_day()
    expected = forecast(*MIXED)
    (future,) = futures(one, expected, count=1, seed=0)
    everybody = [*one.referrals, *drawn(one, expected)]
    assert future.value.tolist() == [one.policy.values.of(who.priority) for who in everybody]


def test_a_floor_names_the_same_in_a_future_as_at_the_counter() -> None:
    floors = (
        Floor(percent=50, priority=Priority.ROUTINE),
        Floor(percent=50, insee="44001"),
        Floor(percent=50, priority=Priority.URGENT, insee="44114"),
    )
    one = busy_day(policy=rules(floors=floors))
    expected = forecast(*MIXED, kind(0.0, insee=None))
    (future,) = futures(one, expected, count=1, seed=0)
    everybody = [*one.referrals, *drawn(one, expected)]
    assert future.named.tolist() == [[floor.names(who) for who in everybody] for floor in floors]
    assert future.named.any(axis=1).all()


def test_a_kind_without_a_commune_is_named_by_no_floor_of_one() -> None:
    floors = (Floor(percent=50, insee="44114"), Floor(percent=50, priority=Priority.URGENT))
    one = problem(policy=rules(floors=floors))
    (future,) = futures(one, forecast(kind(insee=None)), count=1, seed=0)
    waits = len(one.referrals)
    assert not future.named[0, waits:].any()
    assert future.named[1, waits:].all()


@pytest.mark.parametrize(("hours", "seen"), [(12, False), (13, True)])
def test_who_is_due_after_the_forecast_ends_is_out_of_its_sight(hours: int, *, seen: bool) -> None:
    """Urgent is due 12 h later, by the clock; all come in the first hour."""
    one = problem(policy=rules(counting=Counting.ELAPSED))
    expected = forecast(kind(), hourly=(20.0, *(0.0,) * (hours - 1)))
    (future,) = futures(one, expected, count=1, seed=0)
    waits = len(one.referrals)
    assert future.in_sight[:waits].all()
    assert len(future.value) > waits
    assert future.in_sight[waits:].tolist() == [seen] * (len(future.value) - waits)


def first_arrival(expected: Forecast, seed: int = 0) -> datetime:
    at_us = int(ArrivalDraws(rules(), expected).of(seed, 0).at_us[0])
    return expected.as_of + at_us * MICROSECOND


def seats_of_first(*starts: datetime, where: Location = TOWN, **changes: Any) -> set[int]:
    """Which of the slots, each of another practitioner, the first arrival may have."""
    people = [practitioner(f"d{at}") for at in range(len(starts))]
    slots = [
        slot(f"slot{at}", practitioner=f"d{at}", start=start, end=start + HOUR, **changes)
        for at, start in enumerate(starts)
    ]
    one = problem(
        policy=rules(),
        practitioners=people,
        sites=(site(location=where),),
        slots=slots,
        referrals=(),
    )
    (future,) = futures(one, forecast(), count=1, seed=0)
    return set(arcs(future, 0))


def test_an_arrival_must_be_there_in_time_counted_from_its_own_instant() -> None:
    """Told in 10 minutes: a seat 10 minutes after it came is in time, one of a minute less not."""
    told = first_arrival(forecast()) + timedelta(minutes=10)
    assert seats_of_first(told, told - MICROSECOND, told - timedelta(minutes=1)) == {0}


def test_the_way_counts_too() -> None:
    """20 km as the crow flies are 24.2 of road (factor 1.1 + 0.3 / e): 33 min at 45 km/h."""
    told = first_arrival(forecast()) + timedelta(minutes=10 + 33)
    assert seats_of_first(told - MICROSECOND, told, where=north_of(TOWN, 20_000)) == {1}


def test_an_arrival_may_have_a_seat_at_its_deadline_and_none_later() -> None:
    due = deadline(rules(), Priority.URGENT, first_arrival(forecast()))
    assert seats_of_first(due, due + MICROSECOND) == {0}


def test_a_slot_that_opens_later_can_be_had_if_there_is_time_after_it_opens() -> None:
    """Bookable from a moment on: told then at the earliest, so at least 10 minutes remain."""
    start = NOW + 12 * HOUR
    opens = start - timedelta(minutes=10)
    assert seats_of_first(start, opens_at=opens) == {0}
    assert seats_of_first(start, opens_at=opens + MICROSECOND) == set()


def test_who_waits_may_have_a_slot_that_opens_later() -> None:
    start = NOW + 3 * HOUR
    for late, found in ((timedelta(), {0}), (MICROSECOND, set())):
        opens = start - timedelta(minutes=10) + late
        one = problem(policy=rules(), slots=(slot(start=start, end=start + HOUR, opens_at=opens),))
        (future,) = futures(one, forecast(hourly=()), count=1, seed=0)
        assert set(arcs(future, 0)) == found


def test_limits_beyond_their_commune_refuse_the_expected_too() -> None:
    """30 km of road are the limit; 31 km as the crow flies are more."""
    one = NOW + 12 * HOUR
    assert seats_of_first(one, where=north_of(TOWN, 31_000)) == set()


def test_prices_are_not_read() -> None:
    plain = busy_day()
    priced = busy_day(prices=(SeatPrice(slot="d1-09", price=1_000_000),))
    for one, other in zip(*(both(which) for which in (plain, priced)), strict=True):
        assert same(one, other)


def test_promised_and_told_rows_are_rows_like_others() -> None:
    plain = busy_day()
    promised = busy_day(promised=(plain.referrals[0].id,))
    for one, other in zip(both(plain), both(promised), strict=True):
        assert same(one, other)


def both(one: Problem, expected: Forecast | None = None, seed: int = 0) -> list[Future]:
    return list(futures(one, expected or forecast(*MIXED), count=2, seed=seed))


def same(one: Future, other: Future) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# --- who comes, when -----------------------------------------------------------------------------


def test_counts_are_poisson() -> None:
    """
    2,000 futures of 3 expected in an hour: mean within 5 standard errors, and variance too.

    The standard error of the mean is sqrt(3 / 2000), that of the variance sqrt((3 + 2 * 9) / 2000).
    """
    draws = ArrivalDraws(rules(), forecast(hourly=(3.0,)))
    counts = np.array([len(draws.of(7, future).kind) for future in range(2_000)])
    assert abs(counts.mean() - 3) < 5 * (3 / 2_000) ** 0.5
    assert abs(counts.var() - 3) < 5 * (21 / 2_000) ** 0.5


@pytest.mark.parametrize("rate", [0.01, 64.0, 64.5, 700.0, 5_000.0])
def test_rates_of_every_size_have_their_mean_and_variance(rate: float) -> None:
    draws = ArrivalDraws(rules(), forecast(hourly=(rate,)))
    many = 400
    counts = np.array([len(draws.of(3, future).kind) for future in range(many)])
    assert abs(counts.mean() - rate) < 5 * (rate / many) ** 0.5
    assert abs(counts.var() - rate) < 5 * ((rate + 2 * rate * rate) / many) ** 0.5


def test_hours_are_independent() -> None:
    """The correlation of 2,000 pairs has a standard error of 1 / sqrt(2000)."""
    draws = ArrivalDraws(rules(), forecast(hourly=(4.0, 4.0)))
    pairs = np.array(
        [np.bincount(draws.of(1, one).at_us // 3_600_000_000, minlength=2) for one in range(2_000)]
    )
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 5 / 2_000**0.5


def test_kinds_come_in_their_shares() -> None:
    draws = ArrivalDraws(rules(), forecast(*MIXED, hourly=(50.0,) * 10))
    kinds = np.concatenate([draws.of(0, future).kind for future in range(20)])
    found = np.bincount(kinds, minlength=len(MIXED)) / len(kinds)
    for share, one in zip(found, MIXED, strict=True):
        assert abs(share - one.share) < 5 * (one.share * (1 - one.share) / len(kinds)) ** 0.5


def test_a_zero_rate_brings_nobody() -> None:
    one = busy_day()
    for expected in (forecast(hourly=(0.0,) * 5), forecast(hourly=())):
        (future,) = futures(one, expected, count=1, seed=0)
        assert len(future.value) == len(one.referrals)


def test_a_forecast_of_nothing_has_no_kinds_and_is_no_error() -> None:
    one = busy_day()
    nothing = Forecast(
        territory="giennois", as_of=NOW, hourly=(0.0,), kinds=(), cancel_chance=0, miss_chance=0
    )
    (future,) = futures(one, nothing, count=1, seed=0)
    assert len(future.value) == len(one.referrals)
    assert future.seats == len(one.free_seats)


def test_arrivals_come_while_the_territory_is_open() -> None:
    """From 9.30 h UTC on, closed from 19 h: the hour from 18.30 h is open for its first half."""
    begin = NOW + timedelta(hours=1, minutes=30)
    hourly = (0.0,) * 9 + (500.0,)
    found = ArrivalDraws(rules(), forecast(as_of=begin, hourly=hourly)).of(0, 0)
    last = np.array([18, 30]) @ [3_600_000_000, 60_000_000]
    after_midnight = found.at_us + (begin - datetime(2026, 11, 23, tzinfo=UTC)) // MICROSECOND
    assert len(after_midnight) > 400
    assert after_midnight.min() >= last
    assert after_midnight.max() < last + 30 * 60_000_000


def test_arrivals_expected_while_closed_spread_over_their_hour() -> None:
    night = datetime(2026, 11, 24, 1, tzinfo=UTC)
    found = ArrivalDraws(rules(), forecast(as_of=night, hourly=(500.0,))).of(0, 0)
    quarters = np.bincount(found.at_us // 900_000_000, minlength=4)
    assert quarters.sum() == len(found.at_us)
    assert all(abs(many - len(found.at_us) / 4) < 60 for many in quarters)


def test_an_older_forecast_brings_nobody_of_the_past() -> None:
    """The forecast is an hour older than the problem: its first hour is over."""
    one = busy_day()
    older = forecast(as_of=NOW - HOUR, hourly=(50.0, 0.0))
    (future,) = futures(one, older, count=1, seed=0)
    assert len(future.value) == len(one.referrals)


def test_the_expected_of_an_unknown_commune_live_all_over_the_sites() -> None:
    """Sites 100 km apart: everybody reaches the near ones only, and all of them are reached."""
    sites = [site(f"s{at}", location=north_of(TOWN, 100_000 * at)) for at in range(3)]
    slots = [
        slot(f"slot{at}", practitioner=f"d{at}", site=f"s{at}", after_minutes=720)
        for at in range(3)
    ]
    one = problem(
        policy=rules(communes=()),
        practitioners=[practitioner(f"d{at}") for at in range(3)],
        sites=sites,
        slots=slots,
        referrals=(),
    )
    (future,) = futures(one, forecast(kind(insee=None)), count=1, seed=0)
    reached = [tuple(arcs(future, row)) for row in range(len(future.value))]
    assert set(reached) == {(0,), (1,), (2,)}


def test_a_commune_that_only_waiting_patients_tell_is_where_they_live() -> None:
    home = north_of(TOWN, 60_000).replaced(insee="44999")
    waiting = referral("1", patient=patient("1", location=home))
    one = problem(
        policy=rules(communes=()),
        sites=(site(location=home), site("s2")),
        slots=(slot(after_minutes=720),),
        referrals=(waiting,),
    )
    (future,) = futures(one, forecast(kind(insee="44999")), count=1, seed=0)
    assert all(set(arcs(future, row)) == {0} for row in range(len(future.value)))


def test_no_site_at_all_leaves_everybody_without_arcs() -> None:
    one = problem(policy=rules(communes=()), practitioners=(), sites=(), slots=(), referrals=())
    (future,) = futures(one, forecast(kind(insee=None)), count=1, seed=0)
    assert future.seats == 0
    assert len(future.value) > 0
    assert len(future.col) == 0


# --- seats that only some futures have -----------------------------------------------------------


def opening_rate(**changes: Any) -> OpeningRate:
    fields: dict[str, Any] = {
        "practitioner": "d1",
        "site": "s1",
        "start": NOW + 12 * HOUR,
        "minutes": 15,
        "seats": 2,
        "modes": (Mode.AMB,),
        "chance": 1.0,
    }
    return OpeningRate(**{**fields, **changes})


def test_a_certain_opening_adds_its_seats_after_the_free_ones() -> None:
    one = problem(policy=rules(), slots=(slot(after_minutes=600),))
    (future,) = futures(one, forecast(openings=(opening_rate(),)), count=1, seed=0)
    assert future.seats == 3
    assert set(arcs(future, 0)) == {0, 1, 2}
    plain = Rules(problem(policy=rules(), slots=(slot(after_minutes=720),)))
    waiting = plain.problem.referrals[0]
    cost = plain.modes(waiting, plain.problem.slots[0])[0].cost
    assert arcs(future, 0)[1] == arcs(future, 0)[2] == cost


def test_an_opening_comes_with_its_chance_and_all_seats_together() -> None:
    one = problem(policy=rules(), slots=(slot(after_minutes=600),))
    expected = forecast(openings=(opening_rate(chance=0.3),), hourly=())
    sizes = [future.seats for future in futures(one, expected, count=500, seed=0)]
    assert set(sizes) == {1, 3}
    assert abs(sizes.count(3) / 500 - 0.3) < 5 * (0.21 / 500) ** 0.5


@pytest.mark.parametrize(
    "changes",
    [
        {"chance": 0.0},
        {"practitioner": "gone"},
        {"site": "gone"},
        {"start": NOW},
        {"start": NOW + timedelta(days=401)},
        {"start": NOW + 10 * HOUR + timedelta(minutes=14)},
    ],
    ids=["no chance", "practitioner", "site", "past", "too far", "overlaps what is published"],
)
def test_openings_that_can_not_be_are_left_out(changes: dict[str, Any]) -> None:
    one = problem(policy=rules(), slots=(slot(after_minutes=600),))
    expected = forecast(openings=(opening_rate(**changes),))
    (future,) = futures(one, expected, count=1, seed=0)
    assert future.seats == 1


def test_of_two_openings_at_one_time_the_likelier_stays() -> None:
    one = problem(policy=rules(), slots=())
    pair = (opening_rate(chance=0.9, seats=1), opening_rate(minutes=30))
    (future,) = futures(one, forecast(openings=pair), count=1, seed=0)
    assert future.seats == 2


def pinned_day() -> Problem:
    pins = tuple(
        Pin(referral=f"old{seat}", patient=patient(f"old{seat}").key, slot="a", seat=seat)
        for seat in (0, 2)
    )
    slots = (slot("a", after_minutes=600, capacity=3), slot("b", after_minutes=700))
    return problem(policy=rules(), slots=slots, pins=pins)


def test_a_cancelled_booking_frees_its_seat() -> None:
    one = pinned_day()
    (never,) = futures(one, forecast(), count=1, seed=0)
    (always,) = futures(one, forecast(cancel_chance=1.0), count=1, seed=0)
    assert (never.seats, always.seats) == (2, 4)
    assert set(arcs(never, 0)) == {0, 1}
    of_a, of_b, *freed = (arcs(always, 0)[at] for at in range(4))
    assert freed == [of_a, of_a] != [of_b, of_b]


def test_bookings_are_cancelled_one_by_one_with_their_chance() -> None:
    one = pinned_day()
    expected = forecast(cancel_chance=0.5, hourly=())
    sizes = [future.seats for future in futures(one, expected, count=400, seed=0)]
    assert abs(np.mean(sizes) - 3) < 5 * (0.5 / 400) ** 0.5
    assert {2, 3, 4} == set(sizes)


def test_a_booking_that_is_about_to_start_is_not_cancelled_in_time() -> None:
    """The notice is 10 minutes: at 10 a cancelled seat can still be had, at 9 not."""
    for minutes, seats in ((10, 1), (9, 0)):
        one = problem(
            policy=rules(),
            slots=(slot(after_minutes=minutes),),
            pins=(Pin(referral="old", patient=patient("old").key, slot="slot1", seat=0),),
        )
        (future,) = futures(one, forecast(cancel_chance=1.0), count=1, seed=0)
        assert future.seats == seats


# --- the same luck again -------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_futures() -> None:
    for one, other in zip(both(busy_day()), both(busy_day()), strict=True):
        assert same(one, other)


def test_futures_of_other_seeds_and_numbers_differ() -> None:
    first, second = both(busy_day())
    (other, _) = both(busy_day(), seed=1)
    assert not same(first, second)
    assert not same(first, other)


def test_a_future_does_not_depend_on_how_many_are_asked_for() -> None:
    one = busy_day()
    few, many = (list(futures(one, forecast(*MIXED), count=n, seed=0)) for n in (1, 4))
    assert same(few[0], many[0])


def test_another_problem_meets_the_same_arrivals() -> None:
    """A seat less and a patient more: who comes has the same values and the same arcs elsewhere."""
    more = busy_day()
    fewer = busy_day(slots=more.slots[:-1], referrals=more.referrals[:1])
    kept = len(fewer.free_seats)
    for one, other in zip(both(more), both(fewer), strict=True):
        assert one.value[2:].tolist() == other.value[1:].tolist()
        for row in range(2, len(one.value)):
            left = {at: cost for at, cost in arcs(one, row).items() if at < kept}
            assert left == arcs(other, row - 1)


def test_a_higher_rate_adds_arrivals_and_keeps_the_others() -> None:
    low, high = (
        ArrivalDraws(rules(), forecast(*MIXED, hourly=(rate,) * 10)).of(0, 0) for rate in (3, 3.3)
    )
    before = set(zip(low.at_us.tolist(), low.kind.tolist(), strict=True))
    after = set(zip(high.at_us.tolist(), high.kind.tolist(), strict=True))
    assert before < after


def test_an_hour_later_the_same_arrivals_are_still_to_come() -> None:
    now = ArrivalDraws(rules(), forecast(*MIXED)).of(0, 0).at_us
    later = ArrivalDraws(rules(), forecast(*MIXED, as_of=NOW + HOUR)).of(0, 0).at_us
    hour = 3_600_000_000
    assert set((now[now >= hour] - hour).tolist()) <= set(later.tolist())


def test_uniform_numbers_are_even() -> None:
    """100,000 numbers in ten bins: chi-squared of nine degrees stays below 40 (1 in 100,000)."""
    found = uniforms(1, 2, "anything", np.arange(100_000, dtype=np.uint64))
    bins = np.bincount((found * 10).astype(np.int64), minlength=10)
    assert ((bins - 10_000) ** 2 / 10_000).sum() < 40
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 5 / 100_000**0.5


# --- deadlines -----------------------------------------------------------------------------------


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    begin=st.datetimes(datetime(2026, 10, 1), datetime(2027, 4, 30), timezones=st.just(UTC)),  # noqa: DTZ001  Hypothesis adds the zone
    after=st.lists(st.integers(0, 6 * 24 * 3600), min_size=1, max_size=6),
    counting=st.sampled_from(Counting),
    priority=st.sampled_from(Priority),
    place=st.sampled_from([None, "57", "974"]),
)
def test_deadlines_of_many_are_those_of_each(
    begin: datetime, after: list[int], counting: Counting, priority: Priority, place: str | None
) -> None:
    zone = "Indian/Reunion" if place == "974" else "Europe/Paris"
    one = rules(counting=counting, holiday_subdivision=place, timezone=zone)
    received = np.array(after, dtype=np.int64) * 1_000_000
    found = Due(one, begin).of(priority, received)
    expected = [
        (deadline(one, priority, begin + timedelta(seconds=at)) - begin) // MICROSECOND
        for at in after
    ]
    assert found.tolist() == expected


def test_a_territory_that_never_opens_counts_by_the_clock() -> None:
    found = Due(rules(opening=()), NOW).of(Priority.URGENT, np.array([0, 60_000_000]))
    assert found.tolist() == [12 * 3_600_000_000, 12 * 3_600_000_000 + 60_000_000]
