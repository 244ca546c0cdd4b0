"""Many texts as one parameter of a statement, and how many seats of slots others have."""

from datetime import timedelta

import pytest
from builders import NOW, slot
from desk import HOLD, Desk
from sqlalchemy import Column, MetaData, Table, Text, create_engine, delete, select, update

from slotengine.store import SqlStore
from slotengine.store_among import among, among_given

HELD = ["plain", "it's", 'a "b"', "back\\slash", "{1,2}", "émile", "NULL", "with, comma", ""]
FAR_TOO_MANY = 70_000
"""More values than PostgreSQL's 65,535 parameters."""

WORDS = Table("words", MetaData(), Column("word", Text, primary_key=True), Column("seen", Text))


@pytest.fixture
def words(store_url: str) -> object:
    database = create_engine(store_url)
    with database.begin() as connection:
        WORDS.create(connection)
        connection.execute(WORDS.insert(), [{"word": one} for one in HELD])
    yield database
    database.dispose()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([], []),
        (["plain"], ["plain"]),
        (["plain", "plain"], ["plain"]),
        (["unheard"], []),
        (HELD, HELD),
        ([*map(str, range(FAR_TOO_MANY)), "it's"], ["it's"]),
    ],
    ids=["none", "one", "one twice", "unknown", "all, quotes and all", "70,000"],
)
def test_texts_are_found_among_texts(words: object, asked: list[str], found: list[str]) -> None:
    once = select(WORDS.c.word).where(among_given(WORDS.c.word, "wanted"))
    with words.connect() as connection:  # type: ignore[attr-defined] # the fixture's engine
        now = connection.scalars(select(WORDS.c.word).where(among(WORDS.c.word, asked))).all()
        given = connection.scalars(once, {"wanted": asked}).all()
    assert sorted(now) == sorted(given) == sorted(found)


def test_rows_are_changed_and_deleted_among_texts(words: object) -> None:
    with words.begin() as connection:  # type: ignore[attr-defined] # the fixture's engine
        seen = update(WORDS).where(among(WORDS.c.word, HELD[:3])).values(seen="yes")
        assert connection.execute(seen).rowcount == 3
        gone = delete(WORDS).where(among(WORDS.c.word, ["plain", "unheard"]))
        assert connection.execute(gone).rowcount == 1
        left = connection.scalars(select(WORDS.c.word).where(WORDS.c.seen == "yes")).all()
    assert sorted(left) == sorted(HELD[1:3])


def test_an_index_serves_a_question_among_texts(sqlite_url: str) -> None:
    """Of SQLite: that PostgreSQL reads a table of nine rows without an index says nothing."""
    database = create_engine(sqlite_url)
    asked = select(WORDS.c.word).where(among_given(WORDS.c.word, "wanted"))
    with database.begin() as connection:
        WORDS.create(connection)
        explained = f"EXPLAIN QUERY PLAN {asked.compile(dialect=database.dialect)}"
        plan = connection.exec_driver_sql(explained, ('["plain"]',)).all()
    database.dispose()
    # Compared with a Boolean, it would be as true and read every row.
    assert any("SEARCH words USING" in row[-1] for row in plan)


def test_seats_are_counted_that_others_have_now(store: SqlStore) -> None:
    desk = Desk.beside(store, "d1", "d2")
    full, half, free = (
        slot("full", capacity=2),
        slot("half", after_minutes=180, capacity=2),
        slot("free", after_minutes=240),
    )
    desk.publish(full, half, free)
    first, second, third = (desk.refer(str(number)) for number in range(3))
    desk.hold(first, full)
    desk.confirm(desk.hold(second, full))
    desk.end(desk.hold(third, half))
    ids = ["full", "half", "free", "unheard"]

    def taken(beside: str, *, after: timedelta = timedelta()) -> dict[str, int]:
        return dict(desk.ask(lambda unit: unit.seats_taken(ids, beside=beside), now=NOW + after))

    assert taken("nobody") == {"full": 2}
    assert taken(first.id) == {"full": 1}
    assert taken(third.id) == {"full": 2}
    assert taken("nobody", after=HOLD - timedelta(microseconds=1)) == {"full": 2}
    assert taken("nobody", after=HOLD) == {"full": 1}
    assert desk.ask(lambda unit: unit.seats_taken([], beside=first.id)) == {}
