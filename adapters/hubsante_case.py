"""
One patient of one case, as the fields of a record: RS-EDA, RS-EDA-MAJ and RC-EDA.

What is refused here is no referral at all: somebody else's patient, an exercise, advice by phone.
Whether a level or a motive is an emergency, the engine says.
"""

import re
from dataclasses import dataclass, field

from slotengine.adapters import hubsante_codes as codes
from slotengine.adapters.base import Warned
from slotengine.adapters.fields import plain
from slotengine.adapters.hubsante_decisions import Decided, Wish, decided
from slotengine.adapters.hubsante_messages import POORER_CASE, UPDATED_CASE, Message
from slotengine.adapters.hubsante_nodes import Found, Node
from slotengine.adapters.kinds import Kind
from slotengine.adapters.words import Status

NUMBERS = ("caseId", "senderCaseId")
"""Where the number of a case stands: the one that all partners share, then the sender's own."""

MONTHS, WEEKS, DAYS = 12, 52, 365
"""Months, weeks and days of a year, for ages given in them; the day of birth is not known."""

_AGE = re.compile(r"P([0-9]{1,3})([YMWD])")
_IN_A_YEAR = {"Y": 1, "M": MONTHS, "W": WEEKS, "D": DAYS}
_RPPS = re.compile(r"8?[0-9]{11}")
_OF_PATIENT = ".patient."
_NUMBERED = re.compile(r"(.+)\.([0-9]{1,3})")
_FIRST = "1"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a case is no referral: the field that says so, what it says, where."""

    field: str
    kind: Kind
    path: str


@dataclass(slots=True)
class Read:
    """What was found about one patient."""

    found: Found = field(default_factory=Found)
    warnings: list[Warned] = field(default_factory=list)
    partial: bool = False

    def doubt(self, name: str, kind: Kind) -> None:
        """Notes a doubt that does not stop reading."""
        self.warnings.append(Warned(field=name, kind=kind))


def patients(message: Message) -> tuple[Node, ...]:
    """Gives the patients of a case; one that lists none has one of whom nothing is known."""
    return tuple(message.case.at("patient").items()) or (
        Node(None, f"{message.case.path}.patient"),
    )


def reference(case: Node, patient: Node, *, several: bool) -> tuple[str | None, Node]:
    """
    Gives the reference of a patient's need, and where it stands.

    The case's own number for its first patient (numbered 1, or the only one), else that number
    and what tells the patient from the others: the same in an update that lists only some of
    them. An update that lists nobody speaks of the first.
    """
    at = next((at for name in NUMBERS if (at := case.at(name)).text), case.at(NUMBERS[0]))
    number = at.text
    tail, is_numbered = _tail(patient.at("patientId").text or "", number or "")
    if number is None or not tail or tail == _FIRST or not (is_numbered or several):
        return number, at
    return f"{number}/{tail}", at


def stands_alone(message: Message, patient: Node) -> bool:
    """Tells whether a patient keeps their reference in a message without the others."""
    number, _ = reference(message.case, Node(None, ""), several=False)
    return _tail(patient.at("patientId").text or "", number or "")[1]


def _tail(patient_id: str, case_id: str) -> tuple[str, bool]:
    """
    Gives what tells a patient from the others of the case, and whether it is a number of the case.

    ``fr.health.samu770.patient.DRFR1577.2`` is number 2 of case ``fr.health.samu770.DRFR1577``.
    """
    tail = patient_id.partition(_OF_PATIENT)[2] or patient_id
    numbered = _NUMBERED.fullmatch(tail)
    if numbered is not None and case_id.endswith(numbered[1]):
        return numbered[2].lstrip("0") or "0", True
    return tail, False


def read(message: Message, patient: Node, *, several: bool) -> Read | Refusal:
    """Gives the fields of one patient, or why there is no referral."""
    case = message.case
    one = Read(partial=message.name == UPDATED_CASE)
    number, at = reference(case, patient, several=several)
    one.found.take("reference", at, value=number)
    _who(one, case, patient)
    status = _status(message)
    wish = decided(
        case.at("decision"),
        patient.at("patientId").text,
        unscheduled=case.at("perimeter").text == codes.UNSCHEDULED,
    )
    if status is not Status.CANCELLED:
        refusal = _urgency(one, message, patient, wish)
        if refusal is not None and not (status is Status.AMENDED and _ends(wish)):
            return refusal
        status = status if refusal is None else Status.CANCELLED
    one.found.fields["status"] = status.value
    if status is not Status.CANCELLED:
        _what(one, message, patient)
    return one


def _status(message: Message) -> Status:
    # The case's own state ends nothing: it closes by itself 24 hours after it began, whether the
    # patient was seen or is to be seen tomorrow (HubSante.etat).
    if message.kind == codes.CANCELS:
        return Status.CANCELLED
    updated = message.name == UPDATED_CASE or message.kind == codes.UPDATES
    return Status.AMENDED if updated else Status.NEW


def _ends(wish: Decided) -> bool:
    """Tells whether what was decided now takes back that a slot was wanted."""
    return wish.wish in {Wish.ELSEWHERE, Wish.ADVICE}


def _urgency(one: Read, message: Message, patient: Node, wish: Decided) -> Refusal | None:
    """Reads level, priority and decisions; gives why the case is not ours."""
    case, found = message.case, one.found
    details = case.at("qualification", "details")
    own, level = patient.at("detail", "careLevel"), details.at("careLevel")
    found.take("care_level", own or level)
    if wish.wish is Wish.ELSEWHERE:
        return Refusal("decision", Kind.ORIENTED_ELSEWHERE, wish.at.path)
    # An update may say what is new only: advice beside an appointment takes nothing back.
    if wish.wish is Wish.ADVICE and not one.partial:
        return Refusal("decision", Kind.ADVICE_ONLY, wish.at.path)
    if message.name != POORER_CASE and wish.wish is Wish.OPEN:
        refusal = _not_ours(one, message)
        if refusal is not None:
            return refusal
    priority = details.at("priority")
    meant = codes.PRIORITIES.get(priority.text or "")
    if meant is not None:
        found.take("priority", priority, value=meant.value)
    elif priority and priority.text != codes.NOT_REGULATED:
        one.doubt("priority", Kind.UNKNOWN_CODE)
    calm = (priority.text or codes.DEFAULT_PRIORITY) in codes.CALM_PRIORITIES
    if wish.wish is Wish.SLOT and not one.partial and "care_level" not in found.fields and calm:
        # An orientation to a practice is level R3 in all but name; with P0 or P1 nobody can tell.
        found.fields["care_level"] = codes.LEVEL_BY_DECISION
        one.doubt("care_level", Kind.MISSING)
    if wish.profession is not None:
        found.fields["professions"] = wish.profession.value
    if wish.mode is not None:
        found.fields["modes"] = wish.mode.value
    return None


def _not_ours(one: Read, message: Message) -> Refusal | None:
    """
    Gives why a case without a decision is not ours: another perimeter, or advice by phone.

    An update that raises the level passes whatever its perimeter: who has a slot and grows worse
    must lose it for the 15.
    """
    perimeter = message.case.at("perimeter")
    level = one.found.fields.get("care_level")
    if one.partial:
        ours = perimeter.text in {None, codes.UNSCHEDULED} or level is not None
    else:
        ours = perimeter.text == codes.UNSCHEDULED
    if not ours:
        return Refusal("perimeter", Kind.NOT_UNSCHEDULED, perimeter.path)
    if level == codes.LEVEL_OF_ADVICE and not one.partial:
        return Refusal("care_level", Kind.ADVICE_ONLY, one.found.paths["care_level"])
    return None


def _who(one: Read, case: Node, patient: Node) -> None:
    """Reads identity, to be hashed or dropped where every format's is."""
    found = one.found
    found.take("patient_id", patient.at("patientId"))
    strict = patient.at("identity", "strictFeatures")
    names = patient.at("identity", "nonStrictFeatures")
    found.take("birth_name", strict.at("birthName"))
    found.take("birth_date", strict.at("birthDate"))
    found.take("family_name", names.at("lastName"))
    found.take("given_name", names.at("firstName"))
    if not names.at("lastName") and not names.at("firstName"):
        # One text of both: no key is made of it, but what is kept is searched for it.
        found.take("family_name", names.at("complete"))
    for external in patient.at("administrativeFile", "externalId").items():
        if external.at("source").text == "NIR":
            found.take("nir", external.at("value"))
    caller = case.at("initialAlert", "caller")
    contacts = [caller.at("callerContact", "detail"), caller.at("callbackContact", "detail")]
    found.forget(tuple(text for contact in contacts if (text := contact.text) is not None))


def _what(one: Read, message: Message, patient: Node) -> None:
    """Reads what is asked for, for whom and where."""
    case, found = message.case, one.found
    found.take("sex", patient.at("identity", "strictFeatures", "sex"))
    _age(one, case, patient)
    _own_practitioner(one, patient)
    _motive(one, case)
    _place(one, case)
    found.take("requester_id", case.at("owner"))
    if message.sender is not None:
        found.fields.setdefault("requester_id", message.sender)
    if message.name != UPDATED_CASE:
        found.take("received_at", case.at("creation"))


def _age(one: Read, case: Node, patient: Node) -> None:
    """Reads an age in one unit as whole years; a band of ages only leaves a doubt."""
    at = patient.at("detail", "age")
    said = _AGE.fullmatch(at.text or "")
    one.found.take("age", at, value=str(int(said[1]) // _IN_A_YEAR[said[2]]) if said else None)
    if at or "birth_date" in one.found.fields:
        return
    if case.at("qualification", "victims", "mainVictim"):
        one.doubt("age", Kind.AGE_BAND)


def _own_practitioner(one: Read, patient: Node) -> None:
    """Reads the RPPS of the own doctor; a name in its place is dropped, the referral stays."""
    at = patient.at("administrativeFile", "generalPractitioner", "rppsId")
    text = (at.text or "").replace(" ", "")
    if _RPPS.fullmatch(text):
        one.found.take("own_practitioner", at, value=text)
    elif text:
        one.doubt("own_practitioner", Kind.BAD_IDENTIFIER)


def _motive(one: Read, case: Node) -> None:
    """
    Reads the motive: its code, else the code that its label has.

    Official samples hold codes outside the list and labels of another code: the code comes first
    where it is known, and the doubt is told.
    """
    at = case.at("qualification", "healthMotive")
    code, label = at.at("code").text, at.at("label").text or ""
    labelled = codes.motive_labelled(label)
    if code is None and labelled is None:
        return
    known = code in codes.MOTIVES
    if code is not None and not known:
        one.doubt("motive_code", Kind.UNKNOWN_CODE)
    if known and labelled not in {None, code} and not _says(label, codes.MOTIVES[code or ""]):
        one.doubt("motive_label", Kind.CONTRADICTION)
    chosen = code if known or labelled is None else labelled
    one.found.take("motive_code", at.at("code" if code else "label"), value=chosen)
    one.found.fields["motive_system"] = codes.MOTIVE_SYSTEM
    one.found.take("motive_label", at.at("label"))


def _says(label: str, words: str) -> bool:
    return f" {plain(words)} " in f" {plain(label)} "


def _place(one: Read, case: Node) -> None:
    """Reads where the patient is; what the code and the point are worth, the geocoder says."""
    location = case.at("location")
    coordinates = location.at("geometry", "point", "coord")
    one.found.take("lat", coordinates.at("lat"))
    one.found.take("lon", coordinates.at("lon"))
    one.found.take("insee", location.at("city", "inseeCode"))
    one.found.take("city", location.at("city", "name"))
    if coordinates.at("precision").text in codes.VAGUE:
        one.doubt("lat", Kind.IMPRECISE)
