"""Widths, tables and short forms."""

from hypothesis import given
from hypothesis import strategies as st

from hermes.cli.text import ago, cells, count, fit, money, plural, seconds, size, table, visible


@given(st.text(max_size=200), st.integers(1, 60))
def test_fit_never_takes_more_columns_than_it_has(text: str, width: int) -> None:
    line = fit(text, width)
    assert cells(line) <= width
    assert "\n" not in line


@given(
    st.lists(st.tuples(st.text(max_size=40), st.text(max_size=40)), min_size=1, max_size=5),
    st.integers(20, 100),
)
def test_a_table_never_takes_more_columns_than_it_has(rows: list[tuple[str, str]], width: int) -> None:
    lines = table(rows, width)
    assert len(lines) == len(rows)
    assert all(cells(line) <= width for line in lines)


def test_wide_and_combining_characters_are_counted_in_cells() -> None:
    assert cells("日本") == 4
    assert cells("e\u0301") == 1
    assert fit("日本語", 5) == "日本…"


def test_control_sequences_lose_their_power() -> None:
    assert "\x1b" not in visible("a\x1b[31mred\x1b]0;title\x07")
    assert visible("a\tb\nc") == "a\tb\nc"


def test_a_table_cuts_the_flexible_column_first() -> None:
    lines = table([("id-1", "a long title that does not fit"), ("id-2", "short")], 20, flexible=1)
    assert lines == ["id-1  a long title…", "id-2  short"]


def test_short_forms() -> None:
    assert [seconds(value) for value in (0.04, 12.3, 245, 7800)] == ["0.0s", "12s", "4m05s", "2h10m"]
    assert [count(value) for value in (840, 12_400, 200_000, 1_200_000)] == ["840", "12.4k", "200k", "1.2M"]
    assert [money(value) for value in (None, 0.0, 0.0042, 1.2)] == ["?", "$0.00", "$0.0042", "$1.20"]
    assert [size(value) for value in (512, 1536, 3 * 1024**2)] == ["512 B", "1.5 KB", "3.0 MB"]
    assert [plural(number, "row") for number in (0, 1, 1200)] == ["0 rows", "1 row", "1,200 rows"]
    assert [ago(0, now) for now in (5, 300, 7200, 3 * 86400)] == ["now", "5m ago", "2h ago", "3d ago"]
