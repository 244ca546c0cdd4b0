"""The upkeep of a territory in words, or as JSON: prices, the line, what was due, a locum."""

from zoneinfo import ZoneInfo

from rich.table import Column, Table

from slotengine.answers import Chance, HandedBack, ReplaceReport, TendReport, WaitingEntry
from slotengine.cli_options import Session
from slotengine.labels import Lang, when
from slotengine.policy import Policy
from slotengine.seat_prices import PriceSet


def chance_words(chance: Chance, zone: ZoneInfo, lang: Lang) -> str:
    """
    Says how likely a seat comes, and until when that is meant.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> stated = Chance(percent=71, before=datetime(2026, 11, 24, 17, tzinfo=UTC), raw=0.75)
    >>> chance_words(stated, ZoneInfo("Europe/Paris"), Lang.FR)
    '71 % avant mardi 24 novembre, 18 h 00'
    >>> chance_words(stated, ZoneInfo("Europe/Paris"), Lang.EN)
    '71% before Tuesday 24 November, 18:00'
    """
    at = when(chance.before, zone, lang)
    if lang is Lang.EN:
        return f"{chance.percent}% before {at}"
    return f"{chance.percent} % avant {at}"


def repriced(session: Session, found: PriceSet | None, policy: Policy) -> None:
    """Shows what new prices rest on; each price is in the JSON."""
    if session.json:
        prices = None if found is None else found.model_dump(mode="json")
        session.emit({"territory": policy.territory, "prices": prices})
        return
    if found is None:
        session.out.print(
            session.say(
                "Les règles du territoire ne demandent aucun prix.",
                "The territory's policy wants no prices.",
            )
        )
        return
    until = when(found.valid_until, policy.zone, session.lang)
    expected = round(found.expected)
    session.out.print(
        session.say(
            f"Places libres : {found.free_seats}, créneaux évalués : {len(found.prices)}. "
            f"Demandes attendues : {expected}, d'après {found.days_seen} jours d'historique ; "
            f"futurs tirés : {found.futures}.",
            f"Free seats: {found.free_seats}, slots priced: {len(found.prices)}. "
            f"Referrals expected: {expected}, from {found.days_seen} days of history; "
            f"futures drawn: {found.futures}.",
        )
    )
    session.out.print(session.say(f"Valables jusqu'à {until}.", f"Good until {until}."))


def waitlist(session: Session, found: tuple[WaitingEntry, ...], policy: Policy) -> None:
    """Shows who waits, in the order of the line."""
    if session.json:
        entries = []
        for one in found:
            entry = one.model_dump(mode="json")
            entry["sentence"] = _chance(session, one, policy.zone)
            entries.append(entry)
        session.emit({"territory": policy.territory, "waiting": entries})
        return
    if not found:
        session.out.print(session.say("Personne n'attend.", "Nobody waits."))
        return
    table = Table(
        session.say("rang", "rank"),
        # An id that is cut can't be asked about.
        Column(session.say("demande", "referral"), overflow="fold"),
        session.say("échéance", "deadline"),
        session.say("chance d'une place", "chance of a seat"),
    )
    for one in found:
        rank = f"{one.rank} !" if one.first_in_line else str(one.rank)
        due = when(one.deadline, policy.zone, session.lang)
        # The deadline stands beside it: said again only where the chance is one of a sooner seat.
        said = _chance(session, one, policy.zone)
        short = one.chance is not None and one.chance.before == one.deadline
        table.add_row(rank, one.referral, due, said.split("%")[0] + "%" if short else said)
    session.out.print(table)
    if any(one.first_in_line for one in found):
        session.out.print(
            session.say(
                "! prioritaire : sa place promise a disparu.",
                "! first in line: a promised seat vanished.",
            )
        )


def _chance(session: Session, one: WaitingEntry, zone: ZoneInfo) -> str:
    if one.chance is None:
        return session.say("pas estimée", "not estimated")
    return chance_words(one.chance, zone, session.lang)


def tended(session: Session, report: TendReport, policy: Policy) -> None:
    """Shows what time had made due."""
    if session.json:
        session.emit({"territory": policy.territory} | report.model_dump(mode="json"))
        return
    session.out.print(
        session.say(
            f"Délais passés : {len(report.expired)}. Heures à annoncer : {len(report.announced)}. "
            f"Places proposées : {len(report.refilled)}. Créneaux rendus : "
            f"{len(report.handed_back)}. Prix : "
            f"{'recalculés' if report.repriced else 'inchangés'}.",
            f"Holds run out: {len(report.expired)}. Hours to be told: {len(report.announced)}. "
            f"Seats offered: {len(report.refilled)}. Slots given back: "
            f"{len(report.handed_back)}. Prices: {'new' if report.repriced else 'unchanged'}.",
        )
    )
    for told in report.announced:
        session.out.print(
            session.say(
                f"{told.booking.referral}: à appeler, {told.booking.slot}",
                f"{told.booking.referral}: to be called, {told.booking.slot}",
            )
        )
    for offered in report.refilled:
        until = offered.booking.held_until
        at = "" if until is None else when(until, policy.zone, session.lang)
        session.out.print(
            session.say(
                f"{offered.referral}: {offered.booking.slot}, tenu jusqu'à {at}",
                f"{offered.referral}: {offered.booking.slot}, held until {at}",
            )
        )
    _give_back_lines(session, report.handed_back)


def handed_back(session: Session, found: tuple[HandedBack, ...], policy: Policy) -> None:
    """Shows the seats that went back to their practitioners."""
    if session.json:
        session.emit(
            {
                "territory": policy.territory,
                "handed_back": [
                    one.model_dump(mode="json") | {"sentence": one.reason.text(session.lang)}
                    for one in found
                ],
            }
        )
        return
    if not found:
        session.out.print(session.say("Aucune place n'est rendue.", "No seat goes back."))
    _give_back_lines(session, found)


def _give_back_lines(session: Session, found: tuple[HandedBack, ...]) -> None:
    for one in found:
        session.out.print(f"{one.slot} ({one.seats}): {one.reason.text(session.lang)}")


def replaced(session: Session, report: ReplaceReport) -> None:
    """Shows what a locum took over."""
    if session.json:
        session.emit(report.model_dump(mode="json"))
        return
    session.out.print(
        session.say(
            f"Créneaux repris : {len(report.slots)}. Rendez-vous conservés : "
            f"{len(report.bookings)}. Refusés : {len(report.rejected)}.",
            f"Slots taken over: {len(report.slots)}. Bookings kept: {len(report.bookings)}. "
            f"Refused: {len(report.rejected)}.",
        )
    )
    for item in report.rejected:
        session.out.print(f"{item.id}: {item.why}")
