"""Workbooks for tests: written by openpyxl, or part by part to be as odd as they come."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import openpyxl

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def saved(*sheets: Iterable[Iterable[Any]], hidden: int | None = None) -> bytes:
    """Gives a workbook with these rows, sheet by sheet."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"sheet {number}")
        for row in rows:
            sheet.append(list(row))
        if number == hidden:
            sheet.sheet_state = "hidden"
    return written(book)


def written(book: Any) -> bytes:
    """Gives an openpyxl workbook as bytes."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def archive(parts: Mapping[str, str | bytes], *, store: bool = False) -> bytes:
    """Gives an archive of these parts."""
    file = io.BytesIO()
    kind = zipfile.ZIP_STORED if store else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file, "w", kind) as zipped:
        for name, content in parts.items():
            zipped.writestr(name, content)
    return file.getvalue()


def parts(sheet: str, *, texts: str = "", styles: str = "", book: str = "") -> dict[str, str]:
    """Gives the parts of a workbook of one sheet, each from its inner XML."""
    sheets = f'<sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets>{book}'
    return {
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r" '
        f'Type="{RELATED}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATED}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">'
        f'<Relationship Id="rId1" Type="{RELATED}/worksheet" Target="/xl/worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{RELATED}/sharedStrings" Target="sharedStrings.xml"/>'
        f'<Relationship Id="rId3" Type="{RELATED}/styles" Target="styles.xml"/></Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{texts}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData>'
        "</worksheet>",
    }


def row(*cells: str) -> str:
    """Gives a row of inline texts."""
    return (
        "<row>"
        + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
        + "</row>"
    )
