"""The ten sources: two payloads each, what they mean stated by hand, and what tells them apart."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import NOW

from slotengine.adapters import (
    PROFILES,
    Amend,
    Cancel,
    Intake,
    New,
    Rejected,
    adapter_for,
    registry,
)
from slotengine.adapters.base import Door, Part
from slotengine.adapters.communes import Commune, Table
from slotengine.adapters.geocoding import Communes
from slotengine.adapters.lines import Payload
from slotengine.codes import SourceKind
from slotengine.errors import InputError, ReferralFormatError
from slotengine.vault import Pseudonymiser

PAYLOADS = Path(__file__).parent / "payloads"
PARIS = ZoneInfo("Europe/Paris")
GIEN = Commune("45155", "Gien", ("45500",), 47.6867, 2.6318)
VAULT = Pseudonymiser(bytes(range(32)))


def door_of(source: str, **door: Any) -> Any:
    fields: dict[str, Any] = {
        "territory": "giennois",
        "zone": PARIS,
        "pseudonymiser": VAULT,
        "geocoder": Communes(Table([GIEN])),
    }
    return adapter_for(source, **{**fields, **door})


def shown(one: Intake) -> dict[str, Any]:
    """Gives what a person would compare: the parts that are not the model's own defaults."""
    if isinstance(one, Rejected):
        return {"rejected": (one.line, one.field, one.kind.value)}
    if isinstance(one, Cancel):
        return {"cancel": one.reference}
    assert isinstance(one, New | Amend)
    referral = one.referral
    patient = referral.patient
    assert referral.source is referral.requester.kind
    seen: dict[str, Any] = {
        "amend" if isinstance(one, Amend) else "new": referral.reference,
        "priority": referral.priority.value,
        "professions": "|".join(referral.professions),
        "modes": "|".join(referral.modes),
        "age": patient.age,
        "requester": referral.requester.id,
        "sex": None if patient.sex == "unknown" else patient.sex.value,
        "mobility": None if patient.mobility == "car" else patient.mobility.value,
        "own": patient.own_practitioner,
        "place": None
        if patient.location is None
        else (patient.location.lat, patient.location.lon, patient.location.insee),
        "motive": None if referral.motive is None else tuple(vars(referral.motive).values()),
        "specialties": "|".join(referral.specialties) or None,
        "windows": [(w.start.isoformat(), w.end.isoformat()) for w in referral.windows] or None,
        "deadline": None if referral.deadline is None else referral.deadline.isoformat(),
        "metres": referral.max_travel_metres,
        "level": referral.care_level,
        "received": None if referral.received_at == NOW else referral.received_at.isoformat(),
        "doubts": " ".join(sorted(f"{doubt.field}:{doubt.kind}" for doubt in one.warnings)) or None,
    }
    return {name: value for name, value in seen.items() if value is not None}


def new(reference: str, priority: str, age: int, **more: Any) -> dict[str, Any]:
    kind = more.pop("kind", "new")
    said = {kind: reference, "priority": priority, "age": age, "professions": "10", "modes": "AMB"}
    return {**said, **more}


HOUSE = "requester_id:check_digit"
OWN = "own_practitioner:check_digit"
"""Made-up numbers, most of which fail Luhn's rule (checked with python-stdnum)."""

GOLDEN: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("pharmacy", "csv"): [
        # Born on 29 February 1948; on 23 November 2026 she is 78.
        new(
            "PH-1", "asap", 78, sex="female", place=(47.6867, 2.6318, "45155"),
            motive=("local", "M-GORGE", "Mal de gorge"), requester="450000001",
            doubts=HOUSE,
        ),
        {"rejected": (3, "birth_date", "bad_date")},
        # Six on 1 December, so still five.
        new("PH-3", "urgent", 5, place=(47.7, 2.7, "45155"), requester="450000001", doubts=HOUSE),
        # 65 on the next day; the place is that of a CEDEX address.
        new(
            "PH-7", "urgent", 64, sex="female", place=(47.6867, 2.6318, "45155"),
            motive=("snp-protocol", "pollakiurie", ""), requester="450000001", doubts=HOUSE,
        ),
        {"rejected": (6, "protocol", "outside_protocol")},
        {"rejected": (7, "requester_id", "wrong_id")},
    ],
    ("pharmacy", "json"): [
        new(
            "PH-4", "urgent", 47, place=(47.6867, 2.6318, "45155"), requester="450000001",
            doubts=HOUSE,
        ),
        {"cancel": "PH-1"},
    ],
    ("nurse", "csv"): [
        new(
            "N-1", "urgent", 91, mobility="homebound", modes="HH|VR", own="10000000001",
            place=(47.61, 2.7, "45155"), requester="10000000017", doubts=OWN,
        ),
        new(
            "N-2", "urgent", 67, mobility="walk", modes="AMB|VR", place=(47.61, 2.7, "45155"),
            requester="10000000017",
        ),
    ],
    ("nurse", "json"): [
        new(
            "N-3", "urgent", 91, mobility="homebound", modes="HH|VR", metres=0,
            requester="10000000017",
        ),
        {"rejected": (2, "patient_id", "missing")},
        new(
            "N-5", "urgent", 40, motive=("snp-protocol", "odynophagie", ""), requester="441234567",
        ),
    ],
    ("physiotherapist", "csv"): [
        new(
            "K-1", "routine", 34, motive=("local", "M-CHEVILLE", ""), metres=12_500,
            specialties="SM26|SM53|SM54", requester="10000000070",
            windows=[("2026-11-23T23:00:00+00:00", "2026-11-25T23:00:00+00:00")], doubts=HOUSE,
        ),
        new(
            "K-3", "routine", 30, motive=("snp-protocol", "cheville", ""),
            requester="10000000070", doubts=HOUSE,
        ),
        {"rejected": (4, "protocol", "not_allowed")},
    ],
    ("physiotherapist", "json"): [
        new(
            "K-2", "routine", 52, motive=("snp", "M-LOMBALGIE", ""), requester="10000000070",
            windows=[("2026-11-24T07:00:00+00:00", "2026-11-24T11:00:00+00:00")], doubts=HOUSE,
        ),
    ],
    ("midwife", "csv"): [
        new(
            "SF-1", "urgent", 29, sex="female", specialties="SM20", requester="10000000050",
            doubts=HOUSE,
        ),
        new(
            "SF-2", "urgent", 33, sex="female", professions="60", requester="10000000050",
            doubts=HOUSE,
        ),
        {"rejected": (4, "requester_id", "wrong_id")},
    ],
    ("midwife", "json"): [
        new("SF-3", "urgent", 29, sex="female", requester="10000000050", doubts=HOUSE),
    ],
    ("hospital", "csv"): [
        new(
            "H-1", "routine", 87, professions="10|60", own="10000000001", requester="450000104",
            deadline="2026-11-30T23:00:00+00:00", received="2026-11-23T07:30:00+00:00",
            doubts=OWN,
        ),
        {"rejected": (3, "deadline", "before_received")},
    ],
    ("hospital", "json"): [
        new(
            "H-3", "routine", 87, kind="amend", requester="450000104",
            deadline="2026-12-01T11:00:00+00:00",
        ),
        new("H-4", "routine", 70, requester="456780581/11242343"),
    ],
    ("samu", "csv"): [
        new(
            "fr.health.samu450.1", "urgent", 65, level="R3", place=(47.7, 2.64, "45155"),
            received="2026-11-23T07:55:00+00:00",
        ),
        {"rejected": (3, "care_level", "missing")},
        new(
            "fr.health.samu450.3", "stat", 58, level="R1", place=(47.7, 2.64, "45155"),
            received="2026-11-23T07:57:00+00:00",
        ),
    ],
    ("samu", "json"): [
        new("fr.health.samu450.4", "urgent", 8, level="R3"),
        {"cancel": "fr.health.samu450.1"},
    ],
    ("emergency", "csv"): [
        new("U-1", "asap", 23, place=(47.69, 2.63, "45155"), requester="450000104"),
        new("U-2", "asap", 24, place=(47.69, 2.63, "45155"), requester="450000104"),
    ],
    ("emergency", "json"): [
        new("U-3", "stat", 23, requester="450000104"),
        {"rejected": (1, "age", "out_of_range")},
    ],
    ("ehpad", "csv"): [
        new(
            "E-1", "urgent", 94, mobility="wheelchair", modes="AMB|HH", requester="450000955"
        ),
        {"rejected": (3, "requester_id", "missing")},
        {"rejected": (4, "requester_id", "wrong_id")},
    ],
    ("ehpad", "json"): [
        new("E-3", "urgent", 94, mobility="homebound", modes="HH|VR", requester="450000955"),
    ],
    ("social", "csv"): [
        new(
            "CCAS-1", "routine", 45, mobility="transit", place=(47.6867, 2.6318, "45155"),
            requester="26450015500011", doubts=HOUSE,
        ),
        # What social services say of the reason is not kept.
        new(
            "CCAS-3", "routine", 50, place=(47.6867, 2.6318, "45155"), requester="26450015500011",
            doubts=f"motive_code:not_allowed {HOUSE}",
        ),
    ],
    ("social", "json"): [
        new(
            "CCAS-2", "routine", 19, place=(47.6867, 2.6318, "45155"), requester="26450015500011",
            doubts=HOUSE,
        ),
    ],
    ("practice", "csv"): [
        new("C-1", "urgent", 60, professions="70", requester="10000000010", doubts=HOUSE),
        {"rejected": (3, "professions", "missing")},
    ],
    ("practice", "json"): [
        new("C-3", "urgent", 60, professions="60|70", requester="10000000010", doubts=HOUSE),
    ],
}  # fmt: skip


def test_every_source_has_a_table_and_a_json_payload() -> None:
    assert GOLDEN.keys() == {
        (kind.value, format_) for kind in SourceKind for format_ in ("csv", "json")
    }
    assert {path.name for path in PAYLOADS.iterdir()} >= {kind.value for kind in SourceKind}


@pytest.mark.parametrize(("source", "format_"), GOLDEN)
@pytest.mark.parametrize("forced", [True, False], ids=["named", "detected"])
def test_a_payload_means(source: str, format_: str, *, forced: bool) -> None:
    payload = (PAYLOADS / source / f"referrals.{format_}").read_bytes()
    adapter = door_of(source, format=format_ if forced else None)
    found = list(adapter.read(payload, now=NOW))
    assert [shown(one) for one in found] == GOLDEN[source, format_]
    names = {one.adapter for one in found if isinstance(one, Rejected)}
    assert names <= {f"{source}/{format_}"}


def test_the_same_patient_of_two_files_of_a_house_is_one_person() -> None:
    keys = set()
    for format_, reference in (("csv", "N-1"), ("json", "N-3")):
        payload = (PAYLOADS / "nurse" / f"referrals.{format_}").read_bytes()
        for one in door_of("nurse").read(payload, now=NOW):
            if isinstance(one, New) and one.referral.reference == reference:
                keys.add(one.referral.patient.key)
    assert len(keys) == 1


# What tells the sources apart: profile by profile, so that two exchanged ones fail.

SAID = {
    "pharmacy": ("urgent", "10", "AMB", "", True),
    "nurse": ("urgent", "10", "AMB", "", True),
    "physiotherapist": ("routine", "10", "AMB", "", True),
    "midwife": ("urgent", "10", "AMB", "", True),
    "hospital": ("routine", "10", "AMB", "", True),
    "samu": ("urgent", "10", "AMB", "care_level", False),
    "emergency": ("asap", "10", "AMB", "", False),
    "ehpad": ("urgent", "10", "AMB|HH", "requester_id", True),
    "social": ("routine", "10", "AMB", "requester_id", True),
    "practice": ("urgent", "", "AMB", "", True),
}


@pytest.mark.parametrize("kind", SourceKind)
def test_a_profile_says(kind: SourceKind) -> None:
    profile = PROFILES[kind]
    assert profile.source is kind
    assert SAID[kind.value] == (
        profile.priority.value,
        "|".join(profile.professions),
        "|".join(profile.modes),
        "|".join(sorted(profile.required)),
        profile.identity_required,
    )


def test_what_a_host_says_of_the_sender_is_enough_for_a_house_that_must_be_named() -> None:
    record = b'{"reference": "E-2", "patient_id": "14"}'
    (without,) = door_of("ehpad").read(record, now=NOW)
    (with_sender,) = door_of("ehpad", sender="450000955").read(record, now=NOW)
    assert shown(without) == {"rejected": (1, "requester_id", "missing")}
    assert isinstance(with_sender, New)
    assert with_sender.referral.requester.id == "450000955"


# Choosing.


def test_an_unknown_source_or_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'baker' is unknown; known: pharmacy, .*practice"):
        door_of("baker")
    with pytest.raises(InputError, match=r"'pdf' is unknown; known: .*csv.*json"):
        door_of("nurse", format="pdf")
    with pytest.raises(InputError, match="territory is named by"):
        door_of("nurse", territory="Le Giennois")


@pytest.mark.parametrize("payload", [b"", b"  \n"])
def test_nothing_is_refused_as_empty(payload: bytes) -> None:
    with pytest.raises(ReferralFormatError) as caught:
        list(door_of("nurse").read(payload, now=NOW))
    assert caught.value.kind == "empty"


class Shouted:
    """A guest format: one reference a line, in capitals."""

    name = "shouted"
    suffix = "txt"

    def claims(self, head: bytes) -> bool:
        return head.startswith(b"{SHOUTED")

    def joined(self, parts: Iterable[bytes], *, head: bytes) -> bytes:
        return b"\n".join((head.splitlines()[0], *parts))

    def read(self, payload: Payload, *, door: Door, adapter: str, now: datetime) -> Iterator[Part]:
        assert (now.tzinfo, door.territory) == (UTC, "giennois")
        for record, line in enumerate(b"".join(payload).splitlines()[1:], 1):
            bad = Rejected(adapter=adapter, record=record, field=line.decode(), kind="missing")
            yield Part(bad, line)


class Entry:
    def __init__(self, name: str, loaded: object) -> None:
        self.name = name
        self.loaded = loaded

    def load(self) -> Any:
        if isinstance(self.loaded, Exception):
            raise self.loaded
        return self.loaded


@pytest.fixture
def guests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Entry]]:
    found: list[Entry] = []

    def entry_points(*, group: str) -> list[Entry]:
        assert group == "slotengine.adapters"
        return found

    monkeypatch.setattr(registry, "entry_points", entry_points)
    registry.formats.cache_clear()
    yield found
    registry.formats.cache_clear()


def test_a_guest_format_is_asked_before_ours(guests: list[Entry]) -> None:
    guests.append(Entry("shouted", Shouted))
    (one,) = door_of("nurse").read(b"{SHOUTED\nhello", now=NOW)
    assert one == Rejected(adapter="nurse/shouted", record=1, field="hello", kind="missing")
    assert next(iter(registry.formats())) == "shouted"


def test_a_guest_can_not_take_the_name_of_one_of_ours(guests: list[Entry]) -> None:
    guests.append(Entry("csv", Shouted))
    assert not isinstance(registry.formats()["csv"], Shouted)
    # Whatever nobody else claims is a table of text.
    assert list(registry.formats())[-1] == "csv"


def test_a_guest_that_fails_to_load_is_named_and_left_out(
    guests: list[Entry], caplog: pytest.LogCaptureFixture
) -> None:
    guests.append(Entry("broken", ImportError("no such module")))
    assert "broken" not in registry.formats()
    assert [record.getMessage() for record in caplog.records] == ["adapter broken can't be loaded"]
