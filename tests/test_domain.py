import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from builders import NOW, TOWN, patient, practitioner, referral, site, slot
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from slotengine.codes import (
    Audience,
    BookingStatus,
    Mobility,
    Mode,
    Profession,
    ReferralState,
    Sex,
    SourceKind,
)
from slotengine.domain import (
    MAX_AGE_YEARS,
    MAX_SEATS,
    Actor,
    Booking,
    Location,
    Motive,
    Patient,
    Practitioner,
    Referral,
    Requester,
    Site,
    Slot,
    TimeWindow,
    Value,
    by_id,
    referral_id,
)

WINDOW = TimeWindow(start=NOW, end=NOW + timedelta(hours=1))
BOOKING = Booking(
    id="b1",
    territory="giennois",
    referral="r1",
    slot="slot1",
    seat=0,
    status=BookingStatus.HELD,
    mode=Mode.AMB,
    held_until=NOW,
)
NOUNS: list[Value] = [
    TOWN,
    WINDOW,
    Actor(role="regulator", id="10001234567"),
    Requester(kind=SourceKind.SAMU, id="750000001"),
    Motive(system="hub", code="M02.03", label="Mal de gorge"),
    patient(own_practitioner="d1", sex=Sex.FEMALE, mobility=Mobility.WHEELCHAIR),
    practitioner(min_age=6, max_age=80, refused_motives=("M1",), max_bookings_per_day=8),
    site(label="Clinique", finess="2A0000001", siret="12345678901234"),
    slot(modes=tuple(Mode), audiences=tuple(Audience), shared_with=("sologne",), opens_at=NOW),
    referral(windows=(WINDOW,), motive=Motive(system="hub", code="M1"), group="g"),
    BOOKING,
]


def named(value: Value) -> str:
    return type(value).__name__


@pytest.mark.parametrize("noun", NOUNS, ids=named)
def test_nouns_are_frozen(noun: Value) -> None:
    for field in type(noun).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(noun, field, getattr(noun, field))


@pytest.mark.parametrize("noun", NOUNS, ids=named)
def test_nouns_know_no_field_but_their_own(noun: Value) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        type(noun).model_validate({**dict(noun), "surname": "x"})


@pytest.mark.parametrize("noun", NOUNS, ids=named)
def test_nouns_pickle_and_survive_json(noun: Value) -> None:
    assert pickle.loads(pickle.dumps(noun)) == noun  # noqa: S301 - our own bytes
    assert type(noun).model_validate_json(noun.model_dump_json()) == noun
    assert hash(noun) == hash(noun.replaced())


def test_a_changed_copy_is_checked_again() -> None:
    assert slot().replaced(capacity=2).capacity == 2
    with pytest.raises(ValidationError, match="ends before it starts"):
        slot().replaced(end=NOW)
    with pytest.raises(ValidationError, match="Extra inputs"):
        slot().replaced(colour="red")


INSTANTS: list[tuple[type[Value], dict[str, Any], str]] = [
    (TimeWindow, dict(WINDOW), "start"),
    (Slot, dict(slot()), "start"),
    (Slot, dict(slot()), "opens_at"),
    (Slot, dict(slot()), "handback_at"),
    (Referral, dict(referral()), "received_at"),
    (Referral, dict(referral()), "deadline"),
    (Booking, dict(BOOKING), "held_until"),
    (Booking, dict(BOOKING), "told_at"),
]


@pytest.mark.parametrize(("noun", "fields", "field"), INSTANTS)
def test_a_time_without_a_zone_is_refused(
    noun: type[Value], fields: dict[str, Any], field: str
) -> None:
    naive = datetime(2026, 11, 23, 9)  # noqa: DTZ001 - the point of the test
    with pytest.raises(ValidationError, match=rf"{field}\n.*timezone"):
        noun.model_validate({**fields, field: naive})


def test_instants_are_kept_in_utc() -> None:
    paris = timezone(timedelta(hours=1))
    window = TimeWindow(
        start=datetime(2026, 11, 23, 9, tzinfo=paris), end=datetime(2026, 11, 23, 10, tzinfo=paris)
    )
    assert window.start.tzinfo is UTC
    assert window == TimeWindow(start=NOW, end=NOW + timedelta(hours=1))


@pytest.mark.parametrize("minutes", [0, -1])
def test_a_window_and_a_slot_end_after_they_start(minutes: int) -> None:
    with pytest.raises(ValidationError, match="must end after it starts"):
        TimeWindow(start=NOW, end=NOW + timedelta(minutes=minutes))
    with pytest.raises(ValidationError, match="slot slot1 ends before it starts"):
        slot(minutes=minutes)


def test_a_window_contains_what_lies_wholly_inside_it() -> None:
    second = timedelta(seconds=1)
    assert WINDOW.contains(WINDOW.start, WINDOW.end)
    assert not WINDOW.contains(WINDOW.start - second, WINDOW.end)
    assert not WINDOW.contains(WINDOW.start, WINDOW.end + second)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"lat": 90, "lon": 180}, False),
        ({"lat": -90, "lon": -180}, False),
        ({"lat": 90.001, "lon": 0}, True),
        ({"lat": 0, "lon": -180.001}, True),
        ({"lat": float("nan"), "lon": 0}, True),
        ({"lat": 0, "lon": float("inf")}, True),
        ({"lat": 0, "lon": 0, "insee": "2A004"}, False),
        ({"lat": 0, "lon": 0, "insee": "2C004"}, True),
        ({"lat": 0, "lon": 0, "insee": "4411"}, True),
    ],
)
def test_a_place_is_on_earth_and_in_a_commune(fields: dict[str, Any], wrong: bool) -> None:  # noqa: FBT001 - a table of cases
    if wrong:
        with pytest.raises(ValidationError):
            Location(**fields)
    else:
        assert Location(**fields).insee == fields.get("insee")


def test_a_place_is_known_to_a_matrix_by_zone_then_commune() -> None:
    assert TOWN.matrix_zone == "44114"
    assert TOWN.replaced(zone="north").matrix_zone == "north"
    assert Location(lat=0, lon=0).matrix_zone is None


@pytest.mark.parametrize("age", [-1, MAX_AGE_YEARS + 1])
def test_an_impossible_age_is_refused(age: int) -> None:
    with pytest.raises(ValidationError, match="age"):
        patient(age=age)


@pytest.mark.parametrize("age", [0, MAX_AGE_YEARS, None])
def test_a_possible_age_or_none_is_kept(age: int | None) -> None:
    assert patient(age=age).age == age


@pytest.mark.parametrize(
    "key", ["Jeanne Martin", "283077511234567", "1234", "g" * 32, "a" * 65, ""]
)
def test_a_patient_is_a_pseudonym_and_never_a_name_or_number(key: str) -> None:
    with pytest.raises(ValidationError, match="key"):
        Patient(key=key)


def test_age_limits_do_not_cross() -> None:
    assert practitioner(min_age=18, max_age=18).max_age == 18
    with pytest.raises(ValidationError, match="max_age lies below min_age"):
        practitioner(min_age=19, max_age=18)


@pytest.mark.parametrize("capacity", [0, MAX_SEATS + 1])
def test_a_slot_has_seats_but_not_a_stadium(capacity: int) -> None:
    assert slot(capacity=MAX_SEATS).capacity == MAX_SEATS
    with pytest.raises(ValidationError, match="capacity"):
        slot(capacity=capacity)


def test_a_slot_is_shared_with_others_only() -> None:
    with pytest.raises(ValidationError, match="shared with its own territory"):
        slot(shared_with=("giennois",))


@pytest.mark.parametrize("field", ["modes", "audiences"])
def test_a_slot_nobody_could_use_is_refused(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        slot(**{field: ()})


@pytest.mark.parametrize("id_", ["", "a b", "é", "a\n", "x" * 121])
def test_an_id_is_short_printable_ascii_without_spaces(id_: str) -> None:
    with pytest.raises(ValidationError):
        slot(id_)


@pytest.mark.parametrize("name", ["Giennois", "-giennois", "le giennois", "é", ""])
def test_a_territory_is_named_in_small_letters(name: str) -> None:
    with pytest.raises(ValidationError, match="territory"):
        site(territory=name)


def test_lists_of_codes_are_sorted_and_without_repeats() -> None:
    asked = referral(professions=(Profession.NURSE, Profession.PHYSICIAN, Profession.NURSE))
    assert asked.professions == (Profession.PHYSICIAN, Profession.NURSE)
    assert slot(modes=(Mode.VR, Mode.AMB, Mode.VR)).modes == (Mode.AMB, Mode.VR)


def test_a_referral_asks_for_a_profession() -> None:
    with pytest.raises(ValidationError, match="professions"):
        referral(professions=())


def test_a_deadline_does_not_lie_before_the_referral() -> None:
    assert referral(deadline=NOW).deadline == NOW
    with pytest.raises(ValidationError, match="deadline before it was received"):
        referral(deadline=NOW - timedelta(seconds=1))


def test_a_referral_comes_from_the_kind_of_its_requester() -> None:
    with pytest.raises(ValidationError, match="another kind"):
        referral(requester=Requester(kind=SourceKind.SAMU))


def test_the_id_of_a_referral_tells_apart_what_makes_it_unique() -> None:
    ids = {
        referral_id("giennois", SourceKind.PHARMACY, "42"),
        referral_id("giennois", SourceKind.PHARMACY, "43"),
        referral_id("giennois", SourceKind.NURSE, "42"),
        referral_id("sologne", SourceKind.PHARMACY, "42"),
        referral_id("giennoi", SourceKind.PHARMACY, "s42"),
    }
    assert len(ids) == 5
    assert referral_id("giennois", SourceKind.PHARMACY, "42") in ids


def test_a_repeated_message_has_the_digest_of_the_first() -> None:
    first = referral()
    again = first.replaced(received_at=NOW + timedelta(minutes=5), state=ReferralState.WAITING)
    assert again.content_digest() == first.content_digest()
    other = first.replaced(modes=(Mode.VR,))
    assert other.content_digest() != first.content_digest()


def test_by_id_finds_each_value() -> None:
    assert by_id([slot("a"), slot("b")]) == {"a": slot("a"), "b": slot("b")}


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.none() | st.integers(0, MAX_AGE_YEARS),
    st.sampled_from(Mobility),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis adds the zone
)
def test_any_referral_survives_json(
    lat: float, lon: float, age: int | None, mobility: Mobility, at: datetime
) -> None:
    who = patient(location=Location(lat=lat, lon=lon), age=age, mobility=mobility)
    asked = referral(patient=who, received_at=at, deadline=at + timedelta(microseconds=1))
    assert Referral.model_validate_json(asked.model_dump_json()) == asked


def test_no_noun_has_a_field_for_an_identity() -> None:
    fields = {
        field for noun in (Patient, Practitioner, Site, Referral) for field in noun.model_fields
    }
    assert not fields & {"name", "surname", "phone", "nir", "birth_date", "email", "address"}
