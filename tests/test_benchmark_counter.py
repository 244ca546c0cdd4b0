"""The counter's benchmark runs, counts what the database says, and fails on a double booking."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sources import PROJECT
from sqlalchemy import create_engine, text

from slotengine.codes import SourceKind

if TYPE_CHECKING:
    from sqlalchemy import URL

    from benchmarks.counter_territory import Counter

KEYS = {
    "store", "processes", "p50_ms", "p99_ms", "placements_per_s", "double_bookings", "machine",
    "cpu_ms", "statements", "synced",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks are not packaged: they run from the root of a checkout."""
    monkeypatch.syspath_prepend(PROJECT)


def _main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any]]:
    from benchmarks import counter

    code = counter.main(["--json", "--quick", *arguments])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_quick_run_prints_a_row_for_each_database_and_number_of_processes(
    postgres_server: "URL", capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgres_server.set(database="postgres").render_as_string(hide_password=False)
    code, lines = _main(capsys, "--postgres", url)
    assert code == 0
    assert [(line["store"], line["processes"], line["synced"]) for line in lines] == [
        ("sqlite", 1, True),
        ("sqlite", 4, True),
        ("sqlite", 1, False),
        ("postgresql", 1, True),
        ("postgresql", 4, True),
        ("postgresql", 1, False),
    ]
    for line in lines:
        assert line.keys() >= KEYS
        assert (line["double_bookings"], line["wrong_counters"]) == (0, 0)
        assert line["p99_ms"] >= line["p50_ms"] > 0
        assert 0 < line["served"] <= line["placements"] == 12


def test_the_territory_has_the_slots_asked_for_and_nobody_in_two_places() -> None:
    from benchmarks.counter_territory import counter

    drawn = counter(slots=260, referrals=200)
    assert len(drawn.slots) == len({slot.id for slot in drawn.slots}) == 260
    people = {one.id for one in drawn.practitioners}
    places = {one.id for one in drawn.sites}
    for slot in drawn.slots:
        assert slot.practitioner in people
        assert slot.site in places
        others = [one for one in drawn.slots if one.practitioner == slot.practitioner]
        overlapping = [one for one in others if one.start < slot.end and slot.start < one.end]
        assert overlapping == [slot]
    assert {one.source for one in drawn.referrals} == set(SourceKind)
    assert len({one.id for one in drawn.referrals}) == 200
    assert len({one.patient.key for one in drawn.referrals}) == 200
    assert counter(slots=260, referrals=200) == drawn


def test_a_territory_without_room_for_the_slots_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import counter_territory

    # Two draws have some 200 slots at the most; more draws say the same, later.
    monkeypatch.setattr(counter_territory, "MOST_DRAWS", 2)
    with pytest.raises(ValueError, match=r"^\d+ slots found room, 520 were asked for$"):
        counter_territory.counter(slots=520, referrals=1)


@pytest.fixture(scope="module")
def drawn() -> "Counter":
    """A small counter's territory, which nobody changes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(PROJECT)
        from benchmarks.counter_territory import counter
    return counter(slots=40, referrals=8)


@pytest.fixture
def url(drawn: "Counter", tmp_path: Path) -> str:
    """A database with eight bookings of that territory."""
    from benchmarks.counter import filled

    where = f"sqlite:///{tmp_path / 'counter.sqlite'}"
    filled(where, drawn, 8)
    return where


def _tampered(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_a_sound_database_has_nothing_double_and_its_counters_are_right(url: str) -> None:
    from benchmarks.counter_databases import audit

    assert audit(url) == (0, 0)


COPY_OF_A_BOOKING = """
    INSERT INTO slotengine_booking (id, territory, referral_id, slot_id, seat, status, mode,
        version, patient_key, practitioner, starts_at, ends_at, day, effort)
    SELECT 'copy', territory, {referral}, slot_id, {seat}, 'confirmed', mode, 1, {patient},
        practitioner, starts_at, ends_at, day, effort
    FROM slotengine_booking WHERE status = 'confirmed' ORDER BY id LIMIT 1
"""
OTHER = "(SELECT id FROM slotengine_referral WHERE state IN ('waiting', 'received') LIMIT 1)"


@pytest.mark.parametrize(
    ("index", "copied"),
    [
        ("uq_slotengine_booking_active_seat", ("seat", OTHER, "'somebody else'")),
        ("uq_slotengine_booking_active_referral", ("seat + 1", "referral_id", "'somebody else'")),
        (None, ("seat + 1", OTHER, "patient_key")),
    ],
    ids=["a seat", "a referral", "a patient"],
)
def test_what_is_booked_twice_is_counted_in_the_database(
    url: str, index: str | None, copied: tuple[str, str, str]
) -> None:
    """The library's indexes would refuse it: they are dropped first."""
    from benchmarks.counter_databases import audit

    if index is not None:
        _tampered(url, f"DROP INDEX {index}")
    seat, referral, patient = copied
    _tampered(
        url,
        "PRAGMA foreign_keys=OFF",
        COPY_OF_A_BOOKING.format(seat=seat, referral=referral, patient=patient),
    )
    twice, wrong = audit(url)
    assert twice == 1
    assert wrong > 0


def test_a_row_with_a_double_booking_makes_the_run_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import counter

    monkeypatch.setattr(counter, "audit", lambda _: (1, 0))
    monkeypatch.setattr(counter, "PROCESSES", (1,))
    code, lines = _main(capsys, "--stores", "sqlite")
    assert code == 1
    assert {line["double_bookings"] for line in lines} == {1}
