"""Messages to others: written with the change, sent in order, tried again, never changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from builders import NOW, policy, referral
from counter import PHARMACIST, counter, later
from hypothesis import given, settings
from hypothesis import strategies as st
from races import raced

from slotengine.codes import BookingStatus, SourceKind
from slotengine.delivering import MAX_ATTEMPTS, pause_after
from slotengine.destinations import Delivery, Destination, Form, Outgoing
from slotengine.domain import Requester
from slotengine.engine import Engine
from slotengine.errors import DeliveryError, PolicyError, TransitionError, UnknownIdError
from slotengine.policy import Policy
from slotengine.store import SqlStore

SAS = Destination(name="sas", form=Form.SAS)
CALENDAR = Destination(name="calendar", form=Form.ICALENDAR)


@dataclass
class Post:
    """A destination of the tests: takes what it is given, or refuses it."""

    taken: list[tuple[int, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    refuses: Callable[[Outgoing], DeliveryError | None] = lambda _: None
    words: str = "as it is"

    def render(self, message: Outgoing) -> bytes:
        return f"{self.words} {message.notice.booking} {message.notice.sequence}".encode()

    def send(self, message: Outgoing, body: bytes) -> None:
        self.bodies.append(body)
        refusal = self.refuses(message)
        if refusal is not None:
            raise refusal
        self.taken.append((message.notice.sequence, message.notice.status.value))


def telling(store: SqlStore, *destinations: Destination) -> Engine:
    engine = counter(store)
    engine.set_policy(policy(destinations=destinations or (SAS,)), now=NOW)
    return engine


def booked(engine: Engine, reference: str = "1") -> str:
    placed = engine.place(referral(reference), now=NOW, confirm=True, actor=PHARMACIST)
    assert placed.booking is not None
    return placed.booking.id


def deliver(engine: Engine, post: Post, *, minutes: int = 0) -> tuple[int, int, int]:
    report = engine.deliver({"sas": post}, now=later(minutes))
    return len(report.sent), len(report.postponed), len(report.stuck)


def test_a_confirmed_booking_is_told_and_a_held_one_is_not(store: SqlStore) -> None:
    engine = telling(store)
    held = engine.place(referral(), now=NOW, actor=PHARMACIST).booking
    assert held is not None
    assert engine.outbox() == ()
    engine.confirm(held.id, now=later(1), actor=PHARMACIST)
    (message,) = engine.outbox()
    notice = message.notice
    assert (message.destination, message.state, message.attempts) == ("sas", "pending", 0)
    assert (notice.status, notice.sequence, notice.slot) == (BookingStatus.CONFIRMED, 1, "soon")
    assert (notice.practitioner, notice.site, notice.operator) == ("d1", "s1", PHARMACIST.id)
    assert (notice.created, notice.changed) == (NOW, later(1))
    assert referral().patient.key not in message.model_dump_json()


def test_a_hold_that_is_given_back_is_never_told(store: SqlStore) -> None:
    engine = telling(store)
    held = engine.place(referral(), now=NOW).booking
    assert held is not None
    engine.release(held.id, now=later(1))
    assert engine.outbox() == ()


def test_every_change_is_a_message_in_order(store: SqlStore) -> None:
    engine = telling(store)
    booking = booked(engine)
    engine.cancel(booking, reason="patient", now=later(1))
    said = [(m.notice.sequence, m.notice.status.value) for m in engine.outbox()]
    assert said == [(1, "confirmed"), (2, "cancelled")]
    # Whoever cancels, the operator stays the one who booked.
    assert {m.notice.operator for m in engine.outbox()} == {PHARMACIST.id}


def test_without_an_actor_the_requester_is_the_operator(store: SqlStore) -> None:
    engine = telling(store)
    asked = referral(requester=Requester(kind=SourceKind.PHARMACY, id="pharmacy-7"))
    placed = engine.place(asked, now=NOW, confirm=True)
    assert placed.booking is not None
    assert engine.outbox()[0].notice.operator == "pharmacy-7"


def test_nobody_is_told_where_nobody_listens(store: SqlStore) -> None:
    engine = counter(store)
    booked(engine)
    assert engine.outbox() == ()


def test_a_destination_hears_of_its_sources_only(store: SqlStore) -> None:
    of_samu = SAS.replaced(sources=(SourceKind.SAMU,))
    engine = telling(store, of_samu, CALENDAR)
    booked(engine)
    assert [m.destination for m in engine.outbox()] == ["calendar"]


def test_a_change_that_is_rolled_back_tells_nobody(store: SqlStore) -> None:
    engine = telling(store)
    held = engine.place(referral(), now=NOW).booking
    assert held is not None

    def confirmed_then_lost(unit: object) -> None:
        unit.confirm(held.id)  # type: ignore[attr-defined]  # a unit of the store
        raise RuntimeError("the host's own fault")

    with pytest.raises(RuntimeError):
        store.write(confirmed_then_lost, now=later(1))
    assert engine.outbox() == ()
    with pytest.raises(RuntimeError):
        store.write(lambda unit: unit.attempt(lambda: confirmed_then_lost(unit)), now=later(1))
    assert engine.outbox() == ()


def test_a_message_is_sent_once(store: SqlStore) -> None:
    engine, post = telling(store), Post()
    booked(engine)
    assert deliver(engine, post) == (1, 0, 0)
    assert deliver(engine, post) == (0, 0, 0)
    assert post.taken == [(1, "confirmed")]
    (sent,) = engine.outbox(states=(Delivery.SENT,))
    assert (sent.sent_at, sent.attempts) == (NOW, 1)
    assert engine.outbox() == ()


def test_a_destination_without_a_channel_waits(store: SqlStore) -> None:
    engine, post = telling(store, SAS, CALENDAR), Post()
    booked(engine)
    assert deliver(engine, post) == (1, 0, 0)
    assert [m.destination for m in engine.outbox()] == ["calendar"]


def test_a_refused_message_is_tried_again_after_a_pause_and_not_before(store: SqlStore) -> None:
    engine = telling(store)
    post = Post(refuses=lambda message: DeliveryError("503") if message.attempts == 0 else None)
    booked(engine)
    assert deliver(engine, post) == (0, 1, 0)
    (waiting,) = engine.outbox()
    assert (waiting.attempts, waiting.fault) == (1, "503")
    assert waiting.next_at == NOW + timedelta(seconds=30)
    assert engine.deliver({"sas": post}, now=NOW + timedelta(seconds=29)).sent == ()
    assert len(engine.deliver({"sas": post}, now=NOW + timedelta(seconds=30)).sent) == 1


def test_the_other_side_may_ask_for_a_longer_pause(store: SqlStore) -> None:
    engine = telling(store)
    busy = DeliveryError("429", after=timedelta(minutes=10))
    post = Post(refuses=lambda message: busy if message.attempts == 0 else None)
    booked(engine)
    deliver(engine, post)
    assert engine.outbox()[0].next_at == later(10)


def test_a_later_state_does_not_overtake_an_earlier_one(store: SqlStore) -> None:
    engine = telling(store)
    post = Post(refuses=lambda message: DeliveryError("off") if message.attempts == 0 else None)
    booking = booked(engine)
    engine.cancel(booking, reason="patient", now=NOW)
    assert deliver(engine, post) == (0, 1, 0)
    assert deliver(engine, post) == (0, 0, 0)
    assert deliver(engine, post, minutes=1) == (1, 0, 0)
    post.refuses = lambda _: None
    assert deliver(engine, post, minutes=1) == (1, 0, 0)
    assert post.taken == [(1, "confirmed"), (2, "cancelled")]


def test_what_is_refused_for_good_is_stuck_shown_and_sent_again_on_demand(store: SqlStore) -> None:
    engine = telling(store)
    post = Post(refuses=lambda _: DeliveryError("422", permanent=True))
    booking = booked(engine)
    assert deliver(engine, post) == (0, 0, 1)
    assert deliver(engine, post, minutes=600) == (0, 0, 0)
    (stuck,) = engine.outbox()
    assert (stuck.state, stuck.fault) == (Delivery.STUCK, "422")
    # It holds back nobody: what comes later is a whole state of its own.
    engine.cancel(booking, reason="patient", now=NOW)
    post.refuses = lambda _: None
    assert deliver(engine, post) == (1, 0, 0)
    assert engine.resend(stuck.id, now=NOW).state is Delivery.PENDING
    assert deliver(engine, post) == (1, 0, 0)
    with pytest.raises(TransitionError):
        engine.resend(stuck.id, now=NOW)
    with pytest.raises(UnknownIdError):
        engine.resend(10_000, now=NOW)


def test_the_last_attempt_leaves_a_message_stuck(store: SqlStore) -> None:
    engine = telling(store)
    post = Post(refuses=lambda _: DeliveryError("off"))
    booked(engine)
    now = NOW
    for attempt in range(1, MAX_ATTEMPTS + 1):
        now += timedelta(hours=1)
        report = engine.deliver({"sas": post}, now=now)
        assert (len(report.postponed), len(report.stuck)) == (
            (1, 0) if attempt < MAX_ATTEMPTS else (0, 1)
        )
    assert engine.outbox()[0].attempts == MAX_ATTEMPTS


def test_other_content_under_the_same_message_is_never_sent(store: SqlStore) -> None:
    engine = telling(store)
    post = Post(refuses=lambda _: DeliveryError("cut off"))
    booked(engine)
    deliver(engine, post)
    post.refuses, post.words = (lambda _: None), "otherwise"
    assert deliver(engine, post, minutes=5) == (0, 0, 1)
    assert len(post.bodies) == 1
    assert engine.outbox()[0].fault == "other content than was sent first"


def test_what_a_dead_sender_took_is_taken_over_when_its_time_is_up(store: SqlStore) -> None:
    engine, post = telling(store), Post()
    booked(engine)
    taken = store.write(
        lambda unit: unit.claim_messages(10, until=later(5), destinations=["sas"]), now=NOW
    )
    assert len(taken) == 1
    assert engine.deliver({"sas": post}, now=later(5) - timedelta(seconds=1)).sent == ()
    assert len(engine.deliver({"sas": post}, now=later(5)).sent) == 1


def test_two_senders_at_once_send_each_message_once(store_url: str) -> None:
    engine = telling(SqlStore.open(store_url))
    for reference in ("1", "2"):
        booked(engine, reference)
    posts = [Post(), Post()]
    raced(*(lambda post=post: engine.deliver({"sas": post}, now=NOW) for post in posts))  # type: ignore[misc]  # bound early
    engine.dispose()
    assert sum(len(post.bodies) for post in posts) == 2


def test_a_destination_listed_twice_is_refused() -> None:
    with pytest.raises(PolicyError, match="destinations"):
        Policy.from_toml(
            'territory = "giennois"\n'
            '[[destinations]]\nname = "sas"\nform = "sas"\n'
            '[[destinations]]\nname = "sas"\nform = "fhir"\n'
        )


@given(attempts=st.integers(1, 10_000))
@settings(deadline=None, derandomize=True)
def test_pauses_grow_and_stay_within_an_hour(attempts: int) -> None:
    assert timedelta(0) < pause_after(attempts) <= pause_after(attempts + 1) <= timedelta(hours=1)
