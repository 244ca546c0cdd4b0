"""Whatever is done to a message, only ``ReferralFormatError`` is raised, and nothing leaks."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest
from builders import NOW
from hl7_messages import INS, PID, SCH, TQ1, message, pid, read_all, ref, rf1
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.adapters import New, Rejected
from slotengine.adapters.hl7v2_ack import ACCEPTED, BUSY, acknowledgements
from slotengine.errors import ReferralFormatError

INS_FIELD = f"42^^^X^PI~{INS}^^^N&1.2.250.1.213.1.4.10&ISO^INS"
SAMPLES = (
    ref(rf1(f7="20261123", f8="20261125"), pid(f3=INS_FIELD), "DG1|1||J02.9^Angine^I10"),
    message("SIU^S12^SIU_S12", SCH, TQ1, PID, "RGS|1", "AIP|1|A|810003456789^X"),
    message("ADT^A03^ADT_A03", "EVN||2026", PID, "PV1|1|E|||||||||||||||||V-1", "ZFM||8"),
    ref(event="I14") + ref(event="I13", number="2"),
)
SIGNS = b'|^~\\&\r\n\x0b\x1c\x00\xff\xc3"MSHPID0123456789'


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Gives a message with some bytes or segments changed, dropped, doubled or moved."""
    if dice.random() < 0.3:
        lines = data.split(b"\r")
        dice.shuffle(lines) if dice.random() < 0.5 else lines.insert(
            dice.randrange(len(lines)), dice.choice(lines)
        )
        data = b"\r".join(lines)
    found = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(found) + 1)
        match dice.randrange(4):
            case 0:
                found[at:at] = bytes([dice.choice(SIGNS)]) * dice.choice((1, 1, 1, 40))
            case 1:
                del found[at : at + dice.randint(1, 20)]
            case 2:
                found[at : at + 1] = bytes([dice.choice(SIGNS)])
            case _:
                found[at:at] = found[at : at + dice.randint(1, 60)]
    return bytes(found)


@pytest.mark.parametrize("seed", range(8))
def test_no_mutation_raises_anything_but_a_format_error(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 (repeatable, no secret)
    read = 0
    for _ in range(100):
        data = mutated(dice.choice(SAMPLES), dice)
        with suppress(ReferralFormatError):
            read += sum(not isinstance(one, Rejected) for one in read_all(data))
        for answer in (ACCEPTED, BUSY):
            for sent in acknowledgements(data, answer, number="n", at=NOW):
                assert sent.startswith(b"MSH")
                assert b"\x1c" not in sent
    assert read > 10, "a mutation that always breaks tests nothing"


@given(st.binary(max_size=200))
@settings(deadline=None, derandomize=True, max_examples=100)
def test_no_bytes_behind_a_header_raise_anything(tail: bytes) -> None:
    assert read_all(b"MSH|" + tail)
    assert read_all(SAMPLES[0] + tail)
    with suppress(ReferralFormatError):
        assert read_all(b"MSH" + tail)


@given(st.integers(0, len(SAMPLES[0])))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_a_message_cut_anywhere_is_read_or_refused(at: int) -> None:
    try:
        (one,) = read_all(SAMPLES[0][:at])
    except ReferralFormatError:
        assert at <= len("MSH")
    else:
        assert one is not None


def test_nothing_of_who_a_patient_is_is_kept_or_shown() -> None:
    secrets = (INS, "ESSAI", "DOMINIQUE", "1979", "0254000000", "RUE INVENTEE", "SENTINELLE")
    note = "NTE|1||SENTINELLE ESSAI-TROIS"
    for data in (*SAMPLES, ref(rf1(), pid(f7="19790300", f3=INS_FIELD), note)):
        for one in read_all(data + note.encode()):
            shown = repr(one) + one.model_dump_json()
            assert [word for word in secrets if word in shown] == []


@given(st.integers(-10, 3_000))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_waiting_counts_from_when_the_sender_wrote(minutes_ago: int) -> None:
    at = NOW - timedelta(minutes=minutes_ago)
    (one,) = read_all(ref(at=at.strftime("%Y%m%d%H%M%S+0000")))
    assert isinstance(one, New)
    assert one.referral.received_at == one.issued_at == at
