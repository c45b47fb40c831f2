"""Reading and writing files, over a real sandbox."""

import io
import json
import os
import zipfile
from typing import Any

import pytest

from hermes.tools.files import read_file, write_file
from tests.tools.conftest import Workplace

pytestmark = pytest.mark.anyio


async def test_lines_are_numbered(workplace: Workplace) -> None:
    workplace.write("a.txt", "one\n\nthree")
    page = await workplace.ask(read_file, path="a.txt")
    assert page == {
        "content": "1|one\n2|\n3|three",
        "total_lines": 3,
        "truncated": False,
        "file_size": 10,
    }


async def test_pages_lead_from_one_to_the_next(workplace: Workplace) -> None:
    workplace.write("a.txt", "".join(f"line {number}\n" for number in range(1, 8)))
    page = await workplace.ask(read_file, path="a.txt", limit=3)
    assert (page["next_offset"], page["truncated_by"], page["total_lines"]) == (4, "limit", 7)
    page = await workplace.ask(read_file, path="a.txt", offset=7, limit=3)
    assert (page["content"], page["truncated"]) == ("7|line 7", False)
    beyond = await workplace.refusal(read_file, path="a.txt", offset=8)
    assert beyond["total_lines"] == 7


async def test_long_files_and_lines_are_cut(workplace: Workplace) -> None:
    workplace.context.settings.file_read_max_chars = 100
    workplace.context.settings.tool_output.max_line_length = 10
    workplace.write("a.txt", f"{'x' * 50}\n" + "short\n" * 50)
    page = await workplace.ask(read_file, path="a.txt")
    assert page["content"].startswith("1|xxxxxxxxxx… [40 more characters]\n2|short")
    assert page["truncated_by"] == "file_read_max_chars"
    assert len(page["content"]) <= 100
    assert page["next_offset"] == page["content"].count("\n") + 2


async def test_an_empty_file_has_no_lines(workplace: Workplace) -> None:
    workplace.write("a.txt", "")
    assert (await workplace.ask(read_file, path="a.txt"))["content"] == ""


async def test_an_unchanged_file_is_not_sent_again(workplace: Workplace) -> None:
    path = workplace.write("a.txt", "one\n")
    await workplace.ask(read_file, path="a.txt")
    assert (await workplace.ask(read_file, path=str(path)))["status"] == "unchanged"
    assert "Blocked" in (await workplace.refusal(read_file, path="a.txt"))["error"]
    path.write_text("two\n")
    assert (await workplace.ask(read_file, path="a.txt"))["content"] == "1|two"
    await workplace.ask(write_file, path="a.txt", content="two\n")
    assert (await workplace.ask(read_file, path="a.txt"))["content"] == "1|two"


async def test_what_is_no_text_is_said_to_be(workplace: Workplace) -> None:
    workplace.write("p.png", b"\x89PNG\r\n\x1a\n rest")
    workplace.write("x.bin", b"\x7fELF\x00\x00\x01")
    os.mkfifo(workplace.folder / "pipe")
    assert (await workplace.refusal(read_file, path="p.png"))["is_image"] is True
    assert (await workplace.refusal(read_file, path="x.bin"))["is_binary"] is True
    assert "directory" in (await workplace.refusal(read_file, path="."))["error"]
    assert "no regular file" in (await workplace.refusal(read_file, path="pipe"))["error"]
    assert "device" in (await workplace.refusal(read_file, path="/dev/zero"))["error"]


async def test_a_missing_file_names_similar_ones(workplace: Workplace) -> None:
    path = workplace.write("README.md", "x")
    refusal = await workplace.refusal(read_file, path="readme.txt")
    assert refusal["similar_files"] == [str(path)]
    assert "nor does its directory" in (await workplace.refusal(read_file, path="no/where"))["error"]
    assert "empty" in (await workplace.refusal(read_file, path=" "))["error"]
    assert "NUL" in (await workplace.refusal(read_file, path="a\0b"))["error"]


async def test_secrets_are_masked_line_for_line(workplace: Workplace) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIabc\nMIIdef\n-----END PRIVATE KEY-----"
    workplace.write("deploy.sh", f"export API_KEY=sk-abcdefghijklmnop1234567890\n{key}\nlast\n")
    page = await workplace.ask(read_file, path="deploy.sh")
    lines = page["content"].split("\n")
    assert lines[0] == "1|export API_KEY=sk-abc...7890"
    assert lines[5] == "6|last"
    assert "MII" not in page["content"]
    assert "MII" not in (await workplace.ask(read_file, path="deploy.sh", offset=4, limit=1))["content"]
    workplace.context.settings.security.redact_secrets = False
    assert "MIIdef" in (await workplace.ask(read_file, path="deploy.sh", offset=3))["content"]


async def test_known_secrets_are_masked_whatever_they_look_like(workplace: Workplace) -> None:
    workplace.context.secrets = frozenset({"correct horse battery"})
    workplace.write("a.txt", "say correct horse battery now\n")
    assert "horse" not in (await workplace.ask(read_file, path="a.txt"))["content"]


async def test_writing_a_masked_secret_back_is_refused(workplace: Workplace) -> None:
    path = workplace.write("deploy.sh", "TOKEN=abcdef123\nrest\n")
    page = await workplace.ask(read_file, path="deploy.sh")
    shown = "\n".join(line.partition("|")[2] for line in page["content"].split("\n"))
    assert shown == "TOKEN=***\nrest"
    assert "masked secret" in (await workplace.refusal(write_file, path="deploy.sh", content=shown))["error"]
    assert path.read_text() == "TOKEN=abcdef123\nrest\n"


def _office(parts: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


async def test_documents_are_read_as_text(workplace: Workplace) -> None:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": "1 + 1", "outputs": [{"data": {"text/plain": ["2"]}}]},
    ]
    workplace.write("n.ipynb", json.dumps({"cells": cells}))
    body = (
        "<w:p><w:r><w:t>Dear</w:t><w:tab/><w:t>reader</w:t></w:r></w:p><w:p><w:r><w:t>Bye</w:t></w:r></w:p>"
    )
    document = f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    workplace.write("d.docx", _office({"word/document.xml": document}))
    row = '<row><c r="A1" t="s"><v>0</v></c><c r="C1"><v>4.5</v></c></row>'
    sheet = {
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}"><sheets><sheet name="Sums"/></sheets></workbook>',
        "xl/sharedStrings.xml": f'<sst xmlns="{SHEET}"><si><t>total</t></si></sst>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SHEET}"><sheetData>{row}</sheetData></worksheet>',
    }
    workplace.write("s.xlsx", _office(sheet))
    workplace.write("broken.docx", b"PK\x03\x04 no archive")
    bomb = '<!DOCTYPE x [<!ENTITY a "a">]>' + document
    workplace.write("bomb.docx", _office({"word/document.xml": bomb}))

    notebook = await workplace.ask(read_file, path="n.ipynb")
    assert "# [1] markdown" in notebook["content"]
    assert notebook["content"].endswith("|# [2] output\n9|2")
    assert (await workplace.ask(read_file, path="d.docx"))["content"] == "1|Dear\treader\n2|Bye"
    assert (await workplace.ask(read_file, path="s.xlsx"))["content"] == "1|# Sums\n2|total\t\t4.5"
    assert "no readable .docx" in (await workplace.refusal(read_file, path="broken.docx"))["error"]
    assert "entities" in (await workplace.refusal(read_file, path="bomb.docx"))["error"]


async def test_a_new_file_makes_its_directories(workplace: Workplace) -> None:
    result = await workplace.ask(write_file, path="new/deep/a.json", content='{"a": 1}')
    path = workplace.folder / "new/deep/a.json"
    assert path.read_text() == '{"a": 1}'
    assert result == {
        "bytes_written": 8,
        "dirs_created": True,
        "resolved_path": str(path),
        "files_modified": [str(path)],
        "lint": {"status": "ok", "output": ""},
    }


async def test_mode_line_ends_and_byte_order_mark_stay(workplace: Workplace) -> None:
    path = workplace.write("run.cmd", b"\xef\xbb\xbfone\r\ntwo\r\n")
    path.chmod(0o751)
    await workplace.ask(write_file, path="run.cmd", content="three\nfour\n")
    assert path.read_bytes() == b"\xef\xbb\xbfthree\r\nfour\r\n"
    assert path.stat().st_mode & 0o777 == 0o751
    wide = workplace.write("w.txt", "\ufeffäö\n".encode("utf-16-le"))
    await workplace.ask(write_file, path="w.txt", content="ü\n")
    assert wide.read_bytes() == "\ufeffü\n".encode("utf-16-le")


async def test_a_link_stays_a_link(workplace: Workplace) -> None:
    real = workplace.write("real.txt", "old")
    (workplace.folder / "link.txt").symlink_to(real)
    await workplace.ask(write_file, path="link.txt", content="new")
    assert real.read_text() == "new"
    assert (workplace.folder / "link.txt").is_symlink()


async def test_only_new_syntax_errors_are_warned_about(workplace: Workplace) -> None:
    first = await workplace.ask(write_file, path="a.py", content="def f(:\n")
    assert first["lint"]["status"] == "error"
    assert "line 1" in first["_warning"]
    second = await workplace.ask(write_file, path="a.py", content="def f(:\n  pass\n")
    assert second["lint"]["status"] == "preexisting"
    assert "_warning" not in second


async def test_people_see_a_diff(workplace: Workplace) -> None:
    workplace.write("a.txt", "one\ntwo\n")
    result = await workplace.call(write_file, path="a.txt", content="one\n2\n")
    assert result.detail is not None
    assert "-two\n+2" in result.detail


async def test_what_cannot_be_written_is_a_sentence(workplace: Workplace) -> None:
    workplace.write("file", "x")
    assert "can't be written" in (await workplace.refusal(write_file, path="file/below", content=""))["error"]
    assert "directory" in (await workplace.refusal(write_file, path=".", content=""))["error"]
    assert "can't be stored" in (await workplace.refusal(write_file, path="a", content="\ud800"))["error"]


async def test_writes_are_confined_to_the_safe_roots(workplace: Workplace) -> None:
    (workplace.folder / "in").mkdir()
    workplace.context.write_roots = (str(workplace.folder / "in"),)
    await workplace.ask(write_file, path="in/a", content="x")
    refused = await workplace.refusal(write_file, path="in/../b", content="x")
    assert "HERMES_WRITE_SAFE_ROOT" in refused["error"]


async def test_a_page_has_no_more_lines_than_is_set(workplace: Workplace) -> None:
    workplace.write("a.txt", "".join(f"line {number}\n" for number in range(1, 3_001)))
    whole = await workplace.ask(read_file, path="a.txt", limit=9_999)
    assert (whole["next_offset"], whole["truncated_by"]) == (2_001, "limit")
    workplace.context.settings.tool_output.max_lines = 3
    page = await workplace.ask(read_file, path="a.txt")
    assert (page["content"].count("\n"), page["next_offset"], page["truncated_by"]) == (2, 4, "limit")
    workplace.context.settings.tool_output.max_lines = 5_000
    assert (await workplace.ask(read_file, path="a.txt", limit=9_999))["truncated"] is False
