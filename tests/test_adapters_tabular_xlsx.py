"""Workbooks: the same cells as in a table of text, and nothing that a workbook may do to us."""

import csv
import io
import re
import struct
import zipfile
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from builders import NOW
from hypothesis import given, settings
from hypothesis import strategies as st
from workbooks import MAIN, archive, parts, row, saved, written

from slotengine.adapters import Intake, Kind, New, Rejected, adapter_for, base
from slotengine.adapters import tabular_xlsx_cells as cells_module
from slotengine.adapters import tabular_xlsx_package as package
from slotengine.errors import ReferralFormatError
from slotengine.vault import Pseudonymiser

DOOR: dict[str, Any] = {
    "territory": "giennois",
    "zone": ZoneInfo("Europe/Paris"),
    "pseudonymiser": Pseudonymiser(bytes(range(32))),
}
ADAPTER = adapter_for("pharmacy", **DOOR)
HEADER = ("reference", "patient_id", "age")


def read(payload: bytes, format_: str | None = None) -> list[Intake]:
    return list(adapter_for("pharmacy", **DOOR, format=format_).read(payload, now=NOW))


def said(payload: bytes) -> list[object]:
    """Gives the age of each referral, or line, field and kind of each fault."""
    return [
        one.referral.patient.age if isinstance(one, New) else (one.line, one.field, one.kind.value)  # type: ignore[union-attr]  # rejected
        for one in read(payload)
    ]


def refused(payload: bytes) -> tuple[str, str]:
    with pytest.raises(ReferralFormatError) as caught:
        read(payload)
    assert caught.value.adapter == "pharmacy/xlsx"
    assert caught.value.__cause__ is None
    return caught.value.field, caught.value.kind


def one_cell(name: str, cell: str, **more: str) -> Intake:
    """Reads one record whose last cell is given as XML."""
    above = row("reference", "patient_id", name)
    sheet = f'{above}<row><c><v>7</v></c><c t="str"><v>p</v></c>{cell}</row>'
    (found,) = read(archive(parts(sheet, **more)))
    return found


def referral_of(found: Intake) -> Any:
    assert isinstance(found, New), found
    return found.referral


# The same cells, as a table of text and as a workbook.

TEXTS = st.text(
    st.characters(
        codec="utf-8",
        min_codepoint=9,
        exclude_characters="\x0b\x0c\ufffe\uffff",
        exclude_categories=("Cc", "Cs"),
    ),
    max_size=8,
) | st.text("=+-@'#\t\n;,\"0aé", max_size=5)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["r1", "", "1.2E+9", "=r"]) | TEXTS,
        st.sampled_from(["p", "", "'p", "#N/A"]) | TEXTS,
        st.sampled_from(["30", "", "300", "x", "#REF!"]) | TEXTS,
        st.sampled_from(["", "stat", "sous 24 h", "later"]),
        st.sampled_from(["", "2026-11-24", "25/10/2026 02:30", "24/11/2026 14:10", "no"]),
        st.sampled_from(["", "47,68", "-2.6", "x"]),
        TEXTS,
    ),
    min_size=1,
    max_size=4,
)
NAMES = ("Référence", "IPP", "Âge", "Priorité", "avant le", "Latitude", "Observations")


def bare(found: list[Intake]) -> list[object]:
    return [
        (one.record, one.field, one.kind) if isinstance(one, Rejected) else one for one in found
    ]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(ROWS)
def test_a_table_says_the_same_as_text_and_as_a_workbook(rows: list[tuple[str, ...]]) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([NAMES, *rows])
    sheet = "".join(row(*(_xml(cell) for cell in one)) for one in (NAMES, *rows))
    from_text = read(text.getvalue().encode(), "csv")
    from_book = read(archive(parts(sheet)))
    assert bare(from_book) == bare(from_text)
    assert len(from_book) == sum(any(cell.strip() for cell in one) for one in rows)


def _xml(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#13;")
    return re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", escaped)


def test_openpyxl_and_we_read_the_same_cells() -> None:
    rows = [HEADER, ("1", "a", 30), (2, "b", 40), ("3", "c", None), ("4", "é<&>", "x")]
    data = saved(rows)
    (sheet,) = openpyxl.load_workbook(io.BytesIO(data), read_only=True).worksheets
    theirs = [tuple("" if v is None else str(v) for v in r) for r in sheet.values]
    assert theirs == [tuple("" if v is None else str(v) for v in r) for r in rows]
    assert said(data) == [30, 40, None, (5, "age", "bad_number")]


# What cells hold.


def test_a_cell_of_a_date_is_a_day_and_one_with_hours_an_instant() -> None:
    data = saved(
        [
            ("reference", "nom", "prénom", "date de naissance", "avant le"),
            ("1", "Inventée", "Zoé", date(1948, 5, 31), date(2026, 11, 24)),
            ("2", "Inventée", "Zoé", datetime(1948, 5, 31), datetime(2026, 11, 24, 14, 10)),  # noqa: DTZ001 - cells have no zone
        ]
    )
    one, two = (referral_of(found) for found in read(data))
    assert one.patient == two.patient
    assert one.patient.age == 78
    # The whole day in Paris, and 14.10 there.
    assert one.deadline == datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert two.deadline == datetime(2026, 11, 24, 13, 10, tzinfo=UTC)


NUMBERS = (0, 14, 22, 170)
DATES = "".join(("<cellXfs>", *(f'<xf numFmtId="{one}"/>' for one in NUMBERS), "</cellXfs>"))
OWN = '<numFmts><numFmt numFmtId="170" formatCode="[$-40C]d mmmm yyyy;@"/></numFmts>'
NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)
WHOLE_DAY = datetime(2026, 11, 24, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("style", "value", "book", "expected"),
    [
        # 24 November 2026 is day 46350 since 1900, and 46350 - 1462 since 1904.
        ("2", "46350.5", "", NOON), ("1", "46350", "", WHOLE_DAY), ("3", "46350", "", WHOLE_DAY),
        ("1", "46350.5", "", WHOLE_DAY), ("2", "4.63505E4", "", NOON),
        ("2", "44888.5", '<workbookPr date1904="1"/>', NOON),
        ("0", "46350", "", None), ("1", "99999999999", "", None), ("1", "-1e300", "", None),
        ("9", "46350", "", None), ("1", "x", "", None), ("2", "0.5", "", None),
    ],
)  # fmt: skip
def test_a_date_is_a_number_with_the_style_of_a_date(
    style: str, value: str, book: str, expected: datetime | None
) -> None:
    cell = f'<c s="{style}"><v>{value}</v></c>'
    found = one_cell("deadline", cell, styles=OWN + DATES, book=book)
    if expected is None:
        assert isinstance(found, Rejected)
        assert (found.field, found.kind, found.path) == ("deadline", Kind.BAD_DATE, "C2")
    else:
        assert referral_of(found).deadline == expected


def test_a_time_alone_is_no_date() -> None:
    found = read(saved([(*HEADER, "deadline"), ("1", "a", 30, time(14, 10))]))
    assert [(one.field, one.kind) for one in found if isinstance(one, Rejected)] == [
        ("deadline", Kind.BAD_DATE)
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", "7"), ("7.0", "7"), ("99000000017", "99000000017"),
        ("9.9000000017E10", "99000000017"), ("999999999999999", "999999999999999"),
        ("0", "0"),
    ],
)  # fmt: skip
def test_an_identifier_that_is_a_number_keeps_its_digits(value: str, expected: str) -> None:
    assert referral_of(one_cell("requester_id", f"<c><v>{value}</v></c>")).requester.id == expected


@pytest.mark.parametrize("value", ["1000000000000000", "1.23456789012345E15", "1E+20"])
def test_an_identifier_that_lost_digits_is_told(value: str) -> None:
    found = one_cell("requester_id", f"<c><v>{value}</v></c>")
    assert isinstance(found, Rejected)
    assert (found.field, found.kind) == ("requester_id", Kind.SPREADSHEET_NUMBER)


def test_a_number_shown_with_zeros_keeps_them() -> None:
    styles = (
        '<numFmts><numFmt numFmtId="165" formatCode="00000"/></numFmts>'
        '<cellXfs><xf numFmtId="165"/></cellXfs>'
    )
    found = referral_of(one_cell("requester_id", '<c s="0"><v>1004</v></c>', styles=styles))
    assert found.requester.id == "01004"


@pytest.mark.parametrize(
    ("value", "expected"), [("47.679999999999999", 47.68), ("-0.00001", -1e-05)]
)
def test_a_fraction_is_the_number_it_is(value: str, expected: float) -> None:
    above = row("reference", "patient_id", "lat", "lon")
    sheet = (
        f"{above}<row><c><v>1</v></c><c><v>2</v></c><c><v>{value}</v></c><c><v>2.5</v></c></row>"
    )
    (found,) = adapter_for("pharmacy", **DOOR, format="xlsx").read(archive(parts(sheet)), now=NOW)
    assert referral_of(found).patient.location.lat == expected


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ('<c t="e"><v>#REF!</v></c>', Kind.SPREADSHEET_ERROR),
        ('<c t="e"><v>#SOMETHING_NEW!</v></c>', Kind.SPREADSHEET_ERROR),
        ("<c><f>A1+1</f></c>", Kind.SPREADSHEET_ERROR),
        ("<c><f>A1+1</f><v></v></c>", Kind.SPREADSHEET_ERROR),
        ('<c t="s"><v>9</v></c>', Kind.SPREADSHEET_ERROR),
        ('<c t="s"><v>x</v></c>', Kind.SPREADSHEET_ERROR),
        ('<c t="b"><v>1</v></c>', Kind.BAD_NUMBER),
        ('<c t="b"><v>0</v></c>', Kind.BAD_NUMBER),
        ('<c t="d"><v>2026-11-24</v></c>', Kind.BAD_NUMBER),
    ],
)
def test_what_is_no_value_is_told_by_its_field(cell: str, kind: Kind) -> None:
    found = one_cell("age", cell)
    assert isinstance(found, Rejected)
    assert (found.line, found.path, found.field, found.kind) == (2, "C2", "age", kind)


def test_a_formula_is_what_it_gave_when_it_was_saved() -> None:
    assert referral_of(one_cell("age", "<c><f>20+22</f><v>42</v></c>")).patient.age == 42
    assert referral_of(one_cell("age", '<c t="str"><f>""</f><v></v></c>')).patient.age is None
    assert referral_of(one_cell("age", '<c t="str"><f>"4"</f><v>42</v></c>')).patient.age == 42


def test_shared_texts_are_read_with_their_runs_and_without_their_readings() -> None:
    texts = (
        "<si><t>4</t></si><si><r><t>4</t></r><r><t>2</t></r><rPh><t>9</t></rPh></si>"
        "<si><t>_x0034_2</t></si>"
    )
    ages = [
        referral_of(one_cell("age", f'<c t="s"><v>{at}</v></c>', texts=texts)).patient.age
        for at in range(3)
    ]
    assert ages == [4, 42, 42]


def test_of_merged_cells_the_first_holds_the_value() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for line in (HEADER, ("1", "a", 30), ("2", None, 40)):
        sheet.append(line)
    sheet.merge_cells("B2:B3")
    assert said(written(book)) == [30, (3, "patient_id", "missing")]


# Rows and sheets.


def test_rows_have_the_numbers_that_a_person_sees() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for at, line in (
        (3, HEADER),
        (5, ("1", "a", "x")),
        (900, ("2", "b", 40)),
        (901, (" ", "", "")),
    ):
        for column, value in enumerate(line, 1):
            sheet.cell(at, column, value)
    assert said(written(book)) == [(5, "age", "bad_number"), 40]


def test_a_row_without_its_last_cells_is_filled_and_one_with_more_refused() -> None:
    data = saved([HEADER, ("1", "a"), ("2", "b", 40, None, "x"), ("3", "c", 50, None, " ")])
    assert said(data) == [None, (3, "record", "column_count"), 50]
    far = '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>1</v></c><c r="ZZZ2"><v>1</v></c></row>'
    assert said(archive(parts(row(*HEADER) + far))) == [(2, "record", "column_count")]


def test_rows_and_cells_need_not_be_numbered() -> None:
    sheet = (
        row(*HEADER) + row("1", "a", "30") + '<row r="x"><c r="1"><v>2</v></c><c><v>3</v></c></row>'
    )
    assert said(archive(parts(sheet))) == [30, None]


def test_the_first_visible_sheet_with_a_known_header_is_read() -> None:
    notes, one, two = [("Notes",)], [HEADER, ("1", "a", 30)], [HEADER, ("2", "b", 40)]
    assert said(saved(notes, [], one, two)) == [30]
    assert said(saved(one, two, hidden=0)) == [40]
    assert refused(saved(notes, [])) == ("header", "no_header")
    assert refused(saved([("x",) * 201], [(*HEADER, *["x"] * 198)])) == ("header", "no_header")
    assert said(saved([(*HEADER, *["x"] * 197), ("1", "a", 30)])) == [30]
    assert refused(saved([("reference", "ref"), ("1", "2")])) == ("header", "duplicate_header")
    assert said(saved([HEADER])) == []


def test_prefixed_names_are_read() -> None:
    made = parts("")
    made["xl/worksheets/sheet1.xml"] = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row><x:c t="str"><x:v>reference</x:v></x:c>'
        '<x:c t="str"><x:v>ipp</x:v></x:c></x:row><x:row><x:c><x:v>1</x:v></x:c>'
        "<x:c><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>"
    )
    assert said(archive(made)) == [None]


# What was rejected.


def test_rejected_rows_come_back_as_a_table_of_text() -> None:
    rows = [("Référence", "IPP", "Âge"), ("1", "a", "x"), ("2", "b", 40), ("4", "=c;d", 300)]
    data = saved(rows)
    opened = ADAPTER.opened(data)
    rejected = [part for part in opened.parts(now=NOW) if isinstance(part.intake, Rejected)]
    again = opened.joined(part.raw for part in rejected)
    # openpyxl writes what begins with = as a formula, and stores no result.
    assert again.decode() == "\ufeffRéférence;IPP;Âge\r\n1;a;x\r\n4;#CALC!;300\r\n"
    assert opened.format.suffix == "csv"
    first = [(one.intake.field, one.intake.kind) for one in rejected]  # type: ignore[union-attr]  # all are rejected
    for format_ in (None, "csv", "xlsx"):
        found = read(again, format_)
        assert [(one.field, one.kind) for one in found if isinstance(one, Rejected)] == first
    mended = again.replace(b";x", b";30").replace(b"#CALC!;300", b"p;31")
    assert [referral_of(one).patient.age for one in read(mended)] == [30, 31]


def test_a_header_of_several_lines_is_written_as_one() -> None:
    data = archive(parts(row("reference", "I\nPP", "age") + row("1", "=a&#10;b", "x")))
    opened = ADAPTER.opened(data)
    again = opened.joined(part.raw for part in opened.parts(now=NOW))
    assert again == b'\xef\xbb\xbfreference;I PP;age\r\n1;"\'=a\nb";x\r\n'


# What a workbook may do to us.


def test_an_old_or_encrypted_workbook_and_other_files_are_named() -> None:
    mark = package.OLD_MARK + bytes(512)
    assert refused(mark + "Workbook".encode("utf-16-le")) == ("payload", "old_workbook")
    assert refused(mark + "EncryptedPackage".encode("utf-16-le")) == ("payload", "encrypted")
    assert refused(mark + "WordDocument".encode("utf-16-le")) == ("payload", "not_a_workbook")
    assert refused(archive({"mimetype": "text"})) == ("payload", "not_a_workbook")
    for main in ("word/document.xml", "xl/workbook.bin", "../xl/workbook.xml"):
        odd = parts("")
        odd["_rels/.rels"] = odd["_rels/.rels"].replace("xl/workbook.xml", main)
        assert refused(archive(odd)) == ("payload", "not_a_workbook")


def test_an_encrypted_entry_is_named() -> None:
    data = bytearray(saved([HEADER]))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    assert refused(bytes(data)) == ("payload", "encrypted")


LAUGHS = '<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>'
ANY = '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">'


@pytest.mark.parametrize("declared", [LAUGHS, OUTSIDE, ANY])
@pytest.mark.parametrize("part", list(parts("")))
def test_no_part_may_declare_entities_or_a_document_type(declared: str, part: str) -> None:
    made = parts(row(*HEADER) + row("1", "a", "30"), texts="<si><t>x</t></si>")
    made[part] = declared + made[part].replace("<t>x", "<t>&c;")
    assert refused(archive(made)) == ("payload", "forbidden_xml")


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    inner = " " * (package.RATIO_FROM_BYTES + 1)
    assert refused(archive(parts(row(*HEADER) + inner))) == ("payload", "too_large")
    # Even where nobody would look.
    assert refused(archive(parts(row(*HEADER)) | {"xl/media/x": inner})) == ("payload", "too_large")
    small = " " * (package.RATIO_FROM_BYTES // 2)
    assert said(archive(parts(row(*HEADER) + small + row("1", "a", "30")))) == [30]


def test_sizes_and_counts_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = "<si><t>a</t></si>" * 3
    good = archive(parts(row(*HEADER) + row("1", "a", "30"), texts=texts))
    unpacked = sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(good)).infolist())
    strings = len(texts) + len(f'<sst xmlns="{MAIN}"></sst>')
    for module, name, edge in (
        (package, "MAX_DOCUMENT_BYTES", len(good)),
        (package, "MAX_UNPACKED_BYTES", unpacked),
        (package, "MAX_ENTRIES", 6),
        (cells_module, "MAX_SHARED_STRINGS", 3),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, edge)
            assert said(good) == [30], name
            patched.setattr(module, name, edge - 1)
            assert refused(good) == ("payload", "too_large"), name
    from slotengine.adapters import tabular_xlsx

    with monkeypatch.context() as patched:
        patched.setattr(tabular_xlsx, "MAX_STRINGS_BYTES", strings - 1)
        assert refused(good) == ("payload", "too_large")
        patched.setattr(tabular_xlsx, "MAX_STRINGS_BYTES", strings)
        patched.setattr(tabular_xlsx, "MAX_RECORDS", 1)
        two = archive(parts(row(*HEADER) + row("1", "a", "30") + row("2", "b", "40")))
        assert said(two) == [30, (3, "payload", "too_large")]


def test_an_archive_that_understates_its_sizes_is_not_read_beyond_them() -> None:
    made = parts(row(*HEADER) + row("1", "a", "30") * 4000)
    data = bytearray(archive(made))
    name = b"xl/worksheets/sheet1.xml"
    at = data.rindex(name) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + 24 : at + 28] = struct.pack("<I", 300)
    assert refused(bytes(data)) == ("payload", "broken_workbook")


def test_a_workbook_that_breaks_off_keeps_what_came_before() -> None:
    made = parts(row(*HEADER) + row("1", "a", "30") + "<row></c>")
    assert said(archive(made)) == [30, (3, "payload", "broken_workbook")]
    cut = archive(parts(row(*HEADER) + row("1", "a", "30") * 9_000), store=True)
    at = cut.index(b"</row>", len(cut) // 2)
    found = said(cut[:at] + b"\0" + cut[at + 1 :])
    assert found[0] == 30
    assert found[-1][1:] == ("payload", "broken_workbook")  # type: ignore[index]  # a fault


def test_what_follows_the_rows_is_not_read() -> None:
    made = parts(row(*HEADER) + row("1", "a", "30"))
    made["xl/worksheets/sheet1.xml"] = made["xl/worksheets/sheet1.xml"].replace(
        "</sheetData>", "</sheetData><mergeCells>" + "<mergeCell/>" * 20_000 + "</broken>"
    )
    assert said(archive(made)) == [30]


SOUND = saved(
    [(*HEADER, "date de naissance"), ("1", "a", 30, date(1948, 5, 31)), ("2", "b", "x", None)]
)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=6
    ),
    st.integers(0, len(SOUND)),
)
def test_a_damaged_workbook_raises_nothing_but_a_format_error(
    changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(SOUND)
    for at, value in changes:
        data[at] = value
    for payload in (bytes(data), SOUND[:cut]):
        try:
            read(payload)
        except ReferralFormatError as unreadable:
            # What failed inside may hold the payload: it must not hang on the error.
            chained = (unreadable.__cause__, unreadable.__context__)
        else:
            chained = (None, None)
        assert chained == (None, None)


SCRAPS = st.sampled_from(
    [
        "<row>", "</row>", '<row r="2">', '<row r="99999999999">', '<row r="-1">', "<c>", "</c>",
        '<c r="A1" t="s">', '<c r="ZZZZZ1" t="b">', '<c t="e" s="9">', '<c s="x">', "<v>", "</v>",
        "1", "x", "1e999", "nan", "<f>", "</f>", "<is>", "</is>", "<t>", "</t>", "&#10;", "_xD800_",
        "<rPh>", "</rPh>", "</sheetData>", '<c t="inlineStr">',
    ]
)  # fmt: skip


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.lists(SCRAPS, max_size=25).map("".join))
def test_scraps_of_a_sheet_raise_nothing(scraps: str) -> None:
    # A header in a piece of its own is read, whatever comes in the next one.
    padding = " " * base.CHUNK_BYTES
    list(ADAPTER.parts(archive(parts(row(*HEADER) + padding + scraps)), now=NOW))
