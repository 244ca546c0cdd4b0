"""The nightly run and the day's upkeep under a real APScheduler."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from builders import policy, practitioner, referral, site, slot

from slotengine import nightly
from slotengine.codes import ReferralState
from slotengine.engine import Engine
from slotengine.errors import InputError, StoreBusyError, UnknownTerritoryError

PATIENCE = 60  # seconds: a job that never ends fails the test instead of hanging it


@pytest.fixture
def now() -> datetime:
    """The job reads the clock, so its world is laid out around the real instant."""
    return datetime.now(UTC)


@pytest.fixture
def engine(sqlite_url: str, now: datetime):
    with Engine.open(sqlite_url) as opened:
        opened.set_policy(policy(), now=now)
        soon = now + timedelta(hours=3)
        opened.publish(
            "giennois",
            practitioners=[practitioner()],
            sites=[site()],
            slots=[slot().replaced(start=soon, end=soon + timedelta(minutes=15))],
            now=now,
        )
        opened.refer(referral(received_at=now, deadline=now + timedelta(hours=24)), now=now)
        yield opened


def test_a_scheduled_run_plans_and_writes_promises(engine: Engine) -> None:
    done = threading.Event()
    errors: list[BaseException] = []

    def ended(event: object) -> None:
        failure = getattr(event, "exception", None)
        if failure is not None:
            errors.append(failure)
        done.set()

    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_listener(ended)
    job = nightly.install(scheduler, engine, "giennois", hour=3)
    scheduler.start(paused=True)
    done.clear()
    scheduler.modify_job(job.id, next_run_time=datetime.now(UTC))
    done.clear()
    scheduler.resume()
    for _ in range(5):
        assert done.wait(PATIENCE)
        done.clear()
        if engine.referral(referral().id).state is ReferralState.PROMISED or errors:
            break
    scheduler.shutdown(wait=True)
    assert errors == []
    assert engine.referral(referral().id).state is ReferralState.PROMISED
    planned = [event for event in engine.events() if event.kind == "plan.committed"]
    assert [event.actor for event in planned] == [nightly.ACTOR]


def test_a_persistent_job_store_keeps_the_job_by_url(engine: Engine, tmp_path: Path) -> None:
    store = SQLAlchemyJobStore(url=f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    scheduler = BackgroundScheduler(jobstores={"default": store}, timezone=UTC)
    scheduler.start(paused=True)
    nightly.install(scheduler, engine, "giennois")
    nightly.install(scheduler, engine, "giennois", hour=3, minute=15)
    (job,) = scheduler.get_jobs()
    other, territory = job.args
    assert territory == "giennois"
    report = job.func(other, territory)
    assert len(report.plan.assignments) == 1
    other.dispose()
    scheduler.shutdown()
    store.engine.dispose()


@pytest.mark.parametrize(
    ("night", "hours_utc"),
    [
        (datetime(2026, 10, 24, 12, tzinfo=UTC), 23.5),
        (datetime(2027, 3, 27, 12, tzinfo=UTC), 24.5),
        (datetime(2026, 11, 22, 12, tzinfo=UTC), 24.5),
    ],
)
def test_half_past_one_fires_once_on_changeover_nights(
    engine: Engine, night: datetime, hours_utc: float
) -> None:
    scheduler = BackgroundScheduler(timezone=UTC)
    job = nightly.install(scheduler, engine, "giennois")
    first = job.trigger.get_next_fire_time(None, night)
    second = job.trigger.get_next_fire_time(first, first + timedelta(seconds=1))
    assert first.astimezone(UTC) == datetime.combine(
        night.date(), datetime.min.time(), tzinfo=UTC
    ) + timedelta(hours=hours_utc)
    paris = ZoneInfo("Europe/Paris")
    assert second.astimezone(paris).date() - first.astimezone(paris).date() == timedelta(days=1)


@pytest.mark.parametrize(("hour", "minute"), [(2, 0), (2, 59), (24, 0), (-1, 0), (1, 60)])
def test_an_hour_that_a_changeover_night_has_twice_or_never_is_refused(
    engine: Engine, hour: int, minute: int
) -> None:
    with pytest.raises(InputError):
        nightly.install(BackgroundScheduler(), engine, "giennois", hour=hour, minute=minute)


@pytest.mark.parametrize(("hour", "minute"), [(1, 59), (3, 0), (0, 0), (23, 59)])
def test_hours_beside_it_are_taken(engine: Engine, hour: int, minute: int) -> None:
    assert nightly.install(BackgroundScheduler(), engine, "giennois", hour=hour, minute=minute)


def test_an_unknown_territory_is_refused_at_installation(engine: Engine) -> None:
    with pytest.raises(UnknownTerritoryError):
        nightly.install(BackgroundScheduler(), engine, "senart")


def test_upkeep_runs_every_minute_once_at_a_time(engine: Engine) -> None:
    scheduler = BackgroundScheduler(timezone=UTC)
    job = nightly.install_upkeep(scheduler, engine, "giennois")
    assert job.trigger.interval == timedelta(minutes=1)
    assert (job.coalesce, job.max_instances, job.misfire_grace_time) == (True, 1, None)
    again = nightly.install_upkeep(scheduler, engine, "giennois", minutes=5)
    assert (again.id, again.trigger.interval) == (job.id, timedelta(minutes=5))
    assert job.id != nightly.install(scheduler, engine, "giennois").id


@pytest.mark.parametrize("minutes", [0, -1, 61])
def test_upkeep_less_often_than_hourly_or_all_the_time_is_refused(
    engine: Engine, minutes: int
) -> None:
    with pytest.raises(InputError):
        nightly.install_upkeep(BackgroundScheduler(), engine, "giennois", minutes=minutes)


@pytest.mark.parametrize("minutes", [1, 60])
def test_upkeep_each_minute_or_each_hour_is_taken(engine: Engine, minutes: int) -> None:
    assert nightly.install_upkeep(BackgroundScheduler(), engine, "giennois", minutes=minutes)


def test_upkeep_of_an_unknown_territory_is_refused_at_installation(engine: Engine) -> None:
    with pytest.raises(UnknownTerritoryError):
        nightly.install_upkeep(BackgroundScheduler(), engine, "senart")


def test_what_the_scheduler_calls_looks_after_the_territory(engine: Engine) -> None:
    report = nightly.tend(engine, "giennois")
    assert report.repriced is not None


def test_a_night_prices_seats_before_it_plans(engine: Engine) -> None:
    nightly.run(engine, "giennois")
    current = engine._store.read(lambda unit: unit.current_prices("giennois"))
    assert current is not None
    assert engine.referral(referral().id).state is ReferralState.PROMISED


def test_a_night_without_prices_is_planned_and_says_so(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreBusyError("locked")

    monkeypatch.setattr(type(engine), "reprice", fail)
    with pytest.raises(StoreBusyError):
        nightly.run(engine, "giennois")
    assert engine.referral(referral().id).state is ReferralState.PROMISED
