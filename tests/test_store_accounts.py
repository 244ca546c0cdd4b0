"""Regulators' accounts on both databases: one mail, one account; identifiers move."""

import pytest
from desk import Desk
from sqlalchemy import text

from slotengine.ports_doors import Account
from slotengine.store import SqlStore

NATIONAL = ("urn:oid:1.2.250.1.71.4.2.1", "810000000011")
TECHNICAL = ("urn:oid:1.2.250.1.213.3.6", "1ef1c748-01a3-6180-b098-73283ce4e5b1")


def account(id_: str = "a", mail: str | None = "1" * 32, *identifiers: tuple[str, str]) -> Account:
    return Account(id=id_, identifiers=identifiers or (NATIONAL,), mail_hash=mail)


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    return Desk(store)


def test_an_account_is_found_by_its_identifier_and_by_its_mail(desk: Desk) -> None:
    made = account()
    assert desk.do(lambda unit: unit.add_account(made))
    assert desk.ask(lambda unit: unit.account_with(*NATIONAL)) == made
    assert desk.ask(lambda unit: unit.account_of_mail("1" * 32)) == made
    assert desk.ask(lambda unit: unit.account_with(*TECHNICAL)) is None
    assert desk.ask(lambda unit: unit.account_of_mail("2" * 32)) is None


@pytest.mark.parametrize(
    "second",
    [
        account("b", "1" * 32, TECHNICAL),
        account("b", "2" * 32, NATIONAL),
        account("a", "2" * 32, TECHNICAL),
    ],
    ids=["mail", "identifier", "id"],
)
def test_a_second_account_with_the_same_is_refused_and_nothing_is_written(
    desk: Desk, second: Account
) -> None:
    made = account()
    desk.do(lambda unit: unit.add_account(made))
    assert not desk.do(lambda unit: unit.add_account(second))
    assert desk.ask(lambda unit: unit.account_with(*NATIONAL)) == made
    assert desk.ask(lambda unit: unit.account_with(*TECHNICAL)) is None
    assert desk.kinds() == ["account.created"]


def test_accounts_without_a_mail_are_no_doubles(desk: Desk) -> None:
    assert desk.do(lambda unit: unit.add_account(account("a", None)))
    assert desk.do(lambda unit: unit.add_account(account("b", None, TECHNICAL)))


def test_a_replaced_account_has_a_later_version_and_takes_identifiers_along(desk: Desk) -> None:
    desk.do(lambda unit: unit.add_account(account("a")))
    desk.do(lambda unit: unit.add_account(account("b", "2" * 32, TECHNICAL)))
    taken = account("b", "2" * 32, NATIONAL, TECHNICAL).replaced(active=False)
    assert desk.do(lambda unit: unit.replace_account(taken))
    found = desk.ask(lambda unit: unit.account_with(*NATIONAL))
    assert found is not None
    assert (found.id, found.active, found.version) == ("b", False, 2)
    assert set(found.identifiers) == {NATIONAL, TECHNICAL}
    left = desk.ask(lambda unit: unit.account_of_mail("1" * 32))
    assert left is not None
    assert (left.id, left.identifiers) == ("a", ())


def test_an_account_is_not_replaced_under_the_mail_of_another(desk: Desk) -> None:
    desk.do(lambda unit: unit.add_account(account("a")))
    desk.do(lambda unit: unit.add_account(account("b", "2" * 32, TECHNICAL)))
    assert not desk.do(lambda unit: unit.replace_account(account("b", "1" * 32, TECHNICAL)))
    found = desk.ask(lambda unit: unit.account_with(*TECHNICAL))
    assert found is not None
    assert found.mail_hash == "2" * 32


def test_each_change_is_told_with_the_account_and_who_made_it(desk: Desk) -> None:
    desk.do(lambda unit: unit.add_account(account("a")))
    desk.do(lambda unit: unit.replace_account(account("a")))
    events = desk.ask(lambda unit: unit.events(None, 10))
    assert [(one.kind, one.why) for one in events] == [
        ("account.created", "a"),
        ("account.changed", "a"),
    ]
    assert {one.actor.role for one in events if one.actor} == {"pharmacist"}


def test_the_rows_hold_no_mail_address(desk: Desk) -> None:
    desk.do(lambda unit: unit.add_account(account("a")))
    rows = desk.ask(
        lambda unit: unit._connection.execute(  # type: ignore[attr-defined]  # behind the port
            text("SELECT * FROM slotengine_account")
        ).all()
    )
    assert len(rows) == 1
    assert "@" not in str(rows)
