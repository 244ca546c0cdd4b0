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
_ORDER = [ID, START, END]
"""As they follow each other in a Slot."""

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


def in_json(resource: Mapping[str, Any] | str) -> str:
    """Gives JSON without spaces, accents as they are."""
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"))


def entry(base: str, kind: str, id_: str, resource: str, mode: str) -> str:
    """
    Gives a Bundle's entry for a resource that is JSON already.

    Parameters
    ----------
    base
        Where the server is, as a JSON text without its last quotation mark.
    """
    where = f'{{"fullUrl":{base}/{kind}/{id_}","resource":'
    return f'{where}{resource},"search":{{"mode":"{mode}"}}}}'


class Pattern:
    """
    A Slot in which ``ID``, ``START`` and ``END`` stand for its own.

    Raises
    ------
    ValueError
        When the marks do not follow each other as they should: a text of ours holds one of them.
    """

    def __init__(self, resource: Mapping[str, Any]) -> None:
        parts = _MARKS.split(in_json(resource))
        if parts[1::2] != _ORDER:
            raise ValueError("a text holds a mark of private use")
        self._before, self._id, self._start, self._end = parts[0::2]

    def of(self, base: str, slot: Slot, zone: ZoneInfo) -> str:
        """Gives the entry of one slot as JSON."""
        # None of the three needs escapes: ids that FHIR allows, and instants.
        id_ = fhir_id(slot.id)
        start, end = written(slot.start, zone), written(slot.end, zone)
        whole = f"{self._before}{id_}{self._id}{start}{self._start}{end}{self._end}"
        return entry(base, "Slot", id_, whole, "match")
