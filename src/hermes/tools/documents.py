"""Text out of notebooks and office documents, with the standard library alone. Pure."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LARGEST_PART = 20_000_000
"""Bytes of one unpacked part; a larger one is refused, for it may be a zip bomb."""


class UnreadableDocument(Exception):
    """The file is not what its name says. The message is part of a sentence."""


def document_text(name: str, data: bytes) -> str | None:
    """The text of an `.ipynb`, `.docx` or `.xlsx` file; None for every other name."""
    ending = name.rpartition(".")[2].lower()
    reader = {"ipynb": _notebook, "docx": _docx, "xlsx": _xlsx}.get(ending)
    if reader is None:
        return None
    try:
        return reader(data)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError, TypeError) as error:
        raise UnreadableDocument(f"is no readable .{ending} file ({error})") from error


def _notebook(data: bytes) -> str:
    cells = json.loads(data)["cells"]
    parts = []
    for number, cell in enumerate(cells, 1):
        kind = cell["cell_type"]
        parts.append(f"# [{number}] {kind}\n{_joined(cell['source'])}")
        outputs = [_output(output) for output in cell.get("outputs", [])]
        parts.extend(f"# [{number}] output\n{text}" for text in outputs if text)
    return "\n\n".join(parts)


def _output(output: dict[str, object]) -> str:
    if output.get("output_type") == "error":
        return f"{output.get('ename')}: {output.get('evalue')}"
    data = output.get("data")
    text = data.get("text/plain") if isinstance(data, dict) else output.get("text")
    return _joined(text)


def _joined(source: object) -> str:
    return "".join(source) if isinstance(source, list) else str(source or "")


def _docx(data: bytes) -> str:
    root = _part(zipfile.ZipFile(io.BytesIO(data)), "word/document.xml")
    return "\n".join(_paragraph(paragraph) for paragraph in root.iter(f"{_WORD}p"))


def _paragraph(paragraph: ElementTree.Element) -> str:
    pieces = {f"{_WORD}tab": "\t", f"{_WORD}br": "\n"}
    return "".join(
        node.text or "" if node.tag == f"{_WORD}t" else pieces.get(node.tag, "") for node in paragraph.iter()
    )


def _xlsx(data: bytes) -> str:
    archive = zipfile.ZipFile(io.BytesIO(data))
    shared: list[str] = []
    if "xl/sharedStrings.xml" in archive.namelist():
        strings = _part(archive, "xl/sharedStrings.xml").iter(f"{_SHEET}si")
        shared = ["".join(text.text or "" for text in item.iter(f"{_SHEET}t")) for item in strings]
    titles = [sheet.get("name", "") for sheet in _part(archive, "xl/workbook.xml").iter(f"{_SHEET}sheet")]
    names = sorted(
        (name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)),
        key=lambda name: int("".join(filter(str.isdigit, name.rpartition("/")[2]))),
    )
    blocks = []
    for index, name in enumerate(names):
        title = titles[index] if index < len(titles) else f"sheet {index + 1}"
        blocks.append("\n".join([f"# {title}", *_rows(_part(archive, name), shared)]))
    return "\n\n".join(blocks)


def _rows(sheet: ElementTree.Element, shared: list[str]) -> Iterator[str]:
    for row in sheet.iter(f"{_SHEET}row"):
        cells: dict[int, str] = {}
        for position, cell in enumerate(row.iter(f"{_SHEET}c")):
            letters = "".join(filter(str.isalpha, cell.get("r", "")))
            cells[_column(letters) if letters else position] = _cell(cell, shared)
        if cells:
            yield "\t".join(cells.get(column, "") for column in range(min(max(cells) + 1, 1_000)))


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def _cell(cell: ElementTree.Element, shared: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{_SHEET}t"))
    value = cell.findtext(f"{_SHEET}v") or ""
    if cell.get("t") == "s" and value.isdigit() and int(value) < len(shared):
        return shared[int(value)]
    return value


def _part(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if archive.getinfo(name).file_size > LARGEST_PART:
        raise ValueError(f"{name} is too large")
    content = archive.read(name)
    if b"<!DOCTYPE" in content[:4_096] or b"<!ENTITY" in content:
        raise ValueError(f"{name} declares entities")
    return ElementTree.fromstring(content)
