"""
What one referral may have at this moment, best first, and how a seat of it is taken.

A candidate is a free seat, or one that somebody was promised and that can be freed: both look the
same to whoever asks, and both cost what they are worth to others.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from typing import Literal, NamedTuple

from slotengine import floors, pricing, promising
from slotengine.codes import BookingStatus, Mode
from slotengine.domain import Booking, Practitioner, Referral, Site, Slot, by_id
from slotengine.errors import DuplicateReferralError, SlotTakenError
from slotengine.explanations import Candidate
from slotengine.floors import Floors
from slotengine.loading import counter_problem, offered_slots, problem_within_reach
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.pricing import Priced
from slotengine.problem import Problem, TravelMatrix

MOST_RELOADS = 3
"""
How often the moves that free a promised seat are looked for anew when one of them is lost.

HOUSE's bound: whoever loses three times stands in a crowd and takes the next candidate.
"""


class Desk(NamedTuple):
    """
    What a referral may have now: ``candidates`` best first, on the slots of ``problem``.

    ``problem`` is None when its deadline is past. ``kept`` tells that some seat would fit but for
    its price or the reserve. ``behind`` are the promised seats among the candidates.
    """

    problem: Problem | None
    candidates: list[Candidate]
    slots: Mapping[str, Slot]
    priced: Priced = Priced({})
    kept: bool = False
    behind: promising.Behind | None = None

    @classmethod
    def of(cls, problem: Problem, candidates: list[Candidate]) -> "Desk":
        """Gives a desk without prices."""
        return cls(problem, candidates, by_id(problem.slots))

    def place(self, slot: Slot) -> tuple[Site, Practitioner]:
        """Gives where and with whom a candidate's slot is."""
        problem = self.behind.problem if self.is_promised(slot.id) and self.behind else self.problem
        if problem is None:
            raise SlotTakenError(slot.id, "it is no candidate")
        site = next(one for one in problem.sites if one.id == slot.site)
        return site, next(one for one in problem.practitioners if one.id == slot.practitioner)

    def starting_at(self, earliest: datetime) -> "Desk":
        """Gives the desk without what starts before an instant."""
        later = [one for one in self.candidates if self.slots[one.slot].start >= earliest]
        return self._replace(candidates=later)

    def is_promised(self, slot_id: str) -> bool:
        """Tells whether a seat of the slot is free only after promises moved."""
        return self.behind is not None and slot_id in self.behind.cost


def desk_of(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
    at_any_price: bool = False,
) -> Desk:
    """
    Ranks what a referral may have now by value less cost less price.

    A seat is no candidate where that is below zero, or where the reserve keeps it; it stays one for
    a referral whose class is short of its floor, and says so. ``at_any_price`` asks the rules
    alone: what was offered is not priced again, and a promise is kept whatever the seat is worth to
    others.
    """
    from slotengine.solver.rank import rank
    from slotengine.solver.reserve import kept_slots

    within = problem_within_reach(unit, referral, policy, now=now, matrix=matrix)
    if within is None:
        return Desk(None, [], {})
    problem = within.problem
    offered = partial(offered_slots, unit, referral, policy, now=now)
    with_room = {slot_id for slot_id, _ in problem.free_seats}
    priced = Priced({})
    if not at_any_price:
        # What is listed for its bookings alone is not open: it needs no price.
        given = [
            one
            for one in problem.slots
            if one.id in with_room and (one.opens_at is None or one.opens_at <= now)
        ]
        priced = pricing.priced(unit, policy, given, now=now, among=offered)
    reserved: Collection[str] = ()
    if priced.reserve:
        # The reserve is a share of all seats, whoever could have them.
        every = counter_problem(unit, referral, policy, now=now, matrix=matrix, offered=True)
        reserved = kept_slots(every or problem, referral.priority)
    short = None if at_any_price else Floors(unit, policy, now=now).short(referral)
    ranked = rank(problem, referral.id, prices=priced.prices or None, at_any_price=True)
    free = [
        one
        for one in ranked
        if short is not None or (one.slot not in reserved and (one.score >= 0 or not priced.prices))
    ]
    behind = promising.behind(
        unit,
        referral,
        policy,
        full=within.full | ({one.id for one in problem.slots} - with_room),
        prices=lambda slots: (
            {} if at_any_price else pricing.priced(unit, policy, slots, now=now).prices
        ),
        kept=reserved if short is None else (),
        now=now,
        matrix=matrix,
    )
    promised: list[Candidate] = []
    if behind is not None:
        costs = None if at_any_price else behind.cost
        promised = [
            one
            for one in rank(
                behind.problem, referral.id, prices=costs, at_any_price=short is not None
            )
            if one.slot in behind.cost and one.mode is not Mode.HH
        ]
    found = sorted([*free, *promised], key=lambda one: -one.score)
    kept = not found and bool(ranked)
    if short is not None:
        # With prices what is below zero; with the reserve its slots, and what is freed into them.
        else_kept = {
            *(one.slot for one in free if one.slot in reserved),
            *(one.slot for one in free if priced.prices and one.score < 0),
            *(one.slot for one in promised if reserved or one.score < 0),
        }
        priced = priced.with_reason(floors.in_words(short), else_kept)
    slots = by_id(problem.slots)
    if behind is not None:
        slots |= {
            id_: slot for id_, slot in by_id(behind.problem.slots).items() if id_ in behind.cost
        }
    return Desk(problem, found, slots, priced, kept, behind)


class Taken(NamedTuple):
    """The seat that was taken, as which candidate of which desk, and how many races were lost."""

    booking: Booking | None
    candidate: Candidate | None
    desk: Desk
    lost: int


def take(
    unit: Unit,
    desk: Desk,
    candidate: Candidate,
    *,
    status: Literal[BookingStatus.HELD, BookingStatus.PROMISED],
    until: datetime | None = None,
    why: str = "",
) -> Booking:
    """
    Takes one candidate's seat; a promised one after its holders moved, or nothing is written.

    Raises
    ------
    SlotTakenError
        When the seat, or one that a promise would move to, is gone.
    """
    slot = desk.slots[candidate.slot]

    def taken() -> Booking:
        return unit.take_seat(
            candidate.referral, slot, mode=candidate.mode, status=status, held_until=until, why=why
        )

    if desk.behind is None or not desk.is_promised(slot.id):
        return taken()
    moves = desk.behind.moves[slot.id]

    def moved() -> Booking:
        unit.move_promises(moves)
        return taken()

    return unit.attempt(moved)


def take_best(
    unit: Unit,
    referral: Referral,
    look: Callable[[], Desk],
    *,
    status: Literal[BookingStatus.HELD, BookingStatus.PROMISED],
    first: Desk | None = None,
    until: datetime | None = None,
    why: str = "",
) -> Taken:
    """
    Takes the first candidate whose seat is still there, or can still be freed.

    ``look`` ranks anew; ``first`` is what was ranked already.
    """
    desk = look() if first is None else first
    refused: set[str] = set()
    lost = reloads = 0
    while (best := _first(desk, refused)) is not None:
        try:
            booking = take(unit, desk, best, status=status, until=until, why=why)
        except SlotTakenError:
            lost += 1
            if desk.is_promised(best.slot) and reloads < MOST_RELOADS:
                reloads += 1
                desk = look()
            else:
                refused.add(best.slot)
        except DuplicateReferralError:
            # Another door placed this very referral, or its patient elsewhere at that hour.
            if unit.booking_of(referral.id) is not None:
                raise
            lost += 1
            refused.add(best.slot)
        else:
            return Taken(booking, best, desk, lost)
    return Taken(None, None, desk, lost)


def _first(desk: Desk, refused: Collection[str]) -> Candidate | None:
    return next((one for one in desk.candidates if one.slot not in refused), None)
