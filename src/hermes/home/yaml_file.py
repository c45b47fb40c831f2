"""Reading a YAML file so that everything in it can be found again by line."""

from pathlib import Path
from typing import Any

import yaml

from hermes.home.errors import ConfigError
from hermes.home.key_paths import KeyPath, dotted

LARGEST_BYTES = 4_194_304
MOST_VALUES = 100_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document:
    """A mapping read from a file, with its node tree."""

    def __init__(self, file: Path, text: str) -> None:
        """Raises ConfigError when the text is no YAML, no mapping, or names a key twice."""
        self.file = file
        self.text = text
        self.root: yaml.MappingNode | None = None
        self.data: dict[str, Any] = {}
        loader = None
        try:
            loader = _Loader(text)
            root = loader.get_single_node()
            if root is None or _is_null(root):
                return
            if not isinstance(root, yaml.MappingNode):
                raise ConfigError(
                    "the file must hold `key: value` lines.", file=file, line=root.start_mark.line + 1
                )
            self.root = root
            self._refuse_endless(root)
            self._refuse_duplicates(root, (), set())
            self.data = loader.construct_document(root)
        except yaml.YAMLError as error:
            raise self._broken(error) from error
        except (ValueError, RecursionError) as error:  # an impossible date; an endless nest
            raise ConfigError(f"a value can't be read ({error}); put it in quotes.", file=file) from error
        finally:
            if loader is not None:
                loader.dispose()

    def line_of(self, path: KeyPath) -> int | None:
        """The line (from 1) of a key or list entry; when it is missing, of the nearest one above it."""
        node: yaml.Node | None = self.root
        line: int | None = None
        for part in path:
            found: tuple[yaml.Node, yaml.Node] | None = None
            if isinstance(node, yaml.MappingNode):
                found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                found = (node.value[part], node.value[part])
            if found is None:
                break
            line = found[0].start_mark.line + 1
            node = found[1]
        return line

    def _refuse_endless(self, root: yaml.Node) -> None:
        """Aliases can make a short text mean a huge or an endless value."""
        sizes: dict[int, int] = {}

        def size(node: yaml.Node) -> int:
            known = sizes.get(id(node))
            if known is not None:
                return known
            sizes[id(node)] = MOST_VALUES  # what it counts as while it contains itself
            if isinstance(node, yaml.MappingNode):
                total = 1 + sum(size(part) for pair in node.value for part in pair)
            elif isinstance(node, yaml.SequenceNode):
                total = 1 + sum(size(part) for part in node.value)
            else:
                total = 1
            sizes[id(node)] = total
            return total

        if size(root) >= MOST_VALUES:
            raise ConfigError(
                f"its aliases stand for more than {MOST_VALUES:,} values; write them out.", file=self.file
            )

    def _refuse_duplicates(self, node: yaml.Node, path: KeyPath, seen: set[int]) -> None:
        if id(node) in seen:  # an alias
            return
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            for index, entry in enumerate(node.value):
                self._refuse_duplicates(entry, (*path, index), seen)
        elif isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode):
                    raise ConfigError("a key must be a single word.", file=self.file, line=line)
                place = (*path, key.value)
                if key.value in lines and key.tag != "tag:yaml.org,2002:merge":
                    first = lines[key.value]
                    raise ConfigError(
                        f"`{dotted(place)}` is set twice, first on line {first}; remove one of them.",
                        file=self.file,
                        line=line,
                        key=dotted(place),
                    )
                lines[key.value] = line
                self._refuse_duplicates(value, place, seen)

    def _broken(self, error: yaml.YAMLError) -> ConfigError:
        line: int | None = None
        problem = str(error).splitlines()[0]
        if isinstance(error, yaml.MarkedYAMLError):
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else None
            problem = error.problem or error.context or problem
        elif isinstance(error, yaml.reader.ReaderError) and isinstance(error.position, int):
            line = self.text.count("\n", 0, error.position) + 1
            problem = "a character that YAML does not allow"
        return ConfigError(f"this is not valid YAML: {problem}.", file=self.file, line=line)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def read_document(file: Path) -> Document | None:
    """The file's document; None when there is no such file. Raises ConfigError when what stands there can't
    be a configuration: settings that can't be read must never count as none."""
    if file.is_symlink() and not file.exists():
        raise ConfigError("the link leads nowhere; mend it or remove it.", file=file)
    if file.exists() and not file.is_file():
        raise ConfigError("this is no regular file; put the settings into one.", file=file)
    if file.exists() and file.stat().st_size > LARGEST_BYTES:
        raise ConfigError(f"the file is larger than {LARGEST_BYTES:,} bytes.", file=file)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError("the file is not UTF-8 text; save it as UTF-8.", file=file, line=line) from error
    except OSError as error:
        raise ConfigError(f"the file can't be read: {error.strerror}.", file=file) from error
    return Document(file, text)
