"""
Why: every reason code with its sentence in French and English.

A sentence holds figures, never a patient. Rules are listed in the order of the funnel: a pair is
refused by the first rule it fails.
"""

from enum import StrEnum

from pydantic import Field

from slotengine.domain import Value
from slotengine.labels import Lang, Words


class Rule(StrEnum):
    """The hard rules between one referral and one slot, in the order in which they are asked."""

    SHARING = "sharing"
    PROFESSION = "profession"
    SPECIALTY = "specialty"
    MODE = "mode"
    AUDIENCE = "audience"
    AGE = "age"
    MOTIVE = "motive"
    OPENING = "opening"
    WINDOW = "window"
    DEADLINE = "deadline"
    PATIENT_BUSY = "patient_busy"
    PATHWAY = "pathway"
    GROUP = "group"
    MOBILITY = "mobility"
    ACCESS = "access"
    LOCATION = "location"
    TRAVEL = "travel"
    REACH = "reach"
    TOUR = "tour"
    CAP = "cap"
    KEPT = "kept"


RULE: dict[Rule, Words] = {
    Rule.SHARING: ("partage entre territoires", "sharing between territories"),
    Rule.PROFESSION: ("profession", "profession"),
    Rule.SPECIALTY: ("spécialité", "specialty"),
    Rule.MODE: ("cabinet, domicile ou vidéo", "practice, home or video"),
    Rule.AUDIENCE: ("demandeurs admis", "requesters admitted"),
    Rule.AGE: ("âge", "age"),
    Rule.MOTIVE: ("motif", "motive"),
    Rule.OPENING: ("ouverture à la réservation", "open for booking"),
    Rule.WINDOW: ("disponibilités du patient", "patient's available times"),
    Rule.DEADLINE: ("échéance", "deadline"),
    Rule.PATIENT_BUSY: ("autre rendez-vous du patient", "patient's other appointment"),
    Rule.PATHWAY: ("étape précédente du parcours", "step before it in the pathway"),
    Rule.GROUP: ("places côte à côte", "seats side by side"),
    Rule.MOBILITY: ("capacité à se déplacer", "ability to travel"),
    Rule.ACCESS: ("accès en fauteuil roulant", "wheelchair access"),
    Rule.LOCATION: ("lieu du patient connu", "patient's place known"),
    Rule.TRAVEL: ("distance", "distance"),
    Rule.REACH: ("arriver à temps", "getting there in time"),
    Rule.TOUR: ("trajets entre visites à domicile", "ways between home visits"),
    Rule.CAP: ("plafond du praticien", "practitioner's limit"),
    Rule.KEPT: ("places gardées pour d'autres attendus", "seats kept for others expected"),
}
"""What each rule is about, in French and English."""


def step_words(rule: str) -> Words:
    """Gives what a step of the funnel is about: a rule, or the seats that others took."""
    if rule == ReasonCode.SEATS_TAKEN.value:
        return ("places prises par d'autres demandes", "seats taken by other referrals")
    return RULE[Rule(rule)]


class ReasonCode(StrEnum):
    """Everything that an answer can give as its reason."""

    NO_SLOT = "no_slot"
    SHARING = "sharing"
    PROFESSION = "profession"
    SPECIALTY = "specialty"
    MODE = "mode"
    AUDIENCE = "audience"
    AGE = "age"
    MOTIVE = "motive"
    OPENING = "opening"
    WINDOW = "window"
    DEADLINE = "deadline"
    PATIENT_BUSY = "patient_busy"
    PATHWAY = "pathway"
    GROUP = "group"
    MOBILITY = "mobility"
    ACCESS = "access"
    LOCATION = "location"
    TRAVEL = "travel"
    REACH = "reach"
    TOUR = "tour"
    CAP = "cap"
    KEPT = "kept"
    SEATS_TAKEN = "seats_taken"
    NO_FREE_SEAT = "no_free_seat"
    SEAT_FREE = "seat_free"
    RED_FLAG_LEVEL = "red_flag_level"
    RED_FLAG_STAT = "red_flag_stat"
    RED_FLAG_MOTIVE = "red_flag_motive"
    OUT_OF_HOURS = "out_of_hours"
    WINDOW_PAST = "window_past"
    DEADLINE_PAST = "deadline_past"
    ANOTHER_NEED_FIRST = "another_need_first"
    LINKED = "linked"
    PRICES_MISSING = "prices_missing"
    PRICES_STALE = "prices_stale"
    PRICES_OTHER_POLICY = "prices_other_policy"
    PRICE_OF_NEIGHBOURS = "price_of_neighbours"
    NO_FORECAST = "no_forecast"
    FLOOR = "floor"
    PROMISED = "promised"
    PROMISE_BROKEN = "promise_broken"
    HANDED_BACK_TIME = "handed_back_time"
    HANDED_BACK_PRICE = "handed_back_price"
    HOLD_RAN_OUT = "hold_ran_out"


SENTENCES: dict[ReasonCode, tuple[str, str]] = {
    ReasonCode.NO_SLOT: (
        "Aucun créneau n'est publié sur cette période.",
        "No slot is published for this period.",
    ),
    ReasonCode.SHARING: (
        "Aucun créneau n'est partagé avec ce territoire.",
        "No slot is shared with this territory.",
    ),
    ReasonCode.PROFESSION: (
        "Aucun créneau de la profession demandée.",
        "No slot of the profession asked for.",
    ),
    ReasonCode.SPECIALTY: (
        "Aucun créneau de la spécialité demandée.",
        "No slot of the specialty asked for.",
    ),
    ReasonCode.MODE: (
        "Aucun créneau selon le mode demandé (cabinet, domicile, téléconsultation).",
        "No slot in the mode asked for (practice, home, video).",
    ),
    ReasonCode.AUDIENCE: (
        "Les créneaux restants sont réservés à d'autres demandeurs.",
        "The slots left are reserved for other requesters.",
    ),
    ReasonCode.AGE: (
        "Aucun praticien ne reçoit les patients de cet âge.",
        "No practitioner sees patients of this age.",
    ),
    ReasonCode.MOTIVE: (
        "Aucun praticien ne prend en charge ce motif.",
        "No practitioner takes this motive.",
    ),
    ReasonCode.OPENING: (
        "Les créneaux restants ne sont pas encore ouverts à la réservation, ou ont été retirés.",
        "The slots left are not open for booking yet, or were withdrawn.",
    ),
    ReasonCode.WINDOW: (
        "Aucun créneau dans les disponibilités du patient.",
        "No slot at a time when the patient is available.",
    ),
    ReasonCode.DEADLINE: (
        "Aucun créneau avant l'échéance.",
        "No slot before the deadline.",
    ),
    ReasonCode.PATIENT_BUSY: (
        "Le patient a déjà un rendez-vous aux heures restantes.",
        "The patient already has an appointment at the hours left.",
    ),
    ReasonCode.MOBILITY: (
        "Le patient ne peut pas se déplacer jusqu'au cabinet.",
        "The patient can't travel to a practice.",
    ),
    ReasonCode.ACCESS: (
        "Aucun lieu restant n'est accessible en fauteuil roulant.",
        "None of the places left is accessible by wheelchair.",
    ),
    ReasonCode.LOCATION: (
        "Le lieu du patient n'est pas connu.",
        "The patient's place is not known.",
    ),
    ReasonCode.TRAVEL: (
        "Aucun créneau à une distance acceptable.",
        "No slot within an acceptable distance.",
    ),
    ReasonCode.REACH: (
        "Le patient ne peut pas arriver à temps aux créneaux restants.",
        "The patient can't get to the slots left in time.",
    ),
    ReasonCode.PATHWAY: (
        "L'étape précédente du parcours n'a pas de place qui convienne.",
        "The step before it in the pathway has no seat that would fit.",
    ),
    ReasonCode.GROUP: (
        "Aucune suite de places pour tout le groupe chez un même praticien.",
        "No run of seats for the whole group with one practitioner.",
    ),
    ReasonCode.TOUR: (
        "Les trajets entre les visites à domicile ne le permettent pas.",
        "The ways between home visits leave no time for it.",
    ),
    ReasonCode.CAP: (
        "Les praticiens possibles ont atteint leur plafond.",
        "The possible practitioners have reached their limit.",
    ),
    ReasonCode.KEPT: (
        "Les places sont gardées pour des demandes attendues, plus urgentes ou sous leur plancher.",
        "The seats are kept for expected referrals, more urgent or below their floor.",
    ),
    ReasonCode.PRICES_MISSING: (
        "Aucun prix de place n'a été calculé : une réserve simple garde des places aux urgences.",
        "No seat prices were computed: a plain reserve keeps seats for the urgent.",
    ),
    ReasonCode.PRICES_STALE: (
        "Les prix des places datent de {hours} h : une réserve simple les remplace.",
        "The seat prices are {hours} h old: a plain reserve stands in for them.",
    ),
    ReasonCode.PRICES_OTHER_POLICY: (
        "Les prix des places viennent d'autres règles : une réserve simple les remplace.",
        "The seat prices come from other rules: a plain reserve stands in for them.",
    ),
    ReasonCode.PRICE_OF_NEIGHBOURS: (
        "Cette place n'a pas encore de prix : celui des places voisines compte.",
        "This seat has no price yet: that of its neighbours counts.",
    ),
    ReasonCode.NO_FORECAST: (
        "Aucune demande n'est attendue : aucune place n'est gardée.",
        "No referrals are expected: no seat is kept.",
    ),
    ReasonCode.FLOOR: (
        "Sur {days} jours, moins de {percent} % de ces demandes ont une place : rien n'est gardé.",
        "In {days} days fewer than {percent} % of such referrals had a seat: nothing is kept.",
    ),
    ReasonCode.PROMISED: (
        "Place promise {before}, à moins de {km} km ; heure annoncée {notice} min avant.",
        "Seat promised {before}, within {km} km; the hour is told {notice} min ahead.",
    ),
    ReasonCode.PROMISE_BROKEN: (
        "La place promise a disparu et aucune autre ne convient : le patient est prioritaire.",
        "The promised seat vanished and no other fits: the patient is first in line.",
    ),
    ReasonCode.HANDED_BACK_TIME: (
        "Place rendue au praticien : l'heure est proche et personne ne l'a prise.",
        "Seat given back to the practitioner: its hour is near and nobody took it.",
    ),
    ReasonCode.HANDED_BACK_PRICE: (
        "Place rendue au praticien : sa valeur attendue ({price}) est sous la sienne ({own}).",
        "Seat given back to the practitioner: worth {price} to us, less than {own} to them.",
    ),
    ReasonCode.HOLD_RAN_OUT: (
        "Le délai de confirmation est passé ; voici d'autres places.",
        "The time to confirm has passed; here are other seats.",
    ),
    ReasonCode.SEATS_TAKEN: (
        "Places possibles : {seats}, toutes prises par d'autres demandes.",
        "Possible seats: {seats}, all taken by other referrals.",
    ),
    ReasonCode.NO_FREE_SEAT: (
        "Aucune place libre ne convient.",
        "No free seat fits.",
    ),
    ReasonCode.SEAT_FREE: (
        "Une place convient en ce moment : demandez les offres.",
        "A seat fits at this moment: ask for offers.",
    ),
    ReasonCode.RED_FLAG_LEVEL: (
        "Appelez le 15 : le SAMU a classé ce cas comme une urgence.",
        "Call 15: the SAMU graded this case as an emergency.",
    ),
    ReasonCode.RED_FLAG_STAT: (
        "Appelez le 15 : une urgence immédiate ne passe pas par les soins non programmés.",
        "Call 15: an immediate emergency does not go through unscheduled care.",
    ),
    ReasonCode.RED_FLAG_MOTIVE: (
        "Appelez le 15 : ce motif est un signe d'alerte.",
        "Call 15: this motive is a red flag.",
    ),
    ReasonCode.OUT_OF_HOURS: (
        "Le territoire est fermé à cette heure : {service} répond au {phone}, ou le 15.",
        "The territory is closed at this hour: {service} answers on {phone}, or call 15.",
    ),
    ReasonCode.WINDOW_PAST: (
        "Les disponibilités demandées sont passées.",
        "The times asked for are past.",
    ),
    ReasonCode.DEADLINE_PAST: (
        "L'échéance de la demande est passée.",
        "The referral's deadline is past.",
    ),
    ReasonCode.ANOTHER_NEED_FIRST: (
        "Une autre demande du même patient est traitée d'abord.",
        "Another referral of the same patient comes first.",
    ),
    ReasonCode.LINKED: (
        "Le même besoin du même patient est déjà connu par une autre source.",
        "The same need of the same patient is already known from another source.",
    ),
}


class Reason(Value):
    """A reason code with its figures."""

    code: ReasonCode
    figures: dict[str, int | str] = Field(default_factory=dict)

    def text(self, lang: Lang = Lang.FR) -> str:
        """
        Gives the sentence in one language; a figure may differ by language (``service_fr``).

        Examples
        --------
        >>> Reason(code=ReasonCode.SEATS_TAKEN, figures={"seats": 3}).text(Lang.EN)
        'Possible seats: 3, all taken by other referrals.'
        """
        suffix = f"_{lang.value}"
        figures = {key.removesuffix(suffix): value for key, value in self.figures.items()}
        return SENTENCES[self.code][0 if lang is Lang.FR else 1].format(**figures)
