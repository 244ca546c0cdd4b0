"""HL7 v2 messages of invented people, and how to read one."""

from datetime import datetime
from typing import Any

from builders import NOW
from records import PARIS, VAULT

from slotengine.adapters import Intake, New, Rejected, adapter_for
from slotengine.domain import Referral

INS = "279035121518989"
"""The NIR of the national test messages: its key is right."""

MSH = "MSH|^~\\&|DPI|CHU-X|SNP|CPTS|{at}||{kind}|{number}|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8|FR"
PID = (
    "PID|1||000003^^^CHU-X&1.2.3.4&ISO^PI||ESSAI-TROIS^DOMINIQUE^^^^^L||19790328|F|||"
    "28 RUE INVENTEE^^LA CHATRE^^36400^FRA^H||0254000000"
)
RF1 = "RF1||S^^HL70280|||||20261123|20261127"
SCH = "SCH|P-7|F-9^AGENDA|||||||30|min"
TQ1 = "TQ1|||||||202611241000|202611241030"


def message(kind: str, *segments: str, number: str = "3995", at: str = "20261123085500") -> bytes:
    header = MSH.format(kind=kind, number=number, at=at)
    return "".join(f"{segment}\r" for segment in (header, *segments)).encode()


def with_field(segment: str, number: int, text: str) -> str:
    """Gives a segment (not MSH) with one field replaced."""
    fields = segment.split("|")
    fields += [""] * (number + 1 - len(fields))
    fields[number] = text
    return "|".join(fields)


def ref(*segments: str, event: str = "I12", **header: str) -> bytes:
    """A referral with the number R-1 of the authority ORBIS."""
    return message(f"REF^{event}^REF_I12", *(segments or (rf1(), PID)), **header)


def rf1(**fields: str) -> str:
    """RF1 of a routine referral; fields as ``f2="S"``."""
    segment = "RF1||R||||R-1^ORBIS"
    for name, text in fields.items():
        segment = with_field(segment, int(name[1:]), text)
    return segment


def read(payload: bytes, source: str = "hospital", *, now: datetime = NOW, **door: Any) -> Intake:
    (one,) = read_all(payload, source, now=now, **door)
    return one


def read_all(
    payload: bytes, source: str = "hospital", *, now: datetime = NOW, **door: Any
) -> list[Intake]:
    adapter = adapter_for(
        source, territory="giennois", zone=PARIS, pseudonymiser=VAULT, format="hl7v2", **door
    )
    return list(adapter.read(payload, now=now))


def referral(payload: bytes, source: str = "hospital", **door: Any) -> Referral:
    one = read(payload, source, **door)
    assert isinstance(one, New), one
    return one.referral


def fault(payload: bytes, source: str = "hospital", **door: Any) -> tuple[str, str, str | None]:
    one = read(payload, source, **door)
    assert isinstance(one, Rejected), one
    return one.field, one.kind.value, one.path


def doubts(payload: bytes, source: str = "hospital", **door: Any) -> set[tuple[str, str]]:
    one = read(payload, source, **door)
    assert not isinstance(one, Rejected), one
    return {(doubt.field, doubt.kind.value) for doubt in one.warnings}


def pid(**fields: str) -> str:
    """PID of the invented patient; fields as ``f7="19790328"``."""
    segment = PID
    for name, text in fields.items():
        segment = with_field(segment, int(name[1:]), text)
    return segment


def about(**fields: str) -> bytes:
    """A referral whose PID has these fields."""
    return ref(rf1(), pid(**fields))
