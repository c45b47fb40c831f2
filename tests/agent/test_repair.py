import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.agent.repair import EXTRA_CLOSERS, Repaired, canonical, repair_arguments, repair_name

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(st.text(), values, max_size=5)


@given(objects, st.sampled_from([None, 2]), st.booleans())
def test_a_valid_object_comes_back_equal(value: dict[str, object], indent: int | None, ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)
    assert repair_arguments(text) == Repaired(value)


@given(objects)
def test_an_object_encoded_twice_comes_back_equal(value: dict[str, object]) -> None:
    assert repair_arguments(json.dumps(json.dumps(value))) == Repaired(value, repaired=True)


@given(objects)
def test_canonical_text_reads_back_and_does_not_depend_on_the_order(value: dict[str, object]) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(dict(reversed(value.items()))) == text
    text.encode()


@given(objects, st.integers(0, 200))
def test_a_cut_object_is_never_taken_for_another_text(value: dict[str, object], position: int) -> None:
    """What is cut keeps its whole strings or is refused: no string ever comes back shorter than it was."""
    text = json.dumps({"content": "some words }", **value})
    repaired = repair_arguments(text[: position % len(text)])
    if repaired.arguments:
        assert repaired.arguments.get("content", "some words }") in ("some words }", value.get("content"))


@given(st.text() | st.text(alphabet='{}[]",:\\ \n1aTrue\x00'))
def test_no_text_makes_it_raise(text: str) -> None:
    repaired = repair_arguments(text)
    if repaired.arguments is None:
        assert repaired.error
    else:
        canonical(repaired.arguments).encode()
    repair_name(text, ["read_file", "write_file"])


@pytest.mark.parametrize("text", [None, "", "  \n", "None", "null"])
def test_nothing_is_an_empty_object(text: str | None) -> None:
    assert repair_arguments(text).arguments == {}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('{"a": 1,}', {"a": 1}),
        ('{"a": [1, 2,],}', {"a": [1, 2]}),
        ('{"a": {"b": 1}', {"a": {"b": 1}}),
        ('{"a": [1, 2}', {"a": [1, 2]}),
        ('{"a": 1}}}', {"a": 1}),
        ('{"a": 1}' + "]" * EXTRA_CLOSERS, {"a": 1}),
        ('{"a": "line\none\ttab"}', {"a": "line\none\ttab"}),
        ('{"a": "with } and ] inside", }', {"a": "with } and ] inside"}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('[{"a": 1}]', {"a": 1}),
        ('{}{"a": 1}', {"a": 1}),
        ('{"a": 1}\n{"a": 1}', {"a": 1}),
        ("{'a': 'b', 'c': True, 'd': None}", {"a": "b", "c": True, "d": None}),
        ("{'it': \"isn't\"}", {"it": "isn't"}),
    ],
)
def test_what_can_be_read_in_one_way_is_mended(text: str, meant: dict[str, object]) -> None:
    assert repair_arguments(text) == Repaired(meant, repaired=True)


@pytest.mark.parametrize(
    "text",
    ['{"a": 1', '{"a": "text', '{"a": "function() {}', '{"a": [1, 2, {"b": "x"', '{"a', "{", '{"a": "\\'],
)
def test_what_is_cut_off_is_called_truncated(text: str) -> None:
    repaired = repair_arguments(text)
    assert (repaired.arguments, repaired.truncated) == (None, True)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[1, 2]", "a list"),
        ("7", "a number"),
        ("true", "true or false"),
        ('"text"', "a text"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1}{"b": 2}', "Extra data"),
        ("{'a': 'C:\\new'}", "line 1"),
        ('{"a": 1}' + "}" * (EXTRA_CLOSERS + 1), "Extra data"),
        ("{a: 1}", "line 1"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_a_reason(text: str, word: str) -> None:
    repaired = repair_arguments(text)
    assert (repaired.arguments, repaired.truncated) == (None, False)
    assert word in repaired.error


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 100_000, '{"a": ' + "9" * 10_000 + "}"])
def test_monstrous_texts_are_refused(text: str) -> None:
    assert repair_arguments(text).arguments is None


def test_halves_of_surrogate_pairs_are_replaced() -> None:
    assert repair_arguments('{"a": "\\ud83d x", "b": "\\ud83d\\ude00"}').arguments == {
        "a": "\ufffd x",
        "b": "😀",
    }


TOOLS = [
    "terminal",
    "process",
    "read_file",
    "write_file",
    "search_files",
    "session_search",
    "patch",
    "memory",
]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("read_file", "read_file"),
        ("Read_File", "read_file"),
        ("readFile", "read_file"),
        ("read-file", "read_file"),
        (" read file ", "read_file"),
        ("functions.read_file", "read_file"),
        ("default_api:terminal", "terminal"),
        ("read_file_tool", "read_file"),
        ("read_files", "read_file"),
        ("serch_files", "search_files"),
        ("termnal", "terminal"),
        ("delete_file", None),
        ("file", None),
        ("browser_click", None),
        ("", None),
        ("!!", None),
    ],
)
def test_a_name_is_mended_when_it_can_mean_one_tool(name: str, meant: str | None) -> None:
    assert repair_name(name, TOOLS) == meant


def test_a_name_between_two_tools_is_refused() -> None:
    assert repair_name("get_itemX", ["get_item1", "get_item2"]) is None
    assert repair_name("GET ITEM", ["get_item", "get-item"]) is None
    assert repair_name("anything", []) is None
