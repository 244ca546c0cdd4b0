"""
Gives a patient who needs care soon the right reserved slot, and proves it.

Every public name lives here once; ``slotengine.solver``, ``slotengine.adapters``,
``slotengine.fixtures``, ``slotengine.nightly`` and ``slotengine.opening`` are rooms of their own. A
name opens its module when it is first asked for, so that ``import slotengine`` costs a host almost
nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slotengine.answers import (
        Announced,
        Chance,
        Conflict,
        DeliveryReport,
        Event,
        HandedBack,
        Incident,
        Offer,
        Placement,
        PlanReport,
        PublishReport,
        Receipt,
        Received,
        Refilled,
        RejectedItem,
        ReplaceReport,
        TendReport,
        WaitingEntry,
        WithdrawReport,
    )
    from slotengine.codes import (
        Audience,
        BookingStatus,
        CareLevel,
        Mobility,
        Mode,
        Priority,
        Profession,
        PromiseState,
        ReferralState,
        Sex,
        SlotState,
        SourceKind,
    )
    from slotengine.counter_rules import (
        Commune,
        Forecasting,
        Handback,
        Offering,
        Pricing,
        PromiseRules,
        Refill,
        Reserve,
    )
    from slotengine.destinations import (
        Confirmations,
        Delivery,
        Destination,
        Form,
        Notice,
        Outgoing,
        Shown,
    )
    from slotengine.directory import Address, Role, Structure
    from slotengine.domain import (
        Actor,
        Booking,
        Location,
        Motive,
        Patient,
        Practitioner,
        Promise,
        Referral,
        Requester,
        Site,
        Slot,
        TimeWindow,
        referral_id,
    )
    from slotengine.engine import Engine
    from slotengine.errors import (
        BookingError,
        ClockError,
        DeliveryError,
        DuplicateReferralError,
        HoldExpiredError,
        HorizonError,
        InputError,
        PlanRejectedError,
        PolicyError,
        ProblemError,
        ReferralConflictError,
        ReferralFormatError,
        ReferralPastError,
        SchemaError,
        SlotEngineError,
        SlotTakenError,
        SolverError,
        SolverTimeoutError,
        StoreBusyError,
        StoreError,
        TokenError,
        TransitionError,
        UnknownIdError,
        UnknownTerritoryError,
    )
    from slotengine.explanations import (
        Candidate,
        Change,
        ChangeKind,
        ChangeSearch,
        Explanation,
        FunnelStep,
        NewSeat,
        SeatValue,
    )
    from slotengine.forecast import Forecast, History
    from slotengine.labels import Lang
    from slotengine.policy import (
        Counting,
        Deadlines,
        Detour,
        OpeningHours,
        OutOfHours,
        Policy,
        SeatValues,
        Speeds,
        WaitingWeights,
    )
    from slotengine.ports import Store
    from slotengine.ports_doors import Incoming
    from slotengine.problem import (
        Assignment,
        LevelDuals,
        Limits,
        Pin,
        Plan,
        Problem,
        Told,
        TravelMatrix,
        Unserved,
        Violation,
    )
    from slotengine.reasons import Reason, ReasonCode, Rule
    from slotengine.seat_prices import PriceSet, SeatPrice
    from slotengine.side_constraints import (
        Caps,
        Effort,
        Floor,
        Groups,
        HomeVisits,
        Pathway,
        Spread,
        Step,
    )

__all__ = [
    "Actor",
    "Address",
    "Announced",
    "Assignment",
    "Audience",
    "Booking",
    "BookingError",
    "BookingStatus",
    "Candidate",
    "Caps",
    "CareLevel",
    "Chance",
    "Change",
    "ChangeKind",
    "ChangeSearch",
    "ClockError",
    "Commune",
    "Confirmations",
    "Conflict",
    "Counting",
    "Deadlines",
    "Delivery",
    "DeliveryError",
    "DeliveryReport",
    "Destination",
    "Detour",
    "DuplicateReferralError",
    "Effort",
    "Engine",
    "Event",
    "Explanation",
    "Floor",
    "Forecast",
    "Forecasting",
    "Form",
    "FunnelStep",
    "Groups",
    "Handback",
    "HandedBack",
    "History",
    "HoldExpiredError",
    "HomeVisits",
    "HorizonError",
    "Incident",
    "Incoming",
    "InputError",
    "Lang",
    "LevelDuals",
    "Limits",
    "Location",
    "Mobility",
    "Mode",
    "Motive",
    "NewSeat",
    "Notice",
    "Offer",
    "Offering",
    "OpeningHours",
    "OutOfHours",
    "Outgoing",
    "Pathway",
    "Patient",
    "Pin",
    "Placement",
    "Plan",
    "PlanRejectedError",
    "PlanReport",
    "Policy",
    "PolicyError",
    "Practitioner",
    "PriceSet",
    "Pricing",
    "Priority",
    "Problem",
    "ProblemError",
    "Profession",
    "Promise",
    "PromiseRules",
    "PromiseState",
    "PublishReport",
    "Reason",
    "ReasonCode",
    "Receipt",
    "Received",
    "Referral",
    "ReferralConflictError",
    "ReferralFormatError",
    "ReferralPastError",
    "ReferralState",
    "Refill",
    "Refilled",
    "RejectedItem",
    "ReplaceReport",
    "Requester",
    "Reserve",
    "Role",
    "Rule",
    "SchemaError",
    "SeatPrice",
    "SeatValue",
    "SeatValues",
    "Sex",
    "Shown",
    "Site",
    "Slot",
    "SlotEngineError",
    "SlotState",
    "SlotTakenError",
    "SolverError",
    "SolverTimeoutError",
    "SourceKind",
    "Speeds",
    "Spread",
    "Step",
    "Store",
    "StoreBusyError",
    "StoreError",
    "Structure",
    "TendReport",
    "TimeWindow",
    "TokenError",
    "Told",
    "TransitionError",
    "TravelMatrix",
    "UnknownIdError",
    "UnknownTerritoryError",
    "Unserved",
    "Violation",
    "WaitingEntry",
    "WaitingWeights",
    "WithdrawReport",
    "referral_id",
]

_ROOMS = {
    "answers": (
        "Announced", "Chance", "Conflict", "DeliveryReport", "Event", "HandedBack", "Incident",
        "Offer", "Placement", "PlanReport", "PublishReport", "Receipt", "Received", "Refilled",
        "RejectedItem", "ReplaceReport", "TendReport", "WaitingEntry", "WithdrawReport",
    ),
    "codes": (
        "Audience", "BookingStatus", "CareLevel", "Mobility", "Mode", "Priority", "Profession",
        "PromiseState", "ReferralState", "Sex", "SlotState", "SourceKind",
    ),
    "counter_rules": (
        "Commune", "Forecasting", "Handback", "Offering", "Pricing", "PromiseRules", "Refill",
        "Reserve",
    ),
    "directory": ("Address", "Role", "Structure"),
    "destinations": (
        "Confirmations", "Delivery", "Destination", "Form", "Notice", "Outgoing", "Shown",
    ),
    "domain": (
        "Actor", "Booking", "Location", "Motive", "Patient", "Practitioner", "Promise", "Referral",
        "Requester", "Site", "Slot", "TimeWindow", "referral_id",
    ),
    "engine": ("Engine",),
    "errors": (
        "BookingError", "ClockError", "DeliveryError", "DuplicateReferralError", "HoldExpiredError",
        "HorizonError",
        "InputError", "PlanRejectedError", "PolicyError", "ProblemError", "ReferralConflictError",
        "ReferralFormatError", "ReferralPastError", "SchemaError", "SlotEngineError",
        "SlotTakenError", "SolverError", "SolverTimeoutError", "StoreBusyError", "StoreError",
        "TokenError", "TransitionError", "UnknownIdError", "UnknownTerritoryError",
    ),
    "forecast": ("Forecast", "History"),
    "labels": ("Lang",),
    "policy": (
        "Counting", "Deadlines", "Detour", "OpeningHours", "OutOfHours", "Policy", "SeatValues",
        "Speeds", "WaitingWeights",
    ),
    "explanations": (
        "Candidate", "Change", "ChangeKind", "ChangeSearch", "Explanation", "FunnelStep", "NewSeat",
        "SeatValue",
    ),
    "ports": ("Store",),
    "ports_doors": ("Incoming",),
    "problem": (
        "Assignment", "LevelDuals", "Limits", "Pin", "Plan", "Problem", "Told", "TravelMatrix",
        "Unserved", "Violation",
    ),
    "reasons": ("Reason", "ReasonCode", "Rule"),
    "seat_prices": ("PriceSet", "SeatPrice"),
    "side_constraints": (
        "Caps", "Effort", "Floor", "Groups", "HomeVisits", "Pathway", "Spread", "Step",
    ),
}  # fmt: skip
"""Where each public name lives; a test compares this table with the imports above."""

_HOMES = {name: f"{__name__}.{room}" for room, names in _ROOMS.items() for name in names}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:
    # Hidden from type checkers: a module-level __getattr__ would make every misspelt name valid.

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        value = getattr(import_module(home), name)
        globals()[name] = value
        return value
