"""The query of the national platform: every way in which it is written, and what is refused."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sas_world import CPTS_INCLUDES, DOCTOR, OTHER, PARIS, PERSON, place_question, question

from slotengine.adapters.sas_search import (
    MAX_IDS,
    MAX_QUERY_BYTES,
    Refusal,
    Search,
    read_identifier,
    read_schedule_search,
    read_slot_search,
)
from slotengine.adapters.sas_times import read_bound, written

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
END = datetime(2026, 11, 26, 8, tzinfo=UTC)


def read(query: str) -> Search:
    found = read_slot_search(query.encode(), PARIS)
    assert isinstance(found, Search), found
    return found


def refused(query: str) -> tuple[str, str]:
    found = read_slot_search(query.encode(), PARIS)
    assert isinstance(found, Refusal), found
    return found.code, found.parameter


def test_an_official_query_is_read() -> None:
    search = read(question(DOCTOR, OTHER))
    assert search.ids == (DOCTOR, OTHER)
    assert search.window is not None
    assert search.window.start == START
    assert search.window.end == END + timedelta(microseconds=1)
    assert (search.schedules, search.actors, search.services) == (True, True, False)
    assert read(question(includes=CPTS_INCLUDES)).services


@pytest.mark.parametrize("plus", ["%2B", "+", "%20", " "])
def test_a_plus_that_became_a_space_is_repaired(plus: str) -> None:
    search = read(question(start=f"2026-11-23T09:00:00.000{plus}01:00"))
    assert search.window is not None
    assert search.window.start == START


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T08:00:00Z",
        "2026-11-23T08:00:00.000Z",
        "2026-11-23T08:00Z",
        "2026-11-23T09:00:00.000000000%2B01:00",
        "2026-11-23T09:00:00%2B0100",
        "2026-11-23T03:00:00-05:00",
    ],
)
def test_one_instant_is_read_in_every_way_of_writing_it(text: str) -> None:
    search = read(question(start=text))
    assert search.window is not None
    assert search.window.start == START


def test_a_day_begins_and_ends_in_the_territory_s_zone() -> None:
    search = read(question(start="2026-11-23", end="2026-11-24"))
    assert search.window is not None
    assert search.window.start == datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert search.window.end == datetime(2026, 11, 24, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-11-23T09:00:00", "2026-13-01", "2026-02-30T00:00:00Z", "2026-11-23T25:00Z",
     "9999-12-31", "0001-01-01T00:00:00%2B02:00"],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text: str) -> None:
    found = read_slot_search(question(start=text).encode(), PARIS)
    assert isinstance(found, Refusal) or (found.window is None and text.startswith("9999"))


@pytest.mark.parametrize(
    "ids",
    [
        f"{PERSON}{DOCTOR}",
        f"urn:oid:1.2.250.1.71.4.2.1%7C8{DOCTOR}",
        f"urn:oid:1.2.250.1.71.4.2.17C8{DOCTOR}",
        f"8{DOCTOR}",
        DOCTOR,
        f"|8{DOCTOR}",
        f"{PERSON}{DOCTOR},%20{PERSON}{DOCTOR}",
        f"%20{DOCTOR}+,",
    ],
)
def test_an_id_is_read_with_or_without_system_prefix_and_spaces(ids: str) -> None:
    query = question().replace(f"{PERSON}{DOCTOR}", ids)
    assert ids in query
    assert read(query).ids == (DOCTOR,)


@pytest.mark.parametrize("ids", ["urn:oid:9.9|810000000011", "3456780581/11242343", "8123", "x"])
def test_an_id_of_another_kind_is_nobody_s(ids: str) -> None:
    assert read(question().replace(f"{PERSON}{DOCTOR}", ids)).ids == ()


def test_an_adeli_is_read_with_its_prefix() -> None:
    assert read(question().replace(f"{PERSON}{DOCTOR}", "0459912345")).ids == ("459912345",)


def test_ids_that_are_listed_twice_must_be_in_both_lists() -> None:
    both = f"&schedule.actor:Practitioner.identifier={PERSON}{OTHER}"
    assert read(question(DOCTOR, OTHER) + both).ids == (OTHER,)
    assert read(question(DOCTOR) + both).ids == ()


def test_twenty_five_ids_are_read_and_one_more_is_refused() -> None:
    ids = [f"{10_000_000_000 + n}" for n in range(MAX_IDS + 1)]
    assert len(read(question(*ids[:MAX_IDS])).ids) == 25
    assert refused(question(*ids)) == ("too-long", "schedule.actor:Practitioner.identifier")
    # One that is listed again is still one.
    assert len(read(question(*ids[:MAX_IDS], ids[0])).ids) == 25


@pytest.mark.parametrize(
    ("missing", "parameter"),
    [
        ("schedule.actor:Practitioner.identifier", "schedule.actor:Practitioner.identifier"),
        ("status", "status"),
        ("start=ge", "start"),
        ("start=le", "start"),
    ],
)
def test_what_is_mandatory_and_missing_is_refused(missing: str, parameter: str) -> None:
    parts = [part for part in question().split("&") if not part.startswith(missing)]
    assert refused("&".join(parts)) == ("required", parameter)


def test_an_empty_list_of_ids_is_refused() -> None:
    assert refused(question().replace(f"{PERSON}{DOCTOR}", ","))[0] == "required"


@pytest.mark.parametrize(
    ("status", "code"),
    [("busy", "not-supported"), ("", "not-supported"), ("Free", "not-supported")],
)
def test_other_slots_than_free_ones_are_not_shown(status: str, code: str) -> None:
    assert refused(question().replace("status=free", f"status={status}"))[0] == code


def test_free_among_others_is_free() -> None:
    assert read(question().replace("status=free", "status=free,busy")).ids == (DOCTOR,)


def test_the_narrowest_of_several_bounds_counts() -> None:
    more = "&start=ge2026-11-24T09:00:00.000%2B01:00&start=lt2026-11-25T09:00:00.000%2B01:00"
    search = read(question() + more)
    assert search.window is not None
    assert search.window.start == START + timedelta(days=1)
    assert search.window.end == END - timedelta(days=1)
    strictly = read(question().replace("=ge", "=gt"))
    assert strictly.window is not None
    assert strictly.window.start > START


def test_a_window_that_ends_before_it_starts_is_empty() -> None:
    assert read(question(end="2026-11-22T09:00:00.000%2B01:00")).window is None


def test_a_window_of_31_days_is_read_and_a_longer_one_refused() -> None:
    assert read(question(end="2026-12-24T08:59:59.999%2B01:00")).window is not None
    assert refused(question(end="2026-12-24T09:00:01%2B01:00")) == ("too-costly", "start")


def test_a_bound_without_its_direction_is_refused() -> None:
    assert refused(question().replace("=ge", "=")) == ("invalid", "start")


def test_unknown_parameters_and_includes_are_ignored() -> None:
    more = "&_count=1000&_include=Slot:nobody&_sort=start&x&=y&"
    assert read(question() + more) == read(question())


def test_a_query_that_is_too_long_or_no_text_is_refused() -> None:
    assert refused(question() + "&x=" + "y" * MAX_QUERY_BYTES) == ("too-long", "query")
    assert refused(question() + "&" * 100) == ("too-long", "query")
    assert refused(question() + "&x=%FF") == ("invalid", "query")


def test_the_official_query_of_a_centre_is_read_with_its_lost_percent_sign() -> None:
    query = place_question("334173748400020", "392080466300010").replace("%7C", "7C", 1)
    found = read_schedule_search(query.encode(), PARIS)
    assert isinstance(found, Search)
    assert found.ids == ("34173748400020", "92080466300010")
    assert found.window is not None
    assert found.window.start == START


def test_a_centre_is_searched_by_siret_alone() -> None:
    by_finess = place_question("1450000021")
    found = read_schedule_search(by_finess.encode(), PARIS)
    assert isinstance(found, Search)
    assert found.ids == ()
    for missing in ("actor:", "_has:Slot:schedule:status", "_has:Slot:schedule:start=ge"):
        parts = [part for part in by_finess.split("&") if not part.startswith(missing)]
        assert isinstance(read_schedule_search("&".join(parts).encode(), PARIS), Refusal)


@pytest.mark.parametrize("name", ["identifier", "Identifier"])
def test_the_identifier_of_an_update_is_read_in_both_spellings(name: str) -> None:
    sent = f"{name}=urn:oid:1.2.250.1.71.4.2.1|3456780581/11242343"
    assert read_identifier(sent.encode()) == (
        "urn:oid:1.2.250.1.71.4.2.1",
        "3456780581/11242343",
    )


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "identifier=",
        "identifier=x",
        "identifier=|x",
        "identifier=s|",
        "identifier=s|x&identifier=s|y",
        "%FF=%FF",
    ],
)
def test_an_update_without_one_whole_identifier_is_refused(sent: str) -> None:
    assert isinstance(read_identifier(sent.encode()), Refusal)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.binary(max_size=200))
def test_no_query_makes_the_reader_fail(raw: bytes) -> None:
    for one in (raw, question().encode() + b"&start=ge" + raw):
        read_slot_search(one, PARIS)
        read_schedule_search(one, PARIS)
        read_identifier(one)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.integers(-3_000_000, 4_000_000),
    st.sampled_from(["Europe/Paris", "UTC", "Indian/Reunion", "Pacific/Marquesas"]),
)
def test_what_we_write_is_read_as_the_same_instant(minutes: int, zone: str) -> None:
    instant = START + timedelta(minutes=minutes)
    text = written(instant, ZoneInfo(zone))
    assert "Z" not in text
    assert text[-6] in "+-"
    assert text[19:23] == ".000"
    assert read_bound(text, PARIS, last=False) == instant
    whole = read(question(start=quote(text), end=quote(written(instant, PARIS))))
    assert whole.window is not None
    assert whole.window.start == instant


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25T02:30:00.000+02:00"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25T02:30:00.000+01:00"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "2026-03-29T03:00:00.000+02:00"),
    ],
)
def test_the_hour_that_comes_twice_is_told_apart_by_its_offset(
    instant: datetime, text: str
) -> None:
    assert written(instant, PARIS) == text
