"""What is answered to an HL7 message: the verdict, the place, and never what stood there."""

from datetime import UTC, datetime

import pytest
from hl7_messages import INS, message, pid, read, ref, rf1
from hl7apy.parser import parse_message

from slotengine.adapters import Rejected
from slotengine.adapters.hl7v2_ack import (
    ACCEPTED,
    BUSY,
    Answer,
    Verdict,
    acknowledgements,
    answer_to_received,
    answer_to_rejected,
    answer_to_unreadable,
)
from slotengine.adapters.kinds import Kind
from slotengine.answers import Received

WRONG_INS = f"1~{INS[:-1]}0^^^X&1.2.250.1.213.1.4.8&ISO"

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def answered(data: bytes, answer: Answer = ACCEPTED) -> list[list[str]]:
    sent = acknowledgements(data, answer, number="n-1", at=AT)
    return [one.decode().removesuffix("\r").split("\r") for one in sent]


def answer_about(data: bytes) -> Answer:
    one = read(data)
    assert isinstance(one, Rejected), one
    return answer_to_rejected(one)


def test_an_accepted_message_is_answered_to_its_sender_in_its_own_terms() -> None:
    assert answered(ref()) == [
        [
            (
                "MSH|^~\\&|SNP|CPTS|DPI|CHU-X|20261123080000+0000||ACK^I12^ACK|n-1|P|2.5^FRA^2.11"
                "|||||FRA|UNICODE UTF-8"
            ),
            "MSA|AA|3995",
        ]
    ]


def test_another_library_finds_the_answer_valid() -> None:
    data = ref(rf1(), pid(f7="19790300"))
    (sent,) = acknowledgements(data, answer_about(data), number="n-1", at=AT)
    # It knows no national variant of a version.
    theirs = parse_message(sent.decode().replace("2.5^FRA^2.11", "2.5"))
    assert theirs.validate()
    assert theirs.msa.msa_1.to_er7() == "AE"
    assert theirs.err.err_2.to_er7() == "PID^1^7^1"


@pytest.mark.parametrize(
    ("data", "verdict", "place", "code"),
    [
        (ref(rf1(), pid(f7="19790300")), "AE", "PID^1^7^1", "102"),
        (ref(rf1(f6="")), "AE", "RF1^1^6^1", "101"),
        (ref(rf1(f2="Z"), pid()), "AE", "RF1^1^2^1", "103"),
        (ref(rf1(), pid(f3=WRONG_INS)), "AE", "PID^1^3^2", "102"),
        (ref(rf1(), pid(), pid()), "AE", "PID^2^3^1", "102"),
        (message("SIU^S23"), "AR", "MSH^1^9^1", "201"),
        (message("ADT^A60"), "AR", "MSH^1^9^1", "201"),
        (message("ORU^R01"), "AR", "MSH^1^9^1", "200"),
        (ref().replace(b"2.5^FRA", b"3.0^FRA"), "AR", "MSH^1^12^1", "203"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_place_and_code(
    data: bytes, verdict: str, place: str, code: str
) -> None:
    ((_, msa, err),) = answered(data, answer_about(data))
    fields = err.split("|")
    assert msa == f"MSA|{verdict}|3995"
    assert (fields[2], fields[3].split("^")[0], fields[4]) == (place, code, "E")


def test_the_words_are_in_the_language_of_the_sender() -> None:
    french = ref(rf1(f6=""))
    assert answered(french, answer_about(french))[0][2].endswith("|reference : manque")
    english = french.replace(b"|FRA|UNICODE UTF-8|FR", b"|GBR|UNICODE UTF-8|EN")
    assert answered(english, answer_about(english))[0][2].endswith("|reference is missing")


def test_without_a_character_set_the_answer_is_plain_ascii() -> None:
    data = ref(rf1(f2="Z"), pid()).replace(b"|UNICODE UTF-8|FR", b"||FR")
    (sent,) = acknowledgements(data, answer_about(data), number="n", at=AT)
    assert sent.isascii()
    assert b"unknown code" in sent


def test_an_answer_is_in_the_characters_of_the_sender() -> None:
    data = ref(rf1(), pid(f7="19790300")).replace(b"UNICODE UTF-8", b"8859/1")
    data = data.replace(b"DPI", "HÔPITAL".encode("latin-1"))
    (sent,) = acknowledgements(data, ACCEPTED, number="n", at=AT)
    assert "|HÔPITAL|" in sent.decode("latin-1")
    assert b"|8859/1" in sent


def test_before_version_2_5_the_place_stands_in_the_first_field() -> None:
    data = ref(rf1(f6="")).replace(b"2.5^FRA^2.11", b"2.4")
    assert answered(data, answer_about(data))[0][2] == (
        "ERR|RF1^1^6^101&Required field missing&HL70357"
    )


def test_the_sender_s_own_separators_are_used() -> None:
    data = b"MSH*:;!%*A*B*C*D*20261123**REF:I12*7*P*2.5\rRF1*\r"
    assert answered(data)[0] == [
        "MSH*:;!%*C*D*A*B*20261123080000+0000**ACK:I12:ACK*n-1*P*2.5",
        "MSA*AA*7",
    ]


def modes(accept: str, application: str, answer: Answer) -> list[str]:
    data = ref().replace(b"2.5^FRA^2.11|||||", f"2.5^FRA^2.11|||{accept}|{application}|".encode())
    return [segments[1].split("|")[1] for segments in answered(data, answer)]


WRONG = Answer(Verdict.ERROR, "102", "PID-7", "birth_date", Kind.BAD_DATE)


@pytest.mark.parametrize(
    ("accept", "application", "fine", "wrong"),
    [
        ("", "", ["AA"], ["AE"]),
        ("AL", "NE", ["CA"], ["CE"]), ("AL", "", ["CA"], ["CE"]), ("NE", "AL", ["AA"], ["AE"]),
        ("AL", "AL", ["CA", "AA"], ["CE", "AE"]), ("NE", "NE", [], []),
        ("ER", "ER", [], ["CE", "AE"]), ("SU", "SU", ["CA", "AA"], []),
        ("", "ER", [], ["AE"]), ("", "FRA", ["AA"], ["AE"]),
    ],
)  # fmt: skip
def test_answers_are_sent_when_the_sender_wants_them(
    accept: str, application: str, fine: list[str], wrong: list[str]
) -> None:
    assert modes(accept, application, ACCEPTED) == fine
    assert modes(accept, application, WRONG) == wrong


def test_an_acknowledgment_is_never_acknowledged() -> None:
    assert acknowledgements(message("ACK^I12"), ACCEPTED, number="n", at=AT) == ()


@pytest.mark.parametrize("data", [b"MSH", b"garbage", b"", b"MSH|^~\\&|\x81"])
def test_what_can_not_be_read_is_rejected_without_an_address(data: bytes) -> None:
    answer = answer_to_unreadable("payload", Kind.NOT_HL7)
    ((header, msa, err),) = answered(data, answer)
    assert header == "MSH|^~\\&|||||20261123080000+0000||ACK|n-1|P|2.5"
    assert (msa, err.split("|")[3][:3]) == ("MSA|AR|", "100")


@pytest.mark.parametrize("number", ["a\x1cb", "9" * 251])
def test_a_number_that_would_break_the_answer_is_not_echoed(number: str) -> None:
    assert answered(ref(number=number))[0][1] == "MSA|AA"


@pytest.mark.parametrize(
    ("outcome", "error", "verdict", "code"),
    [
        ("applied", "", "AA", ""), ("repeated", "", "AA", ""), ("kept", "", "AA", ""),
        ("superseded", "", "AA", ""), ("refused", "UnknownIdError", "AE", "204"),
        ("refused", "ReferralConflictError", "AE", "205"),
        ("refused", "ReferralPastError", "AE", "207"),
    ],
)  # fmt: skip
def test_what_the_engine_says_becomes_a_verdict(
    outcome: str, error: str, verdict: str, code: str
) -> None:
    one = Received.model_validate({"outcome": outcome, "error": error, "why": "r-1 is past"})
    answer = answer_to_received(one)
    assert (answer.verdict, answer.code) == (verdict, code)


def test_a_busy_engine_is_a_reason_to_come_again() -> None:
    ((_, msa, err),) = answered(ref(), BUSY)
    assert msa == "MSA|AR|3995"
    assert err == "ERR|||206^Application record locked^HL70357|E||||busy: send it again later"


def test_no_answer_repeats_a_patient() -> None:
    name = "SENTINEL"
    fields = {f"f{number}": name for number in (3, 5, 6, 9, 11, 13, 14, 18, 19)}
    for bad in ({"f7": name}, {"f7": "19790300"}, {"f8": name}):
        data = ref(rf1(f2=name), pid(**{**fields, **bad}), f"NTE|1||{name}")
        sent = acknowledgements(data, answer_about(data), number="n", at=AT)
        assert name.encode() not in b"".join(sent)
