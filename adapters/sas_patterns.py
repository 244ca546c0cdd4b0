"""
Slots as JSON, fast: what many of them have in common is written once.

Slots of one practitioner at one place differ in id, start and end alone. An answer for 25
practitioners has hundreds of them.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from slotengine.adapters.sas_times import written
from slotengine.domain import Slot

ID, START, END = "\ue000id\ue001", "\ue000start\ue001", "\ue000end\ue001"
"""What stands for id, start and end in a pattern: signs of private use, which nobody publishes."""

_MARKS = re.compile("(\ue000(?:id|start|end)\ue001)")
_ORDER = [ID, ID, START, END]
"""As they follow each other in an entry: its full URL has the id, too."""

_FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


def fhir_id(text: str) -> str:
    """
    Gives an id that FHIR allows: the text itself, or a digest where it has other signs.

    Examples
    --------
    >>> fhir_id("slot-1"), fhir_id("a b")
    ('slot-1', 'x-acc9227cc02e5f5c13e74125bce89499')
    """
    if _FHIR_ID.fullmatch(text):
        return text
    return "x-" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def in_json(resource: Mapping[str, Any]) -> str:
    """Gives JSON without spaces, accents as they are."""
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"))


class Pattern:
    """
    The entry of a slot in which ``ID``, ``START`` and ``END`` stand for its own.

    Raises
    ------
    ValueError
        When the marks do not follow each other as they should: a text of ours holds one of them.
    """

    def __init__(self, entry: Mapping[str, Any]) -> None:
        parts = _MARKS.split(in_json(entry))
        if parts[1::2] != _ORDER:
            raise ValueError("a text holds a mark of private use")
        self._parts = parts[0::2]

    def of(self, slot: Slot, zone: ZoneInfo) -> str:
        """Gives the entry of one slot as JSON."""
        # None of the three needs escapes: ids that FHIR allows, and instants.
        id_ = fhir_id(slot.id)
        values = (id_, id_, written(slot.start, zone), written(slot.end, zone), "")
        return "".join(part for pair in zip(self._parts, values, strict=True) for part in pair)
