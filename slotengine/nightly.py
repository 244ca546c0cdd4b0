"""
Planning at night and looking after the day, as APScheduler jobs, two a territory.

This is the one place that reads the clock: a job starts by itself and nobody can hand it ``now``.
"""

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slotengine.answers import PlanReport, TendReport
from slotengine.domain import Actor
from slotengine.engine import Engine
from slotengine.errors import InputError
from slotengine.tending import Steps

if TYPE_CHECKING:
    from apscheduler.job import Job
    from apscheduler.schedulers.base import BaseScheduler

logger = logging.getLogger("slotengine.nightly")
logger.addHandler(logging.NullHandler())

ACTOR = Actor(role="system", id="nightly")

HOURS_PER_DAY = 24

CHANGEOVER_HOUR = 2
"""
Local hour that the October night has twice and the March night not at all.

APScheduler 3.11.3 fires a 02:30 job twice on 25 October 2026 and at a time that does not exist on
28 March 2027 (Europe/Paris); 01:30 and 03:00 fire once on both (measured).
"""

MINUTES_PER_HOUR = 60

LATE_START_SECONDS = 3 * 3600
"""A run that could not start on time (the machine slept) still starts this much later."""


def install(
    scheduler: "BaseScheduler",
    engine: Engine,
    territory: str,
    *,
    hour: int = 1,
    minute: int = 30,
) -> "Job":
    """
    Adds the nightly run of one territory to the host's scheduler, or replaces it.

    The engine is pickled by a persistent job store: it must have been opened from a URL.

    Parameters
    ----------
    hour, minute
        Local time in the territory's zone. Default 01:30.

    Raises
    ------
    InputError
        For a time that does not exist, or that a changeover night has twice or not at all.
    UnknownTerritoryError
        When the territory has no policy.
    """
    if not 0 <= hour < HOURS_PER_DAY or not 0 <= minute < MINUTES_PER_HOUR:
        raise InputError(f"{hour}:{minute:02} is not a time of day")
    policy = engine.policy(territory)
    if hour == CHANGEOVER_HOUR:
        raise InputError("02:00-02:59 happens twice or never on changeover nights; choose 1 or 3 h")
    return scheduler.add_job(
        run,
        "cron",
        args=(engine, territory),
        hour=hour,
        minute=minute,
        timezone=policy.zone,
        id=f"slotengine-nightly-{territory}",
        name=f"slotengine: plan {territory}",
        replace_existing=True,
        coalesce=True,
        max_instances=1,
        misfire_grace_time=LATE_START_SECONDS,
    )


def install_upkeep(
    scheduler: "BaseScheduler", engine: Engine, territory: str, *, minutes: int = 1
) -> "Job":
    """
    Adds the upkeep of one territory's day to the host's scheduler, or replaces it.

    The engine is pickled by a persistent job store: it must have been opened from a URL.

    Parameters
    ----------
    minutes
        From one run to the next. Default 1: a patient who was promised to be told an hour ahead is
        told at most that much later, which the Policy's ``clock_tolerance`` allows (default 2).

    Raises
    ------
    InputError
        For less than a minute, or more than an hour.
    UnknownTerritoryError
        When the territory has no policy.
    """
    if not 1 <= minutes <= MINUTES_PER_HOUR:
        raise InputError(f"upkeep every {minutes} minutes: allowed is 1 to {MINUTES_PER_HOUR}")
    policy = engine.policy(territory)
    return scheduler.add_job(
        tend,
        "interval",
        args=(engine, territory),
        minutes=minutes,
        timezone=policy.zone,
        id=f"slotengine-upkeep-{territory}",
        name=f"slotengine: look after {territory}",
        replace_existing=True,
        # Runs that were missed are one run: what is due is due by the clock, not by the count.
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )


def tend(engine: Engine, territory: str) -> TendReport:
    """Does what time made due in one territory now; what the scheduler calls."""
    report = engine.tend(territory, now=datetime.now(UTC), actor=ACTOR)
    logger.info(
        "tended",
        extra={
            "territory": territory,
            "expired": len(report.expired),
            "announced": len(report.announced),
            "refilled": len(report.refilled),
            "handed_back": len(report.handed_back),
            "repriced": report.repriced,
        },
    )
    return report


def run(engine: Engine, territory: str) -> PlanReport:
    """
    Prices one territory's seats and plans its night by them, now; what the scheduler calls.

    Without prices a night would eat the seats that the counter keeps. Where they can't be computed
    the night is planned by what there is; then the error is raised, for the host to see.
    """
    now = datetime.now(UTC)
    steps = Steps()
    steps.tried("reprice", lambda: engine.reprice(territory, now=now, actor=ACTOR))
    report = engine.plan(territory, now=now, actor=ACTOR)
    logger.info(
        "planned",
        extra={
            "territory": territory,
            "plan": report.plan.digest,
            "served": len(report.plan.assignments),
            "unserved": len(report.plan.unserved),
            "proved": report.plan.proved,
            "conflicts": len(report.conflicts),
        },
    )
    steps.end()
    return report
