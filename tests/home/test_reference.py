"""The generated reference is complete, and the list of other products' keys is sound."""

from hermes.home.known_keys import served_keys, upstream_keys
from hermes.home.reference import config_reference


def test_every_setting_is_in_the_reference_with_a_meaning() -> None:
    keys = {entry.key: entry for entry in config_reference()}
    assert {key.replace("<id>", "*").replace("[]", ".*") for key in keys} == served_keys()
    sections = {key.rpartition(".")[0] for key in keys}
    assert [key for key, entry in keys.items() if not entry.doc and key not in sections] == []


def test_an_entry_says_type_default_and_meaning() -> None:
    keys = {entry.key: entry for entry in config_reference()}
    turns = keys["agent.max_turns"]
    assert (turns.type, turns.default) == ("a whole number of at least 1", 90)
    assert turns.doc == "Model calls for one input."
    assert keys["approvals.mode"].type == "one of smart, manual, off"
    assert keys["auxiliary.title_generation.timeout"].default == 30.0
    assert keys["toolsets"].default == ["hermes-cli"]
    assert keys["providers.<id>.key_env"].type == "text"
    assert keys["fallback_providers[].model"].default == ""


def test_other_products_keys_are_read_with_their_sections() -> None:
    keys = upstream_keys()
    assert {"display.user_message_preview", "terminal.docker_image", "mcp_servers"} <= keys
    assert "auxiliary.compression.fallback_chain" in keys
    assert len(keys) > 400
