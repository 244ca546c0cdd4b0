"""A small counter for engine tests: one territory, two doctors, a neighbour that shares a slot."""

from datetime import timedelta
from typing import Any

from builders import NOW, TOWN, north_of, policy, practitioner, price_set, site, slot

from slotengine.codes import Audience
from slotengine.domain import Actor, Slot
from slotengine.engine import Engine
from slotengine.seat_prices import PriceSet
from slotengine.store import SqlStore

PHARMACIST = Actor(role="requester", id="pharmacy-1")


def counter(store: SqlStore, *slots: Slot, **rules: Any) -> Engine:
    """Opens the territory with these slots of doctors d1 and d2; default two slots of d1."""
    engine = Engine(store)
    engine.set_policy(policy(**rules), now=NOW, actor=PHARMACIST)
    report = engine.publish(
        "giennois",
        practitioners=[practitioner("d1"), practitioner("d2")],
        sites=[site("s1"), site("s2", location=north_of(TOWN, 5_000))],
        slots=slots or (slot("soon"), slot("later", after_minutes=180)),
        now=NOW,
        actor=PHARMACIST,
    )
    assert report.rejected == ()
    return engine


def share_from_neighbour(engine: Engine) -> None:
    """Adds a neighbour territory whose one slot is shared with ours, far from now."""
    engine.set_policy(policy(territory="senart"), now=NOW)
    engine.publish(
        "senart",
        practitioners=[practitioner("d9", territory="senart")],
        sites=[site("s9", territory="senart")],
        slots=[
            slot(
                "neighbour",
                after_minutes=600,
                territory="senart",
                practitioner="d9",
                site="s9",
                shared_with=("giennois",),
                audiences=(Audience.CPTS,),
            )
        ],
        now=NOW,
    )


def later(minutes: float) -> Any:
    return NOW + timedelta(minutes=minutes)


def price(engine: Engine, store: SqlStore, **of_slot: int) -> None:
    """Makes these the seat prices of the territory."""
    save(store, price_set(engine.policy("giennois"), of_slot))


def save(store: SqlStore, prices: PriceSet) -> None:
    assert store.write(lambda unit: unit.save_prices(prices), now=NOW)
