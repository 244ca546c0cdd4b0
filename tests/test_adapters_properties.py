"""What holds for every payload: nothing raises, nothing is lost, both formats say the same."""

import csv
import io
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import NOW
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slotengine.adapters import Amend, Cancel, Intake, New, Outcome, Rejected, adapter_for
from slotengine.adapters.fields import FIELDS
from slotengine.codes import CareLevel, Mobility, Mode, Priority, Profession, Sex, SourceKind
from slotengine.domain import (
    Location,
    Motive,
    Patient,
    Referral,
    Requester,
    TimeWindow,
    referral_id,
)
from slotengine.errors import ReferralFormatError
from slotengine.vault import Pseudonymiser

VAULT = Pseudonymiser(bytes(range(32)))
SOURCE = SourceKind.HOSPITAL


def read(payload: bytes, format_: str | None) -> list[Intake]:
    adapter = adapter_for(
        SOURCE.value,
        territory="giennois",
        zone=ZoneInfo("Europe/Paris"),
        pseudonymiser=VAULT,
        format=format_,
    )
    return list(adapter.read(payload, now=NOW))


def readable(payload: bytes, format_: str | None) -> list[Intake]:
    """Reads what may be unreadable as a whole; anything else that is raised is a bug."""
    try:
        return read(payload, format_)
    except ReferralFormatError as refused:
        # What failed inside may hold the payload: it must not hang on the error.
        chained = (refused.__cause__, refused.__context__)
    assert chained == (None, None)
    return []


FORMATS = st.sampled_from(["csv", "json", None])
SCRAPS = st.sampled_from(
    [
        b"reference", b"patient_id", b"nir", b"lat", b"age", b"window_start", b"deadline", b";",
        b",", b"\t", b'"', b"\n", b"\r", b"\r\n", b"|", b"{", b"}", b"[", b"]", b":", b"\\", b"\\u",
        b"null", b"1e999", b"-", b"2026-11-23", b"31/02/2026", b"T25:61", b"\x00", b"\xef\xbb\xbf",
        b"\x81", b"\xe9", b"\xf0\x9f\x98\x80", b"sep=", b"  ", b"279035121518989", b"x" * 300,
    ]
)  # fmt: skip


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.binary(max_size=300), FORMATS)
def test_arbitrary_bytes_raise_nothing_but_a_format_error(payload: bytes, format_: str) -> None:
    readable(payload, format_)


@settings(deadline=None, derandomize=True, max_examples=400)
@given(st.lists(SCRAPS, max_size=40).map(b"".join), FORMATS)
def test_scraps_of_payloads_raise_nothing_but_a_format_error(payload: bytes, format_: str) -> None:
    readable(payload, format_)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(SCRAPS, max_size=12).map(b"".join))
def test_scraps_below_a_good_header_raise_nothing(scraps: bytes) -> None:
    read(b"reference;patient_id;age;lat;lon;deadline;window_start;window_end\n" + scraps, "csv")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
RECORDS = st.dictionaries(
    st.sampled_from([*FIELDS, "tel", "unknown"]),
    JSON_VALUES | st.sampled_from(["1", "10", "new", "stat", "2026-11-24", "279035121518989"]),
    max_size=8,
)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.lists(RECORDS, max_size=5))
def test_each_element_of_an_array_comes_back_exactly_once(records: list[Any]) -> None:
    found = read(json.dumps(records).encode(), "json")
    assert len(found) == len(records)
    rejected = [one.record for one in found if isinstance(one, Rejected)]
    kept = [number for number, one in enumerate(found, 1) if not isinstance(one, Rejected)]
    assert sorted(rejected + kept) == list(range(1, len(records) + 1))


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters='"\r\n\0;,\t'), min_size=1, max_size=12
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS, st.booleans()), max_size=8))
def test_each_line_of_a_table_comes_back_exactly_once(
    rows: list[tuple[str, str, str, bool]],
) -> None:
    lines = ["reference;patient_id;age"]
    for number, (_, person, age, forgotten) in enumerate(rows):
        # A quote that is never closed, or a line of three cells; the first is never blank.
        lines.append(f'r{number};"{person};{age}' if forgotten else f"r{number};{person};{age}")
    found = read("\n".join(lines).encode(), "csv")
    assert len(found) >= len(rows) - sum(forgotten for *_, forgotten in rows)
    numbers = [one.record for one in found if isinstance(one, Rejected)]
    assert len(numbers) == len(set(numbers))
    kept = [one.referral.reference for one in found if isinstance(one, New)]
    assert kept == sorted(set(kept), key=lambda reference: int(reference[1:]))
    if not any(forgotten for *_, forgotten in rows):
        assert len(found) == len(rows)


# A referral written down and read again.

IDS = st.text("abcdefghijklmnopqrstuvwxyz-._/", min_size=1, max_size=12).map("x".__add__)
NUMBERED = IDS.map("1".__add__)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2026, 11, 23)).map(  # noqa: DTZ001 - made aware in the next line
    lambda moment: moment.replace(tzinfo=UTC)
)
AFTER = st.timedeltas(timedelta(0), timedelta(days=90))
SPANS = st.tuples(INSTANTS, st.timedeltas(timedelta(seconds=1), timedelta(days=9)))
# Some 20 km around three town halls, and the southern oceans, where no commune is.
PLACES = st.one_of(
    *(
        st.builds(
            Location,
            lat=st.floats(lat - 0.15, lat + 0.15),
            lon=st.floats(lon - 0.15, lon + 0.15),
            insee=st.just(insee),
        )
        for lat, lon, insee in (
            (47.7, 2.62, "45155"),
            (41.92, 8.74, "2A004"),
            (45.96, 5.36, "01004"),
        )
    ),
    st.builds(Location, lat=st.floats(-90, -30), lon=st.floats(-180, 180), insee=st.none()),
)
MOTIVES = st.builds(
    Motive, system=IDS, code=IDS, label=st.text("abcdefghijklnopqrstuvwxyzéà", max_size=20)
)


@st.composite
def referrals(draw: st.DrawFn) -> tuple[Referral, str]:
    reference, person, house = draw(IDS), draw(IDS), draw(IDS)
    received_at = draw(INSTANTS)
    after = draw(st.none() | AFTER)
    spans = draw(st.lists(SPANS, max_size=3))
    patient = Patient(
        key=VAULT.of_local_id(("giennois", SOURCE.value, house), person),
        location=draw(st.none() | PLACES),
        age=draw(st.none() | st.integers(0, 125)),
        sex=draw(st.sampled_from(Sex)),
        own_practitioner=draw(st.none() | NUMBERED),
        mobility=draw(st.sampled_from(Mobility)),
    )
    made = Referral(
        id=referral_id("giennois", SOURCE, reference),
        territory="giennois",
        source=SOURCE,
        reference=reference,
        requester=Requester(kind=SOURCE, id=house),
        patient=patient,
        professions=tuple(draw(st.lists(st.sampled_from(Profession), min_size=1, max_size=3))),
        specialties=tuple(draw(st.lists(st.sampled_from(["SM54", "SM40", "SI05"]), max_size=2))),
        priority=draw(st.sampled_from(Priority)),
        care_level=draw(st.none() | st.sampled_from(CareLevel)),
        motive=draw(st.none() | MOTIVES),
        windows=tuple(TimeWindow(start=start, end=start + span) for start, span in spans),
        deadline=None if after is None else received_at + after,
        modes=tuple(draw(st.lists(st.sampled_from(Mode), min_size=1, max_size=3))),
        max_travel_metres=draw(st.none() | st.integers(0, 1_000_000)),
        received_at=received_at,
    )
    return made, person


def written(referral: Referral, person: str) -> dict[str, str]:
    """Writes a referral down with every field as text; shares no code with the reader."""
    patient, place, motive = referral.patient, referral.patient.location, referral.motive
    metres = referral.max_travel_metres
    return {
        "reference": referral.reference,
        "patient_id": person,
        "age": "" if patient.age is None else str(patient.age),
        "sex": patient.sex.value,
        "lat": "" if place is None else repr(place.lat),
        "lon": "" if place is None else repr(place.lon).replace(".", ","),
        "insee": "" if place is None else place.insee or "",
        "mobility": patient.mobility.value,
        "own_practitioner": patient.own_practitioner or "",
        "professions": "|".join(referral.professions),
        "specialties": "|".join(referral.specialties),
        "priority": referral.priority.value,
        "care_level": "" if referral.care_level is None else referral.care_level.value,
        "motive_code": "" if motive is None else motive.code,
        "motive_system": "" if motive is None else motive.system,
        "motive_label": "" if motive is None else motive.label,
        "window_start": "|".join(window.start.isoformat() for window in referral.windows),
        "window_end": "|".join(window.end.isoformat() for window in referral.windows),
        "deadline": "" if referral.deadline is None else referral.deadline.isoformat(),
        "modes": "|".join(referral.modes),
        "max_travel_km": "" if metres is None else f"{metres // 1000}.{metres % 1000:03d}",
        "requester_id": referral.requester.id or "",
        "received_at": referral.received_at.isoformat(),
    }


def table(records: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), delimiter=";")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(referrals(), min_size=1, max_size=3))
def test_a_referral_survives_being_written_as_csv_and_as_json(
    made: list[tuple[Referral, str]],
) -> None:
    expected = [New(referral=referral) for referral, _ in made]
    records = [written(referral, person) for referral, person in made]
    assert read(table(records), None) == expected
    assert read(json.dumps(records).encode(), None) == expected
    assert read("\n".join(map(json.dumps, records)).encode(), None) == expected


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=12)
LOOSE = st.fixed_dictionaries(
    {
        "reference": st.sampled_from(["1", "", "x" * 201, "1,2E+9"]),
        "patient_id": st.sampled_from(["p", "", "q"]),
        "age": st.sampled_from(["3", "", "200", "x"]) | TEXTS,
        "priority": st.sampled_from(["", "stat", "sous 24 h", "later"]),
        "status": st.sampled_from(["", "annulé", "amended", "absent", "?"]),
        "deadline": st.sampled_from(["", "2026-11-24", "25/10/2026 02:30", "no"]) | TEXTS,
        "modes": st.sampled_from(["", "AMB|HH", "AMB|x"]) | TEXTS,
    }
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(LOOSE, min_size=1, max_size=4))
@example(
    [
        dict.fromkeys(
            ["reference", "patient_id", "age", "priority", "status", "deadline", "modes"], "x"
        )
    ]
)
def test_csv_and_json_of_the_same_content_say_the_same(records: list[dict[str, str]]) -> None:
    def bare(found: list[Intake]) -> list[object]:
        return [(one.field, one.kind) if isinstance(one, Rejected) else one for one in found]

    filled = [record for record in records if any(cell.strip() for cell in record.values())]
    from_table = bare(read(table(records), "csv"))
    assert from_table == bare(read(json.dumps(filled).encode(), "json"))
    assert len(from_table) == len(filled)


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_three_thousand_records_come_back_in_their_order(format_: str) -> None:
    records = [{"reference": f"r{n}", "patient_id": f"p{n}"} for n in range(3_000)]
    payload = table(records) if format_ == "csv" else json.dumps(records).encode()
    found = read(payload, None)
    assert [one.referral.reference for one in found if isinstance(one, New)] == [
        f"r{n}" for n in range(3_000)
    ]
    keys = {one.referral.patient.key for one in found if isinstance(one, New)}
    assert len(keys) == 3_000


def test_every_kind_of_intake_survives_json_and_pickle() -> None:
    payload = b"reference;patient_id;status\n1;p;\n1;p;amended\n1;;cancelled\n1;;absent\n;;new\n"
    found = read(payload, "csv")
    assert [type(one) for one in found] == [New, Amend, Cancel, Outcome, Rejected]
    for one in found:
        assert type(one).model_validate_json(one.model_dump_json()) == one
        assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own bytes
