"""REF: priority, number, dates, who is wanted and why."""

import pytest
from hl7_messages import (
    PID,
    fault,
    read,
    ref,
    referral,
    rf1,
)
from records import paris

from slotengine.adapters import Cancel, New
from slotengine.codes import Mode, Profession


@pytest.mark.parametrize(
    ("code", "priority"),
    [("S", "stat"), ("A", "asap"), ("R", "routine"), ("U", "urgent"),
     ("R^Routine^HL70280", "routine"), ("", "routine"), ("sous 24 h", "urgent")],
)  # fmt: skip
def test_the_priority_is_read_by_table_0280(code: str, priority: str) -> None:
    assert referral(ref(rf1(f2=code), PID)).priority.value == priority


def test_a_priority_that_nobody_knows_is_refused() -> None:
    assert fault(ref(rf1(f2="Z"), PID)) == ("priority", "unknown_code", "RF1-2")


@pytest.mark.parametrize(
    ("number", "reference"),
    [
        ("R-1^ORBIS", "ORBIS/R-1"), ("R-1^ORBIS^1.2.3^ISO", "1.2.3/R-1"), ("R-1", "CHU-X/R-1"),
    ],
)  # fmt: skip
def test_a_reference_is_one_of_its_authority_or_else_of_its_house(
    number: str, reference: str
) -> None:
    assert referral(ref(rf1(f6=number), PID)).reference == reference


def test_a_referral_without_a_number_is_refused() -> None:
    assert fault(ref(rf1(f6=""), PID)) == ("reference", "missing", "RF1-6")


@pytest.mark.parametrize("status", ["R", "E^Expired^HL70283"])
@pytest.mark.parametrize("event", ["I12", "I13"])
def test_a_rejected_or_expired_referral_is_over(status: str, event: str) -> None:
    assert isinstance(read(ref(rf1(f1=status), PID, event=event)), Cancel)


@pytest.mark.parametrize("status", ["A", "P^Pending", ""])
def test_an_accepted_or_pending_referral_is_a_need(status: str) -> None:
    assert isinstance(read(ref(rf1(f1=status), PID)), New)


def test_the_days_between_which_a_referral_is_good_are_a_window() -> None:
    found = referral(ref(rf1(f7="20261123", f8="20261124"), PID))
    (window,) = found.windows
    assert (window.start, window.end) == (paris(2026, 11, 23), paris(2026, 11, 25))
    assert found.deadline is None


def test_without_a_priority_the_last_day_is_the_deadline_too() -> None:
    found = referral(ref(rf1(f2="", f7="20261123", f8="20261124"), PID))
    assert found.deadline == paris(2026, 11, 25)


def test_a_last_day_alone_is_the_deadline() -> None:
    assert referral(ref(rf1(f8="20261124"), PID)).deadline == paris(2026, 11, 25)


def test_a_first_day_alone_is_left_out() -> None:
    assert referral(ref(rf1(f7="20261124"), PID)).windows == ()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"f8": "20261131"}, ("deadline", "bad_date", "RF1-8")),
        ({"f8": "20261121"}, ("deadline", "before_received", "RF1-8")),
        ({"f7": "20261124", "f8": "20261123"}, ("window_end", "end_before_start", "RF1-8")),
        ({"f7": "x", "f8": "20261124"}, ("window_start", "bad_date", "RF1-7")),
    ],
)
def test_impossible_days_are_refused(
    fields: dict[str, str], expected: tuple[str, str, str]
) -> None:
    assert fault(ref(rf1(**fields), PID)) == expected


@pytest.mark.parametrize(
    ("said", "profession", "mode"),
    [
        ("Med^Medical^HL70281", Profession.PHYSICIAN, Mode.AMB),
        ("Skn", Profession.NURSE, Mode.AMB),
        ("Hom^Home Care^HL70281", Profession.PHYSICIAN, Mode.HH),
        ("60^Infirmier^TRE_G15-ProfessionSante", Profession.NURSE, Mode.AMB),
        ("70^x^1.2.250.1.71.1.2.7", Profession.PHYSIOTHERAPIST, Mode.AMB),
        ("K^Kiné", Profession.PHYSIOTHERAPIST, Mode.AMB),
        ("60^Local^L", Profession.PHYSICIAN, Mode.AMB),
        ("", Profession.PHYSICIAN, Mode.AMB),
    ],
)
def test_the_type_says_who_is_wanted(said: str, profession: Profession, mode: Mode) -> None:
    found = referral(ref(rf1(f3=said), PID))
    assert (found.professions, found.modes) == ((profession,), (mode,))


@pytest.mark.parametrize("said", ["Lab^Laboratory", "Rad"])
def test_laboratory_and_imaging_are_not_ours(said: str) -> None:
    assert fault(ref(rf1(f3=said), PID)) == ("professions", "unknown_code", "RF1-3")


def test_who_refers_and_to_whom_are_numbers_and_roles() -> None:
    payload = ref(
        rf1(),
        "PRD|RP|POWELL^ROBERT|||||10000023084^RPPS",
        "PRD|RT~SM40^Pédiatrie^TRE_R38|DUPRE^ANNE|||||10003456789^RPPS",
        PID,
    )
    found = referral(payload.replace(b"|CHU-X|SNP", b"||SNP").replace(b"|DPI|", b"||"))
    assert found.requester.id == "10000023084"
    assert found.specialties == ("SM40",)
    assert found.patient.own_practitioner == "10003456789"
    assert referral(payload).requester.id == "CHU-X"


@pytest.mark.parametrize(
    ("segments", "code"),
    [
        (("DG1|1||J02.9^Angine^I10",), "J02.9"),
        (("DG1|1||A^x^I10", "DG1|2||B^y^I10||||||||||||1"), "B"),
        (("DG1|1||A^x^I10", "DG1|2||B^y^I10"), "A"),
        (("DG1|1||A^x^I10", "DG1|2||M03.06^y^L"), "M03.06"),
        (("DG1|1||A^x^I10", "PV2|||M03.06^y^L"), "M03.06"),
        (("PV2|||R10^Douleur^I10",), "R10"),
        (("DG1|1||mal au ventre", "PV2|||R10^Douleur^I10"), "R10"),
        ((), None),
    ],
)
def test_the_motive_is_the_first_coded_reason(segments: tuple[str, ...], code: str | None) -> None:
    motive = referral(ref(rf1(), PID, *segments)).motive
    assert (None if motive is None else motive.code) == code


def test_the_reason_of_the_referrer_is_no_motive() -> None:
    assert referral(ref(rf1(f10="W^Work load^HL70336"), PID)).motive is None
    found = referral(ref(rf1(f10="J02^Angine^I10"), PID)).motive
    assert found is not None
    assert (found.system, found.code, found.label) == ("I10", "J02", "Angine")
