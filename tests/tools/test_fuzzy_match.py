"""Finding what a model means, and never more than that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.tools import fuzzy_match

CODE = """def first(a):
    if a:
        return 1
    return 2


def second(b):
    value = compute(b, 'x')
    print(f"{value} is here")
    return value
"""


def edited(text: str, old: str, new: str) -> tuple[str, str]:
    found = fuzzy_match.find(text, old, new)
    assert found is not None
    return found.strategy, fuzzy_match.apply(text, found)


@given(st.text("ab \n"), st.text("ab \n", min_size=1), st.text("abc \n"))
def test_an_exact_replacement_is_that_of_str_replace(text: str, old: str, new: str) -> None:
    found = fuzzy_match.find(text, old, new)
    if old in text:
        assert found is not None
        assert found.strategy == "exact"
        assert fuzzy_match.apply(text, found) == text.replace(old, new)
    elif found is not None:
        assert found.strategy != "exact"


@given(st.text("ab\"'\\n \t\n", max_size=60), st.text("ab\"'\\n \t\n", max_size=30))
def test_every_span_lies_in_the_text_and_none_overlap(text: str, old: str) -> None:
    found = fuzzy_match.find(text, old, "new") if old else None
    if found is not None:
        edges = [edge for span in found.spans for edge in span]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= len(text)


@pytest.mark.parametrize(
    ("strategy", "old", "new", "changed"),
    [
        ("exact", "return 1", "return 10", ("return 1", "return 10")),
        ("line_trimmed", "    if a:  \n        return 1\t\n", "    pass\n", ("    if a:\n        return 1\n", "    pass\n")),
        ("whitespace", "    value  =  compute(b,\t'x')\n", "    value = 1\n", ("    value = compute(b, 'x')\n", "    value = 1\n")),
        ("indentation", "if a:\n    return 1", "if not a:\n    return 0", ("if a:\n        return 1", "if not a:\n        return 0")),
        ("escapes", 'if a:\\n        return 1', "if a:\\n        return 7", ("return 1", "return 7")),
        ("boundary_trimmed", "\n\n    if a:\n        return 1\n\n\n\n", "    return 5", ("    if a:\n        return 1", "    return 5")),
        ("unicode", "print(f“{value} is here”)", "print(value)", ('print(f"{value} is here")', "print(value)")),
        (
            "block_anchor",
            "def second(b):\n    value = computed(b, 'y')\n    print(f'{value} is there')\n    return value",
            "def second(b):\n    return 0",
            (CODE[CODE.index("def second") : -1], "def second(b):\n    return 0"),
        ),
        (
            "context",
            "def second(b):\n    value = compute(b, 'x')\n    print(f\"{value} is here\")\n    return values",
            "def second(b):\n    return 0",
            (CODE[CODE.index("def second") : -1], "def second(b):\n    return 0"),
        ),
    ],
)  # fmt: skip
def test_each_strategy_finds_its_kind_of_slip(
    strategy: str, old: str, new: str, changed: tuple[str, str]
) -> None:
    used, after = edited(CODE, old, new)
    assert used == strategy
    assert after == CODE.replace(*changed)


def test_new_text_takes_the_indentation_of_its_place() -> None:
    text = "class A:\n\tdef f(self):\n\t\treturn 1\n"
    _, after = edited(text, "def f(self):\n\treturn 1\n", "def f(self):\n\tx = 2\n\n\treturn x\n")
    assert after == "class A:\n\tdef f(self):\n\t\tx = 2\n\n\t\treturn x\n"


def test_a_guess_without_a_clear_winner_is_no_find() -> None:
    block = "start\n    alpha = 1\n    beta = 2\nend\n"
    assert fuzzy_match.find(block + block, "start\n    alpha = 3\n    beta = 2\nend\n", "x\n") is None


@pytest.mark.parametrize("old", ["something else entirely", "   \n", "def third(c):\n    nothing\n    alike"])
def test_what_is_not_there_is_not_found(old: str) -> None:
    assert fuzzy_match.find(CODE, old, "new") is None


def test_all_occurrences_are_told_with_their_lines() -> None:
    found = fuzzy_match.find(CODE, "return", "yield")
    assert found is not None
    assert fuzzy_match.line_numbers(CODE, found) == [3, 4, 10]


def test_composed_characters_keep_the_rest_of_the_line() -> None:
    text = "say: “ready…” – now\n"
    assert edited(text, '"ready..."', "'go'") == ("unicode", "say: 'go' – now\n")


def test_the_nearest_lines_help_after_a_failure() -> None:
    near = fuzzy_match.nearest_lines(CODE, "    value = compote(c, 'x')\n")
    assert near is not None
    assert "8|    value = compute(b, 'x')" in near
    assert fuzzy_match.nearest_lines(CODE, "zzzzzzzzzzzzzzzzz") is None


@pytest.mark.timeout(10)
def test_a_file_of_one_huge_line_is_no_trap() -> None:
    huge = "xy" * 100_000
    assert fuzzy_match.find(f"{huge}\nq\nend\n", f"{'yx' * 50_000}\nr\nend\n", "new") is None
    assert fuzzy_match.nearest_lines(huge, "yx" * 50_000) is not None
