"""Bytes, separators, escapes and fields of HL7 v2; other libraries are asked what they see."""

import hl7
import pytest
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.adapters.hl7v2_files import begins_like_hl7
from slotengine.adapters.hl7v2_text import Marks, Message
from slotengine.adapters.kinds import Kind


def opened(data: bytes) -> Message:
    message = Message.of(data)
    assert isinstance(message, Message), message
    return message


def family(charset: str, name: bytes, *, before: str = "|||||") -> str:
    header = f"MSH|^~\\&|A|B|C|D|20261123||ADT^A03|1|P|2.5{before}FRA|{charset}|FR".encode("ascii")
    return opened(header + b"\rPID|1||||" + name + b"\r").one("PID").text(5)


@pytest.mark.parametrize(
    ("charset", "written"),
    [
        ("UNICODE UTF-8", "utf-8"), ("UTF-8", "utf-8"), ("unicode utf-8", "utf-8"),
        ("8859/1", "latin-1"), ("8859/15", "iso8859-15"),
        ("", "utf-8"), ("", "cp1252"), ("ASCII", "utf-8"), ("ASCII", "cp1252"),
        ("8859/1~UNICODE UTF-8", "latin-1"), ("EBCDIC", "utf-8"),
    ],
)  # fmt: skip
def test_accents_are_read_as_msh_18_says_or_as_utf_8_or_windows_1252(
    charset: str, written: str
) -> None:
    assert family(charset, "BÉNÉTEAU-GAÜZÈRE".encode(written)) == "BÉNÉTEAU-GAÜZÈRE"


def test_an_oe_that_is_labelled_latin_1_is_the_one_of_windows() -> None:
    assert family("8859/1", "LECŒUR".encode("cp1252")) == "LECŒUR"


def test_a_sign_that_windows_leaves_open_is_the_one_of_latin_1() -> None:
    assert family("8859/1", b"A\x81B") == "A\x81B"


def test_a_character_set_that_stands_one_field_early_is_found() -> None:
    assert family("8859/1", "BÉNÉ".encode("latin-1"), before="||||") == "BÉNÉ"


def test_a_wrong_label_is_doubted_and_the_message_read() -> None:
    data = b"MSH|^~\\&|||||||ADT^A03|1|P|2.5||||||UNICODE UTF-8\rPID|1||||B\xc9N\xc9\r"
    message = opened(data)
    assert message.one("PID").text(5) == "BÉNÉ"
    assert [(one.field, one.kind) for one in message.warnings] == [("record", Kind.BAD_ENCODING)]


def test_bytes_of_no_character_set_are_refused() -> None:
    assert Message.of(b"MSH|^~\\&|A\rPID|\x81\x8d\r") is Kind.BAD_ENCODING


@pytest.mark.parametrize(
    "header",
    [
        b"MSH", b"MSH|", b"MSH||", b"MSHX^~\\&X", b"MSH |^~ \\&", b"MSH|^^^^|",
        b"MSH|^~\\&#!|", b"MSH|a~\\&|", "MSH|^~\\é|".encode(), b"MSH\r^~\\&",
    ],
)  # fmt: skip
def test_separators_that_can_not_separate_are_refused(header: bytes) -> None:
    assert Message.of(header + b"A\rPID|1") is Kind.BAD_SEPARATORS


@pytest.mark.parametrize("signs", ["^", "^~", "^~\\", "^~\\&", "^~\\&#"])
def test_separators_that_are_not_named_are_the_usual_ones(signs: str) -> None:
    message = opened(f"MSH|{signs}|A\rPID|1||a^b&c~d\r".encode())
    assert message.one("PID").text(3, 2, 2) == "c"
    assert [one.part() for one in message.one("PID").repetitions(3)] == ["a", "d"]


def test_a_sender_may_choose_all_its_separators() -> None:
    message = opened(b"MSH*:;!%*A*B\rPID*1**x:y%z;!F!!S!!R!!E!!T!\r")
    assert message.one("PID").text(3, 2, 2) == "z"
    assert message.one("PID").repetitions(3)[1].part() == "*:;!%"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("\\F\\\\S\\\\T\\\\R\\\\E\\", "|^&~\\"),
        ("a\\T\\b", "a&b"),
        ("L\\XE9\\o", "Léo"),
        ("a\\X0D0A\\b", "a\r\nb"),
        ("one\\.br\\two", "one two"),
        ("\\.in+4\\x", "x"),
        ("\\H\\x\\N\\", "x"),
        ("\\C2842\\x\\M24427A\\", "x"),
        ("\\Zlocal\\x", "x"),
        ("C:\\dir\\file", "C:\\dir\\file"),
        ("\\", "\\"),
        ("\\\\", "\\\\"),
        ("ends\\T", "ends\\T"),
        ("\\XG1\\", "\\XG1\\"),
        ("\\X1\\", "\\X1\\"),
        ("\\P\\", ""),
        ('""', ""),
        ("  spaced  ", "spaced"),
    ],
)
def test_escape_sequences_are_read_and_what_is_none_is_text(written: str, meant: str) -> None:
    data = f"MSH|^~\\&||||||||||||||||8859/1\rPID|1||{written}\r"
    assert opened(data.encode("latin-1")).one("PID").text(3) == meant


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r\n"])
def test_segments_end_with_cr_or_lf_or_both(end: str) -> None:
    message = opened(f"MSH|^~\\&|A{end}PID|1||x{end}ZBE|m{end}".encode())
    assert [segment.name for segment in message.segments] == ["MSH", "PID", "ZBE"]


def test_the_header_s_fields_are_counted_with_their_separator() -> None:
    header = opened(b"MSH|^~\\&|APP|HOUSE|||2026|||NUMBER\r").header
    assert [header.text(number) for number in (3, 4, 7, 10)] == ["APP", "HOUSE", "2026", "NUMBER"]
    assert header.text(99) == ""


def test_a_field_says_where_it_stands() -> None:
    message = opened(b"MSH|^~\\&|A\rDG1|1\rDG1|2||x~y\r")
    second = message.all("DG1")[1]
    assert (second.path(3), second.path(3, 2)) == ("DG1[2]-3", "DG1[2]-3[2]")
    assert message.header.path(7) == "MSH-7"


def test_a_broken_line_is_left_out() -> None:
    message = opened(b"MSH|^~\\&|A\rNTE|1||first\nsecond line|of a note\rPID|1||x\r")
    assert [segment.name for segment in message.segments] == ["MSH", "NTE", "PID"]


@pytest.mark.parametrize(
    ("head", "claimed"),
    [
        (b"MSH|^~\\&|", True), (b"FHS|^~\\&", True), (b"BHS|^~\\&", True),
        (b"\xef\xbb\xbfMSH|", True), (b"\x0bMSH|", True), (b"\r\n \x0bMSH|", True),
        (b"MSH", True), (b"MSHA", False), (b"MSH ID;name", False), (b"PID|", False),
        (b"msh|^~\\&|", False), (b"", False), (b"reference;age", False), (b"{}", False),
    ],
)  # fmt: skip
def test_the_format_is_told_by_the_first_segment(head: bytes, claimed: bool) -> None:  # noqa: FBT001 (the table's)
    assert begins_like_hl7(head) is claimed


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)


@given(TEXTS)
@settings(deadline=None, derandomize=True, max_examples=100)
def test_what_is_escaped_reads_back(text: str) -> None:
    marks = Marks()
    assert marks.unescaped(marks.escaped(text)) == text


PLAIN = st.text("abcXYZ 019é", min_size=1, max_size=6).map(str.strip).filter(bool)


@given(st.lists(st.lists(PLAIN, min_size=1, max_size=4), min_size=1, max_size=4))
@settings(deadline=None, derandomize=True, max_examples=20)
def test_two_other_libraries_see_the_same_components(repetitions: list[list[str]]) -> None:
    field = "~".join("^".join(parts) for parts in repetitions)
    text = f"MSH|^~\\&|A|B|C|D|20261123||ADT^A03^ADT_A03|1|P|2.5\rPID|1||{field}||X^Y\r"
    ours = [
        [one.part(n) for n in range(1, len(parts) + 1)]
        for one, parts in zip(
            opened(text.encode()).one("PID").repetitions(3), repetitions, strict=True
        )
    ]
    theirs = hl7.parse(text).segment("PID")[3]
    assert ours == repetitions
    assert [str(one) for one in theirs] == ["^".join(parts) for parts in repetitions]
    second = parse_message(text, find_groups=False).pid.pid_3
    assert [one.to_er7() for one in second] == ["^".join(parts) for parts in repetitions]
