"""
The rules of ``docs/rules.md`` a second time, in plain Python.

``Rules.refusal`` asks one pair, rule by rule. ``Rules.allowed`` gives what ``refusal`` lets pass,
without asking about every slot: tests compare the two.

``check`` and ``certificate`` stand on this file. It shares no line with ``arcs``, ``travel`` and
``costs``, so that a mistake must be made twice, in two shapes, before a wrong plan passes. Rule
names are spelled out here; a test compares them with ``slotengine.reasons.Rule``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from slotengine.codes import Mobility, Mode, SlotState
from slotengine.domain import Practitioner, Referral, Site, Slot, by_id
from slotengine.problem import Problem
from slotengine.side_constraints import Floor, Step
from slotengine.solver.check_figures import (
    MINUTE,
    Figures,
    half_deadline,
    pair_cost,
    stranger_cost,
    travel_cost,
    waiting_cost,
    whole_minutes,
)
from slotengine.solver.check_kinds import kind_refusal, shared_modes
from slotengine.solver.check_offer import MICROSECOND, Offer, road_limit
from slotengine.solver.check_side import Booking, Load, Side, in_time
from slotengine.solver.check_travel import Roads

MODE_ORDER = (Mode.AMB, Mode.VR, Mode.HH)
"""Which mode comes first between equally cheap ones."""

MICROSECONDS_PER_MINUTE = MINUTE // MICROSECOND

MODE_RULES = ("mobility", "access", "location", "travel", "reach", "tour", "cap", "kept")
"""Rules that depend on the mode, in the order in which they are asked."""

RULES = (
    *("sharing", "profession", "specialty", "mode", "audience", "age", "motive"),
    *("opening", "window", "deadline", "patient_busy", "pathway", "group"),
    *MODE_RULES,
)
"""Every rule, in the order in which they are asked."""


class Rules:
    """
    Answers who may have which slot, and at what cost, for one problem.

    The journeys of one referral are remembered, since a site has many slots; those of all would
    not fit in memory.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.policy = problem.policy
        self.practitioners: Mapping[str, Practitioner] = by_id(problem.practitioners)
        self.sites: Mapping[str, Site] = by_id(problem.sites)
        self.slots: Mapping[str, Slot] = by_id(problem.slots)
        self.referrals: Mapping[str, Referral] = by_id(problem.referrals)
        self._earliest = problem.as_of + self.policy.notice
        self._roads = Roads(problem)
        self.side = Side(problem, self._roads)
        self.members = Counter(one.group for one in problem.referrals if one.group is not None)
        self._busy: dict[str, list[tuple[str, Slot]]] = defaultdict(list)
        self._pinned_on: dict[str, list[Slot]] = defaultdict(list)
        self._pinned_group: dict[str, list[Slot]] = defaultdict(list)
        for pin in problem.pins:
            slot = self.slots[pin.slot]
            self._busy[pin.patient].append((pin.referral, slot))
            self._pinned_on[pin.referral].append(slot)
            if pin.group is not None:
                self._pinned_group[pin.group].append(slot)
        self._tour: dict[str, list[Booking]] = defaultdict(list)
        for booking in self.side.pinned:
            self._tour[booking.slot.practitioner].append(booking)
        self._load = Load(self.side, self.side.pinned)
        self._price = {one.slot: one.price for one in problem.prices}
        self.seated = {*problem.promised, *(one.referral for one in problem.told)}
        self._journeys: dict[tuple[str, Mode], tuple[int, int] | None] = {}
        self._traveller = ""
        self._offer = Offer(problem)

    def refusal(self, referral: Referral, slot: Slot) -> str | None:
        """Gives the first rule that a pair fails, in the order of rules.md, or None if allowed."""
        practitioner = self.practitioners[slot.practitioner]
        of_its_kind = kind_refusal(self.policy, referral, practitioner, slot)
        if of_its_kind is not None:
            return of_its_kind
        at_that_time = self._time_refusal(referral, slot)
        if at_that_time is not None:
            return at_that_time
        beside_pins = self._pinned_refusal(referral, slot)
        if beside_pins is not None:
            return beside_pins
        refusals = [
            self._mode_refusal(referral, slot, mode) for mode in shared_modes(referral, slot)
        ]
        if None in refusals:
            return None
        # The latest rule that any mode got to says best what stood in the way.
        return max((name for name in refusals if name is not None), key=MODE_RULES.index)

    def modes(self, referral: Referral, slot: Slot) -> list[Figures]:
        """Gives the modes that an otherwise allowed pair may use, the plan's choice first."""
        found = [
            figures
            for mode in MODE_ORDER
            if mode in referral.modes
            and mode in slot.modes
            and self._mode_refusal(referral, slot, mode) is None
            and (figures := self.figures(referral, slot, mode)) is not None
        ]
        return sorted(found, key=lambda figures: figures.cost)  # stable: MODE_ORDER breaks ties

    def allowed(self, referral: Referral) -> Iterator[tuple[Slot, Figures]]:
        """Gives every slot a referral may have, its cheapest mode too, in the problem's order."""
        for at in sorted({at for at, _ in self.costs(referral)}):
            slot = self.problem.slots[at]
            figures = self.choice(referral, slot)
            if figures is not None:
                yield slot, figures

    def kept_from(self, referral: Referral) -> Iterator[tuple[Slot, Mode]]:
        """Gives every slot that only its price keeps from a referral, and its cheapest mode."""
        for at in sorted({at for at, _ in self.costs(referral)}):
            slot = self.problem.slots[at]
            if self.refusal(referral, slot) == "kept":
                modes = [one for one in MODE_ORDER if one in shared_modes(referral, slot)]
                found = [
                    figures
                    for mode in modes
                    if self._mode_refusal(referral, slot, mode) == "kept"
                    and (figures := self.figures(referral, slot, mode)) is not None
                ]
                yield slot, min(found, key=lambda figures: figures.cost).mode

    def choice(self, referral: Referral, slot: Slot) -> Figures | None:
        """Gives the cheapest mode of a slot whose kind suits a referral; None if refused."""
        if self._time_refusal(referral, slot) or self._pinned_refusal(referral, slot):
            return None
        modes = self.modes(referral, slot)
        return modes[0] if modes else None

    def costs(self, referral: Referral) -> Iterator[tuple[int, int]]:
        """
        Gives a cost for each mode of at least every slot that a referral may have.

        Pins, windows and what is kept are not asked, which refuse little or take long. What is the
        same for many slots is asked once: of a kind of place, then of a place, and of a slot only
        its time.

        Yields
        ------
        tuple
            The slot's position in the problem, and what the pair costs in one mode, price included.
        """
        instant = self._offer.instant
        earliest, received = instant(self._earliest), instant(referral.received_at)
        last = None if referral.deadline is None else instant(referral.deadline)
        weight, half = self.policy.waiting.of(referral.priority), half_deadline(referral)
        for place in self._offer.near(referral):
            if not place.between(earliest, last):
                continue
            example = place.slots[0]
            stranger = stranger_cost(self.policy, referral, example.practitioner)
            for mode in shared_modes(referral, example):
                journey = self._journey(referral, example, mode)
                if journey is None or self._place_refusal(referral, example, mode):
                    continue
                minutes = journey[1]
                fixed = travel_cost(self.policy, minutes) + stranger
                for at in place.between(earliest + minutes * MICROSECONDS_PER_MINUTE, last):
                    wait = max(0, -((received - place.starts[at]) // MICROSECONDS_PER_MINUTE))
                    price = self.price(place.slots[at])
                    yield place.order[at], fixed + waiting_cost(weight, half, wait) + price

    def price(self, slot: Slot) -> int:
        """Gives what a seat of a slot is worth to those who come later."""
        return self._price.get(slot.id, 0)

    def rings(self, referral: Referral) -> Iterator[tuple[Iterator[Slot], str]]:
        """
        Gives all slots, the likeliest first, for whoever asks how far a referral gets at best.

        Yields
        ------
        tuple
            Slots, and the latest rule that can refuse one that no ring before had.
        """
        near, suited = self._offer.near(referral), self._offer.suited(referral)
        yield (slot for place in near for slot in place.slots), RULES[-1]
        yield (slot for place in suited for slot in place.slots), "travel"
        yield iter(self.problem.slots), "opening"

    def figures(self, referral: Referral, slot: Slot, mode: Mode) -> Figures | None:
        """Gives the figures of a pair in a mode, allowed or not; None where no way leads there."""
        journey = self._journey(referral, slot, mode)
        if journey is None:
            return None
        metres, minutes = journey
        wait = max(0, whole_minutes(slot.start - referral.received_at))
        return Figures(
            mode, metres, minutes, wait, pair_cost(self.policy, referral, slot, wait, minutes)
        )

    def _time_refusal(self, referral: Referral, slot: Slot) -> str | None:
        if slot.state is not SlotState.OPEN:
            return "opening"
        if slot.opens_at is not None and slot.opens_at > self.problem.as_of:
            return "opening"
        if referral.windows and not any(
            window.start <= slot.start and slot.end <= window.end for window in referral.windows
        ):
            return "window"
        if referral.deadline is not None and slot.start > referral.deadline:
            return "deadline"
        if any(
            overlap(taken, slot)
            for of, taken in self._busy.get(referral.patient.key, ())
            if of != referral.follows
        ):
            return "patient_busy"
        return None

    def step(self, referral: Referral) -> Step | None:
        """Gives the step of its pathway that a referral is; None for one that follows nobody."""
        pathway = self.policy.pathway(referral.pathway) if referral.pathway is not None else None
        if pathway is None or referral.follows is None:
            return None
        return pathway.steps[referral.step]

    def _pinned_refusal(self, referral: Referral, slot: Slot) -> str | None:
        """Asks what the pins of its pathway and of its group leave to a referral."""
        if referral.follows is not None and referral.follows not in self.referrals:
            step = self.step(referral)
            if step is None or not any(
                in_time(before, slot, step.after_min, step.after_max)
                for before in self._pinned_on.get(referral.follows, ())
            ):
                return "pathway"
        group = referral.group
        if group is not None and group in self._pinned_group:
            pinned = self._pinned_group[group]
            places = {(one.practitioner, one.site) for one in pinned}
            if places != {(slot.practitioner, slot.site)}:
                return "group"
            # Of several siblings each may leave a gap that another fills: their whole run is asked.
            if self.members[group] == 1 and not self.side.run([slot, *pinned]):
                return "group"
        return None

    def run_of(self, group: str, slots: list[Slot]) -> bool:
        """Tells whether slots and a group's pins are one practitioner's run at one site."""
        every = [*slots, *self._pinned_group.get(group, ())]
        places = {(slot.practitioner, slot.site) for slot in every}
        return len(places) <= 1 and self.side.run(every)

    def _mode_refusal(self, referral: Referral, slot: Slot, mode: Mode) -> str | None:
        at_that_place = self._place_refusal(referral, slot, mode)
        if at_that_place is not None:
            return at_that_place
        journey = self._journey(referral, slot, mode)
        if journey is None or self._earliest + journey[1] * MINUTE > slot.start:
            return "reach"
        beside_pins = self._booked_refusal(referral, slot, mode)
        if beside_pins is not None:
            return beside_pins
        return None if self._worth_it(referral, slot, mode) else "kept"

    def _worth_it(self, referral: Referral, slot: Slot, mode: Mode) -> bool:
        """Asks whether serving is worth what it costs and what others would lose by it."""
        if not self.problem.prices or referral.id in self.seated:
            return True
        if any(floor_names(floor, referral) for floor in self.policy.floors):
            return True
        figures = self.figures(referral, slot, mode)
        value = self.policy.values.of(referral.priority)
        return figures is not None and figures.cost + self.price(slot) <= value

    def _place_refusal(self, referral: Referral, slot: Slot, mode: Mode) -> str | None:
        """Asks the rules of a mode that are the same for all slots of one site."""
        patient = referral.patient
        if mode is Mode.AMB and patient.mobility is Mobility.HOMEBOUND:
            return "mobility"
        in_a_chair = patient.mobility is Mobility.WHEELCHAIR
        if mode is Mode.AMB and in_a_chair and not self.sites[slot.site].accessible:
            return "access"
        if mode is not Mode.VR and patient.location is None:
            return "location"
        journey = self._journey(referral, slot, mode)
        if journey is None:
            return "travel"
        limit = road_limit(self.policy, referral, mode)
        return "travel" if limit is not None and journey[0] > limit else None

    def _booked_refusal(self, referral: Referral, slot: Slot, mode: Mode) -> str | None:
        """Asks what the pins of its practitioner leave to a booking."""
        pinned = self._tour.get(slot.practitioner, ())
        if not pinned and not self.side.capped:
            return None
        booking = self.side.booking(referral, slot, mode)
        if not all(self.side.at_peace(booking, made) for made in pinned):
            return "tour"
        return None if self._load.room_for(booking) else "cap"

    def _journey(self, referral: Referral, slot: Slot, mode: Mode) -> tuple[int, int] | None:
        """Gives metres and minutes of the one who travels, or None if there is no way."""
        if mode is Mode.VR:
            return 0, 0
        if referral.id != self._traveller:
            self._traveller = referral.id
            self._journeys = {}
        key = (slot.site, mode)
        if key not in self._journeys:
            self._journeys[key] = self._travelled(referral, self.sites[slot.site], mode)
        return self._journeys[key]

    def _travelled(self, referral: Referral, site: Site, mode: Mode) -> tuple[int, int] | None:
        home = referral.patient.location
        if home is None:
            return None
        car = self.policy.speeds.car
        speed = self.policy.speeds.of(referral.patient.mobility) if mode is Mode.AMB else car
        if speed is None:
            return None
        start, end = (home, site.location) if mode is Mode.AMB else (site.location, home)
        return self._roads.way(start, end, speed)


def floor_names(floor: Floor, referral: Referral) -> bool:
    """Tells whether a referral has the priority and the commune that a floor is about."""
    place = referral.patient.location
    commune = None if place is None else place.insee
    return floor.priority in (None, referral.priority) and floor.insee in (None, commune)


def overlap(one: Slot, other: Slot) -> bool:
    """Tells whether two slots share time; touching is not sharing."""
    return one.start < other.end and other.start < one.end
