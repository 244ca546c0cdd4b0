"""
The main job on a real territory: a night planned with its proof, then a referral at the counter.

It runs through the same doors as a host: the fixture is published, referrals are referred one by
one, the plan is checked by the independent validator, and the counter's referral arrives as a
pharmacy's JSON record.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from slotengine.adapters import New, adapter_for
from slotengine.answers import Placement
from slotengine.cli_intake import load_territory
from slotengine.cli_options import OPEN_AT, Session
from slotengine.cli_show import (
    deadline_words,
    journey_words,
    place_words,
    plan_figures,
    plan_tables,
)
from slotengine.codes import Priority, Profession
from slotengine.engine import Engine
from slotengine.errors import InputError
from slotengine.fixtures import territory as fixture
from slotengine.fixtures.communes import Commune
from slotengine.labels import PROFESSION, when, word
from slotengine.policy import Policy
from slotengine.solver.certificate import bounds
from slotengine.solver.check import check
from slotengine.vault import Pseudonymiser

COUNTER_HOUR = 9
"""Local hour of the next morning at which the pharmacist asks: inside the peak of demand."""


def run(session: Session, *, territory: str, seed: int, url: str | None) -> None:
    """Runs the demo and prints it."""
    with _database(url) as at, Engine.open(at) as engine:
        place = fixture(territory, seed=seed)
        now = place.as_of
        started = perf_counter()
        load_territory(session, engine, place)
        problem = engine.problem(territory, now=now)
        with session.busy(f"{territory}: plan"):
            report = engine.plan(territory, now=now, seed=seed, actor=OPEN_AT)
        violations = check(problem, report.plan)
        policy = engine.policy(territory)
        figures = plan_figures(report, policy) | {
            "bound_from_duals": list(bounds(problem, report.plan)),
            "violations": len(violations),
        }
        morning = next_morning(policy, now)
        placement = _at_the_counter(engine, place.communes[0], policy, now=morning)
        why = _why(session, engine, placement, now=morning)
        figures["placement"] = _placement_figures(session, placement) | {"why": why}
        figures["seconds_total"] = round(perf_counter() - started, 2)
        if session.json:
            session.emit(figures)
            return
        plan_tables(session, report, policy)
        _tell(session, placement, policy)
        for line in why:
            session.out.print(f"  {line}")


@contextmanager
def _database(url: str | None) -> Iterator[str]:
    """Gives the URL asked for, else an SQLite file that goes with the demo."""
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="slotengine-demo-") as folder:
        yield f"sqlite:///{Path(folder) / 'demo.sqlite'}"


def next_morning(policy: Policy, now: datetime) -> datetime:
    """Gives the next local morning at the counter's hour."""
    day = (now.astimezone(policy.zone) + timedelta(days=1)).date()
    return datetime(day.year, day.month, day.day, COUNTER_HOUR, tzinfo=policy.zone)


def _at_the_counter(
    engine: Engine, commune: Commune, policy: Policy, *, now: datetime
) -> Placement:
    """Sends one invented patient's record through the pharmacy's door, and places it."""
    record = {
        "reference": f"counter-{now:%Y%m%d}",
        "patient_id": "invented-patient-1",
        "age": 34,
        "lat": commune.lat,
        "lon": commune.lon,
        "insee": commune.insee,
        "priority": Priority.URGENT.value,
        "profession": Profession.PHYSICIAN.value,
        "received_at": now.isoformat(),
    }
    adapter = adapter_for(
        "pharmacy",
        territory=policy.territory,
        zone=policy.zone,
        pseudonymiser=Pseudonymiser(b"the key of a demonstration......"),
    )
    (one,) = adapter.read(json.dumps([record]).encode(), now=now)
    if not isinstance(one, New):
        raise InputError(f"the demonstration's own record was not read: {one}")
    return engine.place(one.referral, now=now, actor=OPEN_AT)


def _why(session: Session, engine: Engine, placement: Placement, *, now: datetime) -> list[str]:
    """Says what the coordinator may read of it: the seat against the next best, or the rule."""
    found = engine.explain(placement.referral, now=now, breakdown=True)
    if found.seat is None:
        told = " ".join(reason.text(session.lang) for reason in found.reasons)
        return [session.say(f"pour le coordinateur : {told}", f"for the coordinator: {told}")]
    seat, other = found.seat, found.runner_up
    lines = [
        session.say(
            f"pourquoi elle : {seat.wait_minutes} min d'attente et {seat.travel_minutes} min de "
            f"trajet coûtent {seat.cost} minutes pondérées",
            f"why this one: {seat.wait_minutes} min of waiting and {seat.travel_minutes} min of "
            f"travel cost {seat.cost} weighted minutes",
        )
    ]
    if other is None:
        none = ("aucune autre place libre ne convient", "no other free seat fits")
        return [*lines, word(none, session.lang)]
    return [
        *lines,
        session.say(
            f"la meilleure autre place libre ({other.wait_minutes} et {other.travel_minutes} min) "
            f"en coûte {other.cost}",
            f"the best other free seat ({other.wait_minutes} and {other.travel_minutes} min) "
            f"costs {other.cost}",
        ),
    ]


def _placement_figures(session: Session, placement: Placement) -> dict[str, Any]:
    offer = placement.offer
    return {
        "referral": placement.referral,
        "state": placement.state.value,
        "slot": None if offer is None else offer.slot,
        "start": None if offer is None else offer.start.isoformat(),
        "mode": None if offer is None else offer.mode.value,
        "travel_minutes": None if offer is None else offer.travel_minutes,
        "reasons": [reason.text(session.lang) for reason in placement.reasons],
    }


def _tell(session: Session, placement: Placement, policy: Policy) -> None:
    """Says what the pharmacist reads."""
    out = session.out
    soon = deadline_words(session, policy, Priority.URGENT)
    out.print(
        session.say(
            f"Le lendemain à {COUNTER_HOUR} h, une pharmacie demande un médecin {soon} :",
            f"At {COUNTER_HOUR}:00 the next morning a pharmacy asks for a doctor {soon}:",
        )
    )
    offer = placement.offer
    if offer is None or placement.booking is None:
        for reason in placement.reasons:
            out.print(f"  {reason.text(session.lang)}")
        return
    who = word(PROFESSION[offer.profession], session.lang)
    at = when(offer.start, policy.zone, session.lang)
    journey = journey_words(session, offer.travel_minutes, offer.travel_metres)
    out.print(f"  {who}, {at}, {place_words(session, offer)} ({journey})")
    until = when(offer.expires_at, policy.zone, session.lang)
    out.print(session.say(f"  place tenue jusqu'à {until}", f"  seat held until {until}"))
