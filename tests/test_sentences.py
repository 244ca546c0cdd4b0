"""Changes and seats in words: French and English, figures that are enough, nothing of a patient."""

from datetime import date, datetime, timedelta

import pytest
from builders import NOW, TOWN, north_of, patient, policy, problem, referral, site, slot

from slotengine.codes import Mode, Priority, Profession
from slotengine.explanations import ChangeSearch, NewSeat, SeatValue
from slotengine.labels import Lang
from slotengine.problem import Problem, TravelMatrix
from slotengine.reasons import Reason, ReasonCode
from slotengine.solver.changes import smallest_change, smallest_changes
from slotengine.solver.sentences import search_lines, value_text
from slotengine.solver.solve import solve

ASKING = referral("1")
TWO_TOWNS = TravelMatrix(
    name="roads",
    version="1",
    zones=("44114", "44194"),
    metres=((0, 12_345), (12_345, 0)),
    minutes=((0, 15), (15, 0)),
)
"""The next town is 12,345 m away, either way."""
NEXT_TOWN = site("s1", location=north_of(TOWN, 10_000).replaced(insee="44194"))


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def in_the_next_town(limit: int) -> Problem:
    return problem(
        sites=(NEXT_TOWN,), referrals=(referral("1", max_travel_metres=limit),), matrix=TWO_TOWNS
    )


def lines(asked: Problem, lang: Lang) -> tuple[str, ...]:
    return search_lines(asked.policy, smallest_changes(asked, solve(asked), (ASKING.id,))[0], lang)


def test_a_distance_is_said_so_that_it_is_enough() -> None:
    # 7,345 m more: 7.3 km would not do.
    asked = in_the_next_town(5_000)
    assert lines(asked, Lang.FR) == (
        "Avec 7,4 km de plus.",
        "Place obtenue : lundi 23 novembre, 11 h 00.",
        "Personne ne perdrait sa place.",
    )
    assert lines(asked, Lang.EN) == (
        "With 7.4 km more.",
        "Seat it would have: Monday 23 November, 11:00.",
        "Nobody would lose a seat.",
    )


def test_a_deadline_is_said_up_to_the_minute() -> None:
    uneven = slot(after_minutes=120).replaced(
        start=later(120) + timedelta(seconds=30), end=later(135)
    )
    asked = problem(slots=(uneven,), referrals=(referral("1", deadline=later(60)),))
    assert lines(asked, Lang.FR)[0] == "Avec une échéance au lundi 23 novembre, 11 h 01."
    even = problem(referrals=(referral("1", deadline=later(60)),))
    assert lines(even, Lang.EN)[0] == "With a deadline of Monday 23 November, 11:00."


def test_a_video_consultation_is_said() -> None:
    asked = problem(slots=(slot(modes=(Mode.VR,)),))
    assert lines(asked, Lang.FR)[0] == "Avec une téléconsultation."
    assert lines(asked, Lang.EN)[0] == "With a video consultation."


def test_a_seat_is_said_by_half_day_profession_and_place() -> None:
    asked = problem(
        sites=(site(label="Maison de santé, Liffré"),),
        slots=(slot(after_minutes=24 * 60),),
        referrals=(ASKING, referral("2", priority=Priority.ASAP)),
    )
    assert lines(asked, Lang.FR)[0] == (
        "Avec une place de plus : médecin, mardi 24 novembre, matin, Maison de santé, Liffré."
    )
    assert lines(asked, Lang.EN)[0] == (
        "With one more seat: doctor, Tuesday 24 November, morning, Maison de santé, Liffré."
    )


@pytest.mark.parametrize(
    ("limit", "french", "english"),
    [
        (5, "sous 48 h (moins de 5).", "within 48 h (fewer than 5)."),
        (1, "sous 48 h (1).", "within 48 h (1)."),
    ],
)
def test_who_loses_a_seat_is_said_by_class(limit: int, french: str, english: str) -> None:
    near = patient("near", location=NEXT_TOWN.location)
    routine = referral("2", priority=Priority.ROUTINE, patient=near)
    asked = problem(
        policy=policy(hidden_below=limit),
        sites=(NEXT_TOWN,),
        referrals=(referral("1", max_travel_metres=5_000), routine),
        matrix=TWO_TOWNS,
    )
    assert lines(asked, Lang.FR)[-1] == f"Perdrait sa place : {french}"
    assert lines(asked, Lang.EN)[-1] == f"A seat would be lost: {english}"


def test_what_is_uncertain_is_said() -> None:
    asked = in_the_next_town(5_000)
    certain = smallest_change(asked, solve(asked), ASKING.id)
    assert certain is not None
    found = ChangeSearch(
        referral=ASKING.id,
        served=False,
        change=certain.replaced(smallest=False, proved=False),
        complete=False,
        solves=3,
    )
    assert search_lines(policy(), found, Lang.EN)[-2:] == (
        "Less might do: the search was cut short.",
        "Verified in the best plan found, which is not proved best.",
    )
    assert len(search_lines(policy(), found, Lang.FR)) == 5


def test_that_nothing_was_found_is_said_in_four_ways() -> None:
    none = ChangeSearch(referral="r-1", served=False, change=None, complete=True, solves=4)
    assert search_lines(policy(), none, Lang.EN) == (
        (
            "No single change would do: not a video consultation, not up to 30.0 km more, "
            "not up to 48 h later, not one more seat like those there are."
        ),
    )
    assert search_lines(policy(), none.replaced(complete=False), Lang.EN) == (
        "The search was cut short after 4 plans and found no change.",
    )
    assert search_lines(policy(), none.replaced(served=True), Lang.EN) == (
        "The best plan gives it a seat without any change.",
    )
    past = Reason(code=ReasonCode.DEADLINE_PAST)
    assert search_lines(policy(), none.replaced(reasons=(past,)), Lang.FR) == (
        "L'échéance de la demande est passée.",
    )
    assert search_lines(policy(), none, Lang.FR)[0].startswith("Aucun changement ne suffit")


LIFFRE = NewSeat(
    day=date(2026, 11, 24),
    afternoon=False,
    profession=Profession.PHYSICIAN,
    insee="35152",
    place="Maison de santé, Liffré",
)


def value(**figures: object) -> SeatValue:
    none: dict[str, object] = {"served": {}, "floors": 0, "minutes": 0, "proved": True}
    return SeatValue.model_validate({"seat": LIFFRE, "slot": "s", **none, **figures})


@pytest.mark.parametrize(
    ("figures", "french", "english"),
    [
        (
            {"served": {Priority.URGENT: 1}, "minutes": -900},
            "sous 24 h +1",
            "within 24 h +1",
        ),
        (
            {"served": {Priority.STAT: 1, Priority.ROUTINE: -1}, "floors": 1},
            "planchers +1, dans les 4 h +1, sous 48 h -1",
            "floors +1, within 4 h +1, within 48 h -1",
        ),
        ({"minutes": 320}, "320 minutes pondérées de moins", "320 weighted minutes fewer"),
    ],
)
def test_what_one_more_seat_brings_is_said(
    figures: dict[str, object], french: str, english: str
) -> None:
    fr = "Une place de plus : médecin, mardi 24 novembre, matin, Maison de santé, Liffré"
    en = "One more seat: doctor, Tuesday 24 November, morning, Maison de santé, Liffré"
    assert value_text(policy(), value(**figures), Lang.FR) == f"{fr} ({french})."
    assert value_text(policy(), value(**figures), Lang.EN) == f"{en} ({english})."
