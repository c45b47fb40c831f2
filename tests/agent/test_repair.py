"""Arguments that are almost JSON and names that are almost names: what is mended, and what is refused."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.agent.repair import (
    EXTRA_CLOSERS,
    LONGEST_NAME,
    MOST_LEVELS,
    Repaired,
    canonical,
    repair_arguments,
    repair_name,
)

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


@given(objects)
def test_what_was_mended_reads_back_as_it_is(value: dict[str, object]) -> None:
    mended = repair_arguments(json.dumps(value)[:-1] + ",}}")
    assert mended.arguments == value
    assert repair_arguments(canonical(value)) == Repaired(value)


@given(objects, st.sampled_from(["```json\n{}\n```", "```\n{}```", "```JSON {} ```", "``` json\n{}\n```"]))
def test_a_code_fence_around_an_object_is_taken_off(value: dict[str, object], fence: str) -> None:
    assert repair_arguments(fence.format(json.dumps(value))) == Repaired(value, repaired=True)


@pytest.mark.parametrize("text", [None, "", "  \n", "None", "null", '""', '"null"', "```json\n```"])
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
        ("{'says': 'a \"word\"', 'all': [True, False,],}", {"says": 'a "word"', "all": [True, False]}),
        ('{"a": True, "b": "None is not True"}', {"a": True, "b": "None is not True"}),
        ('{"a": "one\ntwo", "b": [1, 2,}}', {"a": "one\ntwo", "b": [1, 2]}),
        ('{"a": {"b": [1]', {"a": {"b": [1]}}),
        ('```json\n{"a": "```"}\n```', {"a": "```"}),
        ('```json\n{"a": 1}', {"a": 1}),
        (json.dumps('{"a": 1,}'), {"a": 1}),
        (' {"a": 1} ', {"a": 1}),
    ],
)
def test_what_can_be_read_in_one_way_is_mended(text: str, meant: dict[str, object]) -> None:
    assert repair_arguments(text) == Repaired(meant, repaired=True)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1',
        '{"a": "text',
        '{"a": "function() {}',
        '{"a": [1, 2, {"b": "x"',
        '{"a',
        "{",
        '{"a": "\\',
        '{"a": 1,',
        '{"a": "}"',
        "{'a': 'x",
        '"{\\"a\\": 1',
        '```json\n{"a": "x\n```',
    ],
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
        ("hello", "line 1"),
        ("ls -la", "line 1"),
        ("1" * 5_000, "5,000 digits"),
        ("```hello```", "line 1"),
        ('{"a": 1} and more', "Extra data"),
        ('{"a": 1e999}', "1e999 is too large"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"cmd": "echo "" done"}', "line 1"),
        ("{'a': 'x' 'y'}", "line 1"),
        ("{'a': r'x'}", "line 1"),
        ("{'a': 0x1f}", "line 1"),
        ("{'a': (1, 2)}", "line 1"),
        ("{1: 2}", "line 1"),
        (json.dumps('{"a": '), "an encoded text"),
        ('[{"a": 1}, {"b": 2}]', "a list"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_a_reason(text: str, word: str) -> None:
    repaired = repair_arguments(text)
    assert (repaired.arguments, repaired.truncated) == (None, False)
    assert word in repaired.error


MONSTERS = {
    "open brackets": "[" * 200_000,
    "nested objects": '{"a":' * 100_000,
    "digits": '{"a": ' + "9" * 10_000 + "}",
    "brackets that do not match": "[" * 50_000 + "}" * 50_000,
    "a fence around blanks": "```" + " " * 100_000 + "x",
    "many empty objects": "{}" * 100_000 + "x",
    "many different objects": "".join(f'{{"a":{number}}}' for number in range(20_000)),
    "quotation marks": '"' * 100_001,
    "backslashes": '{"a":"' + "\\" * 100_001,
    "signs": "{'a':" + "-" * 90_000 + "1}",
    "sums": "{'a':" + "1+" * 40_000 + "1}",
    "hexadecimal": "{'a':0x" + "f" * 90_000 + "}",
    "Python in Python": "{'a':[" * 5_000 + "x" + "]}" * 5_000,
}


@pytest.mark.parametrize("text", MONSTERS.values(), ids=MONSTERS.keys())
def test_monstrous_texts_are_refused_and_soon(text: str) -> None:
    began = time.process_time()
    assert repair_arguments(text).arguments is None
    assert time.process_time() - began < 2  # seconds; what grows with the square takes minutes


@pytest.mark.parametrize("ends", ["[]", '{"a": }'])
def test_levels_are_bounded_because_what_comes_after_recurses(ends: str) -> None:
    first, last = ends[:-1], ends[-1]

    def nested(levels: int) -> str:
        return '{"a": ' + first * (levels - 1) + "1" + last * (levels - 1) + "}"

    fits = repair_arguments(nested(MOST_LEVELS - 1))
    assert fits.arguments is not None
    assert json.loads(canonical(fits.arguments)) == fits.arguments
    for levels in (MOST_LEVELS, 600, 900, 5_000):
        assert repair_arguments(nested(levels)) == Repaired(None, error="it has too many levels")


def test_halves_of_surrogate_pairs_are_replaced() -> None:
    assert repair_arguments('{"a": "\\ud83d x", "b": "\\ud83d\\ude00"}').arguments == {
        "a": "\ufffd x",
        "b": "😀",
    }


TOOLS = [
    "clarify",
    "get_state",
    "link_tasks",
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
        ("termnial", "terminal"),
        ("sesion_serch", "session_search"),
        ("searchFile", "search_files"),
        ("TERMINAL", "terminal"),
        ("`terminal`", "terminal"),
        ("functions.terminal:0", "terminal"),
        ("tools/Read-File", "read_file"),
        ("terminate", None),
        ("unread_file", None),
        ("rewrite_file", None),
        ("unlink_tasks", None),
        ("set_state", None),
        ("dispatch", None),
        ("match", None),
        ("search", None),
        ("process_terminal", None),
        ("mcp__server__terminal", None),
        ("термінал", None),
        ("delete_file", None),
        ("file", None),
        ("browser_click", None),
        ("", None),
        ("!!", None),
    ],
)
def test_a_name_is_mended_when_it_can_mean_one_tool(name: str, meant: str | None) -> None:
    assert repair_name(name, TOOLS) == meant


@given(st.sampled_from(TOOLS), st.integers(0, 30))
def test_a_name_with_any_one_letter_missing_means_its_tool_or_nothing(tool: str, position: int) -> None:
    position %= len(tool)
    assert repair_name(tool[:position] + tool[position + 1 :], TOOLS) in (tool, None)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=20))
def test_a_name_is_never_taken_for_one_of_another_beginning_or_length(name: str) -> None:
    meant = repair_name(name, TOOLS)
    if meant is not None:
        letters, spelt = name.replace("_", "").removesuffix("tool"), meant.replace("_", "")
        assert letters[0] == spelt[0]
        assert abs(len(letters) - len(spelt)) <= meant.count("_") + 1


def test_a_monstrous_name_is_refused() -> None:
    assert repair_name("read_file" + " " * LONGEST_NAME + "x", TOOLS) is None
    assert repair_name("r" * 1_000_000, TOOLS) is None


def test_names_that_differ_in_a_digit_are_two_names() -> None:
    assert repair_name("camera2_photo", ["camera1_photo"]) is None


def test_a_name_between_two_tools_is_refused() -> None:
    assert repair_name("get_itemX", ["get_item1", "get_item2"]) is None
    assert repair_name("GET ITEM", ["get_item", "get-item"]) is None
    assert repair_name("anything", []) is None
