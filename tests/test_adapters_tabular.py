"""Tables: separators, encodings, quotes, and bad lines that cost only themselves."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from builders import NOW
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.adapters import Intake, Kind, New, Rejected, adapter_for, base
from slotengine.adapters.fields import FIELDS, field_of
from slotengine.adapters.tabular_cells import bare, neutral
from slotengine.errors import ReferralFormatError
from slotengine.vault import Pseudonymiser

ADAPTER = adapter_for(
    "pharmacy",
    territory="giennois",
    zone=ZoneInfo("Europe/Paris"),
    pseudonymiser=Pseudonymiser(bytes(range(32))),
    format="csv",
)
HEADER = "reference;patient_id;age\n"


def read(payload: bytes | str) -> list[Intake]:
    data = payload if isinstance(payload, bytes) else payload.encode()
    return list(ADAPTER.read(data, now=NOW))


def said(payload: bytes | str) -> list[object]:
    """Gives the age of each referral, or line and kind of each fault."""
    found: list[object] = []
    for one in read(payload):
        if isinstance(one, New):
            found.append(one.referral.patient.age)
        else:
            assert isinstance(one, Rejected)
            found.append((one.line, one.field, one.kind))
    return found


def refused(payload: bytes | str) -> tuple[str, str, str]:
    with pytest.raises(ReferralFormatError) as caught:
        read(payload)
    return caught.value.adapter, caught.value.field, caught.value.kind


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_separator_line_end_and_byte_order_mark_are_detected(
    separator: str, end: str, mark: bytes
) -> None:
    lines = ["reference;patient_id;age", "1;a;30", "2;b;40", ""]
    text = end.join(lines).replace(";", separator)
    assert said(mark + text.encode()) == [30, 40]


def test_the_separator_that_a_spreadsheet_announces_is_used() -> None:
    assert said("sep=,\nreference,patient_id,age\n1,a,30\n") == [30]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-8-sig"])
def test_french_headers_are_read_in_both_encodings(encoding: str) -> None:
    text = "Référence;Nom;Prénom;Date de naissance;Priorité\n1;Été;Zoé;31/05/1948;sous 48 h\n"
    (one,) = read(text.encode(encoding))
    assert isinstance(one, New)
    assert (one.referral.patient.age, one.referral.priority) == (78, "routine")


def test_both_encodings_give_the_same_person() -> None:
    text = "Référence;Nom;Prénom;Date de naissance\n1;Été;Zoé;31/05/1948\n"
    assert read(text.encode()) == read(text.encode("cp1252"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_excel_calls_unicode_text_is_read(encoding: str, end: str) -> None:
    text = "\ufeffRéférence\tNom\tPrénom\tDate de naissance\n1\tÉté\tZoé\t31/05/1948\n"
    data = text.replace("\n", end).encode(encoding)
    assert read(data) == read(text.removeprefix("\ufeff").encode())
    assert read(data)[0].referral.patient.age == 78  # type: ignore[union-attr]  # the line is good


def test_half_a_sign_of_unicode_text_costs_its_own_line_only() -> None:
    lines = ["\ufeffreference\tpatient_id\tage\n", "1\ta\ud800\t30\n", "2\tb\t40\n", "3\tc\t50"]
    data = "".join(lines).encode("utf-16-le", "surrogatepass")
    bad = Kind.BAD_ENCODING
    assert said(data) == [(2, "record", bad), 40, 50]
    assert said(data + b"x") == [(2, "record", bad), 40, (4, "record", bad)]


def test_unicode_text_is_decoded_across_pieces() -> None:
    rows = "".join(f"{n}\tpé{n}\t30\n" for n in range(20_000))
    data = b"\xff\xfe" + ("reference\tpatient_id\tage\n" + rows).encode("utf-16-le")
    assert len(data) > 3 * base.CHUNK_BYTES
    assert said(io.BytesIO(data).read()) == [30] * 20_000


def test_a_mac_is_told_by_the_accents_of_its_header() -> None:
    text = "Référence;Nom;Prénom;Date de naissance\r1;Été;Zoé;31/05/1948\r"
    assert read(text.encode("mac_roman")) == read(text.encode())
    # è is no sign of Windows-1252 at all.
    odd = "reference;nom;prénom;date_de_naissance;règle\r1;Crès;Zoé;31/05/1948;x\r"
    assert read(odd.encode("mac_roman")) == read(odd.encode())


def test_a_mac_that_no_header_gives_away_is_not_guessed() -> None:
    text = "reference;patient_id;age\n1;crèche;30\n2;b;40\n"
    assert said(text.encode("mac_roman")) == [(2, "record", Kind.BAD_ENCODING), 40]


def test_header_names_differ_only_in_case_accents_and_punctuation() -> None:
    assert field_of("  DATE  de naissance ") == "birth_date"
    assert field_of("Disponible à") == "window_end"
    assert field_of("météo") is None


def test_no_header_name_stands_for_two_fields() -> None:
    names = [name for field, others in FIELDS.items() for name in (field, *others)]
    assert len(names) == len(set(names))


def test_unknown_columns_are_ignored_even_twice() -> None:
    assert said("reference;x;x;patient_id;age\n1;q;q;a;30\n") == [30]


def test_cells_may_hold_separators_and_line_breaks_in_quotes() -> None:
    text = 'reference;patient_id;age;note\n1;a;30;"x;\n""y"" z"\n2;b;40;q\n3;c;x;q\n'
    assert said(text) == [30, 40, (5, "age", Kind.BAD_NUMBER)]


def test_a_quote_inside_a_bare_cell_is_a_sign_like_others() -> None:
    assert said('reference;patient_id;age;note\n1;a;30;5" x\n2;b;40;\n') == [30, 40]


def test_a_forgotten_quote_costs_its_own_line_only() -> None:
    lines = "".join(f"{n};p{n};{n}\n" for n in range(2, 60))
    expected = [(2, "record", Kind.BAD_QUOTES), *range(2, 60)]
    assert said(HEADER + '1;"a;30\n' + lines) == expected


def test_a_forgotten_quote_before_the_end_costs_its_own_line_only() -> None:
    assert said(HEADER + '1;"a;30\n2;b;40') == [(2, "record", Kind.BAD_QUOTES), 40]


def test_a_sign_after_a_closing_quote_is_refused() -> None:
    assert said(HEADER + '1;"a"b;30\n2;b;40\n') == [(2, "record", Kind.BAD_QUOTES), 40]


def test_too_few_and_too_many_cells_are_refused_and_empty_ones_at_the_end_allowed() -> None:
    text = HEADER + "1;a\n2;b;40\n3;c;50;x\n4;d;60;;\n"
    wrong = Kind.COLUMN_COUNT
    assert said(text) == [(2, "record", wrong), 40, (4, "record", wrong), 60]


def test_blank_lines_and_lines_of_empty_cells_are_no_records() -> None:
    assert said(HEADER + "\n;;\n  \n1;a;30\n\n") == [30]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    assert said("\n" + HEADER + "\n1;a;x\n") == [(4, "age", Kind.BAD_NUMBER)]


def test_bytes_of_no_encoding_cost_their_own_line_only() -> None:
    text = HEADER.encode() + b"1;a\x81\xff;30\n2;b;40\n"
    assert said(text) == [(2, "record", Kind.BAD_ENCODING), 40]


def test_nul_bytes_in_a_field_cost_their_own_line_only() -> None:
    assert said(HEADER + "1;a\0;30\n2;b;40\n") == [
        (2, "patient_id", Kind.CONTROL_CHARACTER),
        40,
    ]


def test_a_line_of_the_longest_length_is_allowed_and_a_longer_one_refused() -> None:
    head = "reference;patient_id;age;note\n"
    start = "1;a;30;"
    fits = base.MAX_LINE_BYTES - len(start) - 1
    assert said(head + start + "x" * fits + "\n2;b;40;\n") == [30, 40]
    too_long = (2, "record", Kind.TOO_LONG)
    assert said(head + start + "x" * (fits + 1) + "\n2;b;40;\n") == [too_long, 40]
    assert said(head + start + "x" * (5 * base.MAX_LINE_BYTES) + "\r\n2;b;40;\n") == [too_long, 40]


def test_a_header_without_lines_is_no_record_and_no_error() -> None:
    assert read("reference;patient_id\n") == []
    assert read("reference;patient_id") == []


@pytest.mark.parametrize("payload", [b"", b"\n\n", b"  \r\n", b"\xef\xbb\xbf"])
def test_a_payload_without_a_header_is_empty(payload: bytes) -> None:
    assert refused(payload) == ("pharmacy/csv", "payload", "empty")


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"a;b;c\n1;2;3\n", "no_header"),
        (b"Exemple;Zoe;31/05/1948\n", "no_header"),
        (b"MSH|^~\\&|A|B\rPID|1\r", "no_header"),
        (b"reference;ref\n1;1\n", "duplicate_header"),
        (b"reference;lat;Latitude\n1;1;1\n", "duplicate_header"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "no_header"),
        ("reference;age\n".encode("utf-16-le"), "bad_encoding"),
        (b"x" * (base.MAX_LINE_BYTES + 1), "too_long"),
    ],
)
def test_a_payload_that_is_no_table_of_ours_is_refused(payload: bytes, kind: str) -> None:
    assert refused(payload) == ("pharmacy/csv", "header", kind)


def test_a_host_that_lowered_the_limit_of_the_csv_module_gets_a_format_error() -> None:
    limit = csv.field_size_limit(3)
    try:
        assert refused(HEADER + "1;a;30\n") == ("pharmacy/csv", "header", "no_header")
    finally:
        csv.field_size_limit(limit)


def test_a_file_is_read_as_bytes_are() -> None:
    text = (HEADER + "1;a;30\n2;b;x\n").encode()
    assert list(ADAPTER.read(io.BytesIO(text), now=NOW)) == read(text)


class Endless(io.RawIOBase):
    """A stream of lines without end, in pieces that cut lines anywhere."""

    def __init__(self) -> None:
        self.given = 0
        self.pieces = self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        yield HEADER.encode()[:5]
        yield HEADER.encode()[5:]
        while True:
            yield b"1;a;3"
            yield b"0\r"
            yield b"\n"

    def read(self, size: int = -1, /) -> bytes:
        del size
        piece = next(self.pieces)
        self.given += len(piece)
        return piece


def test_records_come_while_the_file_is_still_being_read() -> None:
    stream = Endless()
    records = ADAPTER.read(stream, now=NOW)  # type: ignore[arg-type]  # reads, and no more is asked
    ages = [
        one.referral.patient.age
        for one, _ in zip(records, range(50), strict=False)
        if isinstance(one, New)
    ]
    assert ages == [30] * 50
    # One piece for the look at the beginning, then line by line.
    assert stream.given < base.CHUNK_BYTES + 1_000


def test_what_is_past_the_limits_is_said_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from slotengine.adapters import lines, tabular

    text = HEADER + "1;a;30\n2;b;40\n3;c;50\n"
    monkeypatch.setattr(tabular, "MAX_RECORDS", 2)
    assert said(text) == [30, 40, (4, "payload", Kind.TOO_LARGE)]
    monkeypatch.setattr(tabular, "MAX_RECORDS", 3)
    assert said(text) == [30, 40, 50]
    monkeypatch.setattr(lines, "MAX_PAYLOAD_BYTES", len(HEADER) + 7)
    assert said(text) == [30, (3, "record", Kind.TOO_LARGE)]


SHEET_ERRORS = ["#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NOM?", "#valeur!", "#NOMBRE! "]


@pytest.mark.parametrize("error", SHEET_ERRORS)
def test_an_error_of_a_spreadsheet_is_told_by_its_field(error: str) -> None:
    text = f"reference;patient_id;age;note\n1;a;{error};x\n2;b;40;{error}\n3;c#N/A;50;x\n"
    assert said(text) == [(2, "age", Kind.SPREADSHEET_ERROR), 40, 50]


# What was rejected, handed in again.

GUARDED = [
    ("=1+1", "'=1+1"), ("+33199001122", "'+33199001122"), ("-1,55", "'-1,55"), ("@A1", "'@A1"),
    ("'=1+1", "'=1+1"), ("''=1+1", "''=1+1"), ("'tis", "'tis"), ("a=b", "a=b"), ("", ""),
    ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("\n=1", "'\n=1"), ("\uff1d1", "'\uff1d1"), (" =", " ="),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "written"), GUARDED)
def test_a_cell_that_a_spreadsheet_would_run_is_written_with_an_apostrophe(
    cell: str, written: str
) -> None:
    assert neutral(cell) == written
    assert neutral(written) == written
    assert bare(written) == bare(cell)


def again(payload: bytes) -> tuple[list[Intake], bytes]:
    """Gives what was rejected, and the payload of the rejected records."""
    opened = ADAPTER.opened(payload)
    parts = [part for part in opened.parts(now=NOW) if isinstance(part.intake, Rejected)]
    return [part.intake for part in parts], opened.joined(part.raw for part in parts)


def faults(intakes: list[Intake]) -> list[tuple[str, Kind]]:
    return [(one.field, one.kind) for one in intakes if isinstance(one, Rejected)]


BROKEN = [
    "1;=a;x",
    '2;"=a;b";x',
    '3;"a;=b";x',
    '4;"a\n=b";x',
    '5;"=a;30',
    "6;=a",
    "7;-a;-x;@y",
    "-8;'=a;x",
    "9;''=a;x",
    '10;="a";+x',
]


@pytest.mark.parametrize("mark", ["", "\ufeff", "sep=;\n"])
def test_rejected_records_come_back_the_same_and_none_is_run(mark: str) -> None:
    payload = (mark + HEADER + "\n".join(BROKEN)).encode()
    first, written = again(payload)
    assert len(first) == len(BROKEN)
    second, twice = again(written)
    assert faults(second) == faults(first)
    assert twice == written
    inside = (b'"a;=b"', b'"a\n=b"')
    assert all(cell in written for cell in inside)
    for cell in inside:
        written = written.replace(cell, b"")
    assert not re.search(rb"(?:^|;)\"?[=+\-@]", written, re.MULTILINE)
    assert written.startswith(b"\xef\xbb\xbf") is (mark == "\ufeff")


def test_a_corrected_record_reads_as_if_it_had_come_so() -> None:
    payload = "référence;ipp;lon;lat;age\n1;=p;-1,55;47,2;x\n".encode("cp1252")
    _, written = again(payload)
    assert written.decode("cp1252") == "référence;ipp;lon;lat;age\r\n1;'=p;'-1,55;47,2;x\r\n"
    right = payload.replace(b"x", b"30")
    assert read(written.replace(b"x", b"30")) == read(right)


def test_a_line_of_no_encoding_comes_back_as_it_was() -> None:
    first, written = again(HEADER.encode() + b"1;=\x81;30\n")
    assert written == HEADER.strip().encode() + b"\r\n1;'=\x81;30\r\n"
    assert faults(again(written)[0]) == faults(first) == [("record", Kind.BAD_ENCODING)]


CELLS = st.text(st.sampled_from("=+-@'\t\";,a1é \r\n\uff1d"), max_size=6)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4), st.sampled_from(";,\t"))
def test_whatever_stands_in_a_rejected_record_is_read_alike_again(
    rows: list[tuple[str, str]], separator: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(["reference", "patient_id", "priority"])
    writer.writerows([a, b, "later"] for a, b in rows)
    first, written = again(text.getvalue().encode())
    assert len(first) == len(rows)
    second, twice = again(written)
    assert (faults(second), twice) == (faults(first), written)


def test_now_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        ADAPTER.read(b"", now=datetime(2026, 11, 23, 8, tzinfo=UTC).replace(tzinfo=None))
