"""Readers of one record each, for tests of the adapters."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from builders import NOW

from slotengine.adapters import Intake, Kind, New, Rejected, adapter_for
from slotengine.domain import Referral
from slotengine.vault import Pseudonymiser

VAULT = Pseudonymiser(bytes(range(32)))
PARIS = ZoneInfo("Europe/Paris")
BASE = {"reference": "42", "patient_id": "p-7"}


def take(
    record: Mapping[str, object], source: str = "pharmacy", *, now: datetime = NOW, **door: Any
) -> Intake:
    adapter = adapter_for(
        source, territory="giennois", zone=PARIS, pseudonymiser=VAULT, format="json", **door
    )
    (one,) = adapter.read(json.dumps([record]).encode(), now=now)
    return one


def referral(
    source: str = "pharmacy", *, door: Mapping[str, Any] | None = None, **fields: object
) -> Referral:
    one = take({**BASE, **fields}, source, **(door or {}))
    assert isinstance(one, New), one
    return one.referral


def fault(
    source: str = "pharmacy", *, door: Mapping[str, Any] | None = None, **fields: object
) -> tuple[str, Kind]:
    one = take({**BASE, **fields}, source, **(door or {}))
    assert isinstance(one, Rejected), one
    assert (one.adapter, one.record, one.line) == (f"{source}/json", 1, 1)
    return one.field, one.kind


def paris(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=PARIS)  # type: ignore[arg-type,misc]  # year, month, day, ...
