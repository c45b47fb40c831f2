"""Output: cleaned, bounded, and whole in a file when it does not fit."""

import itertools
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.sandbox.output import LineAssembler, OutputWindow, RollingBuffer, TerminalText, overwritten
from hermes.sandbox.spool import Spool, SpoolFolder


def cleaned(*pieces: bytes) -> str:
    text = TerminalText()
    return "".join(text.feed(piece) for piece in pieces) + text.feed(b"", last=True)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain\n", "plain\n"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07after", "after"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1b(Bcharset\x1b=", "charset"),
        (b"\x1bPdevice\x1b\\x", "x"),
        (b"\x1b[?25l\x1b[2K\x1b[10;20Hhere", "here"),
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"bell\x07 nul\x00", "bell nul"),
        (b"ab\x08c", "ac"),
        (b"_\x08B_\x08o", "Bo"),
        (b"caf\xc3\xa9 \xff", "café \N{REPLACEMENT CHARACTER}"),
        (b"tab\tkept", "tab\tkept"),
        (b"lone escape\x1b", "lone escape"),
    ],
)
def test_terminal_control_is_removed(raw: bytes, shown: str) -> None:
    assert cleaned(raw) == shown


SEQUENCES = st.sampled_from(
    [
        b"\x1b[31m",
        b"\x1b[0m",
        b"\x1b]0;t\x07",
        b"\x1b]8;;u\x1b\\",
        b"\r\n",
        b"\n",
        b"text",
        "é€🙂".encode(),
        b"\x1b(B",
    ]
)


@given(st.lists(SEQUENCES, max_size=12).map(b"".join), st.lists(st.integers(0, 80), max_size=6))
def test_where_the_bytes_are_cut_makes_no_difference(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    assert cleaned(*pieces) == cleaned(data)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_give_text_without_control_characters(data: bytes, cut: int) -> None:
    text = cleaned(data[:cut], data[cut:])
    assert not [character for character in text if ord(character) < 32 and character not in "\n\t\r"]


def test_a_progress_display_counts_once() -> None:
    lines = LineAssembler()
    text = (
        "".join(lines.feed(f"\r{percent} %") for percent in range(101))
        + lines.feed("\ndone\n")
        + lines.rest()
    )
    assert text == "100 %\ndone\n"
    assert overwritten("10 %\r20 %\r") == "20 %"


def make_window(tmp_path: Path, limit: int = 100) -> OutputWindow:
    return OutputWindow(limit, SpoolFolder(tmp_path / "spool").new)


def test_what_fits_is_whole_and_needs_no_file(tmp_path: Path) -> None:
    window = make_window(tmp_path)
    window.feed(b"x" * 60)
    window.feed(b"y" * 40)
    window.close()
    assert window.text() == "x" * 60 + "y" * 40
    assert window.spool_path is None
    assert not (tmp_path / "spool").exists()


def test_what_does_not_fit_keeps_head_and_tail_and_counts_the_rest(tmp_path: Path) -> None:
    window = make_window(tmp_path)
    whole = "".join(f"line {number}\n" for number in range(1000))
    for start in range(0, len(whole), 7):
        window.feed(whole[start : start + 7].encode())
    window.close()
    head, note, tail = (
        window.text().partition("\n[... ")[0],
        window.text(),
        window.text().rpartition("...]\n")[2],
    )
    assert head == whole[:40]
    assert tail == whole[-60:]
    assert f"{len(whole) - 100:,} characters left out; all of it is in {window.spool_path}" in note
    assert Path(str(window.spool_path)).read_text() == whole
    assert window.bytes == len(whole)


def test_spool_files_are_private_and_capped(tmp_path: Path) -> None:
    folder = SpoolFolder(tmp_path / "spool", file_limit=1000)
    window = OutputWindow(10, folder.new)
    window.feed(b"a" * 50_000)
    window.close()
    file = Path(str(window.spool_path))
    assert 1000 < file.stat().st_size < 1100
    assert file.stat().st_mode & 0o777 == 0o600


def test_old_spool_files_go_and_the_folder_stays_below_its_limit(tmp_path: Path) -> None:
    import os
    import time

    folder = SpoolFolder(tmp_path, file_limit=100, folder_limit=350)
    names = [tmp_path / f"{number}.txt" for number in range(4)]
    for age, name in zip((8 * 86_400, 300, 200, 100), names, strict=True):
        name.write_bytes(b"x" * 100)
        os.utime(name, (time.time() - age, time.time() - age))
    new = folder.new()
    new.close()
    assert [name.exists() for name in names] == [False, False, True, True]


def test_a_full_disk_ends_the_spool_and_not_the_command(tmp_path: Path) -> None:
    window = OutputWindow(100, lambda: Spool(Path("/dev/full")))
    window.feed(b"b" * 1_000_000)
    window.close()
    assert window.text().startswith("b" * 40)
    assert "could not be kept" in window.text()


def test_a_rolling_buffer_keeps_the_last_part_and_its_offsets() -> None:
    buffer = RollingBuffer(100)
    buffer.feed("é\x1b[0m1\n".encode())
    text, offset = buffer.read()
    assert (text, offset) == ("é1\n", 4)
    buffer.feed(b"two\n")
    assert buffer.read(offset) == ("two\n", 8)
    buffer.feed(b"z" * 5000)
    assert buffer.read(0) == ("z" * 100, 5008)
    assert buffer.read(99999) == ("", 5008)


def test_memory_stays_flat_while_a_command_writes_a_hundred_megabytes(tmp_path: Path) -> None:
    script = f"""
        import asyncio, resource
        from pathlib import Path
        from hermes.sandbox.local import LocalSandbox

        async def main():
            sandbox = LocalSandbox(
                cwd="/", environment={{"PATH": "/usr/bin:/bin"}}, spool_folder=Path({str(tmp_path)!r})
            )
            await sandbox.run("true", session="a", timeout=9)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            result = await sandbox.run("yes 'a line of output' | head -c 100000000", session="a", timeout=60)
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(result.output_bytes, len(result.output), (after - before) // 1024)
            await sandbox.close()

        asyncio.run(main())
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    ).stdout
    written, shown, grown_mb = map(int, said.split())
    assert written == 100_000_000
    assert shown < 50_500
    assert grown_mb < 16
