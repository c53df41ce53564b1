"""Sheets of Excel files as rows of text, as an export to CSV would write them."""

import io
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from shared.errors import UsageError

SUFFIXES = (".xlsx", ".xls", ".xlsm", ".xlsb")

Cell = int | float | str | bool | time | date | datetime | timedelta


def sheet_rows(data: bytes, file_name: str, name: str | None = None) -> list[list[str]]:
    """The rows of a sheet from its headers on: titles above them, in a cell each, are left out.

    Without a name it is the only one that anybody sees rows in. Raises UsageError if several are.
    """
    try:
        rows = _sheet(CalamineWorkbook.from_filelike(io.BytesIO(data)), file_name, name).to_python()
    except CalamineError as error:
        raise UsageError(
            f"{file_name} is no readable Excel file: {error}",
            remedy="save it anew in Excel, without a password, or as CSV",
        ) from error
    texts = [[_text(cell) for cell in row] for row in rows]
    headers = next((place for place, row in enumerate(texts) if sum(map(bool, row)) > 1), 0)
    return texts[headers:]


def _sheet(book: CalamineWorkbook, file_name: str, name: str | None) -> CalamineSheet:
    known = [sheet for sheet in book.sheets_metadata if sheet.typ is SheetTypeEnum.WorkSheet]
    names = [sheet.name for sheet in known]
    if name is not None and name not in names:
        raise UsageError(f"{file_name} has no sheet {name!r}", remedy=f"its sheets: {', '.join(names)}")
    if name is not None:
        return book.get_sheet_by_name(name)
    seen = [book.get_sheet_by_name(sheet.name) for sheet in known if sheet.visible is SheetVisibleEnum.Visible]
    filled = [sheet for sheet in seen if sheet.height > 1]
    if len(filled) > 1:
        raise UsageError(
            f"{file_name} has rows in several sheets: {', '.join(sheet.name for sheet in filled)}",
            remedy="say which is meant: --sheet NAME; run the others by themselves, or put all rows into one",
        )
    if not (filled or seen):
        raise UsageError(
            f"{file_name} has no sheet that can be seen", remedy=f"its sheets: {', '.join(names)}; --sheet NAME"
        )
    return (filled or seen)[0]


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, (date, datetime)):
        return cell.isoformat()
    return str(cell)
