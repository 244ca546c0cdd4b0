"""
Changes and seats in words, French and English: for coordinators, without anything of a patient.

Figures are rounded the safe way: what is said is always enough.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from slotengine.codes import Priority
from slotengine.explanations import Change, ChangeKind, ChangeSearch, Few, NewSeat, SeatValue
from slotengine.labels import PROFESSION, Lang, half_day, kilometres, when, within, word
from slotengine.policy import Counting, Policy
from slotengine.solver.changes import MOST_LATER, MOST_MORE_METRES
from slotengine.solver.explain import colon

ROUNDED_METRES = 100
"""Distances are said in tenths of a kilometre."""

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def search_lines(policy: Policy, found: ChangeSearch, lang: Lang) -> tuple[str, ...]:
    """Says what a search found, one line each: the change, what it brings, what it costs others."""
    if found.change is not None:
        return change_lines(policy, found.change, lang)
    if found.served:
        words = (
            "Le meilleur plan lui donne une place sans rien changer.",
            "The best plan gives it a seat without any change.",
        )
        return (word(words, lang),)
    if found.reasons:
        return tuple(reason.text(lang) for reason in found.reasons)
    if not found.complete:
        words = (
            f"Recherche interrompue après {found.solves} plans, sans solution trouvée.",
            f"The search was cut short after {found.solves} plans and found no change.",
        )
        return (word(words, lang),)
    farther, later = kilometres(MOST_MORE_METRES, lang), round(MOST_LATER / HOUR)
    if lang is Lang.FR:
        none = (
            "Aucun changement ne suffit à lui seul : ni une téléconsultation, ni jusqu'à "
            f"{farther} de plus, ni jusqu'à {later} h plus tard, ni une place de plus comme "
            "celles qui existent."
        )
    else:
        none = (
            f"No single change would do: not a video consultation, not up to {farther} more, "
            f"not up to {later} h later, not one more seat like those there are."
        )
    return (none,)


def change_lines(policy: Policy, change: Change, lang: Lang) -> tuple[str, ...]:
    """Says one change, one line each."""
    at = when(change.start, policy.zone, lang)
    lines = [
        word(("Avec ", "With "), lang) + _what(policy, change, lang),
        word((f"Place obtenue : {at}.", f"Seat it would have: {at}."), lang),
        _loses_text(policy, change.loses, lang),
    ]
    if not change.smallest:
        words = (
            "Moins suffirait peut-être : la recherche a été interrompue.",
            "Less might do: the search was cut short.",
        )
        lines.append(word(words, lang))
    if not change.proved:
        words = (
            "Vérifié dans le meilleur plan trouvé, dont l'optimalité n'est pas prouvée.",
            "Verified in the best plan found, which is not proved best.",
        )
        lines.append(word(words, lang))
    return tuple(lines)


def _what(policy: Policy, change: Change, lang: Lang) -> str:
    if change.kind is ChangeKind.VIDEO:
        return word(("une téléconsultation.", "a video consultation."), lang)
    if change.seat is not None:
        place = _seat_text(change.seat, lang)
        return word((f"une place de plus : {place}.", f"one more seat: {place}."), lang)
    if change.deadline is not None:
        until = when(_up_to_the_minute(change.deadline), policy.zone, lang)
        return word((f"une échéance au {until}.", f"a deadline of {until}."), lang)
    metres = -(-change.more_metres // ROUNDED_METRES) * ROUNDED_METRES
    farther = kilometres(metres, lang)
    return word((f"{farther} de plus.", f"{farther} more."), lang)


def _up_to_the_minute(at: datetime) -> datetime:
    over = timedelta(seconds=at.second, microseconds=at.microsecond)
    return at + MINUTE - over if over else at


def _loses_text(policy: Policy, loses: Mapping[Priority, Few], lang: Lang) -> str:
    if not loses:
        return word(("Personne ne perdrait sa place.", "Nobody would lose a seat."), lang)
    few = word(("moins de {}", "fewer than {}"), lang).format(policy.hidden_below)
    parts = [
        f"{class_text(policy, urgency, lang)} ({few if many is None else many})"
        for urgency, many in loses.items()
    ]
    title = word(("Perdrait sa place", "A seat would be lost"), lang)
    return f"{title}{colon(lang)} {', '.join(parts)}."


def class_text(policy: Policy, priority: Priority, lang: Lang) -> str:
    """Says a priority as people know it: by its deadline."""
    hours = policy.deadlines.of(priority) / HOUR
    return within(hours, lang, opening=policy.counting is Counting.OPENING)


def _seat_text(seat: NewSeat, lang: Lang) -> str:
    day = half_day(seat.day, lang, afternoon=seat.afternoon)
    return f"{word(PROFESSION[seat.profession], lang)}, {day}, {seat.place}"


def value_text(policy: Policy, value: SeatValue, lang: Lang) -> str:
    """Says in one line what one more seat brings."""
    title = word(("Une place de plus", "One more seat"), lang)
    gain = ", ".join(gain_parts(policy, value, lang))
    return f"{title}{colon(lang)} {_seat_text(value.seat, lang)} ({gain})."


def gain_parts(policy: Policy, value: SeatValue, lang: Lang) -> tuple[str, ...]:
    """Gives the parts of a gain in words, most urgent first."""
    parts = []
    if value.floors:
        parts.append(f"{word(('planchers', 'floors'), lang)} {value.floors:+d}")
    parts += [
        f"{class_text(policy, urgency, lang)} {more:+d}" for urgency, more in value.served.items()
    ]
    if not parts:
        saved = word(("minutes pondérées de moins", "weighted minutes fewer"), lang)
        parts.append(f"{value.minutes} {saved}")
    return tuple(parts)
