"""Times of a FHIR request: when care is wanted, when the need arose, when it was written."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOW
from fhir_messages import (
    about,
    doubts,
    entry,
    fault,
    new,
    referral,
)
from records import paris

from slotengine.adapters import Kind
from slotengine.adapters.fhir_times import OPEN_END
from slotengine.domain import TimeWindow


def period(start: str | None = None, end: str | None = None) -> dict[str, Any]:
    return {"occurrencePeriod": {n: t for n, t in (("start", start), ("end", end)) if t}}


DAY = TimeWindow(start=paris(2026, 11, 24), end=paris(2026, 11, 25))


@pytest.mark.parametrize(
    ("said", "windows", "deadline"),
    [
        (period("2026-11-24", "2026-11-24"), (DAY,), paris(2026, 11, 25)),
        ({"occurrenceDateTime": "2026-11-24"}, (DAY,), paris(2026, 11, 25)),
        ({"occurrenceDateTime": "2026-11-24T14:10:00.123+01:00"}, (),
         paris(2026, 11, 24, 14, 10, 0, 123_000)),
        (period(None, "2026-11-24T12:00:00Z"), (), paris(2026, 11, 24, 13)),
        (period("2026-11-24T12:00:00", "2026-11-24T12:00:00"), (), paris(2026, 11, 24, 12)),
        (period("2026-11-23T08:30:00+01:00"), (), None),
        (period("2026-11", "2026-11"),
         (TimeWindow(start=paris(2026, 11, 1), end=paris(2026, 12, 1)),), paris(2026, 12, 1)),
        ({"occurrenceDateTime": "2026"},
         (TimeWindow(start=paris(2026, 1, 1), end=paris(2027, 1, 1)),), paris(2027, 1, 1)),
        ({"occurrenceTiming": {"event": ["2026-11-24"]}}, (DAY,), paris(2026, 11, 25)),
        ({"occurrenceTiming": {"event": ["2026-11-24T09:00:00Z", "2026-11-24T08:00:00Z"]}}, (),
         paris(2026, 11, 24, 10)),
        ({"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2026-11-23",
                                                           "end": "2026-11-26"},
                                          "dayOfWeek": ["tue", "sun"]}}},
         (DAY,), paris(2026, 11, 25)),
        ({}, (), None),
    ],
)  # fmt: skip
def test_when_care_is_wanted_is_read_in_every_form(
    said: Any, windows: tuple[TimeWindow, ...], deadline: datetime | None
) -> None:
    found = referral(about(**said))
    assert (found.windows, found.deadline) == (windows, deadline)


def test_a_wish_without_an_end_holds_for_a_week() -> None:
    opens = paris(2026, 11, 25, 8)
    found = referral(about(**period(opens.isoformat())))
    assert found.windows == (TimeWindow(start=opens, end=opens + OPEN_END),)
    assert found.deadline == opens + timedelta(days=7)


@pytest.mark.parametrize(
    ("said", "kind", "member"),
    [
        (period("2026-11-25T10:00:00Z", "2026-11-25T09:00:00Z"), Kind.END_BEFORE_START,
         "occurrencePeriod.end"),
        (period(None, "2026-11-20T09:00:00Z"), Kind.BEFORE_RECEIVED, "occurrencePeriod.end"),
        (period("soon", "2026-11-25"), Kind.BAD_DATE, "occurrencePeriod.start"),
        ({"occurrenceDateTime": "2027-03-28T02:30:00"}, Kind.NONEXISTENT_TIME,
         "occurrenceDateTime"),
        ({"occurrenceDateTime": "2026-00"}, Kind.BAD_DATE, "occurrenceDateTime"),
        ({"occurrenceDateTime": 7}, Kind.WRONG_TYPE, "occurrenceDateTime"),
        ({"occurrenceTiming": {"event": ["2026-11-24"] * 51}}, Kind.TOO_MANY,
         "occurrenceTiming.event"),
        ({"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2026-11-24",
                                                           "end": "2028-11-24"},
                                          "dayOfWeek": ["sun"]}}},
         Kind.TOO_MANY, "occurrenceTiming.repeat.boundsPeriod"),
        ({"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2026-11-24",
                                                           "end": "2026-11-24"},
                                          "dayOfWeek": ["sun"]}}},
         Kind.END_BEFORE_START, "occurrenceTiming.repeat.boundsPeriod"),
    ],
)  # fmt: skip
def test_times_that_make_no_sense_are_refused_where_they_stand(
    said: Any, kind: Kind, member: str
) -> None:
    _, found, path = fault(about(**said))
    assert (found, path) == (kind, f"entry[0].resource.{member}")


def test_a_timing_that_says_more_than_days_is_doubted() -> None:
    bare = about(occurrenceTiming={"code": {"text": "BID"}})
    assert doubts(bare) == [("window_start", Kind.PARTLY_READ)]
    hours = {"boundsPeriod": {"start": "2026-11-24", "end": "2026-11-24"}, "when": ["MORN"]}
    assert doubts(about(occurrenceTiming={"repeat": hours})) == [("window_start", Kind.PARTLY_READ)]


@pytest.mark.parametrize(
    ("authored", "received"),
    [
        ("2026-11-23", paris(2026, 11, 23)),
        ("2026-11-23T07:30:00Z", paris(2026, 11, 23, 8, 30)),
        ("2026-11-23T08:30:00", paris(2026, 11, 23, 8, 30)),
        (None, NOW),
    ],
)
def test_the_need_arose_when_it_was_written_down(authored: str | None, received: datetime) -> None:
    assert referral(about(authoredOn=authored)).received_at == received


@pytest.mark.parametrize("authored", ["2026", "2026-11", "23/13/2026", "2026-10-25T02:30:00"])
def test_a_need_without_a_time_is_refused(authored: str) -> None:
    assert fault(about(authoredOn=authored))[0] == "received_at"


def stay(ends: str | None, kind: str = "IMP", **changes: Any) -> dict[str, Any]:
    encounter = {
        "resourceType": "Encounter",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": kind},
        "period": {"end": ends} if ends else {},
    }
    return about(
        None,
        entry(encounter, "urn:uuid:stay"),
        encounter={"reference": "urn:uuid:stay"},
        **changes,
    )


def test_a_patient_in_hospital_can_come_only_after_leaving_it() -> None:
    leaves = paris(2026, 11, 24, 11)
    alone = referral(stay(leaves.isoformat()))
    assert alone.windows == (TimeWindow(start=leaves, end=leaves + OPEN_END),)
    assert alone.deadline == leaves + OPEN_END
    within = referral(stay(leaves.isoformat(), **period("2026-11-23", "2026-11-26")))
    assert within.windows == (TimeWindow(start=leaves, end=paris(2026, 11, 27)),)
    after = referral(stay(leaves.isoformat(), **period("2026-11-25", "2026-11-26")))
    assert after.windows[0].start == paris(2026, 11, 25)


def test_who_has_left_or_only_visited_is_free() -> None:
    for document in (
        stay("2026-11-23T08:00:00+01:00"),
        stay("2026-11-24T11:00:00+01:00", "AMB"),
        stay(None),
    ):
        assert referral(document).windows == ()


def test_a_wish_that_ends_before_the_discharge_is_doubted() -> None:
    document = stay("2026-11-26T11:00:00+01:00", **period("2026-11-23", "2026-11-24"))
    assert doubts(document) == [("window_end", Kind.CONTRADICTION)]


# When it was written.


def test_of_two_times_of_writing_the_later_one_orders_updates() -> None:
    """Who cancels sends the resource back with the ``lastUpdated`` under which it was fetched."""

    def issued(resource: str | None, envelope: str | None) -> Any:
        meta = None if resource is None else {"lastUpdated": resource}
        document = about(meta=meta)
        return new({**document, **({"timestamp": envelope} if envelope else {})})

    early, late = "2026-11-23T07:00:00Z", "2026-11-23T08:30:00.500+01:00"
    expected = paris(2026, 11, 23, 8, 30, 0, 500_000)
    assert issued(early, late).issued_at == expected
    assert issued(late, early).issued_at == expected
    assert issued(None, None).issued_at is None
    doubted = issued("lately", early)
    assert doubted.issued_at == paris(2026, 11, 23, 8)
    assert [(one.field, one.kind) for one in doubted.warnings] == [("issued_at", Kind.BAD_DATE)]
    ahead = fault(about(meta={"lastUpdated": "2026-11-23T08:15:01Z"}))
    assert ahead[:2] == ("issued_at", Kind.IN_FUTURE)
    assert new(about(meta={"lastUpdated": "2026-11-23T08:15:00Z"})).issued_at is not None
