"""Whatever is changed in a valid message, nothing is raised but a format error, and quickly."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir_messages import about, parts, person
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slotengine.adapters import Amend, New, Rejected
from slotengine.adapters.base import Part
from slotengine.adapters.fhir import FhirFormat
from slotengine.errors import ReferralFormatError

PAYLOADS = Path(__file__).parent / "payloads" / "fhir"
MESSAGE = json.loads((PAYLOADS / "message.json").read_bytes())
WISH = {
    "resourceType": "Appointment",
    "identifier": [{"value": "A-1"}],
    "status": "proposed",
    "participant": [{"actor": {"reference": "#p"}, "status": "accepted"}],
    "requestedPeriod": [{"start": "2026-11-24", "end": "2026-11-25"}],
    "contained": [person(id="p")],
}
TIMED = about(
    occurrenceTiming={
        "repeat": {
            "boundsPeriod": {"start": "2026-11-24", "end": "2026-11-30"},
            "dayOfWeek": ["mon"],
        }
    },
    replaces=[{"identifier": {"value": "H-6"}}],
)
SAMPLES = (MESSAGE, TIMED, WISH)

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        ["#", "#p", "Patient/7", "urn:uuid:", "2026", "2026-11", "9999-12-31", "0000-00-00", "x|y",
         "update", "revoked", "completed", "9999", "\ud800", "|", "?", "279035121518989"]
    ),
    st.sampled_from([[], {}, [None], [[]], [{}], {"reference": 7}, {"coding": 7}, [1] * 2_000]),
)  # fmt: skip

Step = tuple[str | int, ...]


def places(value: Any, at: Step = ()) -> Iterator[Step]:
    """Gives the way to every value inside."""
    if at:
        yield at
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*at, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*at, index))


PLACES = tuple((sample, at) for sample, each in enumerate(SAMPLES) for at in places(each))


def changed(sample: Any, at: Step, value: Any, *, gone: bool) -> Any:
    found = copy.deepcopy(sample)
    inside = found
    for step in at[:-1]:
        inside = inside[step]
    if gone:
        del inside[at[-1]]
    else:
        inside[at[-1]] = value
    return found


def readable(document: Any, source: str) -> list[Part]:
    try:
        return parts(json.dumps(document).encode(), source)
    except ReferralFormatError:
        return []


SOURCES = st.sampled_from(["hospital", "samu", "practice", "social", "nurse"])


@settings(deadline=None, derandomize=True, max_examples=250)
@given(st.sampled_from(PLACES), ANYTHING, st.booleans(), SOURCES)
@example((1, ("entry",)), [[]], False, "hospital")  # noqa: FBT003 - what Hypothesis draws
def test_a_changed_message_is_read_or_refused(
    place: tuple[int, Step],
    value: Any,
    gone: bool,  # noqa: FBT001 - what Hypothesis draws
    source: str,
) -> None:
    sample, at = place
    document = changed(SAMPLES[sample], at, value, gone=gone)
    found = readable(document, source)
    again = readable_bytes(FhirFormat().joined([part.raw for part in found], head=b""), source)
    # What was accepted says the same when it is written out and read again.
    kept = [part.intake for part in found if isinstance(part.intake, New | Amend)]
    assert [part.intake for part in again if isinstance(part.intake, New | Amend)] == kept
    for part in found:
        assert "Nominvent" not in repr(part)
        assert not isinstance(part.intake, Rejected) or part.intake.adapter == f"{source}/fhir"


def readable_bytes(payload: bytes, source: str) -> list[Part]:
    try:
        return parts(payload, source)
    except ReferralFormatError:
        return []


JSON = st.recursive(
    ANYTHING,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["resourceType", "entry", "resource", "subject", "status", "reference", "contained",
             "parameter", "focus", "identifier", "value", "participant", "actor", "id"]
        )
        | st.text(max_size=5),
        inner,
        max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.sampled_from(["Bundle", "ServiceRequest", "Appointment", "Parameters", "X"]), JSON, JSON)
def test_any_json_is_read_or_refused(kind: str, entry: Any, more: Any) -> None:
    extra = more if isinstance(more, dict) else {"subject": more, "parameter": more}
    readable({"resourceType": kind, "entry": entry, "status": "active", **extra}, "hospital")


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.binary(max_size=80), st.integers(min_value=0, max_value=2_000))
def test_bytes_put_anywhere_are_read_or_refused(scrap: bytes, at: int) -> None:
    payload = json.dumps(MESSAGE).encode()
    readable_bytes(payload[:at] + scrap + payload[at:], "hospital")
