"""Masked text keeps its lines, and its traces are recognised."""

from hypothesis import given
from hypothesis import strategies as st

from hermes.tools.hidden_secrets import masked_fragments, masked_lines

pieces = st.sampled_from(
    ["plain text", "", "API_KEY=abcdef1234567", "token: sk-abcdefghijklmnop123456", "-----BEGIN PRIVATE KEY-----",
     "MIIxyz", "-----END PRIVATE KEY-----", "password = 'hunter2222'"]
)  # fmt: skip


@given(st.lists(pieces, min_size=1, max_size=20))
def test_masking_keeps_the_number_of_lines(lines: list[str]) -> None:
    assert len(masked_lines(lines, ())) == len(lines)


@given(st.lists(pieces, min_size=1, max_size=20))
def test_a_fragment_is_never_in_the_file_itself(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert all(fragment not in text for fragment in masked_fragments(text, ()))


def test_what_follows_a_masked_block_stays_in_its_line() -> None:
    lines = ["a", "-----BEGIN PRIVATE KEY-----", "MII", "-----END PRIVATE KEY-----", "b", "c"]
    shown = masked_lines(lines, ())
    assert (shown[0], shown[4:]) == ("a", ["b", "c"])
    assert "MII" not in "".join(shown)


def test_a_fragment_reaches_up_to_the_mask() -> None:
    assert masked_fragments("x\nexport API_KEY=abcdef1234567 # mine\n", ()) == ["export API_KEY=***"]
    assert masked_fragments("nothing here\n", ()) == []
    assert masked_fragments("say correct horse\n", ["correct horse"]) == ["say ***"]
    assert masked_fragments("export API_KEY=sk-abcdefghijklmnop123\n", ()) == [
        "export API_KEY=sk-abc...",
        "API_KEY=sk-abc...",
    ]
