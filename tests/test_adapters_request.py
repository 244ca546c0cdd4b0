"""One record to one intake: what is asked for, how soon, and when."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from builders import NOW
from records import BASE, VAULT, fault, paris, referral

from slotengine.adapters import Kind, New, adapter_for
from slotengine.codes import Mode, Priority, Profession
from slotengine.domain import TimeWindow


@pytest.mark.parametrize(
    ("words", "priority"),
    [
        ("stat", Priority.STAT), ("asap", Priority.ASAP), ("urgent", Priority.URGENT),
        ("routine", Priority.ROUTINE), ("dans les 4 h", Priority.STAT),
        ("Dans les 12h", Priority.ASAP),
        ("sous 24 h", Priority.URGENT), ("sous 48 heures", Priority.ROUTINE),
        ("within 4 h", Priority.STAT),
        ("4h", Priority.STAT), ("ROUTINE", Priority.ROUTINE),
    ],
)  # fmt: skip
def test_priority_is_a_code_or_what_people_say(words: str, priority: Priority) -> None:
    assert referral(priorite=words).priority is priority


@pytest.mark.parametrize("words", ["sous 3 h", "P2", "24", "demain", "très urgent"])
def test_another_priority_is_refused(words: str) -> None:
    assert fault(priority=words) == ("priority", Kind.UNKNOWN_CODE)


def test_a_red_flag_passes_the_door_for_the_engine_to_refuse() -> None:
    assert referral(priority="stat").priority is Priority.STAT
    assert referral("samu", care_level="R1").care_level == "R1"


def test_professions_are_codes_or_words_and_may_be_several() -> None:
    assert referral(profession="70").professions == (Profession.PHYSIOTHERAPIST,)
    assert referral(profession="Kiné | Médecin généraliste").professions == (
        Profession.PHYSICIAN, Profession.PHYSIOTHERAPIST,
    )  # fmt: skip
    assert referral(professions=["60", "sage-femme"]).professions == (
        Profession.MIDWIFE, Profession.NURSE,
    )  # fmt: skip


def test_a_fault_in_a_list_says_which_item() -> None:
    assert fault(professions="10|plumber") == ("professions[1]", Kind.UNKNOWN_CODE)
    assert fault(profession="plumber") == ("professions", Kind.UNKNOWN_CODE)
    assert fault(modes=["AMB", "moon"]) == ("modes[1]", Kind.UNKNOWN_CODE)
    assert fault(professions=[["10"]]) == ("professions", Kind.WRONG_TYPE)


def test_a_list_of_50_is_allowed_and_of_51_refused() -> None:
    assert referral(modes=["AMB"] * 50).modes == (Mode.AMB,)
    assert fault(modes=["AMB"] * 51) == ("modes", Kind.TOO_MANY)


def test_specialties_are_codes_and_general_practice_has_three() -> None:
    assert referral(specialite="sm40").specialties == ("SM40",)
    assert referral(specialties="Médecine générale").specialties == ("SM26", "SM53", "SM54")
    assert fault(specialties="SM40|Dr Who") == ("specialties[1]", Kind.UNKNOWN_CODE)


def test_modes_are_codes_or_words() -> None:
    assert referral(lieu_de_soin="au cabinet|à domicile|vidéo").modes == (
        Mode.AMB,
        Mode.HH,
        Mode.VR,
    )


def test_who_cant_leave_home_and_names_no_mode_is_visited_or_called() -> None:
    assert referral(mobility="homebound").modes == (Mode.HH, Mode.VR)
    assert referral(mobility="homebound", modes="HH").modes == (Mode.HH,)
    assert referral().modes == (Mode.AMB,)


@pytest.mark.parametrize(
    ("km", "metres"), [("0", 0), ("12,5", 12_500), (1000, 1_000_000), ("0.0005", 1)]
)
def test_the_radius_is_kept_in_metres(km: object, metres: int) -> None:
    assert referral(max_travel_km=km).max_travel_metres == metres


@pytest.mark.parametrize(
    ("km", "kind"),
    [("-1", Kind.OUT_OF_RANGE), ("1000.001", Kind.OUT_OF_RANGE), ("far", Kind.BAD_NUMBER)],
)
def test_a_radius_is_refused(km: str, kind: Kind) -> None:
    assert fault(max_travel_km=km) == ("max_travel_km", kind)


def test_a_motive_has_code_system_and_harmless_label() -> None:
    motive = referral(motive_code="M02.01", motive_system="hub", motif="Mal de  gorge").motive
    assert motive is not None
    assert (motive.system, motive.code, motive.label) == ("hub", "M02.01", "Mal de gorge")
    local = referral(motive_code="angine").motive
    assert local is not None
    assert (local.system, local.label) == ("local", "")


def test_a_label_without_a_code_is_dropped() -> None:
    assert referral(motif="Mal de gorge").motive is None


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        ("x" * 200, True), ("x" * 201, False), ("x" * 2000, False),
        ("fièvre à 39,5 depuis 3 jours", True),
        ("rappeler au 06 12 34 56 78", False), ("né le 12/03/1950", False), ("12 mars 1950", False),
        ("suivi de mars 1950", False), ("a@b.fr", False), ("Mme D. tousse", False), ("12345", True),
        ("123456", False), ("toux\x07", False),
    ],
)  # fmt: skip
def test_a_label_that_may_name_somebody_is_dropped_and_the_referral_kept(
    label: str, *, kept: bool
) -> None:
    motive = referral(motive_code="M1", motive_label=label).motive
    assert motive is not None
    assert motive.label == (label if kept else "")


# Times. In Paris it is 9:00 on Monday 23 November 2026.


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-23T08:30:00Z", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        ("2026-11-23T09:30:00.250+01:00", datetime(2026, 11, 23, 8, 30, 0, 250_000, tzinfo=UTC)),
        ("2026-11-23 09:30", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        ("23/11/2026 9h30", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        ("23/11/2026 09:30:15", datetime(2026, 11, 23, 8, 30, 15, tzinfo=UTC)),
        ("23/11/2026 à 10 h", datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        ("2026-11-23T10:30+0200", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        # A day alone lasts to its end.
        ("23/11/2026", datetime(2026, 11, 23, 23, 0, tzinfo=UTC)),
        ("2026-11-30", datetime(2026, 11, 30, 23, 0, tzinfo=UTC)),
    ],
)
def test_a_deadline_is_read(written: str, meant: datetime) -> None:
    assert referral(deadline=written).deadline == meant


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("2026-11-31T09:00", Kind.BAD_DATE), ("2026-11-23T24:00", Kind.BAD_DATE),
        ("2026-11-23T09:60", Kind.BAD_DATE), ("tomorrow", Kind.BAD_DATE),
        ("23/11/2026 14", Kind.BAD_DATE),
        ("23/11/2026 14:", Kind.BAD_DATE), ("2026-11-23T09:00+15:00", Kind.BAD_DATE),
        ("2026-11-23T09:00+01:00Z", Kind.BAD_DATE), ("20261123", Kind.BAD_DATE),
        ("1999-12-31", Kind.OUT_OF_RANGE), ("2101-01-01T00:00", Kind.OUT_OF_RANGE),
        ("9999-12-31", Kind.OUT_OF_RANGE), ("25/10/2026 02:30", Kind.AMBIGUOUS_TIME),
        ("2026-10-25T02:00", Kind.AMBIGUOUS_TIME), ("28/03/2027 02:30", Kind.NONEXISTENT_TIME),
        ("2027-03-28T02:00", Kind.NONEXISTENT_TIME), ("2026-11-23T08:59", Kind.BEFORE_RECEIVED),
    ],
)  # fmt: skip
def test_a_deadline_is_refused(written: str, kind: Kind) -> None:
    assert fault(deadline=written) == ("deadline", kind)


def test_a_deadline_at_the_moment_of_reception_is_allowed() -> None:
    assert referral(deadline="2026-11-23T09:00").deadline == NOW


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-10-25T02:30+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25T01:59:59", datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC)),
        ("2026-10-25T03:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
    ],
)
def test_around_the_change_of_clocks_the_offset_decides(written: str, meant: datetime) -> None:
    assert referral(received_at=written).received_at == meant


def test_times_are_read_in_the_territorys_own_zone() -> None:
    record = {**BASE, "deadline": "2026-11-24 09:00"}
    overseas = adapter_for(
        "pharmacy", territory="reunion", zone=ZoneInfo("Indian/Reunion"), pseudonymiser=VAULT
    )
    (one,) = overseas.read(json.dumps(record).encode(), now=NOW)
    assert isinstance(one, New)
    assert one.referral.deadline == datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


def test_a_reception_15_minutes_ahead_is_a_clock_and_later_a_fault() -> None:
    ahead = NOW + timedelta(minutes=15)
    assert referral(received_at=ahead.isoformat()).received_at == ahead
    late = ahead + timedelta(seconds=1)
    assert fault(received_at=late.isoformat()) == ("received_at", Kind.IN_FUTURE)
    assert fault(received_at="23/11/2026") == ("received_at", Kind.BAD_DATE)


def test_windows_are_pairs_of_starts_and_ends() -> None:
    one = referral(
        window_start="2026-11-24 09:00|25/11/2026",
        window_end="2026-11-24T12:00:00+01:00|25/11/2026",
    )
    assert one.windows == (
        TimeWindow(start=paris(2026, 11, 24, 9), end=paris(2026, 11, 24, 12)),
        TimeWindow(start=paris(2026, 11, 25), end=paris(2026, 11, 26)),
    )


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        ("2026-11-24 09:00", None, ("window_end", Kind.MISSING)),
        (None, "2026-11-24 09:00", ("window_start", Kind.MISSING)),
        ("2026-11-24|2026-11-25", "2026-11-24", ("window_end", Kind.WINDOW_COUNT)),
        ("2026-11-24 09:00", "2026-11-24 09:00", ("window_end", Kind.END_BEFORE_START)),
        (
            "2026-11-24|2026-11-25", "2026-11-24|2026-11-24",
            ("window_end[1]", Kind.END_BEFORE_START),
        ),
        ("soon", "2026-11-24", ("window_start", Kind.BAD_DATE)),
        (["2026-11-24", "soon"], ["2026-11-24", "2026-11-25"], ("window_start[1]", Kind.BAD_DATE)),
    ],
)  # fmt: skip
def test_windows_are_refused(starts: object, ends: object, expected: tuple[str, Kind]) -> None:
    assert fault(window_start=starts, window_end=ends) == expected
