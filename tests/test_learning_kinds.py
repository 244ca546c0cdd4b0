"""Who is expected, from whom, of which priority and from where, by hand."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from histories import A_DAY, DOCTOR, PARIS, TUESDAY, arrival, expect, past, rules, town, tuesdays

from slotengine import learning_kinds
from slotengine.codes import Priority, Profession, SourceKind
from slotengine.forecast import Forecast
from slotengine.policy import OpeningHours


def shares(found: Forecast, field: str) -> dict[Any, float]:
    by: dict[Any, float] = defaultdict(float)
    for kind in found.kinds:
        by[getattr(kind, field)] += kind.share
    return by


def test_priors_of_senders_and_priorities() -> None:
    found = expect(rules(), day=date(2026, 11, 24))
    assert shares(found, "source")[SourceKind.SAMU] == pytest.approx(23 / 89)
    regulators = (23 + 8) / 89
    by_priority = shares(found, "priority")
    assert by_priority[Priority.STAT] == pytest.approx(0.05 * regulators)
    assert by_priority[Priority.ROUTINE] == pytest.approx(
        0.40 * regulators + 0.51 * (1 - regulators)
    )


def test_only_sources_that_may_say_stat_are_expected_to() -> None:
    found = expect(rules(stat_sources=(SourceKind.SAMU,)), day=date(2026, 11, 24))
    stat = {kind.source for kind in found.kinds if kind.priority is Priority.STAT}
    assert stat == {SourceKind.SAMU}


def test_priors_of_professions_belong_to_the_sender() -> None:
    found = expect(rules(), day=date(2026, 11, 24))
    midwives = [one for one in found.kinds if one.source is SourceKind.MIDWIFE]
    asked = {one.professions for one in midwives}
    assert asked == {DOCTOR, (Profession.MIDWIFE,)}
    doctors = sum(one.share for one in midwives if one.professions == DOCTOR)
    assert doctors == pytest.approx(3 / 89 / 2)


def test_shares_of_senders_shrink_by_days() -> None:
    """20 days of priors and 20 of pharmacies alone, 89 a day each."""
    found = expect(rules(opening=TUESDAY), past(*tuesdays(20, 89)), day=date(2026, 11, 24))
    assert shares(found, "source")[SourceKind.PHARMACY] == pytest.approx((15 / 89 + 1) / 2)
    assert shares(found, "source")[SourceKind.SAMU] == pytest.approx(23 / 89 / 2)


def test_shares_of_priorities_shrink_within_their_sender() -> None:
    """Pharmacies: 20 days * 15 of priors, 37 % urgent; 20 * 89 seen, all urgent."""
    found = expect(rules(opening=TUESDAY), past(*tuesdays(20, 89)), day=date(2026, 11, 24))
    of_pharmacies = [one for one in found.kinds if one.source is SourceKind.PHARMACY]
    urgent = sum(one.share for one in of_pharmacies if one.priority is Priority.URGENT)
    total = sum(one.share for one in of_pharmacies)
    assert urgent / total == pytest.approx((15 * 0.37 + 89) / (15 + 89))


def test_professions_that_the_priors_do_not_know_are_learned() -> None:
    dentist = (Profession.DENTIST,)
    came = tuesdays(20, 89, professions=dentist)
    found = expect(rules(opening=TUESDAY), past(*came), day=date(2026, 11, 24))
    assert shares(found, "professions")[dentist] == pytest.approx(1 / 2)


def test_communes_have_their_inhabitants_as_prior_and_learn() -> None:
    """60,000 and 20,000 inhabitants; all of 20 days lived in the smaller one."""
    given = rules(opening=TUESDAY, communes=(town(60_000), town(20_000, "44001")))
    before = expect(given, day=date(2026, 11, 24))
    assert shares(before, "insee") == pytest.approx({"44114": 0.75, "44001": 0.25})
    after = expect(given, past(*tuesdays(20, 89, insee="44001")), day=date(2026, 11, 24))
    assert shares(after, "insee") == pytest.approx({"44114": 0.375, "44001": 0.625})


@pytest.mark.parametrize("insee", ["35238", None])
def test_an_unseen_or_unknown_commune_is_counted_but_says_nothing_of_where(
    insee: str | None,
) -> None:
    given = rules(opening=TUESDAY, communes=(town(60_000), town(20_000, "44001")))
    found = expect(given, past(*tuesdays(20, 89, insee=insee)), day=date(2026, 11, 24))
    assert found.expected == pytest.approx(A_DAY)
    assert shares(found, "insee") == pytest.approx({"44114": 0.75, "44001": 0.25})


def test_without_communes_the_level_and_the_places_are_those_that_were_seen() -> None:
    given = rules(opening=TUESDAY, communes=())
    came = (*tuesdays(10, 30, insee="44001"), *tuesdays(10, 10, hour=15, insee=None))
    found = expect(given, past(*came), day=date(2026, 11, 24))
    assert found.expected == pytest.approx(40)
    assert shares(found, "insee") == pytest.approx({"44001": 1.0})


def test_without_communes_and_places_the_place_is_unknown() -> None:
    given = rules(opening=TUESDAY, communes=())
    found = expect(given, past(*tuesdays(10, 30, insee=None)), day=date(2026, 11, 24))
    assert shares(found, "insee") == pytest.approx({None: 1.0})


@pytest.mark.parametrize("opening_hours", [(), TUESDAY])
def test_neither_communes_nor_history_is_a_forecast_of_zero(
    opening_hours: tuple[OpeningHours, ...],
) -> None:
    found = expect(rules(communes=(), opening=opening_hours), day=date(2026, 11, 24))
    assert found.kinds == ()
    assert found.expected == 0
    assert len(found.hourly) == 24


def test_a_territory_that_never_opens_expects_nobody() -> None:
    found = expect(rules(opening=()), past(*tuesdays(20, 49)), day=date(2026, 11, 24))
    assert found.expected == 0
    assert found.kinds == ()
    assert found.days_seen == 0


def test_kinds_are_bounded_and_keep_what_is_asked_for() -> None:
    """100 communes: the rarest kinds move to the nearest that keeps them, nothing is lost."""
    many = tuple(town(1_000 + 10 * at, f"{35_000 + at}", at / 100) for at in range(100))
    given = rules(communes=many)
    found = expect(given, day=date(2026, 11, 24))
    assert len(found.kinds) == learning_kinds.MOST_KINDS
    alone = expect(rules(), day=date(2026, 11, 24))
    for field in ("source", "priority", "professions"):
        assert shares(found, field) == pytest.approx(shares(alone, field))


def test_the_rarest_kinds_move_to_the_nearest_commune(monkeypatch: pytest.MonkeyPatch) -> None:
    """One profile, three communes in a row, two may stay: the smallest joins its neighbour."""
    monkeypatch.setattr(learning_kinds, "MOST_KINDS", 2)
    places = {"35001": 0.0, "35002": 0.5, "35003": 0.7}
    people = {"35001": 50_000, "35002": 40_000, "35003": 10_000}
    given = rules(communes=tuple(town(people[one], one, at) for one, at in places.items()))
    profile = learning_kinds.Profile(SourceKind.PHARMACY, DOCTOR, Priority.URGENT)
    bounded = learning_kinds._bounded(
        given, {(profile, one): many / 100_000 for one, many in people.items()}
    )
    assert bounded == pytest.approx({(profile, "35001"): 0.5, (profile, "35002"): 0.5})


def test_wishes_beyond_the_bound_join_the_largest_of_their_sender() -> None:
    """Each of 12 professions with each other, 66 wishes: more than are told apart."""
    pairs = [
        tuple(sorted((one, other))) for one in Profession for other in Profession if one < other
    ]
    came = [
        arrival(datetime(2026, 11, 17, 9, tzinfo=PARIS) + timedelta(seconds=at), professions=pair)
        for at, pair in enumerate(pairs)
    ]
    found = expect(rules(opening=TUESDAY), past(*came), day=date(2026, 11, 24))
    profiles = {(one.source, one.professions, one.priority) for one in found.kinds}
    assert len(profiles) == learning_kinds.MOST_PROFILES
    pharmacies = shares(found, "source")[SourceKind.PHARMACY]
    level = (20 * 89 + 66) / 21
    made_up = 20 * level
    assert pharmacies == pytest.approx((made_up * 15 / 89 + 66) / (made_up + 66))
