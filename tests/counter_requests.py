"""The verbs of a requester in the counter's state machine, each with what its document says."""

import counter_model as model
from counter_model import View, fits, free_for
from counter_world import World, any_number, hours, priorities, references
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from slotengine.answers import Placement
from slotengine.codes import BookingStatus, Priority
from slotengine.domain import Referral
from slotengine.errors import (
    BookingError,
    DuplicateReferralError,
    HoldExpiredError,
    ReferralPastError,
    SlotTakenError,
    TransitionError,
)
from slotengine.reasons import ReasonCode
from slotengine.tokens import read_token


class Requests(World):
    """Needs come in, are offered seats, take them, change and give them back."""

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
        self.placed(number, priority, due, firm=firm)

    def placed(self, number: int, priority: Priority, due: int, *, firm: bool) -> None:
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
            assert now_is.status == ("promised" if open_word else "confirmed" if firm else "held")
        assert placed.state.value == self.stands(asked.id)

    def is_an_honest_none(self, asked: Referral, placed: Placement, before: View) -> None:
        self.waits(asked.id)
        codes = {reason.code for reason in placed.reasons}
        assert codes & {ReasonCode.KEPT, ReasonCode.NO_FREE_SEAT}
        if ReasonCode.KEPT not in codes:
            assert free_for(asked, before) == []
        else:
            assert self.priced

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
            booking, _ = self.does("hold", lambda: self.engine.hold(offer, now=self.now), asked.id)
        except DuplicateReferralError:
            assert had is not None
            return
        except TransitionError:
            assert self.idle[asked.id] in {"closed", "refused"}
            return
        except SlotTakenError:
            assert had is None
            # Whether the slot is as it was when offered is the engine's to say: its version.
            as_offered = read_token(offer.token).slot_version == place.version
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

    @precondition(lambda self: self.view.rows)
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

    @precondition(lambda self: self.view.rows)
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

    @precondition(lambda self: self.view.rows)
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
        stays = was is None or changed == old or was.status == "confirmed"
        if stays or (was and fits(changed, self.view.places[was.slot], self.now)):
            assert now_is == was
        elif now_is is not None:
            assert promised
            assert now_is.status == "promised"
            self.is_a_good_seat(changed, now_is.slot)
