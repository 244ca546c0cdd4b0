"""How old a patient is: said in years, in ISO 8601, by a birth date, or in two ways at once."""

from zoneinfo import ZoneInfo

import pytest
from builders import NOW
from records import BASE, VAULT, fault, paris, referral, take

from slotengine.adapters import Amend, Kind, New, adapter_for
from slotengine.adapters.record import translate
from slotengine.adapters.spot import Envelope, Spot


@pytest.mark.parametrize(
    ("written", "years"),
    [
        ("P65Y", 65), ("p65y", 65), ("P0Y", 0), ("P125Y", 125), ("P21M", 1), ("P23M", 1),
        ("P24M", 2), ("P11M", 0), ("P3W", 0), ("P52W", 0), ("P53W", 1), ("P10D", 0), ("P365D", 0),
        ("P366D", 1), ("65", 65), (65, 65), ("65 ans", 65), ("65ans", 65), ("1 an", 1),
        ("18 mois", 1), ("3 semaines", 0), ("10 jours", 0), ("2 years", 2), ("P080Y", 80),
        ("80.0", 80),
    ],
)  # fmt: skip
def test_an_age_is_read_in_whole_years(written: object, years: int) -> None:
    assert referral(age=written).patient.age == years


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("P126Y", Kind.OUT_OF_RANGE), ("126", Kind.OUT_OF_RANGE), ("P1512M", Kind.OUT_OF_RANGE),
        ("-1", Kind.OUT_OF_RANGE), ("P1Y2M", Kind.BAD_NUMBER), ("PT5H", Kind.BAD_NUMBER),
        ("P65", Kind.BAD_NUMBER), ("65Y", Kind.BAD_NUMBER), ("P", Kind.BAD_NUMBER),
        ("1.5", Kind.BAD_NUMBER), ("vieux", Kind.BAD_NUMBER), ("P٣Y", Kind.BAD_NUMBER),
    ],
)  # fmt: skip
def test_another_age_is_refused(written: str, kind: Kind) -> None:
    assert fault(age=written) == ("age", kind)


@pytest.mark.parametrize(
    ("said", "doubt"),
    [
        # Nine years old on 23 November 2026; an official sample says 21 months.
        ("P21M", [("age", Kind.CONTRADICTS)]), ("8", [("age", Kind.CONTRADICTS)]),
        ("10", [("age", Kind.CONTRADICTS)]), ("9", []), ("P9Y", []), ("P119M", []), (None, []),
        ("", []), ("neuf", [("age", Kind.BAD_NUMBER)]), ("P900Y", [("age", Kind.OUT_OF_RANGE)]),
    ],
)  # fmt: skip
def test_a_birth_date_wins_over_an_age_and_a_disagreement_is_said(
    said: str | None, doubt: list[tuple[str, Kind]]
) -> None:
    one = take({**BASE, "birth_date": "2017-05-04", "age": said})
    assert isinstance(one, New)
    assert one.referral.patient.age == 9
    assert [(warned.field, warned.kind) for warned in one.warnings] == doubt


def test_an_age_is_that_of_the_day_the_need_arose() -> None:
    # The day before the ninth birthday, told on the day after it.
    one = take(
        {**BASE, "birth_date": "2017-11-22", "age": 8, "received_at": "2026-11-21T23:59:00+01:00"},
        now=paris(2026, 11, 23),
    )
    assert isinstance(one, New)
    assert (one.referral.patient.age, one.warnings) == (8, ())


def test_a_partial_update_of_a_practice_need_not_repeat_the_professions() -> None:
    door = adapter_for(
        "practice", territory="giennois", zone=ZoneInfo("Europe/Paris"), pseudonymiser=VAULT
    ).door
    fields = {**BASE, "status": "amended", "age": "P9Y"}
    spot = Spot("practice/x", 1, None)
    one = translate(fields, spot, door=door, now=NOW, envelope=Envelope(partial=True))
    assert isinstance(one, Amend)
    assert one.only == ("patient.age",)
    assert fault("practice") == ("professions", Kind.MISSING)
