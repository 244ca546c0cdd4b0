"""Commands that bring something in: a shipped territory, a file of referrals, a schema."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from slotengine.adapters import Cancel, Intake, New, Rejected, adapter_for
from slotengine.adapters.base import Amend, Outcome
from slotengine.answers import Placement, Receipt
from slotengine.cli_options import OPEN_AT, Session
from slotengine.codes import BookingStatus
from slotengine.domain import Location, referral_id
from slotengine.engine import Engine, data_folder
from slotengine.errors import BookingError, InputError, PolicyError
from slotengine.fixtures import territory as fixture
from slotengine.fixtures.communes import communes
from slotengine.policy import Policy
from slotengine.reasons import Reason
from slotengine.vault import Pseudonymiser


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
    counts = load_territory(session, engine, name, seed=seed, now=now, policy=policy)
    if session.json:
        session.emit(counts)
        return
    session.out.print(
        session.say(
            f"{name} : {counts['slots']} créneaux, {counts['referrals']} demandes, "
            f"dont {counts['refused']} renvoyées au 15.",
            f"{name}: {counts['slots']} slots, {counts['referrals']} referrals, "
            f"{counts['refused']} of them sent to 15.",
        )
    )


def load_territory(
    session: Session,
    engine: Engine,
    name: str,
    *,
    seed: int,
    now: datetime,
    policy: Policy | None = None,
) -> dict[str, Any]:
    """Publishes a shipped territory and refers its waiting referrals; gives the counts."""
    place = fixture(name, seed=seed, as_of=now)
    if policy is not None and policy.territory != name:
        raise PolicyError(f"policy is of {policy.territory}, not of {name}")
    engine.set_policy(policy or place.policy, now=now, actor=OPEN_AT)
    published = engine.publish(
        name,
        practitioners=place.practitioners,
        sites=place.sites,
        slots=place.slots,
        now=now,
        actor=OPEN_AT,
    )
    refused = 0
    for referral in session.track(place.referrals, f"{name}: referrals", len(place.referrals)):
        receipt = engine.refer(referral, now=now, actor=OPEN_AT)
        refused += receipt.state == "refused"
    return {
        "territory": name,
        "slots": len(place.slots),
        "rejected_slots": [item.model_dump() for item in published.rejected],
        "referrals": len(place.referrals),
        "refused": refused,
    }


@dataclass
class Tally:
    """What became of the records of one file."""

    received: int = 0
    repeated: int = 0
    refused: int = 0
    placed: int = 0
    cancelled: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)


def intake(
    session: Session,
    engine: Engine,
    *,
    source: str,
    file: Path,
    territory: str,
    format_: str | None,
    place: bool,
    key_file: Path | None,
    now: datetime,
) -> int:
    """Reads a file of referrals into the engine; gives how many records were rejected."""
    policy = engine.policy(territory)
    adapter = adapter_for(
        source,
        territory=territory,
        zone=policy.zone,
        pseudonymiser=Pseudonymiser.from_file(key_file or default_key_file()),
        format=format_,
        place_of=_place_of,
    )
    tally = Tally()
    with file.open("rb") as payload:
        for one in session.track(adapter.read(payload, now=now), file.name, None):
            _take(engine, one, tally, session=session, place=place, now=now)
    _report(session, tally)
    return len(tally.rejected)


def _place_of(insee: str) -> Location | None:
    """Gives a commune's point for a record that names only the commune."""
    commune = communes().get(insee)
    return None if commune is None else Location(lat=commune.lat, lon=commune.lon, insee=insee)


def _take(
    engine: Engine, one: Intake, tally: Tally, *, session: Session, place: bool, now: datetime
) -> None:
    """Hands one record to the engine; what the engine refuses is reported like a bad line."""
    if isinstance(one, Rejected):
        tally.rejected.append(one.model_dump(mode="json"))
        return
    try:
        tally.records.append(_handed(engine, one, tally, session=session, place=place, now=now))
    except (InputError, BookingError) as refused:
        tally.rejected.append({"record": len(tally.records) + 1, "kind": str(refused)})


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
        id_ = referral_id(one.territory, one.source, one.reference)
        receipt = engine.cancel_referral(id_, reason="cancelled by source", now=now, actor=OPEN_AT)
        tally.cancelled += 1
        return _line(session, receipt)
    if isinstance(one, Outcome):
        raise InputError(f"an outcome needs the booking it is about: {one.outcome}")
    if isinstance(one, Amend):
        receipt = engine.amend(one.referral, now=now, actor=OPEN_AT)
    elif place:
        placement = engine.place(one.referral, now=now, actor=OPEN_AT)
        tally.received += 1
        tally.placed += placement.booking is not None
        tally.refused += placement.state == "refused"
        return _line(session, placement)
    else:
        receipt = engine.refer(one.referral, now=now, actor=OPEN_AT)
    tally.received += not receipt.repeated
    tally.repeated += receipt.repeated
    tally.refused += receipt.state == "refused"
    return _line(session, receipt)


def _line(session: Session, answer: Receipt | Placement) -> dict[str, Any]:
    reasons: tuple[Reason, ...] = answer.reasons
    line: dict[str, Any] = {
        "referral": answer.referral,
        "state": answer.state.value,
        "reasons": [reason.text(session.lang) for reason in reasons],
    }
    if isinstance(answer, Placement) and answer.booking is not None:
        line["booking"] = answer.booking.id
        line["slot"] = answer.booking.slot
        if answer.booking.status is BookingStatus.HELD:
            line["held_until"] = answer.booking.held_until
    return line


def _report(session: Session, tally: Tally) -> None:
    if session.json:
        session.emit(vars(tally))
        return
    out = session.out
    for line in tally.records:
        out.print(" ".join((line["referral"], line["state"], *line["reasons"])))
    for bad in tally.rejected:
        where = f"ligne {bad.get('line')}" if session.lang == "fr" else f"line {bad.get('line')}"
        out.print(f"{where}: {bad.get('field', '')}: {bad['kind']}")
    out.print(
        session.say(
            f"{tally.received} reçues, {tally.repeated} déjà connues, {tally.placed} placées, "
            f"{tally.refused} renvoyées au 15, {tally.cancelled} annulées, "
            f"{len(tally.rejected)} rejetées.",
            f"{tally.received} received, {tally.repeated} known already, {tally.placed} placed, "
            f"{tally.refused} sent to 15, {tally.cancelled} cancelled, "
            f"{len(tally.rejected)} rejected.",
        )
    )


def default_key_file() -> Path:
    """Gives the key file of pseudonyms beside the embedded database."""
    return data_folder() / "pseudonym.key"
