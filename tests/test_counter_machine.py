"""
Any order of the counter's verbs, on both databases, against a model in plain Python.

What a verb says is checked where it is called (``counter_requests`` and here); that nobody else
lost anything by it, in ``counter_model``; what holds whatever happened, in the invariants.
"""

from datetime import timedelta
from itertools import pairwise

import counter_model as model
import pytest
from builders import NOW
from counter_model import View
from counter_requests import Requests
from counter_world import DOCTORS, QUARTER, any_number
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from slotengine.domain import TimeWindow
from slotengine.errors import BookingError
from slotengine.store import SqlStore, recount

EXAMPLES = {"sqlite": 25, "postgresql": 15}
STEPS = 30
"""Together some 25 s of one core; a verb on PostgreSQL takes twice as long."""


class Counter(Requests):
    """What practices, nights and the clock do; and what holds whatever happened."""

    @rule(
        who=st.sampled_from(DOCTORS),
        quarter=st.integers(4, 32),
        extra=st.integers(0, 1),
        for_regulators=st.sampled_from((False, False, False, True)),
    )
    def publish(self, *, who: str, quarter: int, extra: int, for_regulators: bool) -> None:
        self.published(who, quarter, extra, for_regulators=for_regulators)

    @rule(number=any_number, ill_all_day=st.booleans())
    def withdraw(self, *, number: int, ill_all_day: bool) -> None:
        before = self.view.at(self.now)
        # Mostly a slot that somebody sits on: that is where something can be lost.
        taken = sorted({row.slot for row in before.seated.values()})
        places = taken if taken and number % 3 else sorted(self.view.places)
        one = before.places[places[number % len(places)]]
        gone = [one.id]
        if ill_all_day:
            gone = [it.id for it in before.places.values() if it.practitioner == one.practitioner]
        victims = {row.referral: row for slot_id in gone for row in before.on(slot_id)}
        report, step = self.does(
            "withdraw",
            lambda: self.engine.withdraw(gone, reason="ill", now=self.now),
            *victims,
        )
        for slot_id in gone:
            if step.before.places[slot_id].state == "open":
                self.gone[slot_id] = "withdrawn"
        assert {incident.referral for incident in report.incidents} == set(victims)
        for incident in report.incidents:
            who, found = incident.referral, incident.replacement
            now_is = step.after.seated.get(who)
            assert step.told("incident.seat_lost", who)
            assert (found and found.id) == (now_is and now_is.id)
            if now_is is not None:
                assert now_is.movable
                assert now_is.slot not in gone
                self.is_a_good_seat(self.asked[who], now_is.slot)

    @rule()
    def reprice(self) -> None:
        prices, step = self.does("reprice", lambda: self.engine.reprice("giennois", now=self.now))
        assert (prices is not None) is self.priced
        assert step.after.seated == step.before.seated
        if prices is not None:
            assert {one.slot for one in prices.prices} <= set(self.view.places)

    @rule(ahead=st.sampled_from((3, 12)), seed=st.integers(0, 1))
    def plan(self, ahead: int, seed: int) -> None:
        report, _ = self.does(
            "plan",
            lambda: self.engine.plan("giennois", timedelta(hours=ahead), now=self.now, seed=seed),
        )
        for one in report.plan.unserved:
            self.waits(one.referral)

    @precondition(lambda self: self.view.rows)
    @rule(number=any_number)
    def tell(self, number: int) -> None:
        row = self.row(number)
        if row is None:
            return
        try:
            booking, _ = self.does(
                "tell", lambda: self.engine.tell(row.id, now=self.now), row.referral
            )
        except BookingError:
            assert not row.movable
        else:
            assert row.status in {"promised", "confirmed"}
            assert booking.told_at is not None
            assert self.view.seated[row.referral].slot == row.slot

    @rule(
        verb=st.sampled_from(("tend", "tend", "refill", "announce", "hand_back")),
        minutes=st.sampled_from((0, 6, 20, 60)),
    )
    def upkeep(self, verb: str, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        _, step = self.does(verb, lambda: getattr(self.engine, verb)("giennois", now=self.now))
        if verb in {"tend", "announce"}:
            for who, row in step.after.seated.items():
                if self.has_open_promise(who):
                    assert row.start - step.after.words[who].notice > self.now
        for place in step.before.places.values():
            self.given_back(place.id, step.before, step.after, due=verb in {"tend", "hand_back"})

    def given_back(self, slot_id: str, before: View, after: View, *, due: bool) -> None:
        """Seats above the last taken one are back where they are due, and nowhere else."""
        old, new = before.places[slot_id], after.places[slot_id]
        near = self.now <= old.start <= self.now + model.GIVEN_BACK_AHEAD
        kept = max((row.seat for row in after.on(slot_id)), default=-1) + 1
        if not (due and near and old.state == "open" and kept < old.seats):
            assert new == old
            return
        assert new.state == ("open" if kept else "handed_back")
        if kept:
            assert new.seats == kept
            self.seats[slot_id] = kept
        else:
            self.gone[slot_id] = "handed_back"

    @rule(
        who=st.sampled_from(DOCTORS),
        by=st.sampled_from(DOCTORS),
        quarter=st.integers(4, 32),
    )
    def replace(self, who: str, by: str, quarter: int) -> None:
        if who == by:
            return
        start = NOW + timedelta(minutes=quarter * QUARTER)
        window = TimeWindow(start=start, end=start + timedelta(hours=2))
        report, step = self.does(
            "replace", lambda: self.engine.replace(who, by, window, now=self.now)
        )
        stayed = {one.id for one in report.rejected}
        for old in step.before.places.values():
            new = step.after.places[old.id]
            concerned = (
                old.practitioner == who
                and old.state == "open"
                and old.end > self.now
                and window.start <= old.start < window.end
            )
            assert (old.id in {*report.slots, *stayed}) is concerned
            assert new.practitioner == (by if old.id in report.slots else old.practitioner)
            if old.id in report.slots:
                for row in step.after.on(old.id):
                    assert row.practitioner == by
                    told = step.told("booking.practitioner_changed", row.referral)
                    assert told is not row.movable

    @rule(minutes=st.sampled_from((1, 4, 6, 20, 60)))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # --- whatever happened ---

    @invariant()
    def every_referral_is_in_the_one_state_that_its_seat_says(self) -> None:
        view = self.view.at(self.now)
        assert set(view.states) == set(self.asked)
        unnoticed = {
            row.referral
            for row in view.rows.values()
            if row.status == "held" and not row.alive(self.now)
        }
        for who, state in view.states.items():
            row = view.seated.get(who)
            if row is None and who in unnoticed:
                assert state == "held"
            else:
                assert state == (model.SEATED[row.status] if row else self.idle[who])

    @invariant()
    def nobody_shares_a_seat_or_has_two_or_is_in_two_places(self) -> None:
        alive = [row for row in self.view.rows.values() if row.alive(self.now)]
        assert len({row.referral for row in alive}) == len(alive)
        assert len({(row.slot, row.seat) for row in alive}) == len(alive)
        for row in alive:
            place = self.view.places[row.slot]
            assert place.state == "open"
            assert row.seat < place.seats
            assert (row.start, row.end) == (place.start, place.end)
            assert row.practitioner == place.practitioner
            age = self.asked[row.referral].patient.age or 0
            assert age >= model.YOUNGEST.get(place.practitioner, 0)
        for key in {row.patient for row in alive}:
            mine = sorted((row.start, row.end) for row in alive if row.patient == key)
            assert all(before[1] <= after[0] for before, after in pairwise(mine))
        for who in DOCTORS:
            assert self.view.at(self.now).given(who) <= model.MOST_A_DAY.get(who, len(alive) + 99)

    @invariant()
    def every_promise_has_its_seat_within_its_terms(self) -> None:
        for who, word in self.view.words.items():
            if word.state == "open":
                row = self.view.at(self.now).seated[who]
                place = self.view.places[row.slot]
                assert row.status == "promised"
                assert place.start <= word.before
                assert model.METRES[place.site] <= word.metres

    @invariant()
    def no_seat_is_lost(self) -> None:
        window = TimeWindow(start=self.now, end=self.now + timedelta(days=2))
        free = self.store.read(lambda unit: unit.free_seats("giennois", window), now=self.now)
        counted: dict[str, int] = {}
        for one in free:
            counted[one.slot.id] = counted.get(one.slot.id, 0) + 1
        view = self.view.at(self.now)
        assert set(view.places) == set(self.seats)
        for place in view.places.values():
            assert place.state == self.gone.get(place.id, "open")
            if place.state != "open":
                assert view.on(place.id) == []
            elif place.start >= self.now:
                assert counted.get(place.id, 0) + len(view.on(place.id)) == self.seats[place.id]

    @invariant()
    def counters_are_right(self) -> None:
        assert self.store.read(lambda unit: recount(unit._connection), now=self.now) == {}  # type: ignore[attr-defined] # a look behind the port


@pytest.mark.parametrize("backend", EXAMPLES)
def test_any_order_of_verbs_loses_nothing(backend: str, request: pytest.FixtureRequest) -> None:
    on_disk = backend == "postgresql"
    store = SqlStore.open(request.getfixturevalue("postgres_url") if on_disk else "sqlite://")
    run_state_machine_as_test(
        lambda: Counter(store),
        settings=settings(
            deadline=None,
            derandomize=True,
            max_examples=EXAMPLES[backend],
            stateful_step_count=STEPS,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    store.close()
