"""Answers as tables for people (words, never codes) or as JSON for programs."""

from collections import Counter
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Column, Table

from slotengine import labels
from slotengine.adapters.seen import Seen
from slotengine.answers import Offer, PlanReport, WithdrawReport
from slotengine.cli_options import Session
from slotengine.codes import Priority
from slotengine.engine import Engine
from slotengine.explanations import Explanation
from slotengine.fixtures import NAMES
from slotengine.labels import Lang, Words, kilometres, when, within, word
from slotengine.policy import Counting, Policy
from slotengine.problem import LEVELS, Plan
from slotengine.reasons import Reason, ReasonCode, step_words
from slotengine.solver.disclosure import UNSERVED_CODES, hide_small

SECONDS_PER_HOUR = 3600

PROVED: Words = ("Plan optimal, prouvé à chaque niveau", "Optimal plan, proved at every level")
NOT_PROVED: Words = ("Meilleur plan trouvé, non prouvé", "Best plan found, not proved")

RARE: Words = (
    "Autres raisons, trop rares pour être comptées une à une.",
    "Other reasons, each too rare to be counted by itself.",
)

DISPLACED: Words = (
    "Sans place à cause d'un plancher :",
    "Without a seat because of a floor:",
)
"""Heads the referrals that a floor displaced, by id: for coordinators, who set the floor."""

OPTIONAL_LEVELS = ("0", "3", "4")
"""Shown only where a territory's policy makes them count."""

LEVEL_WORDS: dict[str, Words] = {
    "0": ("manque aux planchers", "short of the floors"),
    "1a": ("sans place, urgence immédiate", "without a seat, at once"),
    "1b": ("sans place, dès que possible", "without a seat, as soon as possible"),
    "1c": ("sans place, urgent", "without a seat, urgent"),
    "1d": ("sans place, courant", "without a seat, routine"),
    "2": ("attente et trajet (minutes pondérées)", "waiting and travel (weighted minutes)"),
    "3": ("écart d'effort entre praticiens", "spread of effort between practitioners"),
    "4": ("rendez-vous annoncés déplacés", "told bookings moved"),
    "5": ("départage", "tie-break"),
}


def territories(session: Session, *, stored: tuple[str, ...]) -> None:
    """Lists territories."""
    rows = [
        {"territory": name, "shipped": name in NAMES, "stored": name in stored}
        for name in (*NAMES, *(name for name in stored if name not in NAMES))
    ]
    if session.json:
        session.emit({"territories": rows})
        return
    table = Table(session.say("territoire", "territory"), session.say("en base", "in database"))
    for row in rows:
        table.add_row(str(row["territory"]), _yes(session, bool(row["stored"])))
    session.out.print(table)


def _yes(session: Session, value: bool) -> str:  # noqa: FBT001 - a yes or no is what it prints
    return session.say("oui", "yes") if value else session.say("non", "no")


def offers(session: Session, engine: Engine, referral: str, *, limit: int, now: datetime) -> None:
    """Shows ranked offers."""
    found = engine.offers(referral, now=now, limit=limit)
    zone = engine.policy(engine.referral(referral).territory).zone
    if session.json:
        session.emit(
            {
                "referral": referral,
                "offers": [
                    offer.model_dump(mode="json")
                    | {
                        "score": offer.score,
                        "sentences": [reason.text(session.lang) for reason in offer.reasons],
                    }
                    for offer in found
                ],
            }
        )
        return
    if not found:
        session.out.print(Reason(code=ReasonCode.NO_FREE_SEAT).text(session.lang))
        return
    session.out.print(offer_table(session, found, zone))
    for sentence in dict.fromkeys(
        reason.text(session.lang) for offer in found for reason in offer.reasons
    ):
        session.out.print(sentence)


def offer_table(session: Session, found: list[Offer], zone: ZoneInfo) -> Table:
    """Gives offers as a table of words, and the lines that put them in this order."""
    table = Table(
        session.say("quand", "when"),
        session.say("avec", "with"),
        session.say("où", "where"),
        session.say("trajet", "journey"),
        *(
            Column(name, justify="right")
            for name in (
                session.say("valeur", "value"),
                session.say("- coût", "- cost"),
                session.say("- prix", "- price"),
                session.say("= reste", "= score"),
            )
        ),
    )
    for offer in found:
        table.add_row(
            when(offer.start, zone, session.lang),
            word(labels.PROFESSION[offer.profession], session.lang),
            place_words(session, offer),
            journey_words(session, offer.travel_minutes, offer.travel_metres),
            *(str(line) for line in (offer.value, offer.cost, offer.price, offer.score)),
        )
    return table


def place_words(session: Session, offer: Offer | Seen) -> str:
    """Says how and where care is given."""
    how = word(labels.MODE[offer.mode], session.lang)
    return f"{how}, {offer.place}" if offer.place else how


def journey_words(session: Session, minutes: int, metres: int) -> str:
    """Says a journey."""
    if minutes == 0 and metres == 0:
        return session.say("aucun", "none")
    return f"{minutes} min, {kilometres(metres, session.lang)}"


def plan(session: Session, report: PlanReport, policy: Policy) -> None:
    """Shows a planning run."""
    if session.json:
        session.emit(plan_figures(report, policy) | {"conflicts": _dump(report.conflicts)})
        return
    plan_tables(session, report, policy)


def _dump(values: tuple[Any, ...]) -> list[Any]:
    return [value.model_dump(mode="json") for value in values]


def plan_figures(report: PlanReport, policy: Policy) -> dict[str, Any]:
    """Gives the figures of a planning run, for JSON."""
    found = report.plan
    reasons, rest = reason_counts(found, policy)
    return {
        "territory": found.territory,
        "as_of": found.as_of.isoformat(),
        "referrals": report.referrals,
        "seats": report.seats,
        "pinned": report.pinned,
        "served": len(found.assignments),
        "unserved": len(found.unserved),
        "served_by_priority": {
            name: {"served": served, "referrals": total}
            for name, (served, total) in report.served_by_priority.items()
        },
        "without_own_practitioner": report.without_own_practitioner,
        "unserved_reasons": reasons,
        "unserved_other_reasons": rest,
        "displaced": list(found.displaced),
        "deferred": list(found.deferred),
        "levels": list(LEVELS),
        "proved": found.proved,
        "proved_levels": found.proved_levels,
        "objective": list(found.objective),
        "bound": list(found.bound),
        "left_out": _dump(report.left_out),
        "plan": found.digest,
        "seconds": round(found.seconds, 4),
    }


def reason_counts(found: Plan, policy: Policy) -> tuple[dict[str, int], int]:
    """
    Counts the first reason of each unserved referral, most frequent first, and the rest.

    The rest are reasons so rare that a count would point at somebody; they are told as one number.
    """
    counts = Counter(unserved.reasons[0].code for unserved in found.unserved)
    cells = hide_small({code: counts[code] for code in UNSERVED_CODES}, policy.hidden_below)
    shown = {code.value: count for code, count in cells.items() if count}
    rest = counts.total() - sum(shown.values())
    return dict(sorted(shown.items(), key=lambda item: (-item[1], item[0]))), rest


def plan_tables(session: Session, report: PlanReport, policy: Policy) -> None:
    """Shows who was served, why others were not, and the proof."""
    found = report.plan
    table = Table(
        session.say("délai", "deadline"),
        session.say("servies", "served"),
        session.say("demandes", "referrals"),
        title=session.say(
            f"Nuit de {found.territory} : {report.referrals} demandes, {report.seats} places",
            f"Night of {found.territory}: {report.referrals} referrals, {report.seats} seats",
        ),
    )
    for priority in Priority:
        served, total = report.served_by_priority[priority.value]
        table.add_row(deadline_words(session, policy, priority), str(served), str(total))
    session.out.print(table)
    session.out.print(
        session.say(
            f"{report.without_own_practitioner} patients sans médecin traitant.",
            f"{report.without_own_practitioner} patients without a doctor of their own.",
        )
    )
    reasons, rest = reason_counts(found, policy)
    for code, count in reasons.items():
        session.out.print(f"{count} x {_general(ReasonCode(code), session.lang)}")
    if rest:
        session.out.print(f"{rest} x {word(RARE, session.lang)}")
    if found.displaced:
        session.out.print(f"{word(DISPLACED, session.lang)} {', '.join(found.displaced)}")
    if found.deferred:
        many = len(found.deferred)
        session.out.print(
            session.say(
                f"Différées, leurs places valant plus pour ce qui vient : {many}.",
                f"Deferred, their seats being worth more to what comes: {many}.",
            )
        )
    session.out.print(_proof_table(session, found))
    for conflict in report.conflicts:
        session.out.print(f"{conflict.referral} {conflict.slot}: {conflict.why}")


def _proof_table(session: Session, found: Plan) -> Table:
    """Shows each level of the objective beside its proved bound: equal means none is better."""
    words = word(PROVED if found.proved else NOT_PROVED, session.lang)
    table = Table(
        session.say("niveau", "level"),
        session.say("objectif", "objective"),
        session.say("borne", "bound"),
        title=f"{words}, {found.seconds:.2f} s",
    )
    for level, reached, bound in zip(LEVELS, found.objective, found.bound, strict=True):
        if level in OPTIONAL_LEVELS and reached == 0 and bound == 0:
            continue
        name = word(LEVEL_WORDS[level], session.lang)
        table.add_row(name, str(reached), "?" if bound is None else str(bound))
    return table


def deadline_words(session: Session, policy: Policy, priority: Priority) -> str:
    """Says how soon a priority is to be seen in this territory."""
    hours = policy.deadlines.of(priority).total_seconds() / SECONDS_PER_HOUR
    return within(hours, session.lang, opening=policy.counting is Counting.OPENING)


def _general(code: ReasonCode, lang: Lang) -> str:
    """Gives a sentence for many referrals at once, without one referral's figures."""
    if code is ReasonCode.SEATS_TAKEN:
        return (
            "Toutes les places possibles sont prises."
            if lang is Lang.FR
            else "All possible seats are taken."
        )
    return Reason(code=code).text(lang)


def explanation(session: Session, found: Explanation) -> None:
    """Shows why."""
    if session.json:
        session.emit(explanation_document(session, found))
        return
    for reason in found.reasons:
        session.out.print(reason.text(session.lang))
    if found.seat is not None:
        mode = word(labels.MODE[found.seat.mode], session.lang)
        journey = journey_words(session, found.seat.travel_minutes, found.seat.travel_metres)
        session.out.print(f"{found.seat.slot}: {mode}, {journey}")
    if found.funnel:
        table = Table(session.say("règle", "rule"), session.say("places restantes", "seats left"))
        for step in found.funnel:
            table.add_row(word(step_words(step.rule), session.lang), str(step.seats_left))
        session.out.print(table)


def explanation_document(session: Session, found: Explanation) -> dict[str, Any]:
    """Gives an explanation for JSON, with its sentences."""
    document = found.model_dump(mode="json")
    document["sentences"] = [reason.text(session.lang) for reason in found.reasons]
    return document


def withdrawal(session: Session, report: WithdrawReport) -> None:
    """Shows what became of withdrawn slots and their patients."""
    if session.json:
        session.emit(report.model_dump(mode="json"))
        return
    session.out.print(
        session.say(
            f"Créneaux retirés : {len(report.withdrawn)}. "
            f"Patients concernés : {len(report.incidents)}.",
            f"Slots withdrawn: {len(report.withdrawn)}. "
            f"Patients concerned: {len(report.incidents)}.",
        )
    )
    for incident in report.incidents:
        seat = incident.replacement
        text = (
            session.say(f"nouvelle place {seat.slot}", f"seated again on {seat.slot}")
            if seat is not None
            else " ".join(reason.text(session.lang) for reason in incident.reasons)
        )
        session.out.print(f"{incident.referral}: {text}")


def upgraded(session: Session) -> None:
    """Says that the database fits this version."""
    if session.json:
        session.emit({"upgraded": True})
        return
    session.out.print(session.say("La base est à jour.", "The database is up to date."))
