"""Changing one key in YAML text and leaving every other character as it is.

The node tree says where things stand; the change is made in the text. (A round trip through a YAML writer
moves the comment that follows a section into it when a key is added, drops it when a key is removed, and
indents lists anew.) Whether the result means what it should is for the caller to check by reading it.
"""

from typing import Any

import yaml

Path = tuple[str, ...]
_STEP = 2


class EditError(ValueError):
    """The text is written in a way that does not allow this change. The message says what is in the way."""


def set_value(text: str, path: Path, value: Any) -> str:
    """The text with `value` under `path`; what is missing on the way is made."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None:
        start = text if not text or text.endswith("\n") else text + "\n"
        return start + _block(_nested(path, value), 0) + "\n"
    holder = root
    for depth, name in enumerate(path):
        if not isinstance(holder, yaml.MappingNode):
            raise EditError(f"`{'.'.join(path[:depth])}` holds a value of its own")
        pair = _pair(holder, name)
        if pair is None:
            return _insert(text, holder, name, _nested(path[depth + 1 :], value))
        if depth == len(path) - 1:
            return _replace(text, holder, pair, value)
        if isinstance(pair[1], yaml.ScalarNode) and pair[1].tag == "tag:yaml.org,2002:null":
            return _replace(text, holder, pair, _nested(path[depth + 1 :], value))
        holder = pair[1]
    raise EditError("no key is named")


def remove_key(text: str, path: Path) -> str:
    """The text without the key and the sections that it leaves empty. Raises KeyError when it is missing."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    holders: list[yaml.MappingNode] = []
    node = root
    for name in path:
        pair = _pair(node, name) if isinstance(node, yaml.MappingNode) else None
        if pair is None or not isinstance(node, yaml.MappingNode):
            raise KeyError(name)
        holders.append(node)
        node = pair[1]
    while len(holders) > 1 and len(holders[-1].value) == 1:
        holders.pop()
    holder = holders[-1]
    pair = _pair(holder, path[len(holders) - 1])
    if pair is None:
        raise KeyError(path[-1])
    return _cut_from_flow(text, holder, pair) if holder.flow_style else _cut_lines(text, pair)


Pair = tuple[yaml.Node, yaml.Node]


def _pair(holder: yaml.MappingNode, name: str) -> Pair | None:
    return next(((key, value) for key, value in holder.value if key.value == name), None)


def _nested(path: Path, value: Any) -> Any:
    for name in reversed(path):
        value = {name: value}
    return value


def _replace(text: str, holder: yaml.MappingNode, pair: Pair, value: Any) -> str:
    key, old = pair
    if old.start_mark.index < key.start_mark.index:
        raise EditError(f"`{key.value}` is an alias (*name) for another value")
    simple = holder.flow_style or not isinstance(value, dict | list) or not value
    in_place = isinstance(old, yaml.ScalarNode) or (isinstance(old, yaml.CollectionNode) and old.flow_style)
    if simple and in_place and old.start_mark.index < _end(old, text):
        return text[: old.start_mark.index] + _inline(value) + text[_end(old, text) :]
    colon = text.index(":", key.end_mark.index) + 1
    end = max(colon, _end(old, text))
    if simple:
        return f"{text[:colon]} {_inline(value)}{text[end:]}"
    block = _block(value, key.start_mark.column + _STEP)
    return f"{text[:colon]}{_newline(text)}{block}{text[end:]}"


def _insert(text: str, holder: yaml.MappingNode, name: str, value: Any) -> str:
    if holder.flow_style:
        end = holder.end_mark.index - 1
        before = text[:end].rstrip()
        comma = "" if before.endswith(("{", ",")) else ", "
        return f"{before}{comma}{_inline(name)}: {_inline(value)}{text[end:]}"
    first, last = holder.value[0][0], holder.value[-1]
    end = _line_end(text, _pair_end(last, text))
    block = _block({name: value}, first.start_mark.column).replace("\n", _newline(text))
    return f"{text[:end]}{_newline(text)}{block}{text[end:]}"


def _cut_lines(text: str, pair: Pair) -> str:
    start = text.rfind("\n", 0, pair[0].start_mark.index) + 1
    if text[start : pair[0].start_mark.index].strip():
        raise EditError(f"`{pair[0].value}` does not start its line")
    end = text.find("\n", _pair_end(pair, text))
    return text[:start] + (text[end + 1 :] if end >= 0 else "")


def _cut_from_flow(text: str, holder: yaml.MappingNode, pair: Pair) -> str:
    position = next(index for index, (key, _) in enumerate(holder.value) if key is pair[0])
    if position + 1 < len(holder.value):
        return text[: pair[0].start_mark.index] + text[holder.value[position + 1][0].start_mark.index :]
    start = holder.value[position - 1][1].end_mark.index if position else pair[0].start_mark.index
    return text[:start] + text[_pair_end(pair, text) :]


def _pair_end(pair: Pair, text: str) -> int:
    """Where the pair's last character stands; for an alias, whose node is elsewhere, where the key ends."""
    key, value = pair
    return _end(value, text) if value.start_mark.index >= key.start_mark.index else key.end_mark.index


def _end(node: yaml.Node, text: str) -> int:
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _pair_end(node.value[-1], text)
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last, text) if last.start_mark.index >= node.start_mark.index else node.end_mark.index
    start, end = node.start_mark.index, node.end_mark.index
    return start + len(text[start:end].rstrip())  # a block scalar's mark stands on a later line


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


class _Writer(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


def _text(writer: yaml.SafeDumper, value: str) -> yaml.Node:
    style = '"' if "\n" in value else None
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Writer.add_representer(str, _text)


def _dump(value: Any, *, flow: bool) -> str:
    written: str = yaml.dump(
        value, Dumper=_Writer, default_flow_style=flow, allow_unicode=True, sort_keys=False, width=1_000_000
    )
    return written.rstrip("\n")


def _inline(value: Any) -> str:
    """A value as it can stand within a line, in any surroundings."""
    return _dump([value], flow=True)[1:-1]


def _block(value: Any, column: int) -> str:
    indent = " " * column
    return "\n".join(indent + line for line in _dump(value, flow=False).split("\n"))
