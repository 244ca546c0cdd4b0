"""
Several processes take promised seats at once: who needs the hour gets it, who was promised keeps.

One seat wanted by two is raced in ``test_engine_races`` and ``test_store_races``; here a whole
morning of promises is, by paths that cross, until nothing is left to be had.
"""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from builders import NOW, policy, practitioner, referral, site, slot
from races import counted, counters_agree, spawned, together
from test_store_races import ASTRAY, SEATLESS, TWICE

from slotengine.codes import Priority, SourceKind
from slotengine.counter_rules import Pricing, PromiseRules
from slotengine.domain import Referral, Slot
from slotengine.engine import Engine
from slotengine.reasons import ReasonCode

DOCTORS = ("d1", "d2", "d3", "d4")
EARLY = range(90, 210, 15)
"""Minutes at which the morning's slots start; all are promised."""
LATE = range(300, 420, 15)
"""Minutes at which the others start; half of them are free."""
PROMISED = 48
"""Of 64 seats."""
URGENT_DUE = timedelta(minutes=210)


def seats(*minutes: range) -> list[Slot]:
    return [
        slot(f"{who}-{at}", practitioner=who, after_minutes=at)
        for who in DOCTORS
        for span in minutes
        for at in span
    ]


def promised(number: int) -> Referral:
    return referral(f"promised-{number:02}", priority=Priority.ROUTINE)


def urgent(who: str, number: int) -> Referral:
    """One whom only the morning's seats can help, all of which are promised."""
    return referral(
        f"{who}-{number}",
        source=SourceKind.SAMU,
        priority=Priority.STAT,
        deadline=NOW + URGENT_DUE,
    )


def settled(engine: Engine) -> None:
    """Promises the morning and a part of the afternoon to patients who can wait for either."""
    engine.set_policy(
        policy(
            promises=PromiseRules(priorities=(Priority.ROUTINE,)), pricing=Pricing(enabled=False)
        ),
        now=NOW,
    )
    engine.publish(
        "giennois",
        practitioners=[practitioner(one) for one in DOCTORS],
        sites=[site()],
        slots=seats(EARLY, LATE),
        now=NOW,
    )
    for number in range(PROMISED):
        assert engine.place(promised(number), now=NOW).promise is not None


def take(url: str, who: str, wanted: int) -> list[tuple[str, str | None, bool]]:
    """Places one urgent patient after the other, as fast as it can."""
    said = []
    with Engine.open(url) as engine:
        together()
        for number in range(wanted):
            placed = engine.place(urgent(who, number), now=NOW, confirm=True)
            codes = {reason.code for reason in placed.reasons}
            said.append(
                (
                    placed.referral,
                    None if placed.booking is None else placed.booking.slot,
                    ReasonCode.NO_FREE_SEAT in codes,
                )
            )
    return said


@pytest.mark.parametrize(("takers", "wanted"), [(2, 12), (3, 14)])
def test_processes_that_take_promised_seats_break_no_promise(
    store_url: str, takers: int, wanted: int
) -> None:
    """
    16 of 64 seats are free, so 16 promises can move, whoever asks: not one seat more is had.

    With 3 times 14 patients 26 get none, and are told so.
    """
    with Engine.open(store_url) as engine:
        settled(engine)
    works = [partial(take, store_url, f"taker{at}", wanted) for at in range(takers)]
    said = [one for answers in spawned(*works) for one in answers]
    free = len(seats(EARLY, LATE)) - PROMISED
    won = {who: where for who, where, _ in said if where is not None}
    assert len(said) == takers * wanted
    assert len(won) == min(takers * wanted, free)
    assert max(Counter(won.values()).values()) == 1
    assert all(honest for _, where, honest in said if where is None)
    for sql in (TWICE, SEATLESS, ASTRAY):
        assert counted(store_url, sql) == []
    assert counters_agree(store_url)
    states = counted(store_url, "SELECT state, count(*) FROM slotengine_promise GROUP BY state")
    assert states == [("open", PROMISED)]
    broken = "SELECT count(*) FROM slotengine_event WHERE kind LIKE 'incident%'"
    assert counted(store_url, broken) == [(0,)]
    late = (
        "SELECT b.id FROM slotengine_booking b JOIN slotengine_promise p "
        "ON p.referral_id = b.referral_id WHERE b.status = 'promised' "
        "AND b.starts_at > p.before_at"
    )
    assert counted(store_url, late) == []
