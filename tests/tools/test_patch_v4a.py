"""The V4A format: what a model can write in it, and what is refused."""

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes.tools import patch_v4a
from hermes.tools.patch_v4a import PatchError

TEXT = "one\ntwo\nthree\ntwo\nfive\n"


def applied(text: str, hunks: str) -> str:
    (change,) = patch_v4a.parse(f"*** Begin Patch\n*** Update File: f\n{hunks}\n*** End Patch")
    return patch_v4a.apply(change, text)


def test_all_four_kinds_of_change_are_read() -> None:
    changes = patch_v4a.parse(
        "*** Begin Patch\n"
        "*** Update File: a.py\n*** Move to: b.py\n@@ def f():\n def f():\n-    old\n+    new\n"
        "*** Add File: n.txt\n+first\n+\n"
        "*** Delete File: d.txt\n"
        "*** Move File: x -> y\n"
        "*** End Patch\n"
    )
    assert [(change.kind, change.path, change.move_to) for change in changes] == [
        ("update", "a.py", "b.py"),
        ("add", "n.txt", None),
        ("delete", "d.txt", None),
        ("update", "x", "y"),
    ]
    assert changes[0].hunks[0].anchor == "def f():"
    assert changes[1].lines == ["first", ""]


@pytest.mark.parametrize(
    ("hunks", "after"),
    [
        ("@@\n one\n-two\n+TWO\n three", "one\nTWO\nthree\ntwo\nfive\n"),
        (" one\n-two\n+TWO\n three", "one\nTWO\nthree\ntwo\nfive\n"),
        ("@@ three\n-two\n+TWO", "one\ntwo\nthree\nTWO\nfive\n"),
        ("@@ -3,2 +3,2 @@ three\n-two\n+TWO", "one\ntwo\nthree\nTWO\nfive\n"),
        ("@@\n one\n-two\n three\n@@\n-two\n five\n+six", "one\nthree\nfive\nsix\n"),
        ("@@\n-five\n+FIVE\n*** End of File", "one\ntwo\nthree\ntwo\nFIVE\n"),
        ("@@ one\n+one and a half", "one\none and a half\ntwo\nthree\ntwo\nfive\n"),
        ("@@\n+six", "one\ntwo\nthree\ntwo\nfive\nsix\n"),
        ("@@\n-one\n-two\n-three", "two\nfive\n"),
    ],
)
def test_hunks_go_where_they_belong(hunks: str, after: str) -> None:
    assert applied(TEXT, hunks) == after


def test_a_file_without_a_last_line_end_keeps_it_so() -> None:
    assert applied("a\nb", "@@\n a\n-b\n+c") == "a\nc"


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ("", "names no file"),
        ("hello", "line 1 comes before"),
        ("*** Update File: ../a\n@@\n-x\n+y", "'..'"),
        ("*** Update File: a\n*** Move to: b/../../c\n@@\n-x\n+y", "'..'"),
        ("*** Update File:\n@@\n-x\n+y", "no path"),
        ("*** Update File: a", "changes no line"),
        ("*** Update File: a\n@@\n?x", "line 3 must begin with"),
        ("*** Add File: a\nno plus", "begins with '+'"),
        ("*** Delete File: a\n+x", "no lines of its own"),
        ("*** Delete File: a\n*** Move to: b", "Only an updated file"),
        ("*** Move File: a", "OLD -> NEW"),
    ],
)
def test_a_bad_patch_is_one_sentence(patch: str, words: str) -> None:
    with pytest.raises(PatchError, match=words.replace("+", r"\+").replace(".", r"\.")):
        patch_v4a.parse(patch)


@pytest.mark.parametrize(
    ("hunks", "words"),
    [
        ("@@\n-two\n+TWO", "fit at lines 2, 4"),
        ("@@\n-nowhere to be seen\n+x", "hunk 1 of f are not in the file"),
        ("@@\n-one\n+x\n@@\n-absent line\n+y", "hunk 2 of f"),
    ],
)
def test_a_hunk_that_does_not_fit_is_named(hunks: str, words: str) -> None:
    with pytest.raises(PatchError, match=words):
        applied(TEXT, hunks)


lines = st.lists(
    st.text("abc d", min_size=1, max_size=6).map(str.strip).filter(bool), min_size=1, max_size=12
)


@given(lines, st.lists(st.tuples(st.integers(0, 11), st.sampled_from(["drop", "change", "add"])), max_size=4))
def test_a_patch_made_from_any_edit_applies(original: list[str], edits: list[tuple[int, str]]) -> None:
    before = [f"{number} {line}" for number, line in enumerate(original)]
    after = list(before)
    for number, (place, what) in enumerate(edits):
        at = place % (len(after) + 1)
        if what == "add" or at == len(after):
            after.insert(at, f"new {number}")
        elif what == "drop":
            del after[at]
        else:
            after[at] = f"changed {number}"
    if before == after:
        return
    hunks = [
        "@@" if row.startswith("@@") else row
        for row in difflib.unified_diff(before, after, lineterm="", n=1)
        if not row.startswith(("---", "+++"))
    ]
    text = "".join(f"{line}\n" for line in before)
    assert applied(text, "\n".join(hunks)) == "".join(f"{line}\n" for line in after)
