"""
An Appointment as our fields: a wish for one, or how one ended.

An appointment that somebody else has made leaves nothing to place.
"""

from slotengine.adapters import fhir_codes, fhir_people, fhir_request, fhir_times
from slotengine.adapters.fhir_draft import Draft
from slotengine.adapters.fhir_nodes import MisreadError, Node
from slotengine.adapters.fhir_scope import Entry, Scope, tail_of
from slotengine.adapters.kinds import Kind
from slotengine.adapters.words import Status

WISHED = frozenset({"proposed", "pending", "waitlist"})
BOOKED = frozenset({"booked", "arrived", "checked-in"})
ENDED = {
    "fulfilled": Status.FULFILLED,
    "noshow": Status.NOSHOW,
    "cancelled": Status.CANCELLED,
    "entered-in-error": Status.CANCELLED,
}
OUTCOMES = frozenset({"fulfilled", "noshow"})
"""What an appointment says that the request it is based on does not."""


def gather(draft: Draft) -> None:
    """
    Gathers the fields of an Appointment.

    Raises
    ------
    MisreadError
        For one that is made already or is a mere offer, or that holds what can't be read.
    """
    root = draft.root
    draft.paths["status"] = root.at("status")
    said = root.text("status")
    if said is None:
        raise MisreadError(root.at("status"), Kind.MISSING)
    if said in BOOKED:
        raise MisreadError(root.at("status"), Kind.ALREADY_BOOKED)
    if said in ENDED:
        draft.put(
            "reference", based_on(draft) or _own(draft.entry, draft.scope), root.at("basedOn")
        )
        draft.put("status", ENDED[said].value, root.at("status"))
        return
    if said not in WISHED:
        raise MisreadError(root.at("status"), Kind.UNKNOWN_CODE)
    draft.put("reference", _own(draft.entry, draft.scope), root.at("identifier"))
    status = fhir_request.REASONS.get(draft.message.reason)
    draft.put("status", (status or Status.NEW).value, root.at("status"))
    if status is Status.CANCELLED:
        return
    since = fhir_times.authored(draft, "created")
    fhir_people.requester(draft, None, root.at("participant"))
    who = _patient_of(draft)
    if who is None:
        # Without a patient it is an offer (the answer to a search), whoever sends it.
        raise MisreadError(root.at("participant"), Kind.NOT_ACTIVE, "patient_id")
    fhir_people.patient(draft, who, who.path, since=since)
    fhir_request.motive(draft, root.each("reasonCode"))
    _services(draft)
    _windows(draft)


def based_on(draft: Draft) -> str | None:
    """Gives the reference of the request that an appointment was made for."""
    for one in draft.root.each("basedOn"):
        found = draft.resource(one, "ServiceRequest")
        if found is not None and found.resource.type == "ServiceRequest":
            return fhir_request.reference_of(found, draft.scope)
        tail = tail_of(one) or ""
        if tail.startswith("ServiceRequest/"):
            return tail.partition("/")[2]
    return None


def _own(entry: Entry, scope: Scope) -> str | None:
    return fhir_request.reference_of(entry, scope)


def _patient_of(draft: Draft) -> Node | None:
    for one in draft.root.each("participant"):
        actor = one.child("actor")
        if actor is None:
            continue
        found = draft.scope.find(actor, near=draft.entry)
        named = (tail_of(actor) or "").startswith("Patient/") or actor.text("type") == "Patient"
        if named or (found is not None and found.resource.type == "Patient"):
            return actor
    return None


def _services(draft: Draft) -> None:
    """Tells apart what ``serviceType`` mixes: how care is given, and by whom."""
    root = draft.root
    services = root.each("serviceType")
    modes = tuple(concept for concept in services if fhir_codes.mode_of(concept) is not None)
    fhir_request.modes_of(draft, modes, root.at("serviceType"))
    fhir_request.professions_of(draft, root.each("specialty"), root.at("specialty"))


def _windows(draft: Draft) -> None:
    """Takes the periods asked for, else the appointment's own time."""
    root = draft.root
    periods = root.each("requestedPeriod")
    if len(periods) > 1:
        pairs = [(one.text("start"), one.text("end")) for one in periods]
        if not all(start and end for start, end in pairs):
            raise MisreadError(root.at("requestedPeriod"), Kind.MISSING)
        at = root.at("requestedPeriod")
        draft.put("window_start", tuple(start or "" for start, _ in pairs), at)
        draft.put("window_end", tuple(end or "" for _, end in pairs), at)
        return
    period = periods[0] if periods else root
    start, end = period.text("start"), period.text("end")
    if period is root:
        _agree(draft, start)
    for name, of in (("window_start", "start"), ("window_end", "end"), ("deadline", "end")):
        draft.paths[name] = period.at(of)
    if start is not None and end is not None:
        fhir_times.wish(
            draft,
            fhir_times.whole_days(start, ends=False),
            fhir_times.whole_days(end, ends=True),
        )
    elif end is not None:
        draft.fields["deadline"] = fhir_times.whole_days(end, ends=True)


def _agree(draft: Draft, start: str | None) -> None:
    """Refuses an hour that the slot beside it contradicts: nobody can tell which one is meant."""
    for one in draft.root.each("slot"):
        found = draft.resource(one, "Slot")
        other = None if found is None else found.resource.text("start")
        if start is None or found is None or other is None:
            continue
        at = draft.root.at("start")
        if draft.moment("window_start", start, at) != draft.moment(
            "window_start", other, found.resource.at("start")
        ):
            raise MisreadError(at, Kind.CONTRADICTION)
