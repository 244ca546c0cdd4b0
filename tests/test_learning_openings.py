"""Which slots are expected to open, and how likely, by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOW
from histories import DAY, PARIS, WEEK, opening, past, rules

from slotengine import learning_openings
from slotengine.codes import Mode
from slotengine.forecast import Forecast, Opening
from slotengine.learning import learn


def weekly(weeks: int, **changes: Any) -> list[Opening]:
    last = datetime(2026, 11, 17, 10, tzinfo=PARIS)
    lead = changes.pop("lead", timedelta(hours=20))
    return [
        opening(start=last - week * WEEK, published_at=last - week * WEEK - lead, **changes)
        for week in range(weeks)
    ]


def rates(*openings: Opening, now: datetime = NOW, days: int = 3) -> Forecast:
    history = past(until=now, openings=openings)
    return learn(rules(), history, now=now, horizon=days * DAY)


def test_without_past_openings_none_is_expected() -> None:
    assert rates().openings == ()


def test_a_weekly_slot_is_expected_to_open_again() -> None:
    """12 of 12 weeks with one week of doubt; published 20 h ahead, and there are 25 h to go."""
    (found,) = rates(*weekly(12)).openings
    assert (found.practitioner, found.site) == ("d1", "s1")
    assert found.start == datetime(2026, 11, 24, 10, tzinfo=PARIS)
    assert (found.minutes, found.seats, found.modes) == (15, 1, (Mode.AMB,))
    assert found.chance == pytest.approx(12 / 13)


def test_a_slot_of_every_other_week_is_half_as_likely() -> None:
    (found,) = rates(*weekly(12)[::2]).openings
    # Its first one is 10 weeks before the last: 11 Tuesdays seen, 6 with the slot.
    assert found.chance == pytest.approx(6 / 12)


def test_a_slot_published_earlier_than_this_will_not_come_any_more() -> None:
    assert rates(*weekly(12, lead=timedelta(hours=30))).openings == ()


def test_a_slot_that_half_the_time_is_published_earlier_is_less_likely_now() -> None:
    """It would be there by now half the time: 12/13 / 2 over that and the 1/13 that it never is."""
    late, early = weekly(12), weekly(12, lead=timedelta(hours=30))
    mixed = [one for pair in zip(late[::2], early[1::2], strict=True) for one in pair]
    (found,) = rates(*mixed).openings
    assert found.chance == pytest.approx((12 / 13 / 2) / (12 / 13 / 2 + 1 / 13))


def test_a_slot_published_after_the_last_notice_is_of_no_use() -> None:
    """The notice is 10 minutes: published 10 minutes ahead is in time, 9 is not."""
    assert len(rates(*weekly(12, lead=timedelta(minutes=10))).openings) == 1
    assert rates(*weekly(12, lead=timedelta(minutes=9))).openings == ()


def test_a_slot_that_is_published_already_is_not_expected_once_more() -> None:
    known = opening(
        start=datetime(2026, 11, 24, 10, tzinfo=PARIS), published_at=NOW - timedelta(hours=1)
    )
    assert rates(*weekly(12), known).openings == ()


def test_nothing_opens_on_a_holiday_and_holidays_are_no_missed_weeks() -> None:
    """Wednesday 11 November 2026 was one: 3 of 3 other Wednesdays, and none on the 11th itself."""
    wednesdays = [opening(start=datetime(2026, 10, day, 10, tzinfo=PARIS)) for day in (21, 28)]
    before = datetime(2026, 11, 10, 9, tzinfo=PARIS)
    assert rates(*wednesdays, now=before).openings == ()
    after = datetime(2026, 11, 17, 9, tzinfo=PARIS)
    (found,) = rates(*wednesdays, now=after).openings
    # 21 and 28 October, 4 November (nothing), not the 11th: 2 of 3 and one of doubt.
    assert found.chance == pytest.approx(2 / 4)


def test_openings_beyond_the_horizon_are_left_out_and_on_its_edge_listed() -> None:
    edge = NOW + timedelta(hours=25)
    for horizon, many in ((timedelta(hours=25), 1), (timedelta(hours=24), 0)):
        found = learn(rules(), past(openings=tuple(weekly(12))), now=NOW, horizon=horizon)
        assert [one.start for one in found.openings] == [edge][:many]


def test_old_patterns_are_forgotten() -> None:
    old = [one for one in weekly(30) if NOW - one.start > 14 * WEEK]
    assert rates(*old).openings == ()


def test_the_usual_number_of_seats_is_expected() -> None:
    several = [*weekly(12)[:4], *(one.replaced(seats=3) for one in weekly(12)[4:])]
    (found,) = rates(*several).openings
    assert found.seats == 3


def test_openings_are_bounded_to_the_likeliest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_openings, "MOST_OPENINGS", 1)
    rare = opening(practitioner="d2", start=datetime(2026, 11, 17, 11, tzinfo=PARIS))
    (found,) = rates(*weekly(12), rare).openings
    assert found.practitioner == "d1"
