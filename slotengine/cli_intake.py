"""Commands that bring something in: a shipped territory, a policy of one's own."""

from datetime import datetime
from pathlib import Path
from typing import Any

from slotengine.cli_options import OPEN_AT, Session
from slotengine.cli_roles import roles_of
from slotengine.codes import ReferralState
from slotengine.engine import Engine
from slotengine.errors import PolicyError, ReferralPastError
from slotengine.fixtures import territory as fixture
from slotengine.fixtures.nouns import Supply, Territory
from slotengine.policy import Policy


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
        roles=roles_of(place),
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
        roles=[one for one in roles_of(borrowed) if one.territory == lender],
        now=now,
        actor=OPEN_AT,
    )
