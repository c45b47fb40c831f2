"""Changing files in part: what is found, what is refused, and that a failure changes nothing."""

import os
from pathlib import Path

import pytest

from hermes.tools.files import read_file
from hermes.tools.patch import patch
from tests.tools.conftest import Workplace

pytestmark = pytest.mark.anyio


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


async def test_a_unique_text_is_replaced(workplace: Workplace) -> None:
    path = workplace.write("a.py", "x = 1\ny = 2\n")
    path.chmod(0o755)
    result = await workplace.call(patch, path="a.py", old_string="x = 1", new_string="x = 3")
    assert path.read_text() == "x = 3\ny = 2\n"
    assert path.stat().st_mode & 0o777 == 0o755
    assert result.detail is not None
    assert "-x = 1\n+x = 3" in result.detail


async def test_the_result_names_files_and_lint(workplace: Workplace) -> None:
    path = workplace.write("a.py", "x = 1\n")
    result = await workplace.ask(
        patch, mode="replace", path="a.py", old_string="x = 1\n", new_string="x = (\n"
    )
    assert result["success"] is True
    assert result["files_modified"] == [str(path)]
    assert result["resolved_path"] == str(path)
    assert result["lint"]["status"] == "error"
    assert "Fix it" in result["_warning"]


async def test_an_ambiguous_text_is_refused_with_its_lines(workplace: Workplace) -> None:
    path = workplace.write("a.txt", "x\ny\nx\n")
    refusal = await workplace.refusal(patch, path="a.txt", old_string="x", new_string="z")
    assert refusal["lines"] == [1, 3]
    assert "lines 1, 3" in refusal["error"]
    assert path.read_text() == "x\ny\nx\n"
    result = await workplace.ask(patch, path="a.txt", old_string="x", new_string="z", replace_all=True)
    assert (path.read_text(), result["replacements"]) == ("z\ny\nz\n", 2)


async def test_a_loose_match_is_said_to_be_one(workplace: Workplace) -> None:
    path = workplace.write("a.py", "def f():\n    return 1\n")
    result = await workplace.ask(patch, path="a.py", old_string="return  1 ", new_string="return 2")
    assert result["matched_by"] == "indentation"
    assert path.read_text() == "def f():\n    return 2\n"


async def test_line_ends_and_odd_bytes_stay(workplace: Workplace) -> None:
    path = workplace.write("a.txt", b"\xef\xbb\xbfone\r\n\xff\xfe two\r\nthree\r\n")
    await workplace.ask(patch, path="a.txt", old_string="three\n", new_string="3\nfour\n")
    assert path.read_bytes() == b"\xef\xbb\xbfone\r\n\xff\xfe two\r\n3\r\nfour\r\n"
    mixed = workplace.write("m.txt", b"one\r\ntwo\nthree\r\n")
    await workplace.ask(patch, path="m.txt", old_string="two", new_string="2")
    assert mixed.read_bytes() == b"one\r\n2\nthree\r\n"


async def test_repeated_failures_get_firmer_advice(workplace: Workplace) -> None:
    workplace.write("a.txt", "alpha beta\n")
    await workplace.ask(read_file, path="a.txt")
    attempts = [
        await workplace.refusal(patch, path="a.txt", old_string="alpha beto gamma", new_string="x")
        for _ in range(3)
    ]
    assert attempts[0]["nearest_lines"] == "1|alpha beta\n2|"
    assert "stop guessing" not in attempts[1]["error"]
    assert "stop guessing" in attempts[2]["error"]
    assert "content" in await workplace.ask(read_file, path="a.txt")
    await workplace.ask(patch, path="a.txt", old_string="alpha", new_string="x")
    assert (await workplace.refusal(patch, path="a.txt", old_string="zzz", new_string="x"))[
        "failed_edits"
    ] == 1


async def test_a_masked_secret_is_not_taken_for_text(workplace: Workplace) -> None:
    path = workplace.write("run.sh", "export API_KEY=sk-abcdefghijklmnop1234567890\nrest\n")
    for old in ("export API_KEY=sk-abc...7890\nrest", "API_KEY=sk-abc...7890"):
        refusal = await workplace.refusal(patch, path="run.sh", old_string=old, new_string="x")
        assert "masked secret" in refusal["error"]
    hunk = "*** Update File: run.sh\n@@\n export API_KEY=sk-abc...7890\n-rest\n+more"
    assert "masked secret" in (await workplace.refusal(patch, mode="patch", patch=hunk))["error"]
    await workplace.ask(patch, path="run.sh", old_string="rest", new_string="more")
    assert path.read_text() == "export API_KEY=sk-abcdefghijklmnop1234567890\nmore\n"
    missing = await workplace.refusal(patch, path="run.sh", old_string="export API_KE=x", new_string="y")
    assert "abcdefghijklmnop" not in str(missing)


async def test_bad_arguments_are_one_sentence(workplace: Workplace) -> None:
    workplace.write("a.txt", "x")
    workplace.write("b.bin", b"\x00\x01")
    for arguments, words in [
        ({}, "needs 'path'"),
        ({"path": "a.txt"}, "'old_string' is empty"),
        ({"path": "a.txt", "old_string": "x", "new_string": "x"}, "the same"),
        ({"path": "none.txt", "old_string": "x"}, "does not exist"),
        ({"path": "b.bin", "old_string": "x"}, "binary"),
        ({"path": ".", "old_string": "x"}, "directory"),
        ({"mode": "patch"}, "needs 'patch'"),
        ({"mode": "patch", "patch": "nonsense"}, "Nothing was changed"),
    ]:
        refusal = await workplace.refusal(patch, **arguments)
        assert words in refusal["error"]


async def test_a_patch_changes_adds_moves_and_deletes(workplace: Workplace) -> None:
    workplace.write("a.txt", "one\ntwo\n")
    workplace.write("old/b.txt", "bee\n")
    workplace.write("gone.txt", "bye\n")
    text = (
        "*** Begin Patch\n*** Update File: a.txt\n@@\n one\n-two\n+2\n"
        "*** Update File: old/b.txt\n*** Move to: new/b.txt\n@@\n-bee\n+B\n"
        "*** Add File: deep/c.json\n+{}\n*** Delete File: gone.txt\n*** End Patch\n"
    )
    result = await workplace.ask(patch, mode="patch", patch=text)
    folder = workplace.folder
    assert contents(folder) == {
        f"{folder}/a.txt": b"one\n2\n",
        f"{folder}/deep/c.json": b"{}\n",
        f"{folder}/new/b.txt": b"B\n",
    }
    assert result["files_modified"] == [f"{folder}/a.txt", f"{folder}/new/b.txt"]
    assert result["files_created"] == [f"{folder}/deep/c.json"]
    assert set(result["files_deleted"]) == {f"{folder}/old/b.txt", f"{folder}/gone.txt"}


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ("*** Update File: a.txt\n@@\n-absent\n+x", "hunk 1 of a.txt"),
        ("*** Update File: none.txt\n@@\n-x\n+y", "does not exist"),
        ("*** Add File: a.txt\n+x", "exists already"),
        ("*** Delete File: none.txt", "does not exist"),
        ("*** Update File: a.txt\n*** Move to: b.txt", "exists already"),
        ("*** Update File: /etc/hosts\n@@\n-x\n+y", "can't be written"),
        ("*** Delete File: first.txt", "twice"),
    ],
)
async def test_a_patch_that_does_not_fit_changes_nothing(workplace: Workplace, last: str, words: str) -> None:
    for name in ("first.txt", "a.txt", "b.txt"):
        workplace.write(name, "one\n")
    before = contents(workplace.folder)
    text = f"*** Begin Patch\n*** Update File: first.txt\n@@\n-one\n+1\n{last}\n*** End Patch"
    refusal = await workplace.refusal(patch, mode="patch", patch=text)
    assert words in refusal["error"]
    assert "Nothing was changed" in refusal["error"]
    assert contents(workplace.folder) == before


async def test_a_write_that_fails_midway_is_put_back(workplace: Workplace) -> None:
    for name in ("a.txt", "move.txt", "gone.txt"):
        workplace.write(name, f"{name}\n")
    workplace.write("blocker", "a file where a directory is needed\n")
    before = contents(workplace.folder)
    text = (
        "*** Begin Patch\n*** Update File: a.txt\n@@\n-a.txt\n+changed\n*** Add File: new.txt\n+new\n"
        "*** Delete File: gone.txt\n*** Update File: move.txt\n*** Move to: moved.txt\n@@\n-move.txt\n+changed\n"
        "*** Add File: blocker/below.txt\n+x\n*** End Patch"
    )
    refusal = await workplace.refusal(patch, mode="patch", patch=text)
    assert "Everything was put back" in refusal["error"]
    assert contents(workplace.folder) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_read_only_directory_is_a_sentence(workplace: Workplace) -> None:
    workplace.write("locked/a.txt", "x\n")
    (workplace.folder / "locked").chmod(0o555)
    refusal = await workplace.refusal(patch, path="locked/a.txt", old_string="x", new_string="y")
    assert "Permission denied" in refusal["error"]
