"""
Scheduling operations of IHE on the served app: ``Appointment/$find``, ``$hold``, ``$book``.

Nobody browses here either: a search is for a referral that is known, or names a patient and makes
one (the same search again finds it). What is proposed is what the engine offers at the counter.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from slotengine.adapters.base import Door, New, Rejected
from slotengine.adapters.fhir import FhirFormat
from slotengine.adapters.fhir_answers import operation_outcome, status_of
from slotengine.adapters.iti_appointments import (
    booked,
    bundle,
    proposal_id,
    proposed,
    referral_of,
    told,
)
from slotengine.adapters.iti_find import Find, read_appointment_id, read_find
from slotengine.adapters.iti_find import Request as Search
from slotengine.adapters.lines import Payload
from slotengine.adapters.sas_outcomes import outcome
from slotengine.adapters.sas_search import Refusal
from slotengine.adapters.sas_times import read_bound
from slotengine.answers import Offer
from slotengine.codes import BookingStatus
from slotengine.domain import Actor, Booking, referral_id
from slotengine.errors import (
    BookingError,
    HoldExpiredError,
    InputError,
    ReferralFormatError,
    TransitionError,
    UnknownIdError,
)
from slotengine.queries import MAX_OFFERS
from slotengine.reasons import Reason
from slotengine.serving_fhir import answer, body_of, guarded, refused
from slotengine.serving_guard import actor_of
from slotengine.serving_sas import Clock

if TYPE_CHECKING:
    from slotengine.engine import Engine

SCOPE = ("iti", "find")
"""The hash space of searches: one names a patient, so what it is known by is a keyed hash."""

_CONFLICT, _NOT_FOUND, _UNPROCESSABLE, _GONE = 409, 404, 422, 410

_log = logging.getLogger("slotengine.serving")

DoorOf = Callable[[Actor], Door | None]
"""From who asks to where its patients are referred; None for who may not."""


class _No(NamedTuple):
    """An answer that refuses."""

    status: int
    code: str
    words: str

    def response(self) -> Response:
        issue = outcome(self.code, self.words)
        issue["issue"][0]["severity"] = "fatal"
        return answer(issue, status=self.status)


_NOBODY = _No(_NOT_FOUND, "not-found", "no such appointment")
_TAKEN = _No(_CONFLICT, "conflict", "the appointment can't be had any more")


@dataclass(frozen=True, slots=True)
class Operations:
    """
    The three operations over one engine.

    Parameters
    ----------
    door_of
        Where the patients of an authenticated actor are referred to, and how they are read.
    base
        Gives where the app is seen from outside.
    """

    engine: "Engine"
    now: Clock
    door_of: DoorOf
    base: Callable[[Request], str]

    def routes(self) -> list[BaseRoute]:
        """Gives the routes, for ``serving.app(more=...)``."""
        works = {"$find": self._find, "$hold": self._hold, "$book": self._book}
        return [
            Route(f"/Appointment/{name}", self._endpoint(work), methods=["POST"])
            for name, work in works.items()
        ]

    def _endpoint(
        self, work: Callable[[Request, object, Door, Actor], Response]
    ) -> Callable[[Request], Any]:
        async def call(request: Request) -> Response:
            async def done() -> Response:
                actor = actor_of(request.scope)
                door = None if actor is None else self.door_of(actor)
                if actor is None or door is None:
                    return _No(403, "forbidden", "this is not allowed to who asks").response()
                body = await body_of(request)
                return await run_in_threadpool(work, request, body, door, actor)

            return await guarded(request, done)

        return call

    # --- $find ---

    def _find(self, request: Request, body: object, door: Door, actor: Actor) -> Response:
        count = request.query_params.get("_count")
        search = read_find(body, count=count, zone=door.zone)
        if isinstance(search, Refusal):
            return refused(search)
        which = self._referral(search, door, actor)
        if isinstance(which, Response):
            return which
        offers = self.engine.offers(which, now=self.now(), limit=MAX_OFFERS)
        fitting = _preferred(offers, search.find)[: search.find.count]
        found = [proposed(offer, zone=door.zone) for offer in fitting]
        none = None if offers else told(self._why(which), code="informational", severity="warning")
        return answer(bundle(found, base=self.base(request), outcome=none))

    def _referral(self, search: Search, door: Door, actor: Actor) -> str | Response:
        """Gives the referral that a search is for, made of what it says where it names none."""
        known = search.find.referral
        if known is not None:
            return self._known(known, door)
        if search.asks is None:
            words = "names neither a referral nor a patient; agendas are not browsed"
            return refused(Refusal("value", "patient-resource", words))
        number = door.pseudonymiser.of_local_id((*SCOPE, actor.id), search.content.decode())
        asked = search.asks(f"find-{number}")
        try:
            (part,) = FhirFormat().read(Payload(asked), door=door, adapter="iti", now=self.now())
        except ReferralFormatError as unreadable:
            return _said(unreadable)
        if isinstance(part.intake, Rejected):
            return _said(part.intake)
        if not isinstance(part.intake, New):
            return refused(Refusal("structure", "Parameters", "asks for nothing"))
        return self.engine.refer(part.intake.referral, now=self.now(), actor=actor).referral

    def _known(self, named: str, door: Door) -> str | Response:
        """Gives a referral by its id or its sender's reference; another territory's is none."""
        by_reference = referral_id(door.territory, door.profile.source, named)
        for id_ in (by_reference, named):
            try:
                referral = self.engine.referral(id_)
            except UnknownIdError:
                continue
            if (referral.territory, referral.source) == (door.territory, door.profile.source):
                return id_
        return _No(_NOT_FOUND, "not-found", "no such referral").response()

    def _why(self, referral: str) -> tuple[Reason, ...]:
        return self.engine.explain(referral, now=self.now()).reasons

    # --- $hold ---

    def _hold(self, request: Request, body: object, door: Door, actor: Actor) -> Response:
        named = read_appointment_id(body)
        if isinstance(named, Refusal):
            return refused(named)
        held = self._held(named[0], door, actor)
        return held.response() if isinstance(held, _No) else self._shown(request, held, door)

    def _held(self, appointment: str, door: Door, actor: Actor) -> Booking | _No:
        """Gives the booking of a proposal, made now or before; the same again is the same."""
        referral = referral_of(appointment)
        if referral is None or isinstance(self._known(referral, door), Response):
            return _NOBODY
        before = self._had_before(referral, appointment)
        if before is not None:
            return before
        try:
            for offer in self.engine.offers(referral, now=self.now(), limit=MAX_OFFERS):
                if appointment == proposal_id(referral, offer.slot, offer.mode, offer.start):
                    return self.engine.hold(offer, now=self.now(), actor=actor)
        except BookingError as lost:
            _log.info("a hold was refused: %s", type(lost).__name__)
        return _TAKEN

    def _had_before(self, referral: str, appointment: str) -> Booking | None:
        """Gives the booking that this very proposal was held by already."""
        booking = self.engine.booking_of(referral, now=self.now())
        if booking is None or booking.status is BookingStatus.PROMISED:
            return None
        slot = self.engine.slot(booking.slot)
        same = proposal_id(referral, slot.id, booking.mode, slot.start)
        return booking if same == appointment else None

    # --- $book ---

    def _book(self, request: Request, body: object, door: Door, actor: Actor) -> Response:
        named = read_appointment_id(body)
        if isinstance(named, Refusal):
            return refused(named)
        appointment, sent = named
        booking = (
            self._held(appointment, door, actor)
            if referral_of(appointment) is not None
            else self._own(appointment, door)
        )
        if isinstance(booking, _No):
            return booking.response()
        if sent.get("status") == "cancelled":
            words = "cancelled by who booked"
            ended = self.engine.cancel(booking.id, reason=words, now=self.now(), actor=actor)
            return self._shown(request, ended, door)
        if self._moves(booking, sent, door):
            words = "an appointment is not moved: cancel it and find another"
            return _No(_UNPROCESSABLE, "business-rule", words).response()
        return self._confirmed(request, booking, door, actor)

    def _own(self, appointment: str, door: Door) -> Booking | _No:
        try:
            booking = self.engine.booking(appointment)
        except UnknownIdError:
            return _NOBODY
        return _NOBODY if isinstance(self._known(booking.referral, door), Response) else booking

    def _moves(self, booking: Booking, sent: Mapping[str, Any], door: Door) -> bool:
        """Tells whether a resource that was sent has another hour than the booking."""
        slot = self.engine.slot(booking.slot)
        given = {"start": slot.start, "end": slot.end}
        return any(
            isinstance(text := sent.get(name), str)
            and read_bound(text, door.zone, last=False) != at
            for name, at in given.items()
        )

    def _confirmed(self, request: Request, booking: Booking, door: Door, actor: Actor) -> Response:
        now = self.now()
        try:
            done = self.engine.confirm(booking.id, now=now, actor=actor)
        except HoldExpiredError:
            again = self.engine.offers(booking.referral, now=now, limit=MAX_OFFERS)
            late = outcome("conflict", "the hold ran out; these may be had instead")
            found = [proposed(offer, zone=door.zone) for offer in again]
            return answer(bundle(found, base=self.base(request), outcome=late), status=_GONE)
        except (BookingError, TransitionError, InputError) as lost:
            _log.info("a booking was refused: %s", type(lost).__name__)
            return _TAKEN.response()
        return self._shown(request, done, door)

    def _shown(self, request: Request, booking: Booking, door: Door) -> Response:
        slot = self.engine.slot(booking.slot)
        shown = booked(booking, slot, zone=door.zone)
        headers = {}
        if booking.status is BookingStatus.HELD and booking.held_until is not None:
            headers["expires"] = format_datetime(booking.held_until, usegmt=True)
        return answer(bundle([shown], base=self.base(request)), headers=headers)


def _said(answered: Rejected | ReferralFormatError) -> Response:
    return answer(operation_outcome([answered]), status=status_of([answered]))


def _preferred(offers: list[Offer], find: Find) -> list[Offer]:
    """Gives the offers that a search wants, in its order of preference, else best first."""
    places = [text.casefold() for text in find.places]

    def rank(offer: Offer) -> tuple[int, ...] | None:
        wishes = (
            (find.practitioners, (offer.practitioner, f"8{offer.practitioner}")),
            (find.sites, (offer.site,)),
            (find.organizations, (offer.site,)),
        )
        ranks = []
        for wanted, names in wishes:
            if wanted:
                found = [place for place, one in enumerate(wanted) if one in names]
                if not found:
                    return None
                ranks.append(found[0])
        if places:
            where = offer.place.casefold()
            found = [order for order, text in enumerate(places) if text in where]
            if not found:
                return None
            ranks.append(found[0])
        return tuple(ranks)

    ranked = [(rank(offer), order, offer) for order, offer in enumerate(offers)]
    fitting = [(found, order, offer) for found, order, offer in ranked if found is not None]
    within = [one for one in fitting if find.start <= one[2].start and one[2].end <= find.end]
    return [offer for _, _, offer in sorted(within, key=lambda one: one[:2])]
