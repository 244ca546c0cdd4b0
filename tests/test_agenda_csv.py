"""Agendas as tables: what a row says, what it may leave out, and what refuses it alone."""

import contextlib
import io
from datetime import date, time
from pathlib import Path

import openpyxl
import pytest
from agendas import COLLEAGUE, DOCTOR, WINDOW, faults, hours, parts, read, table
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.adapters.agenda import Agenda
from slotengine.adapters.agenda_csv import CsvAgenda
from slotengine.adapters.agenda_xlsx import XlsxAgenda
from slotengine.codes import Audience, Mode, Profession
from slotengine.errors import ReferralFormatError

PAYLOADS = Path(__file__).parent / "payloads" / "agendas"
HEADER = "date;début;fin;durée;rpps;insee"


def row(**said: str) -> Agenda:
    """Reads one row of these columns, beside who and where."""
    given = {"rpps": DOCTOR, "insee": "36046", "date": "24/11/2026", "debut": "9h00", **said}
    given = {name: cell for name, cell in given.items() if cell}
    return table(";".join(given.values()), header=";".join(given))


def test_a_french_table_of_a_practice_is_read_whole() -> None:
    agenda = read(CsvAgenda(), (PAYLOADS / "cabinet.csv").read_bytes())
    assert hours(agenda) == [
        "24/11 09:00-09:20",
        "24/11 09:20-09:40",
        "24/11 09:40-10:00",
        "24/11 14:00-14:15",
        "25/11 08:30-08:45",
    ]
    assert faults(agenda) == [("start", "bad_date")]
    assert [one.line for one in agenda.rejected] == [4]
    first = agenda.slots[0]
    assert first.id == f"cabinet:{DOCTOR}:20261124T080000Z"
    assert (first.practitioner, first.capacity, first.modes) == (DOCTOR, 1, (Mode.AMB,))
    assert first.audiences == (Audience.CPTS,)
    role = next(one for one in agenda.roles if one.practitioner == DOCTOR)
    assert (role.phone, role.booking_url) == ("+33254000000", "https://exemple.test/rdv/1")
    assert role.address is not None
    assert (role.address.postcode, role.address.city) == ("36400", "La Châtre")
    assert {site.location.insee for site in agenda.sites} == {"36046"}


def test_an_english_table_with_commas_says_the_same() -> None:
    english = "date,start,end,rpps,insee,slot_type,mode,seats\n2026-11-24,09:00,09:20,{},36046,{}"
    agenda = read(CsvAgenda(), english.format(DOCTOR, "SNP/PRO,VR,3"))
    (slot,) = agenda.slots
    assert hours(agenda) == ["24/11 09:00-09:20"]
    assert (slot.audiences, slot.modes, slot.capacity) == (
        (Audience.PRO, Audience.SNP),
        (Mode.VR,),
        3,
    )


@pytest.mark.parametrize(
    ("bom", "encoding"), [(b"", "utf-8"), (b"\xef\xbb\xbf", "utf-8"), (b"", "cp1252")]
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_change_nothing(bom: bytes, encoding: str, ending: str) -> None:
    text = ending.join([f"sep=;{ending}{HEADER}", f"24/11/2026;9h;;20;{DOCTOR};36046", ""])
    assert hours(read(CsvAgenda(), bom + text.encode(encoding))) == ["24/11 09:00-09:20"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ["24/11 09:00-09:15"]),
        ({"duree": "20 min"}, ["24/11 09:00-09:20"]),
        ({"fin": "10:00"}, ["24/11 09:00-10:00"]),
        ({"fin": "10:00", "duree": "30"}, ["24/11 09:00-09:30", "24/11 09:30-10:00"]),
        ({"fin": "09:50", "duree": "30"}, ["24/11 09:00-09:30"]),
        ({"date": "", "debut": "24/11/2026 9 h 30"}, ["24/11 09:30-09:45"]),
        ({"date": "", "debut": "2026-11-24T09:30:00+02:00"}, ["24/11 08:30-08:45"]),
        ({"date": "2026-11-24 00:00:00"}, ["24/11 09:00-09:15"]),
    ],
    ids=["neither", "length", "end", "both", "rest", "at-once", "offset", "spreadsheet"],
)
def test_when_a_row_begins_and_ends(said: dict[str, str], expected: list[str]) -> None:
    assert hours(row(**said)) == expected


def test_a_row_that_repeats_keeps_its_hour_when_clocks_change() -> None:
    agenda = row(date="18/10/2026", jusqu_au="01/11/2026")
    assert hours(agenda) == ["18/10 09:00-09:15", "25/10 09:00-09:15", "01/11 09:00-09:15"]
    starts = [slot.start.hour for slot in sorted(agenda.slots, key=lambda one: one.start)]
    assert starts == [7, 8, 8]


def test_a_slot_over_the_change_of_clocks_lasts_as_long_as_it_says() -> None:
    """In the night to 25 October 2026 the hour from 2 to 3 comes twice."""
    agenda = row(date="25/10/2026", debut="01:30", duree="60", fin="03:30")
    lengths = {(slot.end - slot.start).total_seconds() for slot in agenda.slots}
    assert (len(agenda.slots), lengths) == (3, {3600})


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"debut": "25h"}, ("start", "bad_date")),
        ({"date": "", "debut": "9h"}, ("date", "missing")),
        ({"date": "31/02/2026"}, ("date", "bad_date")),
        ({"date": "25/10/2026", "debut": "02:30"}, ("start", "ambiguous_time")),
        ({"date": "28/03/2027", "debut": "02:30"}, ("start", "nonexistent_time")),
        ({"fin": "09:00"}, ("end", "end_before_start")),
        ({"fin": "08:00"}, ("end", "end_before_start")),
        ({"fin": "21:01"}, ("end", "out_of_range")),
        ({"duree": "4"}, ("minutes", "out_of_range")),
        ({"duree": "721"}, ("minutes", "out_of_range")),
        ({"fin": "09:10", "duree": "20"}, ("minutes", "out_of_range")),
        ({"rpps": "Dr Invented"}, ("practitioner", "bad_identifier")),
        ({"rpps": "1,00E+10"}, ("practitioner", "spreadsheet_number")),
        ({"rpps": ""}, ("practitioner", "missing")),
        ({"insee": ""}, ("site", "missing")),
        ({"insee": "99999"}, ("insee", "unknown_code")),
        ({"insee": "", "commune": "Nulle Part"}, ("city", "unknown_code")),
        ({"type": "VIP"}, ("audiences", "unknown_code")),
        ({"mode": "pigeon"}, ("modes", "unknown_code")),
        ({"capacite": "0"}, ("capacity", "out_of_range")),
        ({"capacite": "201"}, ("capacity", "out_of_range")),
        ({"finess": "12"}, ("finess", "bad_identifier")),
        ({"tel": "15"}, ("phone", "bad_identifier")),
        ({"url": "javascript:alert(1)"}, ("booking_url", "bad_identifier")),
        ({"specialite": "sorcellerie"}, ("specialties", "unknown_code")),
        ({"nom_site": "x" * 1001}, ("label", "too_long")),
        ({"jusqu_au": "23/11/2026"}, ("repeat_until", "end_before_start")),
        ({"jusqu_au": "24/11/2028"}, ("repeat_until", "out_of_range")),
    ],
)
def test_a_row_that_can_not_be_read_says_which_field(
    said: dict[str, str], fault: tuple[str, str]
) -> None:
    agenda = row(**said)
    assert (faults(agenda), agenda.slots) == ([fault], ())


@pytest.mark.parametrize("said", [{"duree": "5"}, {"duree": "720"}, {"fin": "21:00"}])
def test_a_length_exactly_on_its_limit_is_allowed(said: dict[str, str]) -> None:
    assert faults(row(**said)) == []


def test_a_slot_given_twice_is_refused_once() -> None:
    line = f"24/11/2026;9h;;20;{DOCTOR};36046"
    agenda = table(line, line, line.replace(DOCTOR, COLLEAGUE), header=HEADER)
    assert len(agenda.slots) == 2
    assert faults(agenda) == [("start", "duplicate_slot")]


def test_what_a_practitioner_is_may_be_left_out() -> None:
    silent, said = row(), row(profession="infirmier", specialite="")
    assert silent.practitioners[0].profession is Profession.PHYSICIAN
    assert silent.assumed_professions == {DOCTOR}
    assert said.practitioners[0].profession is Profession.NURSE
    assert said.assumed_professions == frozenset()
    assert row(specialite="Médecine générale").practitioners[0].specialties == ("SM54",)


def test_a_place_is_known_by_its_number_else_by_its_address() -> None:
    numbered = row(finess="2A0000001")
    assert numbered.slots[0].site == "2A0000001"
    assert numbered.sites[0].finess == "2A0000001"
    first, again = row(adresse="1 rue X"), row(adresse="1, Rue x", debut="10h")
    assert first.slots[0].site == again.slots[0].site
    assert first.slots[0].site != row(adresse="2 rue X").slots[0].site
    assert first.assumed_places == {first.slots[0].site}
    exact = row(lat="46,58", lon="1,98")
    assert exact.assumed_places == frozenset()


def test_a_place_that_was_published_is_named_and_not_described() -> None:
    agenda = row(insee="", site="s1")
    assert (agenda.slots[0].site, agenda.sites) == ("s1", ())


def test_a_table_speaks_for_the_days_that_it_has_rows_for() -> None:
    agenda = table(
        f"24/11/2026;9h;;20;{DOCTOR};36046", f"26/11/2026;9h;;20;{DOCTOR};36046", header=HEADER
    )
    assert agenda.window is not None
    assert agenda.window.start.isoformat() == "2026-11-23T23:00:00+00:00"
    assert agenda.window.end.isoformat() == "2026-11-26T23:00:00+00:00"
    assert table(header=HEADER).window is None


def test_the_bytes_of_a_rejected_row_come_with_it() -> None:
    bad = f"24/11/2026;25h;;20;{DOCTOR};36046\n"
    found = parts(CsvAgenda(), f"{HEADER}\n{bad}")
    assert [part.raw for part in found] == [bad.encode()]
    assert DOCTOR not in repr(found[0])


@pytest.mark.parametrize("payload", [b"", b"\n\n", b"nom;prenom\n", b"a\0b", b"\x81\x8d\n"])
def test_what_is_no_agenda_is_unreadable_as_a_whole(payload: bytes) -> None:
    with pytest.raises(ReferralFormatError):
        read(CsvAgenda(), payload)


def test_two_columns_for_one_field_are_refused() -> None:
    with pytest.raises(ReferralFormatError):
        table(header="start;début;rpps")


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=25), max_size=8))
def test_no_table_breaks_the_reader(cells: list[str]) -> None:
    payload = HEADER + "\n" + ";".join(cells)
    agenda = read(CsvAgenda(), payload.encode(), window=WINDOW)
    assert all(slot.id.startswith("cabinet:") for slot in agenda.slots)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(payload: bytes) -> None:
    with contextlib.suppress(ReferralFormatError):
        read(CsvAgenda(), payload)


def test_a_workbook_says_the_same_as_its_table() -> None:
    """A spreadsheet's own dates and times of day are read like their texts."""
    book = openpyxl.Workbook()
    book.active.append(["date", "début", "durée", "rpps", "insee"])
    book.active.append([date(2026, 11, 24), time(9), 20, int(DOCTOR), "36046"])
    book.active.append(["24/11/2026", "10h", "20", DOCTOR, "36046"])
    book.active.append(["24/11/2026", "25h", "20", DOCTOR, "36046"])
    payload = io.BytesIO()
    book.save(payload)
    agenda = read(XlsxAgenda(), payload.getvalue())
    assert hours(agenda) == ["24/11 09:00-09:20", "24/11 10:00-10:20"]
    assert [(one.line, one.field) for one in agenda.rejected] == [(4, "start")]
    assert XlsxAgenda().claims(payload.getvalue())
    assert agenda.window is not None


@pytest.mark.parametrize("payload", [b"", b"PK\x03\x04", b"date;heure"])
def test_what_is_no_workbook_is_unreadable_as_a_whole(payload: bytes) -> None:
    with pytest.raises(ReferralFormatError):
        read(XlsxAgenda(), payload)
