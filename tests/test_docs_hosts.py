"""The README's hosts at work: FastAPI answers a pharmacy, APScheduler runs a night."""

import pickle
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import anyio
import httpx
import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from docs_support.running import CLOCK, run_python
from sqlalchemy import create_engine

from slotengine import (
    ClockError,
    Engine,
    InputError,
    Mode,
    PlanReport,
    Priority,
    Profession,
    Referral,
    StoreError,
    nightly,
)
from slotengine.fixtures import territory

PATIENCE = 120.0
"""Seconds until a night that does not come counts as lost; it takes less than one."""


class StoppedClock(datetime):
    """What the nightly job takes for the clock: the README's engine has seen no later hour."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromisoformat(CLOCK.astimezone(tz).isoformat())


@pytest.fixture(scope="module")
def readme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The names of the README after all its Python ran."""
    names: dict[str, Any] = {"__name__": "__docs__"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("readme"))
        run_python("README.md", names)
        yield names
        names["scheduler"].shutdown()
        names["engine"].dispose()


def _post(app: Any, referral: Referral, **query: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
            return await client.post(
                "/referrals",
                params=query,
                content=referral.model_dump_json(),
                headers={"Content-Type": "application/json"},
            )

    return anyio.run(ask)


@pytest.fixture
def asked(readme: dict[str, Any]) -> Referral:
    """A pharmacy's referral of a patient whom the engine has not seen."""
    like: Referral = next(one for one in readme["place"].referrals if one.source == "pharmacy")
    patient = like.patient.replaced(key="0" * 32)
    return like.replaced(id="r-new", reference="new", patient=patient, received_at=CLOCK)


def _published_again(engine: Engine) -> None:
    """Adds seats to the README's territory: its night has given most of them away."""
    more = territory("pays-de-la-chatre", seed=1, as_of=CLOCK)
    engine.publish(
        more.name,
        practitioners=more.practitioners,
        sites=more.sites,
        slots=more.slots,
        now=CLOCK,
    )


def test_the_endpoint_holds_a_seat_and_says_when_in_french(
    readme: dict[str, Any], asked: Referral
) -> None:
    _published_again(readme["engine"])
    answer = _post(readme["app"], asked)
    assert answer.status_code == 200
    body = answer.json()
    assert body["at"].startswith(("mercredi 25 novembre, ", "jeudi 26 novembre, "))
    assert readme["engine"].booking(body["booking"]).referral == "r-new"
    again = _post(readme["app"], asked).json()
    assert again["booking"] == body["booking"], "the same message holds nothing twice"


def test_the_endpoint_says_why_there_is_no_seat_in_either_language(
    readme: dict[str, Any], asked: Referral
) -> None:
    patient = asked.patient.replaced(key="1" * 32)
    nobody = asked.replaced(
        id="r-dentist",
        reference="dentist",
        patient=patient,
        professions=(Profession.DENTIST,),
        modes=(Mode.VR,),
    )
    french = _post(readme["app"], nobody).json()
    assert french == {"booking": None, "at": None, "why": ["Aucune place libre ne convient."]}
    english = _post(readme["app"], nobody, lang="en").json()
    assert english["why"] == ["No free seat fits."]


def test_the_endpoint_answers_a_red_flag_with_call_15(
    readme: dict[str, Any], asked: Referral
) -> None:
    patient = asked.patient.replaced(key="2" * 32)
    now_or_never = asked.replaced(
        id="r-stat", reference="stat", patient=patient, priority=Priority.STAT
    )
    body = _post(readme["app"], now_or_never).json()
    assert body["booking"] is None
    assert body["why"][0].startswith("Appelez le 15")


def test_the_endpoint_turns_errors_into_status_codes(
    readme: dict[str, Any], asked: Referral
) -> None:
    first = asked.replaced(
        id="r-first", reference="first", patient=asked.patient.replaced(key="3" * 32)
    )
    _post(readme["app"], first)
    other = first.replaced(priority=Priority.ASAP)
    assert _post(readme["app"], other).status_code == 409
    elsewhere = asked.replaced(id="r-elsewhere", territory="atlantis")
    assert _post(readme["app"], elsewhere).status_code == 422


def test_the_scheduler_plans_a_night(
    readme: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "datetime", StoppedClock)
    done = threading.Event()
    runs: list[JobExecutionEvent] = []

    def note(event: JobExecutionEvent) -> None:
        runs.append(event)
        done.set()

    readme["scheduler"].add_listener(note, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    readme["job"].modify(next_run_time=datetime.now(UTC))
    assert done.wait(PATIENCE)
    (run,) = runs
    assert run.exception is None
    report = run.retval
    assert isinstance(report, PlanReport)
    assert report.plan.proved
    assert report.plan.territory == "pays-de-la-chatre"


def test_the_job_comes_at_half_past_one_in_paris(readme: dict[str, Any]) -> None:
    fields = {field.name: str(field) for field in readme["job"].trigger.fields}
    assert (fields["hour"], fields["minute"]) == ("1", "30")
    assert str(readme["job"].trigger.timezone) == "Europe/Paris"


def test_a_connection_that_commits_by_itself_is_refused(readme: dict[str, Any]) -> None:
    database = create_engine("sqlite:///readme.sqlite")
    with database.connect() as connection, pytest.raises(InputError, match="commits by itself"):
        readme["engine"].bound_to(connection.execution_options(isolation_level="AUTOCOMMIT"))
    database.dispose()


def test_an_engine_that_can_not_travel_refuses_to_be_pickled(readme: dict[str, Any]) -> None:
    database = create_engine("sqlite:///readme.sqlite")
    with database.connect() as connection, pytest.raises(StoreError, match="open it by URL"):
        pickle.dumps(readme["engine"].bound_to(connection))
    database.dispose()
    with Engine.open("sqlite://") as in_memory, pytest.raises(StoreError, match="use a file"):
        pickle.dumps(in_memory)


def test_a_clock_behind_the_territorys_is_refused_beyond_the_tolerance(
    readme: dict[str, Any],
) -> None:
    engine = readme["engine"]
    engine.publish("pays-de-la-chatre", now=CLOCK - timedelta(minutes=2))
    with pytest.raises(ClockError):
        engine.publish("pays-de-la-chatre", now=CLOCK - timedelta(minutes=2, seconds=1))
