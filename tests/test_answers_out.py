"""What people, phones and calendars are told: all that is known, and nothing of the patient."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import notice, practitioner, site, slot
from fhir.resources.R4B.appointment import Appointment
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from pydantic import ValidationError

from slotengine.adapters import out_fhir
from slotengine.adapters.attachments import MAX_DOCUMENT_BYTES, Document, safe_name
from slotengine.adapters.out_ics import calendar
from slotengine.adapters.out_sms import GSM, MAX_CHARS, sms
from slotengine.adapters.out_text import Visit, confirmation
from slotengine.codes import BookingStatus, Mode, Profession, SourceKind
from slotengine.destinations import Confirmations, Shown
from slotengine.directory import Address, Role
from slotengine.errors import InputError
from slotengine.labels import Lang

PARIS = ZoneInfo("Europe/Paris")
AT = datetime(2026, 11, 23, 13, 10, tzinfo=UTC)
VISIT = Visit(
    status=BookingStatus.CONFIRMED,
    start=AT,
    profession=Profession.PHYSICIAN,
    family_name="Le Goff-Durand",
    given_name="Maël",
    place="Maison de santé",
    line="3 rue Haute",
    postcode="45500",
    city="Gien",
    phone="+33238000000",
)
NOTICE = notice(
    sequence=2,
    source=SourceKind.PHARMACY,
    mode=Mode.HH,
    start=AT,
    end=AT + timedelta(minutes=15),
    changed=datetime(2026, 11, 23, 8, 1, tzinfo=UTC),
)


def said(lang: Lang = Lang.FR, **changes: Any) -> list[str]:
    return confirmation(VISIT.replaced(**changes), zone=PARIS, lang=lang).body.splitlines()


def test_a_confirmation_says_when_where_and_with_whom() -> None:
    assert said() == [
        "Rendez-vous confirmé : lundi 23 novembre, 14 h 10, au cabinet.",
        "Avec : Maël Le Goff-Durand (médecin).",
        "Lieu : Maison de santé, 3 rue Haute, 45500 Gien.",
        "Téléphone : +33238000000.",
        "Si le patient ne peut pas venir, prévenez le cabinet : un autre attend.",
    ]
    assert said(Lang.EN)[:2] == [
        "Appointment confirmed: Monday 23 November, 14:10, at the practice.",
        "With: Maël Le Goff-Durand (doctor).",
    ]


def test_a_hold_says_what_is_still_to_do_and_until_when() -> None:
    held = {"status": BookingStatus.HELD}
    until = AT - timedelta(hours=5)
    assert said(**held, until=until)[-1] == "À confirmer avant lundi 23 novembre, 9 h 10."
    assert said(Lang.EN, **held)[-1] == "To be confirmed."


def test_a_cancelled_one_asks_for_nothing() -> None:
    assert said(status=BookingStatus.CANCELLED)[-1] == "Téléphone : +33238000000."


@pytest.mark.parametrize("status", [BookingStatus.PROMISED, BookingStatus.NOSHOW])
def test_what_a_person_is_not_told_is_refused(status: BookingStatus) -> None:
    with pytest.raises(InputError):
        said(status=status)
    with pytest.raises(InputError):
        sms(VISIT.replaced(status=status), zone=PARIS, lang=Lang.FR)


def test_the_policy_says_what_may_be_said() -> None:
    only = Confirmations(shown=(Shown.PLACE,))
    text = confirmation(VISIT, zone=PARIS, lang=Lang.FR, rules=only)
    assert text.body.splitlines()[:2] == [
        "Rendez-vous confirmé : lundi 23 novembre, 14 h 10.",
        "Lieu : Maison de santé, 3 rue Haute, 45500 Gien.",
    ]
    nothing = confirmation(VISIT, zone=PARIS, lang=Lang.FR, rules=Confirmations(shown=()))
    assert "Goff" not in nothing.body
    assert "rue" not in nothing.body
    assert "+33" not in nothing.body
    assert nothing.subject == "Rendez-vous confirmé"


def test_a_home_visit_names_no_practice() -> None:
    assert not any(line.startswith("Lieu") for line in said(mode=Mode.HH))
    assert "rue" not in sms(VISIT.replaced(mode=Mode.HH), zone=PARIS, lang=Lang.FR)


def test_a_visit_is_gathered_from_what_is_published() -> None:
    role = Role(
        territory="giennois",
        practitioner="d1",
        site="s1",
        family_name="Le Goff-Durand",
        given_name="Maël",
        phone="+33238000000",
        address=Address(line="3 rue Haute", postcode="45500", city="Gien"),
    )
    where = site("s1", label="Maison de santé")
    found = Visit.of(
        BookingStatus.CONFIRMED,
        slot("soon", start=AT, end=AT + timedelta(minutes=15)),
        mode=Mode.AMB,
        practitioner=practitioner("d1"),
        site=where,
        role=role,
    )
    assert found == VISIT
    bare = Visit.of(
        BookingStatus.CONFIRMED,
        slot("soon", start=AT, end=AT + timedelta(minutes=15)),
        mode=Mode.AMB,
    )
    body = confirmation(bare, zone=PARIS, lang=Lang.FR).body
    assert body.startswith("Rendez-vous confirmé : lundi 23 novembre, 14 h 10, au cabinet.\nSi ")


SENTINELS = ("279035121518989", "2 79 03 51 215 189 89", "06 12 34 56 78", "31/05/1948", "a@b.fr")


@pytest.mark.parametrize("sentinel", SENTINELS)
@pytest.mark.parametrize("field", ["family_name", "given_name", "place", "line", "city"])
def test_no_text_holds_a_number_of_somebody(field: str, sentinel: str) -> None:
    with pytest.raises(ValidationError) as refused:
        VISIT.replaced(**{field: sentinel})
    assert sentinel not in str(refused.value)


def test_numbers_of_streets_and_towns_are_allowed() -> None:
    assert VISIT.replaced(line="12 bis rue du 8 mai 1945, bât. 3").line
    with pytest.raises(ValidationError):
        VISIT.replaced(line="123456")
    assert VISIT.replaced(line="12345").line


def test_a_short_message_is_one_segment_with_hour_and_place_only() -> None:
    text = sms(VISIT, zone=PARIS, lang=Lang.FR)
    assert text == "RDV lundi 23 novembre, 14 h 10, 3 rue Haute, 45500 Gien, +33238000000."
    assert "Goff" not in text
    assert "médecin" not in text


def test_what_does_not_fit_goes_from_the_street_on() -> None:
    long = VISIT.replaced(line="x" * 80, city="y" * 40)
    text = sms(long, zone=PARIS, lang=Lang.FR)
    assert "x" not in text.replace("RDV", "")
    assert text.endswith("y, +33238000000.")
    longer = sms(long.replaced(city="y" * 80, phone=None), zone=PARIS, lang=Lang.EN)
    assert len(longer) <= MAX_CHARS


@given(
    line=st.text(st.characters(blacklist_categories=("Cc", "Cs", "Nd")), max_size=80),
    city=st.text(st.characters(blacklist_categories=("Cc", "Cs", "Nd")), max_size=80),
)
@settings(deadline=None, derandomize=True)
def test_every_short_message_fits_one_segment(line: str, city: str) -> None:
    try:
        visit = VISIT.replaced(line=line, city=city)
    except ValidationError:
        return
    text = sms(visit, zone=PARIS, lang=Lang.FR)
    assert len(text) <= MAX_CHARS
    assert set(text) <= GSM


@pytest.mark.parametrize(
    ("status", "method", "state"),
    [
        (BookingStatus.CONFIRMED, "REQUEST", "CONFIRMED"),
        (BookingStatus.NOSHOW, "REQUEST", "CONFIRMED"),
        (BookingStatus.CANCELLED, "CANCEL", "CANCELLED"),
    ],
)
def test_a_calendar_finds_the_booking_again(status: BookingStatus, method: str, state: str) -> None:
    file = calendar(NOTICE.replaced(status=status), visit=VISIT)
    read = Calendar.from_ical(file)
    (event,) = read.walk("VEVENT")
    assert (str(read["METHOD"]), str(event["STATUS"])) == (method, state)
    assert (str(event["UID"]), event["SEQUENCE"]) == ("b-1@slotengine", 1)
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (NOTICE.start, NOTICE.end)
    assert event.decoded("DTSTAMP") == NOTICE.changed
    assert str(event["LOCATION"]) == "Maison de santé, 3 rue Haute, 45500 Gien"
    assert all(len(line) <= 75 for line in file.split(b"\r\n"))
    assert b"r-1" not in file


def test_the_same_notice_gives_the_same_file() -> None:
    assert calendar(NOTICE) == calendar(NOTICE)


def test_a_plain_appointment_is_what_r4_says() -> None:
    made = out_fhir.appointment(NOTICE, system="urn:oid:1.2.3", zone=PARIS, patient="Patient/17")
    # The second opinion: raises for a field or a type that R4 does not know.
    Appointment.model_validate(made)
    assert made["status"] == "booked"
    assert (made["start"], made["end"]) == (
        "2026-11-23T14:10:00.000+01:00",
        "2026-11-23T14:25:00.000+01:00",
    )
    assert made["serviceType"][0]["coding"][0]["code"] == "HH"
    assert [one["status"] for one in made["participant"]] == ["accepted"] * 3
    nobody = out_fhir.appointment(NOTICE, system="urn:oid:1.2.3", zone=PARIS)
    assert len(nobody["participant"]) == 2
    off = NOTICE.replaced(status=BookingStatus.CANCELLED)
    declined = out_fhir.appointment(off, system="urn:oid:1.2.3", zone=PARIS, patient="Patient/17")
    assert declined["participant"][-1]["status"] == "declined"


def test_a_document_is_opaque_limited_and_hidden() -> None:
    kept = Document("a/b/Lettre été.pdf", "application/pdf", b"%PDF secret")
    assert kept.name == "Lettre_ete.pdf"
    assert "secret" not in repr(kept)
    assert "Lettre" not in repr(kept)
    Document("x", "application/pdf", b"x" * MAX_DOCUMENT_BYTES)
    for content, kind in (
        (b"", "application/pdf"),
        (b"x" * (MAX_DOCUMENT_BYTES + 1), "application/pdf"),
        (b"x", "text/html"),
    ):
        with pytest.raises(InputError):
            Document("x", kind, content)


@given(name=st.text(max_size=200))
@settings(deadline=None, derandomize=True)
def test_a_file_name_leads_nowhere(name: str) -> None:
    safe = safe_name(name)
    assert 1 <= len(safe) <= 80
    assert not set(safe) & set('/\\:*?"<>|\r\n\0 ')
    assert not safe.startswith(".")
