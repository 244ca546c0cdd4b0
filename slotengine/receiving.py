"""
Messages that come in: each is applied once, in the order in which they were written.

One call is one transaction: what the engine refuses is undone alone, the others are written.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice

from slotengine.adapters.base import Intake, New, Rejected
from slotengine.answers import Received
from slotengine.errors import InputError, UnknownTerritoryError
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.receiving_bulk import Newcomers
from slotengine.receiving_order import Turn, reference_of, refusal, source_of
from slotengine.receiving_steps import Message, Steps

BATCH = 500
"""
Messages of one transaction: 98 µs of processor time a message, 184 in batches of 50, no less in
2,000, for which others would wait four times as long; see docs/benchmarks-intake.md. Our choice.
"""


def batches(intakes: Iterable[Intake], size: int = BATCH) -> Iterator[tuple[Intake, ...]]:
    """
    Cuts what an adapter reads into batches for ``Engine.receive``, in their order.

    Examples
    --------
    >>> [len(batch) for batch in batches(iter(range(5)), 2)]
    [2, 2, 1]
    """
    if size < 1:
        raise InputError(f"a batch of {size} messages is none")
    coming = iter(intakes)
    while batch := tuple(islice(coming, size)):
        yield batch


def messages_of(intakes: Iterable[Intake]) -> tuple[Message, ...]:
    """
    Gives intakes as messages that can be taken.

    Raises
    ------
    InputError
        When one is a ``Rejected``: it is its sender's to mend, the engine can do nothing with it.
    """
    messages: list[Message] = []
    for number, one in enumerate(intakes, 1):
        if isinstance(one, Rejected):
            raise InputError(f"intake {number} was rejected by its adapter: leave it out")
        messages.append(one)
    return tuple(messages)


def receive(unit: Unit, messages: Sequence[Message], steps: Steps) -> tuple[Received, ...]:
    """Takes messages one after the other; gives one answer each, in their order."""
    policies = _policies(unit, messages)
    answers: list[Received] = []
    for (source, plain), group in groupby(messages, _kind_of_run):
        run = list(group)
        policy = policies.get(source[0])
        if policy is None:
            # Asked again for its words: which territories there are.
            answers += [_unknown(unit, one) for one in run]
        elif plain:
            newcomers = [one for one in run if isinstance(one, New)]
            answers += Newcomers(unit, newcomers, policy, steps).received()
        else:
            answers += [_taken(unit, one, steps) for one in run]
    return tuple(answers)


def _kind_of_run(one: Message) -> tuple[tuple[str, str], bool]:
    plain = isinstance(one, New) and one.referral.pathway is None
    return source_of(one), plain


def _policies(unit: Unit, messages: Iterable[Message]) -> dict[str, Policy]:
    """Gives the policies of the territories, each once it is our turn there and its clock is on."""
    found = {}
    # In one order, or two batches would wait for each other.
    for territory in sorted({source_of(one)[0] for one in messages}):
        unit.take_turn(territory)
        try:
            policy = found[territory] = unit.policy(territory)
        except UnknownTerritoryError:
            continue
        unit.advance_clock(territory, policy.clock_tolerance)
    return found


def _unknown(unit: Unit, one: Message) -> Received:
    territory, _ = source_of(one)
    return refusal(one, UnknownTerritoryError(territory, unit.territories()))


def _taken(unit: Unit, one: Message, steps: Steps) -> Received:
    rows = unit.messages_about(*source_of(one), [reference_of(one)])
    return Turn(unit, steps, rows).take(one)
