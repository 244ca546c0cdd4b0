"""The contract of price sets, on both databases."""

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from builders import NOW
from desk import Desk
from sqlalchemy import text

from slotengine.errors import UnknownTerritoryError
from slotengine.seat_prices import PriceSet, SeatPrice
from slotengine.store import SqlStore

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    ready = Desk(store)
    ready.settle()
    ready.settle("senart")
    return ready


def price_set(id_: str = "p1", **changes: Any) -> PriceSet:
    fields: dict[str, Any] = {
        "id": id_,
        "territory": "giennois",
        "policy_digest": "a" * 32,
        "problem_digest": "b" * 32,
        "forecast_digest": "c" * 32,
        "futures": 20,
        "seed": 2**40,
        "computed_at": NOW,
        "valid_until": NOW + 2 * HOUR,
        "free_seats": 3,
        "expected": 1.25,
        "days_seen": 7,
        "prices": (SeatPrice(slot="a-1", price=0), SeatPrice(slot="a1", price=2**33)),
    }
    return PriceSet(**{**fields, **changes})


def save(desk: Desk, prices: PriceSet) -> bool:
    return desk.do(lambda unit: unit.save_prices(prices))


def current(desk: Desk, territory: str = "giennois") -> PriceSet | None:
    return desk.ask(lambda unit: unit.current_prices(territory))


def counted(desk: Desk, table: str) -> Any:
    return desk.ask(
        lambda unit: unit._connection.scalar(  # type: ignore[attr-defined] # behind the port
            text(f"SELECT count(*) FROM slotengine_{table}")
        )
    )


def test_a_territory_has_no_prices_before_the_first_ones(desk: Desk) -> None:
    assert current(desk) is None
    assert save(desk, price_set())
    assert current(desk) == price_set()
    assert current(desk, "senart") is None
    assert desk.kinds()[-1] == "prices.current"


def test_a_set_comes_back_sorted_by_slot_whatever_its_order_was(desk: Desk) -> None:
    backwards = price_set(prices=tuple(reversed(price_set().prices)))
    assert save(desk, backwards)
    assert current(desk) == price_set()


def test_a_set_of_no_seat_at_all_is_a_set(desk: Desk) -> None:
    assert save(desk, price_set(prices=(), free_seats=0))
    assert current(desk) == price_set(prices=(), free_seats=0)


@pytest.mark.parametrize(
    ("later", "wins"), [(timedelta(microseconds=1), True), (timedelta(0), True), (-HOUR, False)]
)
def test_a_set_never_follows_one_that_was_computed_later(
    desk: Desk, later: timedelta, wins: object
) -> None:
    save(desk, price_set())
    second = price_set("p2", computed_at=NOW + later, prices=(SeatPrice(slot="a1", price=5),))
    assert save(desk, second) is wins
    assert current(desk) == (second if wins else price_set())
    assert (counted(desk, "price_set"), counted(desk, "seat_price")) == (2, 3)


def test_the_same_figures_computed_again_are_good_for_longer(desk: Desk) -> None:
    save(desk, price_set())
    again = price_set(computed_at=NOW + HOUR, valid_until=NOW + 3 * HOUR)
    assert save(desk, again)
    assert current(desk) == again
    assert not save(desk, price_set())
    assert current(desk) == again
    assert (counted(desk, "price_set"), counted(desk, "seat_price")) == (1, 2)


def test_two_territories_may_have_a_set_of_one_name(desk: Desk) -> None:
    theirs = price_set(territory="senart", prices=(SeatPrice(slot="a1", price=9),))
    assert save(desk, price_set())
    assert save(desk, theirs)
    assert (current(desk), current(desk, "senart")) == (price_set(), theirs)


def test_prices_of_a_territory_that_is_not_there_are_refused_and_not_kept(desk: Desk) -> None:
    with pytest.raises(UnknownTerritoryError):
        save(desk, price_set(territory="nowhere"))
    assert counted(desk, "price_set") == 0


def test_what_was_read_once_is_not_read_again_and_another_database_is_not_mixed_up(
    desk: Desk, tmp_path: Any
) -> None:
    """Sets of one name and other prices, in two databases of one process."""
    other = Desk(SqlStore.open(f"sqlite:///{tmp_path / 'other.sqlite'}"))
    other.settle()
    theirs = price_set(prices=(SeatPrice(slot="a1", price=9),))
    save(desk, price_set())
    save(other, theirs)
    first = current(desk)
    assert (first, current(other)) == (price_set(), theirs)
    assert current(desk) is first
    other.store.close()


def test_a_process_that_did_not_save_a_set_reads_it(desk: Desk, store_url: str) -> None:
    backwards = price_set(prices=tuple(reversed(price_set().prices)))
    save(desk, backwards)
    code = (
        "import sys; from datetime import UTC, datetime; from slotengine.store import SqlStore\n"
        f"store = SqlStore.open({store_url!r})\n"
        "found = store.read(lambda unit: unit.current_prices('giennois'))\n"
        "print(found.model_dump_json())"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert PriceSet.model_validate_json(said.stdout) == price_set()


def test_more_seats_than_one_statement_holds(desk: Desk) -> None:
    many = price_set(
        prices=tuple(SeatPrice(slot=f"slot{n:04}", price=n) for n in range(1_201)),
        free_seats=1_201,
    )
    assert save(desk, many)
    assert current(desk) == many


@pytest.mark.parametrize(("after", "rows"), [(timedelta(0), 4), (timedelta(microseconds=1), 2)])
def test_prices_of_long_ago_are_dropped_and_what_they_came_from_stays(
    desk: Desk, after: timedelta, rows: int
) -> None:
    """A set is valid for two hours and its prices are kept for a week more."""
    save(desk, price_set())
    now = NOW + 2 * HOUR + timedelta(days=7) + after
    last = price_set("p2", computed_at=now, valid_until=now + HOUR)
    assert desk.do(lambda unit: unit.save_prices(last), now=now)
    assert (counted(desk, "price_set"), counted(desk, "seat_price")) == (2, rows)
    assert current(desk) == last


def test_the_current_set_is_not_dropped_however_old_it_is(desk: Desk) -> None:
    save(desk, price_set())
    much_later = NOW + timedelta(days=30)
    assert not desk.do(
        lambda unit: unit.save_prices(price_set("p0", computed_at=NOW - HOUR)), now=much_later
    )
    again = price_set(computed_at=NOW + HOUR)
    assert desk.do(lambda unit: unit.save_prices(again), now=much_later)
    assert current(desk) == again
    # Its own two rows stay; those of the one that never was current are gone.
    assert counted(desk, "seat_price") == 2
