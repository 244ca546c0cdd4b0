"""What a desk may see and do: nothing of the future, nothing twice, no promise behind its back."""

from collections.abc import Callable

import numpy as np
import pytest
from builders import policy, slot
from simulated import asks, row_of, two_seats_three_referrals, world

from slotengine.codes import Priority
from slotengine.counter_rules import PromiseRules
from slotengine.errors import InputError
from slotengine.simulation_check import plain_value, violations
from slotengine.simulation_clerk import NO_SEAT, Clerk, Entry
from slotengine.simulation_figures import calibration, figures, outcomes
from slotengine.simulation_run import Run, events, run
from slotengine.simulation_world import World
from slotengine.solver.encoding import Ints

US = 60_000_000


class Scripted:
    """A desk that does what a test says when a referral comes."""

    name = "scripted"

    def __init__(self, world: World, **steps: Callable[[Clerk, int], None]) -> None:
        self.steps = {row_of(world, name): step for name, step in steps.items()}
        self.clerk: Clerk
        self.ticks: list[bool] = []
        self.seen: list[tuple[str, int]] = []

    def start(self, clerk: Clerk) -> None:
        self.clerk = clerk

    def arrived(self, row: int) -> None:
        self.seen.append(("arrived", row))
        if row in self.steps:
            self.steps[row](self.clerk, row)

    def published(self, seats: Ints) -> None:
        self.seen += [("published", seat) for seat in seats.tolist()]

    def freed(self, seat: int, row: int) -> None:
        self.seen.append(("freed", seat))
        del row

    def tick(self, *, hour: bool) -> None:
        self.ticks.append(hour)


def promise(seat: int) -> Callable[[Clerk, int], None]:
    return lambda clerk, row: clerk.promise(row, seat)


def book(seat: int) -> Callable[[Clerk, int], None]:
    return lambda clerk, row: clerk.book(row, seat)


def test_a_referral_that_has_not_come_is_unknown() -> None:
    one = two_seats_three_referrals()
    later = row_of(one, "s")
    for ask in (Clerk.seats_of, Clerk.value, Clerk.referral, Clerk.seat_of):

        def peek(clerk: Clerk, _: int, ask: Callable[..., object] = ask) -> None:
            ask(clerk, later)

        with pytest.raises(InputError, match="has not come yet"):
            run(one, Scripted(one, r1=peek))


def test_a_seat_that_is_not_published_is_unknown() -> None:
    one = two_seats_three_referrals(published={"b": 30})
    for step in (book(1), lambda clerk, _: clerk.slot(1), lambda clerk, _: clerk.row_of(1)):
        with pytest.raises(InputError, match="not published"):
            run(one, Scripted(one, r1=step))
    desk = Scripted(one, s=book(1))
    run(one, desk)
    assert ("published", 1) in desk.seen


def test_a_seat_is_given_once_and_a_referral_one_seat() -> None:
    one = two_seats_three_referrals()
    with pytest.raises(InputError, match="taken"):
        run(one, Scripted(one, r1=book(0), r2=book(0)))

    def twice(clerk: Clerk, row: int) -> None:
        clerk.book(row, 0)
        clerk.book(row, 1)

    with pytest.raises(InputError, match="has a seat"):
        run(one, Scripted(one, r1=twice))


def test_a_seat_can_be_reached_up_to_the_notice_and_not_later() -> None:
    on_edge = world([slot("a", after_minutes=70)], [asks("r1", Priority.ROUTINE, after=60)])
    assert run(on_edge, Scripted(on_edge, r1=book(0))).seat_of.tolist() == [0]
    late = world([slot("a", after_minutes=69)], [asks("r1", Priority.ROUTINE, after=60)])
    with pytest.raises(InputError, match="reach it in time"):
        run(late, Scripted(late, r1=book(0)))


def test_a_promise_moves_until_its_notice_and_not_from_then_on() -> None:
    # The notice is an hour: a seat at +120 is fixed from +60, one at +180 from +120.
    def moved(clerk: Clerk, _: int) -> None:
        clerk.move(first, 1)

    one = two_seats_three_referrals()
    first = row_of(one, "r1")
    done = run(one, Scripted(one, r1=promise(0), r2=moved))
    assert done.seat_of[first] == 1
    assert done.moved == 1
    assert violations(done) == []
    with pytest.raises(InputError, match="fixed"):
        run(one, Scripted(one, r1=promise(0), s=moved))  # at +60, exactly


def test_a_promise_moves_to_a_seat_that_can_be_told_exactly_its_notice_ahead() -> None:
    def world_at(minutes: int) -> World:
        return world(
            [slot("b", after_minutes=minutes), slot("c", after_minutes=300)],
            [asks("r1", Priority.ROUTINE, after=0), asks("r2", Priority.ROUTINE, after=60)],
        )

    def back(one: World) -> Run:
        first = row_of(one, "r1")
        return run(one, Scripted(one, r1=promise(1), r2=lambda clerk, _: clerk.move(first, 0)))

    done = back(world_at(120))
    assert done.moved == 1
    assert violations(done) == []
    with pytest.raises(InputError, match="too soon"):
        back(world_at(119))


def test_an_announced_promise_stays() -> None:
    one = two_seats_three_referrals()
    first = row_of(one, "r1")

    def announce(clerk: Clerk, row: int) -> None:
        clerk.promise(row, 1)
        clerk.settle(row)
        clerk.settle(row)

    assert violations(run(one, Scripted(one, r1=announce))) == []
    with pytest.raises(InputError, match="fixed"):
        run(one, Scripted(one, r1=announce, r2=lambda clerk, _: clerk.move(first, 0)))
    with pytest.raises(InputError, match="no promise"):
        run(one, Scripted(one, r1=lambda clerk, row: clerk.settle(row)))


def test_a_dropped_promise_is_counted_and_found() -> None:
    def drop(clerk: Clerk, row: int) -> None:
        clerk.promise(row, 0)
        clerk.drop(row)

    one = two_seats_three_referrals()
    done = run(one, Scripted(one, r1=drop))
    assert done.broken == 1
    assert figures(done).broken_promises == 1
    assert [found.rule for found in violations(done)] == ["promise.broken"]


def test_promised_are_those_whose_seat_may_still_move() -> None:
    one = two_seats_three_referrals()
    desk = Scripted(one, r1=promise(0), r2=promise(1), s=lambda clerk, _: seen.append(clerk))
    seen: list[Clerk] = []
    at: dict[int, list[int]] = {}

    def look(clerk: Clerk, _: int) -> None:
        at[0] = clerk.promised.tolist()

    desk.steps[row_of(one, "s")] = look
    run(one, desk)
    # At +60 the seat at +120 is fixed, the one at +180 is not.
    assert at[0] == [row_of(one, "r2")]


def test_who_waits_past_the_deadline_or_beyond_the_need_waits_no_more() -> None:
    one = world(
        [slot("a", after_minutes=600)],
        [
            asks("due", Priority.STAT, after=0, hours=1),
            asks("gone", Priority.ROUTINE, after=0),
            asks("here", Priority.ROUTINE, after=0),
            asks("last", Priority.ROUTINE, after=61),
        ],
        ends={"gone": 61},
    )
    at: list[list[int]] = []
    run(one, Scripted(one, last=lambda clerk, _: at.append(clerk.waiting.tolist())))
    assert at == [sorted([row_of(one, "here"), row_of(one, "last")])]


def test_a_moment_holds_what_is_known_now_and_pins_what_is_given() -> None:
    one = two_seats_three_referrals(published={"b": 30})
    found = []

    def look(clerk: Clerk, row: int) -> None:
        clerk.book(row, 0)
        found.append(clerk.moment([]))

    def later(clerk: Clerk, row: int) -> None:
        found.append(clerk.moment([row]))

    run(one, Scripted(one, r1=look, s=later))
    assert [slot.id for slot in found[0].problem.slots] == ["a"]
    assert found[0].seats.tolist() == []
    assert found[0].problem.pins[0].slot == "a"
    assert [slot.id for slot in found[1].problem.slots] == ["a", "b"]
    assert found[1].seats.tolist() == [1]
    assert found[1].rows.tolist() == [row_of(one, "s")]


def test_a_moment_lifts_promises_that_may_move() -> None:
    one = two_seats_three_referrals()
    first = row_of(one, "r1")
    found = []
    desk = Scripted(
        one, r1=promise(0), r2=lambda clerk, row: found.append(clerk.moment([row], [first]))
    )
    run(one, desk)
    assert found[0].seats.tolist() == [0, 1]
    assert found[0].problem.promised == (one.problem.referrals[first].id,)


def test_history_grows_with_what_came_and_was_published() -> None:
    one = two_seats_three_referrals(published={"b": 30})
    found = []
    run(one, Scripted(one, s=lambda clerk, _: found.append(clerk.history())))
    assert [arrival.priority.value for arrival in found[0].arrivals] == [
        "routine",
        "routine",
        "stat",
    ]
    assert [opening.start for opening in found[0].openings] == [one.problem.slots[1].start]


def test_events_of_one_instant_come_in_order() -> None:
    one = two_seats_three_referrals(published={"b": 60}, ends={"r1": 60})
    at_60 = [event.kind for event in events(one) if event.at_us == 60 * US]
    assert at_60 == ["published", "ends", "hour", "arrived"]


def test_time_ticks_every_five_minutes_of_opening_and_hours_apart() -> None:
    one = two_seats_three_referrals()
    desk = Scripted(one)
    run(one, desk)
    # 8 h to 20 h in Paris, both ends: 145 ticks, 13 of them full hours.
    assert (len(desk.ticks), sum(desk.ticks)) == (145, 13)


def test_chances_are_compared_with_what_came_of_them() -> None:
    def say(percent: int) -> Callable[[Clerk, int], None]:
        return lambda clerk, row: clerk.state_chance(row, percent)

    def say_and_book(clerk: Clerk, row: int) -> None:
        clerk.state_chance(row, 90)
        clerk.book(row, 0)

    one = two_seats_three_referrals(ends={"r2": 30})
    done = run(one, Scripted(one, r1=say_and_book, r2=say(50), s=say(20)))
    came = {chance.percent: outcome for chance, outcome in outcomes(done)}
    # r2's need ended while it waited: nobody knows.
    assert came == {90: True, 50: None, 20: False}
    # 90 % came true: 10 points off; 20 % did not: 20 points off; one each.
    assert figures(done).calibration_points == pytest.approx(15)


def test_a_chance_out_of_range_or_of_who_is_seated_is_refused() -> None:
    one = two_seats_three_referrals()
    for step in (
        lambda clerk, row: clerk.state_chance(row, 101),
        lambda clerk, row: (clerk.book(row, 0), clerk.state_chance(row, 50)),
    ):
        with pytest.raises(InputError):
            run(one, Scripted(one, r1=step))


def test_calibration_weighs_tenths_by_how_much_was_stated_there() -> None:
    assert calibration([]) is None
    # Ten of 70 % of which 7 came, and ten of 30 % of which none came: (0 * 10 + 30 * 10) / 20.
    stated = [(70, at < 7) for at in range(10)] + [(30, False)] * 10
    assert calibration(stated) == pytest.approx(15)
    assert calibration([(100, True)]) == 0


def cheated(one: World, *ledger: Entry, seats: dict[str, int] | None = None) -> set[str]:
    """What the check says of a run that a desk made up behind the clerk's back."""
    seat_of = np.full(len(one.problem.referrals), NO_SEAT, dtype=np.int64)
    for name, seat in (seats or {}).items():
        seat_of[row_of(one, name)] = seat
    made_up = Run("cheat", one, seat_of, ledger, (), 0, 0, ())
    return {found.rule for found in violations(made_up)}


def test_the_check_finds_what_a_cheating_desk_does() -> None:
    one = two_seats_three_referrals(published={"b": 30}, ends={"r2": 20})
    r1, r2, s = (row_of(one, name) for name in ("r1", "r2", "s"))
    at = 60 * US
    sound = cheated(one, Entry(0, "book", r1, 0), seats={"r1": 0})
    assert sound == set()
    assert "seat.twice" in cheated(
        one, Entry(0, "book", r1, 0), Entry(at, "book", s, 0), seats={"r1": 0, "s": 0}
    )
    assert "referral.twice" in cheated(
        one, Entry(0, "book", r1, 0), Entry(at, "book", r1, 1), seats={"r1": 1}
    )
    assert cheated(one, Entry(0, "book", s, 0), seats={"s": 0}) == {"referral.future"}
    assert cheated(one, Entry(0, "book", r1, 1), seats={"r1": 1}) == {"seat.future"}
    assert cheated(one, Entry(20 * US, "book", r2, 0), seats={"r2": 0}) == {"referral.gone"}
    assert cheated(one, Entry(111 * US, "book", s, 0), seats={"s": 0}) == {"reach"}
    assert cheated(one, seats={"r1": 0}) == {"ledger"}
    assert cheated(one, Entry(0, "freed", r1, 0)) == {"referral.freed"}


def test_the_check_finds_promises_that_move_too_late_or_never_were() -> None:
    one = two_seats_three_referrals()
    r1 = row_of(one, "r1")
    kept = Entry(0, "promise", r1, 0)
    assert cheated(one, kept, Entry(59 * US, "move", r1, 1), seats={"r1": 1}) == set()
    assert cheated(one, kept, Entry(60 * US, "move", r1, 1), seats={"r1": 1}) == {"promise.fixed"}
    after = Entry(1 * US, "settle", r1, 0)
    moved = Entry(2 * US, "move", r1, 1)
    assert cheated(one, kept, after, moved, seats={"r1": 1}) == {"promise.fixed"}
    assert "promise.unknown" in cheated(
        one, Entry(0, "book", r1, 0), Entry(1 * US, "move", r1, 1), seats={"r1": 1}
    )
    assert cheated(one, Entry(0, "settle", r1, 0)) == {"promise.unknown"}
    assert "promise.broken" in cheated(one, kept, Entry(5 * US, "drop", r1, 0))


def test_the_check_asks_the_hard_rules() -> None:
    one = world(
        [slot("a", after_minutes=120)],
        [asks("r1", Priority.STAT, after=0, hours=1)],
    )
    assert cheated(one, Entry(0, "book", 0, 0), seats={"r1": 0}) == {"deadline"}


def test_value_is_the_same_added_up_twice() -> None:
    one = two_seats_three_referrals(policy=policy(promises=PromiseRules(priorities=("routine",))))
    done = run(one, Scripted(one, r1=promise(1), s=book(0)))
    assert figures(done).value == plain_value(done) == 40_000 - 480 + 5_000 - 180
