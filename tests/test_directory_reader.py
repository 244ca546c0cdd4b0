"""The public directory: people put together by number, filtered by commune, names only in roles."""

import contextlib
from pathlib import Path

import pytest
from agendas import COLLEAGUE, DOCTOR, faults, read
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.adapters.agenda import Agenda
from slotengine.adapters.agenda_formats import parts as any_parts
from slotengine.adapters.agenda_formats import readers
from slotengine.adapters.directory import DirectoryReader
from slotengine.adapters.lines import Payload
from slotengine.adapters.phones import phone_of
from slotengine.codes import Profession
from slotengine.errors import InputError, ReferralFormatError

SAMPLE = (Path(__file__).parent / "payloads" / "agendas" / "annuaire.txt").read_bytes()
HEADER, *ROWS = SAMPLE.decode().splitlines()


def directory(*rows: str, header: str = HEADER, communes: frozenset[str] | None = None) -> Agenda:
    return read(DirectoryReader(communes), "\n".join([header, *rows]))


def test_several_lines_of_one_person_are_one_person() -> None:
    agenda = read(DirectoryReader(), SAMPLE)
    zoe = next(one for one in agenda.practitioners if one.id == DOCTOR)
    assert (zoe.profession, zoe.specialties) == (Profession.PHYSICIAN, ("SM40", "SM54"))
    places = {role.site for role in agenda.roles if role.practitioner == DOCTOR}
    assert len(places) == 2
    assert agenda.assumed_professions == frozenset()
    assert (agenda.lists_slots, agenda.slots) == (False, ())


def test_a_role_holds_what_may_be_shown() -> None:
    agenda = read(DirectoryReader(), SAMPLE)
    role = next(one for one in agenda.roles if one.site == "360000001")
    assert (role.family_name, role.given_name) == ("INVENTÉE", "Zoé")
    assert (role.phone, role.structure) == ("+33254000000", "1360000001")
    assert role.address is not None
    assert (role.address.line, role.address.city) == ("1 Rue Imaginaire", "La Châtre")
    nurse = next(one for one in agenda.roles if one.practitioner == COLLEAGUE)
    assert (nurse.site, nurse.structure) == ("12345678900011", "312345678900011")
    assert nurse.address is not None
    assert nurse.address.line == "2 B Place Imaginaire"


def test_names_stay_in_roles_and_mail_is_read_by_nobody() -> None:
    agenda = read(DirectoryReader(), SAMPLE)
    assert "exemple.test" not in repr(agenda)
    assert "INVENTÉE" not in repr((agenda.practitioners, agenda.sites, agenda.rejected))


def test_only_the_communes_asked_for_are_kept() -> None:
    here = read(DirectoryReader(frozenset({"36046"})), SAMPLE)
    assert {one.id for one in here.practitioners} == {DOCTOR, COLLEAGUE}
    everywhere = read(DirectoryReader(), SAMPLE)
    assert {one.id for one in everywhere.practitioners} == {DOCTOR, COLLEAGUE, "10000000003"}


def test_a_bad_line_costs_itself_only() -> None:
    agenda = read(DirectoryReader(), SAMPLE)
    assert [(one.line, one.field, one.kind.value) for one in agenda.rejected] == [
        (8, "practitioner", "bad_identifier"),
        (9, "record", "column_count"),
    ]


def test_columns_are_found_by_name_whatever_their_order_case_and_apostrophes() -> None:
    labels = HEADER.rstrip("|").split("|")
    order = list(reversed(range(len(labels))))
    loud = "|".join(labels[at].upper().replace("'", "’") for at in order)  # noqa: RUF001 (as printed)
    shuffled = ["|".join(row.split("|")[at] for at in order) for row in ROWS[:3]]
    found, plain = directory(*shuffled, header=loud), directory(*ROWS[:3])
    assert (found.practitioners, found.roles) == (plain.practitioners, plain.roles)


def test_the_newer_extract_without_know_how_is_read() -> None:
    at = HEADER.split("|").index("Code savoir-faire")
    rows = ["|".join(cell for n, cell in enumerate(row.split("|")) if n != at) for row in ROWS[:1]]
    header = HEADER.replace("Code savoir-faire|", "")
    assert directory(*rows, header=header).practitioners[0].specialties == ()


def test_the_bar_at_the_end_of_a_line_may_be_missing() -> None:
    assert directory(ROWS[0].rstrip("|")).practitioners == directory(ROWS[0]).practitioners


@pytest.mark.parametrize("payload", [b"", b"\n", b"a|b|c\n", b"\x81|\n"])
def test_what_is_no_directory_is_unreadable_as_a_whole(payload: bytes) -> None:
    with pytest.raises(ReferralFormatError):
        read(DirectoryReader(), payload)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=26))
def test_no_line_breaks_the_reader(cells: list[str]) -> None:
    with contextlib.suppress(ReferralFormatError):
        agenda = directory("|".join(cells))
        assert agenda.slots == ()
        assert len(faults(agenda)) <= 13


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0", "ics"),
        (b'\xef\xbb\xbf {"resourceType": "Bundle"', "fhir"),
        (SAMPLE, "directory"),
        (b"date;heure;rpps\n", "csv"),
    ],
)
def test_a_payload_shows_its_format(head: bytes, name: str) -> None:
    assert next(one for one in readers().values() if one.claims(head)).name == name


@pytest.mark.parametrize(
    ("payload", "named", "error"),
    [(b"  ", None, ReferralFormatError), (b"x", "word", InputError)],
)
def test_a_payload_of_no_format_is_refused(
    payload: bytes, named: str | None, error: type[Exception]
) -> None:
    from agendas import WINDOW, door

    with pytest.raises(error):
        list(
            any_parts(Payload(payload), door=door(), window=WINDOW, known=readers(), format_=named)
        )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("01 39 59 92 80", "+33139599280"),
        ("139599280", "+33139599280"),
        ("+33 (0)1 39 59 92 80", "+33139599280"),
        ("0033139599280", "+33139599280"),
        ("0692 12 34 56", "+262692123456"),
        ("+262 692 12 34 56", "+262692123456"),
        ("+41 22 555 12 12", "+41225551212"),
        ("3639", None),
        ("0039", None),
        ("01 39 59 92 8", None),
        ("appeler le matin", None),
    ],
)
def test_a_phone_is_normalised_or_none(text: str, number: str | None) -> None:
    assert phone_of(text) == number
