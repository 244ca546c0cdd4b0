"""Commands that bring something in: a shipped territory, a file of referrals, a schema."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from slotengine.adapters import (
    Amend,
    Bounds,
    Cancel,
    Intake,
    New,
    Outcome,
    Rejected,
    adapter_for,
)
from slotengine.adapters.kinds import sentence
from slotengine.answers import Placement, Receipt
from slotengine.cli_options import OPEN_AT, Session
from slotengine.codes import ReferralState
from slotengine.data_folder import data_folder
from slotengine.engine import Engine
from slotengine.errors import (
    BookingError,
    InputError,
    PolicyError,
    ReferralPastError,
    UnknownIdError,
)
from slotengine.fixtures import NAMES
from slotengine.fixtures import territory as fixture
from slotengine.fixtures.communes import box_of
from slotengine.fixtures.nouns import Supply, Territory
from slotengine.labels import REFERRAL_STATE, word
from slotengine.policy import Policy
from slotengine.vault import Pseudonymiser

PATIENTS_LIVE_WITHIN_DEGREES = 0.5
"""Some 40 to 55 km around a territory: coordinates further off are taken for a mistake."""


def text_of(path: Path) -> str:
    """
    Reads a policy file.

    Raises
    ------
    PolicyError
        When it can't be read as UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise PolicyError(f"policy file {path.name} can't be read") from unreadable


def load(
    session: Session,
    engine: Engine,
    name: str,
    *,
    seed: int,
    now: datetime,
    policy: Policy | None,
) -> None:
    """Loads a shipped territory as of now."""
    if policy is not None and policy.territory != name:
        raise PolicyError(f"policy is of {policy.territory}, not of {name}")
    place = fixture(name, seed=seed, as_of=now)
    counts = load_territory(session, engine, place, policy=policy)
    if session.json:
        session.emit(counts)
        return
    session.out.print(
        session.say(
            f"{name} : {counts['slots']} créneaux, {counts['referrals']} demandes "
            f"(renvoyées au 15 : {counts['refused']}, hors délai : {counts['past']}).",
            f"{name}: {counts['slots']} slots, {counts['referrals']} referrals "
            f"(sent to 15: {counts['refused']}, past their deadline: {counts['past']}).",
        )
    )


def load_territory(
    session: Session, engine: Engine, place: Territory, *, policy: Policy | None = None
) -> dict[str, Any]:
    """Publishes a shipped territory and refers its waiting referrals; gives the counts."""
    name, now = place.name, place.as_of
    engine.set_policy(policy or place.policy, now=now, actor=OPEN_AT)
    published = engine.publish(
        name,
        practitioners=place.practitioners,
        sites=place.sites,
        slots=place.slots,
        now=now,
        actor=OPEN_AT,
    )
    for lender in sorted({slot.territory for slot in place.borrowed.slots}):
        _publish_borrowed(engine, place.borrowed, lender, now=now)
    refused, past = 0, 0
    for referral in session.track(place.referrals, f"{name}: referrals", len(place.referrals)):
        try:
            receipt = engine.refer(referral, now=now, actor=OPEN_AT)
        except ReferralPastError:
            # A policy of one's own may be shorter than the one the people were drawn under.
            past += 1
        else:
            refused += receipt.state is ReferralState.REFUSED
    return {
        "territory": name,
        "slots": len(place.slots) + len(place.borrowed.slots),
        "rejected_slots": [item.model_dump() for item in published.rejected],
        "referrals": len(place.referrals),
        "refused": refused,
        "past": past,
    }


def _publish_borrowed(engine: Engine, borrowed: Supply, lender: str, *, now: datetime) -> None:
    """Publishes the slots that a neighbour shares, under the neighbour's own policy."""
    if lender not in engine.territories():
        engine.set_policy(fixture(lender, as_of=now).policy, now=now, actor=OPEN_AT)
    engine.publish(
        lender,
        practitioners=[one for one in borrowed.practitioners if one.territory == lender],
        sites=[one for one in borrowed.sites if one.territory == lender],
        slots=[one for one in borrowed.slots if one.territory == lender],
        now=now,
        actor=OPEN_AT,
    )


def default_key_file() -> Path:
    """Gives the key file of pseudonyms beside the embedded database."""
    return data_folder() / "pseudonym.key"


@dataclass(frozen=True)
class File:
    """A file of referrals, who sent it and how it is to be read."""

    path: Path
    source: str
    territory: str
    format_: str | None = None
    sender: str | None = None
    key_file: Path | None = None
    place: bool = False


@dataclass
class Tally:
    """What became of the records of one file."""

    received: int = 0
    repeated: int = 0
    refused: int = 0
    placed: int = 0
    ended: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)


def intake(session: Session, engine: Engine, file: File, *, now: datetime) -> int:
    """Reads a file of referrals into the engine; gives how many records were rejected."""
    adapter = adapter_for(
        file.source,
        territory=file.territory,
        zone=engine.policy(file.territory).zone,
        pseudonymiser=Pseudonymiser.from_file(file.key_file or default_key_file()),
        format=file.format_,
        bounds=_bounds_of(file.territory),
        sender=file.sender,
    )
    tally = Tally()
    with file.path.open("rb") as payload:
        read = adapter.read(payload, now=now)
        for number, one in enumerate(session.track(read, file.path.name, None), start=1):
            _take(engine, one, tally, number=number, session=session, place=file.place, now=now)
    _report(session, tally)
    return len(tally.rejected)


def _bounds_of(territory: str) -> Bounds | None:
    """Gives the box of a shipped territory, widened: patients of its doctors live around it too."""
    if territory not in NAMES:
        return None
    return Bounds(**box_of(territory).widened(PATIENTS_LIVE_WITHIN_DEGREES).model_dump())


def _take(
    engine: Engine,
    one: Intake,
    tally: Tally,
    *,
    number: int,
    session: Session,
    place: bool,
    now: datetime,
) -> None:
    """Hands one record to the engine; what the engine refuses is reported like a bad line."""
    if isinstance(one, Rejected):
        fault = one.model_dump(mode="json")
        fault["sentence"] = sentence(one.field, one.kind, session.lang)
        tally.rejected.append(fault)
        return
    try:
        tally.records.append(_handed(engine, one, tally, session=session, place=place, now=now))
    except (InputError, BookingError) as refused:
        # The engine's messages hold ids only.
        kind = type(refused).__name__
        tally.rejected.append({"record": number, "kind": kind, "sentence": str(refused)})


def _handed(
    engine: Engine,
    one: New | Amend | Cancel | Outcome,
    tally: Tally,
    *,
    session: Session,
    place: bool,
    now: datetime,
) -> dict[str, Any]:
    if isinstance(one, Cancel):
        reason = "cancelled by its source"
        receipt = engine.cancel_referral(one.referral_id, reason=reason, now=now, actor=OPEN_AT)
        tally.ended += 1
        return _line(session, receipt)
    if isinstance(one, Outcome):
        tally.ended += 1
        return _closed(engine, one, now=now)
    if isinstance(one, New) and place:
        placement = engine.place(one.referral, now=now, actor=OPEN_AT)
        tally.received += 1
        tally.placed += placement.booking is not None
        tally.refused += placement.state is ReferralState.REFUSED
        return _line(session, placement) | _told(placement)
    verb = engine.amend if isinstance(one, Amend) else engine.refer
    receipt = verb(one.referral, now=now, actor=OPEN_AT)
    tally.received += not receipt.repeated
    tally.repeated += receipt.repeated
    tally.refused += receipt.state is ReferralState.REFUSED
    return _line(session, receipt)


def _closed(engine: Engine, one: Outcome, *, now: datetime) -> dict[str, Any]:
    booking = engine.booking_of(one.referral_id, now=now)
    if booking is None:
        raise UnknownIdError("booking of referral", one.referral_id)
    engine.close(booking.id, one.outcome, now=now, actor=OPEN_AT)
    state = engine.referral(one.referral_id).state
    return {"referral": one.referral_id, "state": state.value, "reasons": []}


def _line(session: Session, answer: Receipt | Placement) -> dict[str, Any]:
    line: dict[str, Any] = {
        "referral": answer.referral,
        "state": answer.state.value,
        "reasons": [reason.text(session.lang) for reason in answer.reasons],
    }
    if isinstance(answer, Placement) and answer.booking is not None and answer.promise is None:
        line["booking"] = answer.booking.id
        line["slot"] = answer.booking.slot
        line["held_until"] = answer.booking.held_until
    return line


def _told(placement: Placement) -> dict[str, Any]:
    """
    Says what was promised: what the patient may be told.

    Never the promised booking's hour, which may still change; the reasons say the promise in words.
    """
    told: dict[str, Any] = {}
    if placement.promise is not None:
        told["booking"] = None if placement.booking is None else placement.booking.id
        told["promise"] = placement.promise.model_dump(mode="json")
    return told


def _report(session: Session, tally: Tally) -> None:
    if session.json:
        session.emit(vars(tally))
        return
    out = session.out
    for line in tally.records:
        state = word(REFERRAL_STATE[ReferralState(line["state"])], session.lang)
        likely = f", {line['likely']}" if "likely" in line else ""
        out.print(f"{line['referral']}: {state}{likely}", *line["reasons"])
    for bad in tally.rejected:
        where = bad.get("line", bad["record"])
        out.print(session.say(f"ligne {where} : ", f"line {where}: ") + bad["sentence"])
    out.print(
        session.say(
            f"Reçues : {tally.received}. Déjà connues : {tally.repeated}. "
            f"Placées : {tally.placed}. "
            f"Renvoyées au 15 : {tally.refused}. Closes : {tally.ended}. "
            f"Rejetées : {len(tally.rejected)}.",
            f"Received: {tally.received}. Known already: {tally.repeated}. Placed: {tally.placed}. "
            f"Sent to 15: {tally.refused}. Closed: {tally.ended}. "
            f"Rejected: {len(tally.rejected)}.",
        )
    )
