"""How the command runner gets to where commands run: its text goes over stdin to any Python 3.8 there.

One way for this machine, a container (`docker exec -i <name> python3 ...`) and another host (`ssh <host>
python3 ...`): start `python3` with `ARGUMENTS`, write `program()`, then speak frames.
"""

import json
from importlib import resources

_MODULES = ("hermes.sandbox.command_keeper", "hermes.sandbox.command_runner")

_LOADER = """
import json, os, sys, types
def read(count):
    data = b""
    while len(data) < count:
        part = os.read(0, count - len(data))
        if not part: sys.exit("The command runner's text was cut short.")
        data += part
    return data
for name, text in json.loads(read(int(read(8)))).items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
module.main()
"""

ARGUMENTS = ("-I", "-S", "-c", _LOADER)
"""For the interpreter: isolated, without site packages, first reading the program."""


def program() -> bytes:
    """The runner's text, as the loader reads it: a length of eight digits, then a mapping module ->
    source."""
    folder = resources.files("hermes.sandbox")
    sources = {name: (folder / f"{name.rpartition('.')[2]}.py").read_text("utf-8") for name in _MODULES}
    text = json.dumps(sources).encode()
    return b"%08d" % len(text) + text
