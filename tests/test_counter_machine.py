"""
Any order of the counter's verbs, on both databases, against a model in plain Python.

What a verb says is checked where it is called here; that nobody else lost anything by it, in
``counter_model``; what holds whatever happened, in the invariants.
"""

from datetime import timedelta
from itertools import pairwise

import counter_model as model
import pytest
from builders import NOW
from counter_model import View, fits, free_for
from counter_world import DOCTORS, QUARTER, REFERENCES, World
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from slotengine.answers import Placement
from slotengine.codes import BookingStatus, Priority
from slotengine.domain import Referral, TimeWindow
from slotengine.errors import (
    BookingError,
    DuplicateReferralError,
    HoldExpiredError,
    ReferralPastError,
    SlotTakenError,
    TransitionError,
)
from slotengine.reasons import ReasonCode
from slotengine.store import recount

PRIORITIES = (Priority.ASAP, Priority.URGENT, Priority.ROUTINE)
HOURS = (3, 6, 12)
EXAMPLES = 25
STEPS = 30

references = st.integers(0, REFERENCES - 1)
priorities = st.sampled_from(PRIORITIES)
hours = st.sampled_from(HOURS)
any_number = st.integers(0, 60)


class Counter(World):
    """The verbs, each with what its document says of it."""

    @rule(
        who=st.sampled_from(DOCTORS),
        quarter=st.integers(4, 32),
        extra=st.integers(0, 1),
        for_regulators=st.sampled_from((False, False, False, True)),
    )
    def publish(self, *, who: str, quarter: int, extra: int, for_regulators: bool) -> None:
        self.published(who, quarter, extra, for_regulators=for_regulators)

    @rule(number=references, priority=priorities, due=hours)
    def refer(self, number: int, priority: Priority, due: int) -> None:
        asked = self.request(number, priority, due)
        repeated = self.idle[asked.id] != "unknown"
        try:
            receipt, step = self.does(
                "refer", lambda: self.engine.refer(asked, now=self.now), asked.id
            )
        except ReferralPastError:
            assert not repeated
            self.forgotten(asked)
            return
        self.received(asked)
        assert receipt.repeated is repeated
        if repeated:
            assert not step.events
            assert step.after == step.before

    @rule(number=references, priority=priorities, due=hours, firm=st.booleans())
    def place(self, *, number: int, priority: Priority, due: int, firm: bool) -> None:
        asked = self.request(number, priority, due)
        before = self.view.at(self.now)
        had = before.seated.get(asked.id)
        ended = self.idle[asked.id] in {"closed", "refused"}
        met = self.needs_met(asked)
        placed, _ = self.does(
            "place", lambda: self.engine.place(asked, now=self.now, confirm=firm), asked.id
        )
        self.received(asked)
        ended = ended or self.idle[asked.id] == "refused"
        now_is = self.view.seated.get(asked.id)
        assert (placed.booking and placed.booking.id) == (now_is and now_is.id)
        if had is not None:
            assert now_is is not None
            assert (had.slot, had.seat) == (now_is.slot, now_is.seat)
        elif ended or met:
            assert now_is is None
            if not ended:
                assert ReasonCode.LINKED in {reason.code for reason in placed.reasons}
                self.waits(asked.id)
        elif now_is is None:
            self.is_an_honest_none(asked, placed, before)
        else:
            self.is_a_good_seat(asked, now_is.slot)
            open_word = self.has_open_promise(asked.id)
            assert (placed.promise is not None) is open_word
            assert now_is.status == (
                "promised" if open_word else "confirmed" if firm else "held"
            )
        assert placed.state.value == self.stands(asked.id)

    def is_an_honest_none(self, asked: Referral, placed: Placement, before: View) -> None:
        self.waits(asked.id)
        codes = {reason.code for reason in placed.reasons}
        assert codes & {ReasonCode.KEPT, ReasonCode.NO_FREE_SEAT}
        if ReasonCode.KEPT not in codes:
            assert free_for(asked, before) == []
        else:
            assert self.priced

    def is_a_good_seat(self, asked: Referral, slot_id: str) -> None:
        place = self.view.places[slot_id]
        assert fits(asked, place, self.now)
        if self.has_open_promise(asked.id):
            assert place.start - model.TOLD_AHEAD >= self.now

    def has_open_promise(self, who: str) -> bool:
        word = self.view.words.get(who)
        return word is not None and word.state == "open"

    def waits(self, who: str) -> None:
        if self.idle[who] == "received":
            self.idle[who] = "waiting"

    @precondition(lambda self: self.asked)
    @rule(number=references)
    def promise(self, number: int) -> None:
        asked = self.known(number)
        if asked is None:
            return
        before = self.view.at(self.now)
        had = before.seated.get(asked.id)
        promised = self.has_open_promise(asked.id)
        try:
            placed, _ = self.does(
                "promise", lambda: self.engine.promise(asked.id, now=self.now), asked.id
            )
        except DuplicateReferralError:
            assert had is not None
            assert not promised
            return
        except TransitionError:
            assert self.idle[asked.id] in {"closed", "refused"}
            return
        if promised:
            assert self.view.seated[asked.id] == had
            return
        assert had is None
        if placed.booking is None:
            self.waits(asked.id)
            if ReasonCode.KEPT not in {reason.code for reason in placed.reasons}:
                assert free_for(asked, before, ahead=model.TOLD_AHEAD) == []
        else:
            assert self.has_open_promise(asked.id)
            self.is_a_good_seat(asked, placed.booking.slot)

    @precondition(lambda self: self.asked)
    @rule(number=references)
    def ask(self, number: int) -> None:
        asked = self.known(number)
        if asked is None:
            return
        had = self.view.at(self.now).seated.get(asked.id)
        try:
            found, step = self.does(
                "offers", lambda: self.engine.offers(asked.id, now=self.now), asked.id
            )
        except DuplicateReferralError:
            assert had is not None
            return
        except TransitionError:
            assert self.idle[asked.id] in {"closed", "refused"}
            return
        assert had is None
        assert not step.events
        for offer in found:
            place = self.view.places[offer.slot]
            assert fits(asked, place, self.now)
            # A held, a confirmed or a told seat is never offered; one that may move may be.
            stuck = [row for row in step.after.on(offer.slot) if not row.movable]
            assert len(stuck) < place.seats
            assert offer.score >= 0
        if not found and not self.priced:
            assert free_for(asked, self.view.at(self.now)) == []
        self.offered += found

    @precondition(lambda self: self.offered)
    @rule(number=any_number)
    def hold(self, number: int) -> None:
        offer = self.offered[-1 - number % len(self.offered)]
        asked = self.asked[offer.referral]
        before = self.view.at(self.now)
        had, place = before.seated.get(asked.id), before.places[offer.slot]
        try:
            booking, _ = self.does(
                "hold", lambda: self.engine.hold(offer, now=self.now), asked.id
            )
        except DuplicateReferralError:
            assert had is not None
            return
        except TransitionError:
            assert self.idle[asked.id] in {"closed", "refused"}
            return
        except SlotTakenError:
            assert had is None
            # Whether the slot is as it was when offered is the engine's to say: its version.
            as_offered = self.offers_version(offer.token) == place.version
            fresh = self.now < offer.expires_at and place.state == "open" and as_offered
            assert not (fresh and offer.slot in free_for(asked, before))
            return
        now_is = self.view.seated[asked.id]
        assert now_is.id == booking.id
        if had is not None:
            assert now_is == had
        else:
            assert self.now < offer.expires_at
            assert now_is.held_until == self.now + model.AT_THE_COUNTER
            assert now_is.slot == offer.slot
            self.is_a_good_seat(asked, offer.slot)

    @staticmethod
    def offers_version(token: str) -> int:
        from slotengine.tokens import read_token

        return read_token(token).slot_version

    @rule(number=any_number)
    def confirm(self, number: int) -> None:
        row = self.row(number)
        if row is None:
            return
        try:
            booking, _ = self.does(
                "confirm", lambda: self.engine.confirm(row.id, now=self.now), row.referral
            )
        except HoldExpiredError:
            assert row.status in {"held", "expired"}
            assert not row.alive(self.now)
        except TransitionError:
            assert row.status in {"cancelled", "fulfilled", "noshow"}
        else:
            assert row.alive(self.now)
            assert booking.status is BookingStatus.CONFIRMED
            assert not self.has_open_promise(row.referral)

    @rule(number=any_number, why=st.sampled_from(("released", "asked")))
    def cancel(self, number: int, why: str) -> None:
        row = self.row(number)
        if row is None:
            return
        try:
            _, step = self.does(
                "cancel",
                lambda: self.engine.cancel(row.id, reason=why, now=self.now),
                row.referral,
            )
        except BookingError:
            assert not row.alive(self.now)
            assert row.status != "cancelled"
            return
        new = [one for who, one in step.after.seated.items() if who not in step.before.seated]
        if row.alive(self.now):
            if why == "released":
                self.turned_down.add((row.referral, row.slot))
            assert row.referral not in step.after.seated
            assert {one.slot for one in new} <= {row.slot}
        else:
            assert new == []

    @rule(number=any_number, came=st.booleans())
    def close(self, *, number: int, came: bool) -> None:
        row = self.row(number)
        if row is None:
            return
        outcome = BookingStatus.FULFILLED if came else BookingStatus.NOSHOW
        try:
            self.does(
                "close",
                lambda: self.engine.close(row.id, outcome, now=self.now),
                row.referral,
            )
        except BookingError:
            assert row.status not in {"confirmed", outcome.value}
        else:
            assert row.status in {"confirmed", outcome.value}
            self.idle[row.referral] = "closed"

    @precondition(lambda self: self.asked)
    @rule(number=references)
    def cancel_referral(self, number: int) -> None:
        asked = self.known(number)
        if asked is None:
            return
        self.does(
            "cancel_referral",
            lambda: self.engine.cancel_referral(asked.id, reason="recovered", now=self.now),
            asked.id,
        )
        assert asked.id not in self.view.seated
        if self.idle[asked.id] != "refused":
            self.idle[asked.id] = "closed"

    @precondition(lambda self: self.asked)
    @rule(number=references, metres=st.sampled_from((0, 30_000)))
    def amend(self, number: int, metres: int) -> None:
        old = self.known(number)
        if old is None:
            return
        changed = old.replaced(max_travel_metres=metres)
        was = self.view.at(self.now).seated.get(old.id)
        promised = self.has_open_promise(old.id)
        self.asked[old.id] = changed
        try:
            self.does("amend", lambda: self.engine.amend(changed, now=self.now), old.id)
        except TransitionError:
            assert self.idle[old.id] in {"closed", "refused"}
            self.asked[old.id] = old
            return
        except ReferralPastError:
            self.asked[old.id] = old
            return
        now_is = self.view.seated.get(old.id)
        if was is None or changed == old or was.status == "confirmed":
            assert now_is == was
        elif fits(changed, self.view.places[was.slot], self.now):
            assert now_is == was
        elif now_is is not None:
            assert promised
            assert now_is.status == "promised"
            self.is_a_good_seat(changed, now_is.slot)

    @rule(number=any_number)
    def withdraw(self, number: int) -> None:
        places = sorted(self.view.places)
        gone = places[number % len(places)]
        victims = {row.referral: row for row in self.view.at(self.now).on(gone)}
        report, step = self.does(
            "withdraw",
            lambda: self.engine.withdraw([gone], reason="ill", now=self.now),
            *victims,
        )
        if step.before.places[gone].state == "open":
            self.gone[gone] = "withdrawn"
        assert {one.referral for one in report.incidents} == set(victims)
        for one in report.incidents:
            now_is = step.after.seated.get(one.referral)
            assert step.told("incident.seat_lost", one.referral)
            assert (one.replacement and one.replacement.id) == (now_is and now_is.id)
            if now_is is not None:
                assert now_is.movable
                assert now_is.slot != gone
                self.is_a_good_seat(self.asked[one.referral], now_is.slot)

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
            lambda: self.engine.plan(
                "giennois", timedelta(hours=ahead), now=self.now, seed=seed
            ),
        )
        for one in report.plan.unserved:
            self.waits(one.referral)

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

    @rule(verb=st.sampled_from(("tend", "tend", "refill", "announce", "hand_back")))
    def upkeep(self, verb: str) -> None:
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

    def stands(self, who: str) -> str:
        """Gives the one state that a referral is in."""
        row = self.view.seated.get(who)
        if row is not None:
            return model.SEATED[row.status]
        return self.idle[who]

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


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_any_order_of_verbs_loses_nothing(
    backend: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if backend == "postgresql" else None
    run_state_machine_as_test(
        lambda: Counter(url),
        settings=settings(
            deadline=None,
            derandomize=True,
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
