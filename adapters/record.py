"""
One record to one ``Intake``: the only place where fields become a referral.

Every wire format that has records ends here, so that a table and a JSON file of the same content
give equal referrals and equal faults.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from pydantic import ValidationError

from slotengine.adapters import scalars, words
from slotengine.adapters.base import (
    WHOLE,
    Amend,
    Cancel,
    Door,
    Intake,
    New,
    Outcome,
)
from slotengine.adapters.fields import DROPPED, LISTS, Raw, plain
from slotengine.adapters.geocoding import COMMUNES
from slotengine.adapters.identity import Identity
from slotengine.adapters.kinds import Kind
from slotengine.adapters.motives import motive_of
from slotengine.adapters.places import PLACE_FIELDS, location
from slotengine.adapters.reading import Reading
from slotengine.adapters.registered import bare_ins, check_digit_fits, person_id, requester_id
from slotengine.adapters.scalars import BadValue
from slotengine.adapters.spot import NO_ENVELOPE, Envelope, Spot
from slotengine.adapters.words import Status
from slotengine.codes import BookingStatus, Mobility, Mode, Priority, Profession, Sex
from slotengine.domain import (
    MAX_AGE_YEARS,
    Location,
    Patient,
    Referral,
    Requester,
    TimeWindow,
    referral_id,
)

CLOCK_SKEW = timedelta(minutes=15)
"""How far a sender's clock may be ahead of ours. Our choice."""

MAX_REFERENCE_CHARS = 200
"""Characters of a reference (``slotengine.domain.Referral``)."""

MAX_TRAVEL_KM = 1_000
"""Beyond the length of France; a number above was meant in metres."""

METRES_PER_KM = 1_000

GROUP_SCOPE = "group of siblings"
"""Keeps the hashes of groups apart from those of patients; ids of houses hold no space."""

_SAID_BY: Mapping[str, str] = {
    **{name: name for name in ("professions", "specialties", "priority", "care_level")},
    **{name: name for name in ("deadline", "modes", "pathway", "group")},
    **dict.fromkeys(("motive_code", "protocol"), "motive"),
    "window_start": "windows",
    "max_travel_km": "max_travel_metres",
    **dict.fromkeys(("lat", "lon", "insee", "postcode", "city"), "patient.location"),
    **dict.fromkeys(("age", "birth_date"), "patient.age"),
    **{name: f"patient.{name}" for name in ("sex", "own_practitioner", "mobility")},
}
"""Which part of a referral a field says, for ``Amend.only``."""

_CLOSING: Mapping[Status, BookingStatus] = {
    Status.FULFILLED: BookingStatus.FULFILLED,
    Status.NOSHOW: BookingStatus.NOSHOW,
}


def translate(
    fields: Mapping[str, Raw],
    spot: Spot,
    *,
    door: Door,
    now: datetime,
    envelope: Envelope = NO_ENVELOPE,
) -> Intake:
    """Gives what a record says, or its first fault; never raises for what a record holds."""
    record = _Record(fields, door, now, envelope)
    try:
        return record.intake()
    except BadValue as bad:
        return spot.rejected(bad.field, bad.kind)
    except ValidationError as invalid:
        # A last net: the message of pydantic holds the value, so only the field's name is taken.
        where = invalid.errors(include_input=False, include_url=False, include_context=False)
        path = where[0]["loc"] if where else ()
        return spot.rejected(str(path[0]) if path else WHOLE, Kind.INVALID)


class _Record(Reading):
    """One record while it becomes an ``Intake``."""

    __slots__ = ("_door", "_envelope", "_now")

    def __init__(
        self, fields: Mapping[str, Raw], door: Door, now: datetime, envelope: Envelope
    ) -> None:
        super().__init__(fields, envelope.warnings)
        self._door = door
        self._now = now
        self._envelope = envelope

    def intake(self) -> Intake:
        status = self.read("status", lambda f, t: scalars.coded(f, t, words.STATUSES))
        reference = self.read("reference", scalars.unspoilt)
        if reference is None:
            raise BadValue("reference", Kind.MISSING)
        if len(reference) > MAX_REFERENCE_CHARS:
            raise BadValue("reference", Kind.TOO_LONG)
        identity = self._identity(strict=status in {None, Status.NEW, Status.AMENDED})
        identity.guarded("reference", reference, self._door.pseudonymiser)
        about = {
            "territory": self._door.territory,
            "source": self._door.profile.source,
            "reference": reference,
        }
        if status is Status.CANCELLED:
            return Cancel.model_validate({**about, **self._about_itself()})
        if status is not None and status in _CLOSING:
            outcome = {"outcome": _CLOSING[status]}
            return Outcome.model_validate({**about, **outcome, **self._about_itself()})
        referral = self._referral(reference, identity)
        said: dict[str, object] = {"referral": referral, **self._about_itself()}
        if status is not Status.AMENDED:
            return New.model_validate(said)
        return Amend.model_validate({**said, "only": self._only()})

    def _only(self) -> tuple[str, ...] | None:
        """Gives what a partial update says; who the patient is and who asks never change."""
        if not self._envelope.partial:
            return None
        said = {part for name, part in _SAID_BY.items() if self.fields.get(name)}
        return tuple(sorted(said))

    def _about_itself(self) -> dict[str, object]:
        said = self._envelope
        if said.issued_at is not None and said.issued_at > self._now + CLOCK_SKEW:
            raise BadValue("issued_at", Kind.IN_FUTURE)
        return {
            "message": said.message,
            "issued_at": said.issued_at,
            "warnings": tuple(self.warnings),
        }

    def _identity(self, *, strict: bool) -> Identity:
        contact = self.fields.get(DROPPED, ())
        return Identity(
            nir=self.read("nir", lambda _, text: bare_ins(text)),
            birth_name=self.text("birth_name"),
            family_name=self.text("family_name"),
            given_name=self.text("given_name"),
            birth_date=self._birth_date() if strict else None,
            patient_id=self.read("patient_id", scalars.unspoilt),
            contact=contact if isinstance(contact, tuple) else (contact,),
        )

    def _birth_date(self) -> date | None:
        return self.read("birth_date", scalars.day)

    def _referral(self, reference: str, identity: Identity) -> Referral:
        door = self._door
        profile = door.profile
        for name in () if self._envelope.partial else sorted(profile.required):
            known = self.items(name) if name in LISTS else self.text(name)
            if not known and not (name == "requester_id" and door.sender):
                raise BadValue(name, Kind.MISSING)
        received_at = self._received_at()
        house = self._house(identity)
        patient = self._patient(identity, received_at, house=house, reference=reference)
        deadline = self.read("deadline", lambda f, t: scalars.instant(f, t, door.zone, ends=True))
        if deadline is not None and deadline < received_at:
            raise BadValue("deadline", Kind.BEFORE_RECEIVED)
        km = self.read("max_travel_km", scalars.number)
        if km is not None and not 0 <= km <= MAX_TRAVEL_KM:
            raise BadValue("max_travel_km", Kind.OUT_OF_RANGE)
        professions = self.coded_items("professions", words.PROFESSIONS) or profile.professions
        if not professions:
            if not self._envelope.partial:
                raise BadValue("professions", Kind.MISSING)
            # Not named in ``Amend.only``, so nobody reads it; a referral can't be without.
            professions = (Profession.PHYSICIAN,)
        pathway = self.read("pathway", _pathway)
        if pathway is not None:
            pathway = identity.guarded("pathway", pathway, door.pseudonymiser)
        return Referral(
            id=referral_id(door.territory, profile.source, reference),
            territory=door.territory,
            source=profile.source,
            reference=reference,
            requester=Requester(kind=profile.source, id=house),
            patient=patient,
            professions=professions,
            specialties=self._specialties(),
            priority=self.read("priority", _priority) or profile.priority,
            care_level=self.read("care_level", lambda f, t: scalars.coded(f, t, words.CARE_LEVELS)),
            motive=motive_of(self, identity, patient, door=door),
            windows=self._windows(),
            deadline=deadline,
            modes=self._modes(patient.mobility),
            max_travel_metres=None if km is None else _metres(km),
            group=self._group(house),
            pathway=pathway,
            received_at=received_at,
        )

    def _house(self, identity: Identity) -> str | None:
        """
        Gives who asks, without the prefix of national messages: one house has one id.

        A pharmacy's number from a nurse is refused: it would answer for somebody else's patient.
        """
        text = self.read("requester_id", scalars.identifier) or self._door.sender
        if text is None:
            return None
        identity.guarded("requester_id", text, self._door.pseudonymiser, with_names=False)
        expected = self._door.profile.ids
        known = requester_id(text, expected)
        if known.kind not in expected:
            raise BadValue("requester_id", Kind.WRONG_ID)
        if not check_digit_fits(known):
            self.doubt("requester_id", Kind.CHECK_DIGIT)
        return known.value

    def _group(self, house: str | None) -> str | None:
        """
        Gives the group of siblings as a hash: whatever was written, a family's name included.

        Group 1 of one house is not group 1 of another.
        """
        text = self.text("group")
        if text is None:
            return None
        scope = (self._door.territory, self._door.profile.source.value, house or "", GROUP_SCOPE)
        return "g-" + self._door.pseudonymiser.of_local_id(scope, plain(text) or text)

    def _received_at(self) -> datetime:
        zone = self._door.zone
        said = self.read("received_at", lambda f, t: scalars.instant(f, t, zone))
        if said is not None and said > self._now + CLOCK_SKEW:
            raise BadValue("received_at", Kind.IN_FUTURE)
        return said or self._now.astimezone(UTC)

    def _patient(
        self, identity: Identity, received_at: datetime, *, house: str | None, reference: str
    ) -> Patient:
        own = self.read("own_practitioner", scalars.practitioner_id)
        if own is not None:
            own = identity.guarded(
                "own_practitioner", own, self._door.pseudonymiser, with_names=False
            )
            if not check_digit_fits(person_id(own)):
                self.doubt("own_practitioner", Kind.CHECK_DIGIT)
        mobility = self.read("mobility", lambda f, t: scalars.coded(f, t, words.MOBILITIES))
        return Patient(
            key=identity.key(self._door, house=house, reference=reference),
            location=self._location(),
            age=self._age(identity.birth_date, received_at),
            sex=self.read("sex", lambda f, t: scalars.coded(f, t, words.SEXES)) or Sex.UNKNOWN,
            own_practitioner=own,
            mobility=mobility or Mobility.CAR,
        )

    def _age(self, birth_date: date | None, received_at: datetime) -> int | None:
        """
        Gives the age on the day the need arose, in the territory's own calendar.

        The birth date wins over a stated age: official samples hold pairs that disagree.
        """
        if birth_date is None:
            return self.read("age", _age)
        day = received_at.astimezone(self._door.zone).date()
        age = self._door.pseudonymiser.age_on(birth_date, day)
        if age is None:
            raise BadValue("birth_date", Kind.IN_FUTURE)
        if age > MAX_AGE_YEARS:
            raise BadValue("birth_date", Kind.OUT_OF_RANGE)
        try:
            stated = self.read("age", _age)
        except BadValue as bad:
            self.doubt(bad.field, bad.kind)
        else:
            if stated not in {None, age}:
                self.doubt("age", Kind.CONTRADICTS)
        return age

    def _location(self) -> Location | None:
        said = {name: text for name in PLACE_FIELDS if (text := self.text(name)) is not None}
        if not said:
            return None
        place, doubts = location(
            said, geocoder=self._door.geocoder or COMMUNES, bounds=self._door.bounds
        )
        self.warnings += doubts
        return place

    def _windows(self) -> tuple[TimeWindow, ...]:
        starts, ends = self.items("window_start"), self.items("window_end")
        if not starts and not ends:
            return ()
        if not starts or not ends:
            raise BadValue("window_end" if starts else "window_start", Kind.MISSING)
        if len(starts) != len(ends):
            raise BadValue("window_end", Kind.WINDOW_COUNT)
        return tuple(self._window(*start, *end) for start, end in zip(starts, ends, strict=True))

    def _window(self, start_name: str, start: str, end_name: str, end: str) -> TimeWindow:
        opens = scalars.instant(start_name, start, self._door.zone, ends=False)
        closes = scalars.instant(end_name, end, self._door.zone, ends=True)
        if closes <= opens:
            raise BadValue(end_name, Kind.END_BEFORE_START)
        return TimeWindow(start=opens, end=closes)

    def _specialties(self) -> tuple[str, ...]:
        found: list[str] = []
        for path, text in self.items("specialties"):
            codes = words.specialties_of(text)
            if codes is None:
                raise BadValue(path, Kind.UNKNOWN_CODE)
            found += codes
        return tuple(found)

    def _modes(self, mobility: Mobility) -> tuple[Mode, ...]:
        """Gives the modes asked for; who can't leave home and names none means home or video."""
        asked = self.coded_items("modes", words.MODES)
        if asked:
            return asked
        return (Mode.HH, Mode.VR) if mobility is Mobility.HOMEBOUND else self._door.profile.modes


def _priority(name: str, text: str) -> Priority:
    priority = words.priority_of(text)
    if priority is None:
        raise BadValue(name, Kind.UNKNOWN_CODE)
    return priority


def _age(name: str, text: str) -> int:
    return scalars.age(name, text, high=MAX_AGE_YEARS)


def _pathway(name: str, text: str) -> str:
    code = words.pathway_of(text)
    if code is None:
        raise BadValue(name, Kind.UNKNOWN_CODE)
    return code


def _metres(km: Decimal) -> int:
    return int((km * METRES_PER_KM).to_integral_value(ROUND_HALF_UP))
