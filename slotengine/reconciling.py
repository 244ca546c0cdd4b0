"""
An agenda imported again: what is new is published, what vanished is withdrawn, nobody is moved.

An agenda is right about its own slots and about nothing else: those of other agendas of the
territory, and limits that a coordinator set, stay as they are.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field

from slotengine.adapters.agenda import Agenda
from slotengine.adapters.base import Rejected
from slotengine.answers import Incident, RejectedItem
from slotengine.codes import SlotState
from slotengine.domain import Booking, Id, Slot, TimeWindow, Value, by_id
from slotengine.errors import InputError
from slotengine.ports import Unit
from slotengine.problem import TravelMatrix
from slotengine.reconciling_people import put_described
from slotengine.supplying import WHY_REJECTED, seat_again, take_back

MAX_VANISHING_SHARE = 0.5
"""
Share of an agenda's coming slots that may vanish at once. More looks like half a file, or like
another doctor's. Our choice.
"""

VANISHING_FREELY = 4
"""Slots that may vanish whatever their share: an afternoon called off. Our choice."""

GENERATION = "~"
"""Stands between the id of a slot and the number of its coming back."""


class AgendaReport(Value):
    """
    What an import changed.

    ``kept`` are booked slots that the agenda no longer lists and that stay: it lists only what is
    free, or a record that could not be read may have named them. ``left`` are listed slots that
    somebody else withdrew. ``refused`` says why nothing was written; ``vanishing`` of
    ``standing`` slots would have been withdrawn. ``ignored`` slots lie outside the window or have
    begun. ``described`` people, places and roles are new or changed.
    """

    created: int = 0
    changed: int = 0
    same: int = 0
    withdrawn: tuple[Id, ...] = ()
    incidents: tuple[Incident, ...] = ()
    kept: tuple[Id, ...] = ()
    left: tuple[Id, ...] = ()
    not_published: tuple[RejectedItem, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    ignored: Annotated[int, Field(ge=0)] = 0
    described: Annotated[int, Field(ge=0)] = 0
    vanishing: Annotated[int, Field(ge=0)] = 0
    standing: Annotated[int, Field(ge=0)] = 0
    refused: str = ""


class _Listing(NamedTuple):
    """The slots to publish under the ids they have by now, and what is known of the agenda's."""

    wanted: dict[str, Slot]
    vanished: tuple[Slot, ...]
    standing: int
    left: tuple[str, ...]
    ignored: int


def reconcile(
    unit: Unit,
    agenda: Agenda,
    *,
    territory: str,
    window: TimeWindow,
    now: datetime,
    matrix: TravelMatrix | None,
    allow_withdrawals: bool = False,
) -> AgendaReport:
    """
    Makes the territory's coming slots of this agenda those that it lists in the window.

    A booked slot that vanished or moved is withdrawn: its patient is an incident and is seated
    again, once the agenda's other changes are made. Repeating it changes nothing.

    Raises
    ------
    InputError
        When a slot is of another territory or does not bear the agenda's name.
    """
    _own(agenda, territory)
    unit.advance_clock(territory, unit.policy(territory).clock_tolerance)
    why = f"agenda:{agenda.name}"
    listing = _listed(unit, agenda, territory, window, now=now, why=why)
    going, kept = _going(unit, agenda, listing.vanished, allowed=allow_withdrawals)
    refused = "" if allow_withdrawals else _refusal(agenda, going, listing.standing)
    if refused:
        return AgendaReport(
            refused=refused,
            vanishing=len(going),
            standing=listing.standing,
            rejected=agenda.rejected,
            ignored=listing.ignored,
        )
    lost = take_back(unit, going, why=why)
    described = put_described(unit, agenda, territory)
    outcomes, moved, lost_by_moving = _published(unit, listing.wanted, why=why)
    # Last, so that a patient whose hour was shifted finds the shifted slot.
    incidents = seat_again(unit, [*lost, *lost_by_moving], why=why, now=now, matrix=matrix)
    return AgendaReport(
        created=outcomes.count("created"),
        changed=outcomes.count("changed"),
        same=outcomes.count("same"),
        withdrawn=tuple(sorted({*going, *moved})),
        incidents=incidents,
        kept=kept,
        left=listing.left,
        not_published=outcomes.rejected(),
        rejected=agenda.rejected,
        ignored=listing.ignored,
        described=described,
        vanishing=len(going),
        standing=listing.standing,
    )


def _own(agenda: Agenda, territory: str) -> None:
    for slot in agenda.slots:
        if slot.territory != territory:
            raise InputError(f"{slot.id} is of {slot.territory}, not of {territory}")
        if not slot.id.startswith(f"{agenda.name}:") or GENERATION in slot.id:
            raise InputError(f"{slot.id} does not bear the name of agenda {agenda.name}")


def _listed(
    unit: Unit, agenda: Agenda, territory: str, window: TimeWindow, *, now: datetime, why: str
) -> _Listing:
    latest = _latest(unit.slots_named(territory, f"{agenda.name}:", since=now))
    coming = {
        slot.id: slot
        for slot in agenda.slots
        # One that moves out of the window is still listed.
        if slot.start > now and (_within(slot, window) or slot.id in latest)
    }
    standing = [
        slot
        for slot in latest.values()
        if slot.state is SlotState.OPEN
        and slot.start > now
        and _within(slot, window)
        and (agenda.speaks_of is None or slot.practitioner in agenda.speaks_of)
    ]
    vanished = [slot for slot in standing if _base(slot.id) not in coming]
    wanted, left = _numbered(unit, coming, latest, why=why)
    return _Listing(
        wanted,
        tuple(vanished) if agenda.lists_slots else (),
        len(standing),
        left,
        len(agenda.slots) - len(coming),
    )


def _within(slot: Slot, window: TimeWindow) -> bool:
    return window.start <= slot.start < window.end


def _base(slot_id: str) -> str:
    return slot_id.partition(GENERATION)[0]


def _number(slot_id: str) -> int:
    return int(slot_id.partition(GENERATION)[2] or 1)


def _next(slot_id: str) -> str:
    return f"{_base(slot_id)}{GENERATION}{_number(slot_id) + 1}"


def _latest(slots: Iterable[Slot]) -> dict[str, Slot]:
    """Gives the slot of each base id that came last."""
    found: dict[str, Slot] = {}
    for slot in slots:
        base = _base(slot.id)
        if base not in found or _number(found[base].id) < _number(slot.id):
            found[base] = slot
    return found


def _numbered(
    unit: Unit, coming: dict[str, Slot], latest: dict[str, Slot], *, why: str
) -> tuple[dict[str, Slot], tuple[str, ...]]:
    """
    Gives the listed slots under the ids they have by now, and those that stay withdrawn.

    A publication never reopens a withdrawn slot, so one that this agenda withdrew and lists again
    comes back under a new number. What somebody else withdrew, an agenda does not bring back.
    """
    gone = [
        latest[base].id
        for base in coming
        if base in latest and latest[base].state is SlotState.WITHDRAWN
    ]
    reasons = unit.why_withdrawn(gone)
    ids = {base: latest[base].id for base in coming if base in latest}
    left = []
    for base, id_ in ids.items():
        if id_ in reasons:
            if reasons[id_] == why:
                ids[base] = _next(id_)
            else:
                left.append(id_)
    # What has ended keeps its id and its history, should an agenda use the number again.
    open_question = {base: base for base in coming if base not in latest}
    while open_question:
        ended = {slot.id for slot in unit.slots_of(list(open_question.values()))}
        ids.update({base: id_ for base, id_ in open_question.items() if id_ not in ended})
        open_question = {base: _next(id_) for base, id_ in open_question.items() if id_ in ended}
    skipped = {_base(id_) for id_ in left}
    wanted = [
        slot.replaced(id=ids[base]) if ids[base] != base else slot
        for base, slot in coming.items()
        if base not in skipped
    ]
    return by_id(wanted), tuple(sorted(left))


def _going(
    unit: Unit, agenda: Agenda, vanished: tuple[Slot, ...], *, allowed: bool
) -> tuple[list[str], tuple[str, ...]]:
    """
    Gives the vanished slots that are to be withdrawn, and the booked ones that stay.

    Being booked is why a slot is absent from a list of free ones. And while records could not be
    read, a booked slot may be one of them: a free one can come back, a moved patient can't.
    """
    booked = {one.slot for one in unit.active_bookings([slot.id for slot in vanished])}
    doubtful = bool(agenda.rejected) and not allowed
    kept = [
        slot.id
        for slot in vanished
        if slot.id in booked and (doubtful or agenda.free_only or _base(slot.id) in agenda.taken)
    ]
    return [slot.id for slot in vanished if slot.id not in kept], tuple(sorted(kept))


def _refusal(agenda: Agenda, going: list[str], standing: int) -> str:
    """Says why an agenda must not be believed; nothing where it may."""
    if not agenda.complete:
        return "the agenda could not be read to its end"
    many = len(going) > max(VANISHING_FREELY, MAX_VANISHING_SHARE * standing)
    # A list of free slots may well be empty, and withdraws nothing that is booked.
    if many and not agenda.free_only:
        return f"{len(going)} of its {standing} coming slots would be withdrawn"
    return ""


class _Outcomes:
    """What became of each slot that was handed to the store."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    def update(self, outcomes: dict[str, str]) -> None:
        self._of.update(outcomes)

    def forget(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self._of.pop(id_, None)

    def with_(self, outcome: str) -> list[str]:
        return sorted(id_ for id_, found in self._of.items() if found == outcome)

    def count(self, outcome: str) -> int:
        return len(self.with_(outcome))

    def rejected(self) -> tuple[RejectedItem, ...]:
        return tuple(
            RejectedItem(id=id_, why=words)
            for outcome, words in WHY_REJECTED.items()
            for id_ in self.with_(outcome)
        )


def _published(
    unit: Unit, wanted: dict[str, Slot], *, why: str
) -> tuple[_Outcomes, list[str], list[Booking]]:
    """
    Publishes the slots; one that would move under its bookings is withdrawn and comes anew.

    So is one whose new hour is taken, by one that moves too or by another agenda's: its old hour
    is not offered any more. Fewer seats or other modes move nobody: then the slot stays as it is,
    and the report says so.
    """
    outcomes = _Outcomes()
    outcomes.update(dict(unit.put_slots(list(wanted.values()))))
    stuck = [*outcomes.with_("booked"), *outcomes.with_("overlap")]
    moved = [
        slot.id
        for slot in unit.slots_of(stuck)
        if slot.state is SlotState.OPEN and _elsewhere(slot, wanted[slot.id])
    ]
    if not moved:
        return outcomes, [], []
    lost = take_back(unit, moved, why=why)
    again = {_next(id_): wanted[id_].replaced(id=_next(id_)) for id_ in moved}
    # What had no room beside the old hour may have it now.
    again.update({id_: wanted[id_] for id_ in outcomes.with_("overlap") if id_ not in moved})
    outcomes.forget([*moved, *again])
    outcomes.update(dict(unit.put_slots(list(again.values()))))
    return outcomes, moved, lost


def _elsewhere(old: Slot, new: Slot) -> bool:
    return (old.start, old.end, old.site, old.practitioner) != (
        new.start,
        new.end,
        new.site,
        new.practitioner,
    )
