"""Runs and shows ``slotengine simulate``: policies side by side, and the trade of a change."""

from collections.abc import Callable
from dataclasses import asdict

from rich.table import Table

from slotengine.cli_options import Session
from slotengine.codes import Priority
from slotengine.errors import InputError
from slotengine.labels import Lang
from slotengine.policy import Policy, SeatValues
from slotengine.simulation import OURS, Outcome, desks, simulate
from slotengine.simulation_foresight import NAME as FORESIGHT
from slotengine.simulation_supply import MoreSlots
from slotengine.simulation_what_if import Change, Totals, Trade, totals, what_if
from slotengine.simulation_world import territory_world

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
METRES_PER_KM = 1_000
MOST_VALUE = 100_000
"""What ``Policy.values`` allows."""

FRENCH = {
    "first come, soonest": "premier arrivé, au plus tôt",
    "first come, nearest": "premier arrivé, au plus près",
    "SAS order": "ordre du SAS",
    "least recently used": "le moins sollicité",
    "flat nested reserve": "réserve fixe emboîtée",
    "greedy best score": "meilleur score immédiat",
    OURS: "la nôtre",
    FORESIGHT: "tout connaître d'avance",
}

Row = tuple[str, str, Callable[[Totals], float | None], str]
ROWS: tuple[Row, ...] = (
    ("valeur (minutes pondérées)", "value (weighted minutes)", lambda one: one.value, ",.0f"),
    *(
        (
            f"sans place, {priority.value} (%)",
            f"unserved, {priority.value} (%)",
            lambda one, at=at: one.unserved_pct[at],
            ".1f",
        )
        for at, priority in enumerate(Priority)
    ),
    ("reçus", "served", lambda one: sum(one.served), ",.0f"),
    ("places", "seats", lambda one: one.seats, ",.0f"),
    ("places prises", "seats used", lambda one: one.used, ",.0f"),
    ("attente (h)", "wait (h)", lambda one: one.wait_hours, ".1f"),
    ("trajet (min)", "travel (min)", lambda one: one.travel_minutes, ".1f"),
    ("chez son praticien (%)", "own practitioner (%)", lambda one: one.own_practitioner_pct, ".1f"),
    ("écart entre praticiens (points)", "spread (points)", lambda one: one.spread_points, ".1f"),
    ("promesses", "promises", lambda one: one.promises, ",.0f"),
    ("promesses déplacées", "promises moved", lambda one: one.promises_moved, ",.0f"),
    ("promesses rompues", "promises broken", lambda one: one.broken_promises, ",.0f"),
)
"""What the trade shows: French, English, figure, format."""


def change_of(
    *,
    policy: Policy | None,
    more_slots: list[str],
    radius_km: float | None,
    values: str | None,
) -> Change:
    """
    Reads what would be different.

    Raises
    ------
    InputError
        Naming the option that can't be read.
    """
    return Change(
        more=tuple(_more(text) for text in more_slots),
        max_travel_metres=None if radius_km is None else round(radius_km * METRES_PER_KM),
        values=None if values is None else _values(values),
        policy=policy,
    )


def run(
    session: Session,
    territory: str,
    change: Change,
    *,
    today: Policy | None,
    load: float,
    days: int,
    seeds: int,
    policies: tuple[str, ...],
) -> None:
    """
    Replays the days and shows the figures, without and with the change when there is one.

    ``today`` are the present rules; None are those that the territory ships with.
    """
    desks(policies)
    if not change.nothing:
        with session.busy(territory):
            trades = what_if(
                territory,
                change,
                policy=today,
                load=load,
                days=days,
                seeds=range(seeds),
                policies=policies or (OURS,),
            )
        _show_trades(session, territory, trades)
        return
    done = [
        simulate(
            territory_world(territory, load=load, days=days, seed=seed, policy=today),
            desks(policies),
        )
        for seed in session.track(range(seeds), territory, seeds)
    ]
    _show_policies(session, territory, done)


def _more(text: str) -> MoreSlots:
    practitioner, _, rest = text.partition(":")
    number, _, day = rest.partition(":")
    if not number.isdecimal() or (day and day not in WEEKDAYS):
        raise InputError(f"--more-slots {text!r} is not PRACTITIONER:N or PRACTITIONER:N:mon")
    return MoreSlots(practitioner, int(number), WEEKDAYS.index(day) if day else None)


def _values(text: str) -> SeatValues:
    parts = text.split(",")
    if len(parts) != len(Priority) or not all(part.strip().isdecimal() for part in parts):
        raise InputError(f"--values {text!r} is not four whole numbers: stat,asap,urgent,routine")
    most = [int(part) for part in parts]
    if max(most) > MOST_VALUE:
        raise InputError(f"--values holds {max(most)}, allowed is {MOST_VALUE}")
    return SeatValues(**{one.value: number for one, number in zip(Priority, most, strict=True)})


def _show_policies(session: Session, territory: str, done: list[Outcome]) -> None:
    found = [
        totals(
            [one.figures[at] for one in done],
            violations=sum(len(one.violations.get(name, ())) for one in done),
        )
        for at, name in enumerate(done[0].runs)
    ]
    if session.json:
        policies = [asdict(one) for one in found]
        session.emit({"territory": territory, "worlds": len(done), "policies": policies})
        return
    table = Table(
        session.say("politique", "policy"),
        session.say("% idéal", "% ideal"),
        *(one.value for one in Priority),
        session.say("attente", "wait"),
        session.say("trajet", "travel"),
        session.say("écart", "spread"),
        caption=session.say(
            "% de ce qu'on ferait en sachant tout d'avance ; % sans place par priorité ; attente "
            "en heures, trajet en minutes, écart entre praticiens en points",
            "% of what perfect foresight makes; % unserved by priority; wait in hours, travel in "
            "minutes, spread between practitioners in points",
        ),
    )
    for one in found:
        table.add_row(
            _policy_name(session, one.policy),
            _cell(one.pct_of_foresight, ".1f"),
            *(_cell(share, ".1f") for share in one.unserved_pct),
            *(f"{x:.1f}" for x in (one.wait_hours, one.travel_minutes, one.spread_points)),
        )
    session.out.print(table)


def _show_trades(session: Session, territory: str, trades: tuple[Trade, ...]) -> None:
    if session.json:
        session.emit(
            {
                "territory": territory,
                "trades": [
                    {"before": asdict(one.before), "after": asdict(one.after)} for one in trades
                ],
            }
        )
        return
    for trade in trades:
        table = Table(
            _policy_name(session, trade.before.policy),
            session.say("aujourd'hui", "today"),
            session.say("avec", "with it"),
            session.say("différence", "difference"),
        )
        for french, english, read, form in ROWS:
            before, after = read(trade.before), read(trade.after)
            apart = None if before is None or after is None else after - before
            table.add_row(
                session.say(french, english),
                _cell(before, form),
                _cell(after, form),
                _cell(apart, f"+{form}"),
            )
        session.out.print(table)
    session.out.print(
        session.say(
            "Mêmes jours, mêmes patients, comptés aux valeurs d'aujourd'hui ; rien n'est appliqué.",
            "The same days and patients, counted by today's values; nothing is applied.",
        )
    )


def _policy_name(session: Session, name: str) -> str:
    return FRENCH.get(name, name) if session.lang is Lang.FR else name


def _cell(number: float | None, form: str) -> str:
    return "-" if number is None else format(number, form)
