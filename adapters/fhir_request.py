"""A ServiceRequest as our fields: which number is its reference, what it asks for, how urgently."""

from collections.abc import Iterable

from slotengine.adapters import fhir_codes, fhir_people, fhir_times
from slotengine.adapters.fhir_codes import NOBODY
from slotengine.adapters.fhir_draft import Draft
from slotengine.adapters.fhir_nodes import Coding, MisreadError, Node
from slotengine.adapters.fhir_scope import Entry, Scope
from slotengine.adapters.kinds import Kind
from slotengine.adapters.words import Status

STATUSES = {
    "active": Status.NEW,
    "revoked": Status.CANCELLED,
    "entered-in-error": Status.CANCELLED,
    "completed": Status.FULFILLED,
}
IDLE = frozenset({"draft", "on-hold", "unknown"})
"""Statuses under which a request is not to be acted upon."""

OPTION = "option"
"""The intent of what is one of several proposals, not a request."""

REASONS = {"new": None, "update": Status.AMENDED, "delete": Status.CANCELLED}
"""What a message's reason makes of an active request (BaRS ``message-reason-bars``)."""

MAX_REPLACED = 20
"""Requests that one request may replace. Our choice."""

_USES = ("official", "usual", "", "secondary", "temp", "old")
PLACER = "PLAC"
"""Identifier type of who placed an order (v2-0203)."""


def gather(draft: Draft) -> None:
    """
    Gathers the fields of a ServiceRequest.

    Raises
    ------
    MisreadError
        For one that is not to be acted upon, or that holds what can't be read.
    """
    root = draft.root
    status = _status(draft)
    draft.put("reference", reference_of(draft.entry, draft.scope), root.at("identifier"))
    draft.put("status", status.value, root.at("status"))
    if status in {Status.CANCELLED, Status.FULFILLED}:
        return
    since = fhir_times.authored(draft, "authoredOn")
    fhir_people.requester(draft, root.child("requester"), root.at("requester"))
    fhir_people.patient(draft, root.child("subject"), root.at("subject"), since=since)
    _whereabouts(draft)
    draft.put("priority", root.text("priority"), root.at("priority"))
    _levels(draft)
    motive(draft, (*root.each("reasonCode"), *_conditions(draft), *root.each("code")))
    _professions(draft)
    _modes(draft)
    fhir_times.occurrence(draft, since)
    fhir_times.discharge(draft, since)
    _replaces(draft)


def _status(draft: Draft) -> Status:
    root = draft.root
    draft.paths["status"] = root.at("status")
    said = root.text("status")
    if said is None:
        raise MisreadError(root.at("status"), Kind.MISSING)
    status = STATUSES.get(said)
    if status is None:
        kind = Kind.NOT_ACTIVE if said in IDLE else Kind.UNKNOWN_CODE
        raise MisreadError(root.at("status"), kind)
    if status is not Status.NEW:
        return status
    if root.flag("doNotPerform"):
        raise MisreadError(root.at("doNotPerform"), Kind.NOT_ACTIVE)
    if root.text("intent") == OPTION:
        raise MisreadError(root.at("intent"), Kind.NOT_ACTIVE)
    return _amended(draft) or status


def _amended(draft: Draft) -> Status | None:
    """
    Tells an update from a first sending: by the message's reason, else by a version.

    A bare PUT tells nothing: it creates as well.
    """
    if draft.message.reason in REASONS:
        return REASONS[draft.message.reason]
    return Status.AMENDED if draft.entry.if_match else None


def reference_of(entry: Entry, scope: Scope) -> str | None:
    """
    Gives the number by which the sender knows a request.

    The requester's own (assigned by them, or typed as the placer's), then by use, then the first.
    Without any, the resource's id, which the same server keeps.
    """
    root = entry.resource
    found = [
        (_rank(one, entry, scope), order, one.text("value") or "")
        for order, one in enumerate(root.each("identifier"))
        if one.has("value")
    ]
    if found:
        return min(found)[2]
    return root.text("id") or _uuid_of(entry.full_url)


def _replaces(draft: Draft) -> None:
    """
    Notes the requests that this one takes the place of.

    Only where the sender's number of the old one is known: nothing else tells which is meant.
    """
    for one in draft.root.each("replaces")[:MAX_REPLACED]:
        found = draft.scope.find(one, near=draft.entry, kind="ServiceRequest")
        number = None if found is None else reference_of(found, draft.scope)
        if number is not None and number != draft.fields.get("reference"):
            draft.replaced.append(number)


def _rank(identifier: Node, entry: Entry, scope: Scope) -> tuple[int, int]:
    use = identifier.text("use") or ""
    of_use = _USES.index(use) if use in _USES else len(_USES)
    kind = identifier.child("type")
    placed = kind is not None and any(one.code == PLACER for one in kind.codings())
    return (0 if placed or _assigned_by_requester(identifier, entry, scope) else 1), of_use


def _assigned_by_requester(identifier: Node, entry: Entry, scope: Scope) -> bool:
    assigner, requester = identifier.child("assigner"), entry.resource.child("requester")
    if assigner is None or requester is None:
        return False
    by = scope.find(assigner, near=entry, kind="Organization")
    who = scope.find(requester, near=entry, kind="Organization")
    house = who.resource.child("organization") if who is not None else None
    at = scope.find(house, near=who, kind="Organization") if who and house is not None else None
    return by is not None and by in (who, at)


def _uuid_of(full_url: str) -> str | None:
    return full_url.removeprefix("urn:uuid:") if full_url.startswith("urn:uuid:") else None


def _conditions(draft: Draft) -> list[Node]:
    found = (draft.resource(one, "Condition") for one in draft.root.each("reasonReference"))
    return [
        code
        for entry in found
        if entry is not None and entry.resource.type in {"Condition", "Observation"}
        for code in entry.resource.each("code")
    ]


def motive(draft: Draft, concepts: tuple[Node, ...]) -> None:
    """
    Takes the gravest reason, else the first: of its codings the one that a person chose.

    Words without a code are no motive: no rule reads them, and a text may name somebody.
    """
    for name in ("motive_code", "motive_system", "motive_label"):
        draft.paths[name] = draft.root.at("reasonCode")
    for concept in concepts:
        protocol = fhir_codes.protocol_of(concept)
        if protocol is not None:
            draft.put("protocol", protocol, concept.path)
    coded = [(concept, _chosen(concept, draft.door.red_flags)) for concept in concepts]
    found = [
        (concept, coding)
        for concept, coding in coded
        if coding is not None and fhir_codes.protocol_of(concept) is None
    ]
    if not found:
        return
    grave = (one for one in found if one[1].code in draft.door.red_flags)
    concept, coding = next(grave, found[0])
    draft.put("motive_code", coding.code, concept.path)
    draft.put("motive_system", coding.system, concept.path)
    label = coding.display or concept.text("text") or ""
    if label and not draft.says_a_name(label):
        draft.put("motive_label", label, concept.path)
    if len([one for one in found if one[0].path.startswith(draft.root.at("reasonCode"))]) > 1:
        draft.warn("motive_code", Kind.PARTLY_READ)


def _chosen(concept: Node, red_flags: frozenset[str]) -> Coding | None:
    codings = [one for one in concept.codings() if one.code]
    grave = next((one for one in codings if one.code in red_flags), None)
    return grave or next((one for one in codings if one.chosen), codings[0] if codings else None)


def _levels(draft: Draft) -> None:
    root = draft.root
    draft.paths["care_level"] = root.at("category")
    said = (
        *root.each("category"),
        *root.each("orderDetail"),
        *(one for each in root.each("extension") for one in each.each("valueCodeableConcept")),
        *(one for each in root.each("extension") for one in each.each("valueCoding")),
    )
    for concept in said:
        level = fhir_codes.level_of(concept)
        if level is not None:
            draft.put("care_level", level, concept.path)
            return


def _professions(draft: Draft) -> None:
    """Takes who is wanted: ``performerType``, else what the performers' roles say."""
    root = draft.root
    professions_of(draft, root.each("performerType"), root.at("performerType"))
    if "professions" in draft.fields:
        return
    found = (draft.resource(one, "PractitionerRole") for one in root.each("performer"))
    roles = [entry.resource for entry in found if entry is not None]
    understood: list[tuple[str, tuple[str, ...]]] = []
    for role in roles:
        for concept in (*role.each("specialty"), *role.each("code"), *role.each("type")):
            profession, specialties = fhir_codes.wanted(concept)
            if profession is None:
                draft.warn("professions", Kind.UNKNOWN_CODE)
            else:
                understood.append((profession, specialties))
    _wanted(draft, understood, root.at("performer"))


def professions_of(draft: Draft, concepts: tuple[Node, ...], where: str) -> None:
    """
    Takes the professions that concepts name.

    What is asked for and not understood is refused: a doctor would be a guess.
    """
    draft.paths["professions"] = draft.paths["specialties"] = where
    said = [
        (concept, fhir_codes.wanted(concept))
        for concept in concepts
        if concept.codings() or concept.has("text")
    ]
    understood = [(profession or NOBODY, named) for _, (profession, named) in said]
    _wanted(draft, understood, where)


def _wanted(draft: Draft, understood: list[tuple[str, tuple[str, ...]]], where: str) -> None:
    if understood:
        draft.put("professions", _once(one for one, _ in understood), where)
        draft.put("specialties", _once(code for _, named in understood for code in named), where)


def _once(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _modes(draft: Draft) -> None:
    modes_of(draft, draft.root.each("locationCode"), draft.root.at("locationCode"))


def modes_of(draft: Draft, concepts: tuple[Node, ...], where: str) -> None:
    """Takes at the practice, at home or by video; another place is doubted and left out."""
    draft.paths["modes"] = where
    found = [fhir_codes.mode_of(concept) for concept in concepts]
    draft.put("modes", _once(mode.value for mode in found if mode is not None), where)
    if None in found:
        draft.warn("modes", Kind.UNKNOWN_CODE)


HOMES = frozenset({"PTRES", "ho"})
"""A patient's residence (v3-RoleCode), a house (location-physical-type)."""


def _whereabouts(draft: Draft) -> None:
    """
    Takes where the patient is from ``locationReference``, before their own address.

    A place that an organisation runs is where care is given, not where the patient is.
    """
    for name in ("lat", "lon", "insee", "postcode", "city"):
        draft.paths.setdefault(name, draft.root.at("subject"))
    for one in draft.root.each("locationReference"):
        found = draft.resource(one, "Location")
        if found is None or found.resource.type != "Location":
            continue
        place = found.resource
        if place.has("managingOrganization") and not _is_home(place):
            continue
        before = {name: draft.fields.pop(name) for name in _PLACE if name in draft.fields}
        position = place.child("position")
        if position is not None:
            draft.put("lat", position.number("latitude"), position.at("latitude"))
            draft.put("lon", position.number("longitude"), position.at("longitude"))
        if not fhir_people.address(draft, place) and position is None:
            draft.fields |= before
            continue
        return


_PLACE = ("lat", "lon", "insee", "postcode", "city")


def _is_home(place: Node) -> bool:
    said = (*place.each("type"), *place.each("physicalType"))
    return any(one.code in HOMES for concept in said for one in concept.codings())
