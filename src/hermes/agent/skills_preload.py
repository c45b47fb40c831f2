"""Skills asked for by name (`-s NAME`): found, read and turned into a part of the prompt."""

import difflib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hermes.agent.context_files import scan_all
from hermes.agent.regular_files import read_regular
from hermes.home.errors import HomeError
from hermes.home.profile import Profile
from hermes.home.settings import Settings
from hermes.tools.file_safety import denied_read

SKILL_FILE = "SKILL.md"
DEEPEST = 4
"""Folders below a skills folder that are searched: `[category/]name`, with room for one more level or two."""
MOST_CHARACTERS = 200_000
NAME_CHARACTERS = 64
DESCRIPTION_CHARACTERS = 1_024

_PLATFORMS = {"darwin": "macos", "win32": "windows"}


class SkillError(HomeError):
    """A skill can't be used. The message is one sentence for people."""


class Skill(msgspec.Struct, frozen=True, kw_only=True):
    """A SKILL.md."""

    name: str
    description: str
    folder: Path
    body: str
    """The text after the frontmatter."""
    platforms: tuple[str, ...] = ()
    """`macos`, `linux`, `windows`; empty: all."""


def preload_skills(profile: Profile, settings: Settings, names: Sequence[str]) -> str:
    """The text of the named skills for the prompt. Raises SkillError for the first that can't be used."""
    folders = [folder for _, folder in skill_folders(profile, settings)] if names else []
    skills = [
        _usable(read_skill(_allowed(_named(name, folders), profile)), settings)
        for name in dict.fromkeys(names)
    ]
    return "\n\n".join(_section(skill) for skill in skills)


def skill_folders(profile: Profile, settings: Settings) -> Iterator[tuple[str, Path]]:
    """(name, folder) of every skill; where two have one name, the profile's own comes last and wins."""
    roots = [Path(os.path.expanduser(folder)) for folder in reversed(settings.skills.external_dirs)]
    for root in (*roots, profile.skills):
        for folder in _folders(root):
            yield folder.name, folder


def read_skill(folder: Path) -> Skill:
    """The skill in this folder. Raises SkillError when its SKILL.md can't be read or its head is wrong."""
    path = folder / SKILL_FILE
    text = _text_of(path)
    head, body = _split(text, path)
    name, description = head.get("name") or folder.name, head.get("description") or ""
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARACTERS or not name.isprintable():
        raise SkillError(
            f"{path}: 'name' must be a text of at most {NAME_CHARACTERS} characters on one line."
        )
    if not isinstance(description, str) or len(description) > DESCRIPTION_CHARACTERS:
        raise SkillError(
            f"{path}: 'description' must be a text of at most {DESCRIPTION_CHARACTERS} characters."
        )
    platforms = head.get("platforms") or []
    named = [platforms] if isinstance(platforms, str) else platforms
    if not isinstance(named, list) or not all(isinstance(platform, str) for platform in named):
        raise SkillError(f"{path}: 'platforms' must be a list of macos, linux, windows.")
    return Skill(
        name=name,
        description=description,
        folder=folder,
        body=body.strip(),
        platforms=tuple(platform.lower() for platform in named),
    )


def _text_of(path: Path) -> str:
    try:
        read = read_regular(path, 4 * MOST_CHARACTERS)
        text = "" if read is None else read[0].decode()
    except OSError as error:
        raise SkillError(f"{path} could not be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SkillError(f"{path} could not be read: it is not UTF-8 text.") from error
    if read is None:
        raise SkillError(f"{path} could not be read: it is not a regular file.")
    if len(text) > MOST_CHARACTERS or read[1] > len(read[0]):
        raise SkillError(f"{path} is too long; a skill may have {MOST_CHARACTERS:,} characters.")
    return text


def _folders(root: Path) -> Iterator[Path]:
    """Folders with a SKILL.md, in the order of their names. Linked folders count once, hidden ones never."""
    visited: set[str] = set()
    for folder, below, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        depth = len(Path(folder).relative_to(root).parts)
        if real in visited or SKILL_FILE in files or depth >= DEEPEST:
            below.clear()
        below[:] = sorted(name for name in below if not name.startswith("."))
        if SKILL_FILE in files and real not in visited:
            yield Path(folder)
        visited.add(real)


def _named(name: str, folders: Sequence[Path]) -> Path:
    """The folder of a skill, by its folder's name, with or without the categories before it, or by the name
    in its head. Of several the last is taken."""
    wanted = tuple(part for part in name.strip().split("/") if part)
    fitting = [folder for folder in folders if wanted and folder.parts[-len(wanted) :] == wanted]
    if not fitting:
        fitting = [folder for folder in folders if _headed(folder) == name.strip()]
    if fitting:
        return fitting[-1]
    names = sorted({folder.name for folder in folders})
    near = difflib.get_close_matches("".join(wanted[-1:]).lower(), names, n=1, cutoff=0.5)
    if near:
        raise SkillError(f"There is no skill named '{name}'; did you mean '{near[0]}'?")
    known = f"there are: {', '.join(names[:20])}" if names else "no skills are installed"
    raise SkillError(f"There is no skill named '{name}'; {known}.")


def _headed(folder: Path) -> str | None:
    """The name in a skill's head; None when the skill can't be read, which is told when it is asked for."""
    try:
        return read_skill(folder).name
    except SkillError:
        return None


def _allowed(folder: Path, profile: Profile) -> Path:
    """The folder, unless its SKILL.md is a link to what the agent may not read."""
    real = Profile(name=profile.name, home=profile.home.resolve(), root=profile.root.resolve())
    refusal = denied_read(os.path.realpath(folder / SKILL_FILE), real)
    if refusal:
        raise SkillError(f"The skill '{folder.name}' was not loaded: {refusal}")
    return folder


def _usable(skill: Skill, settings: Settings) -> Skill:
    here = _PLATFORMS.get(sys.platform, "linux")
    if skill.name in settings.skills.disabled or skill.folder.name in settings.skills.disabled:
        raise SkillError(f"The skill '{skill.name}' is disabled; take it out of skills.disabled to use it.")
    if skill.platforms and here not in skill.platforms:
        raise SkillError(f"The skill '{skill.name}' is for {', '.join(skill.platforms)}, not for {here}.")
    findings = scan_all(f"{skill.description}\n{skill.body}")
    if findings:
        path, first = skill.folder / SKILL_FILE, findings[0]
        raise SkillError(
            f"The skill '{skill.name}' was not loaded: {path} holds {first.phrase} (\"{first.excerpt}\")."
        )
    return skill


def _section(skill: Skill) -> str:
    body = skill.body.replace("${HERMES_SKILL_DIR}", str(skill.folder))
    head = (
        f"# Skill: {skill.name}\n\nThe user asked for this skill; follow it. Its files are in {skill.folder}."
    )
    return "\n\n".join(part for part in (head, skill.description, body) if part)


_FRONTMATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


def _split(text: str, path: Path) -> tuple[dict[str, Any], str]:
    """Frontmatter and body. A file without frontmatter is all body."""
    import yaml

    match = _FRONTMATTER.match(text)
    if match is None:
        return {}, text.removeprefix("\ufeff")
    try:
        head = yaml.load(match.group(1), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2024-13-45
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 2}" if mark is not None else ""
        raise SkillError(f"{path}: the head is not YAML{where}.") from error
    if head is not None and not isinstance(head, dict):
        raise SkillError(f"{path}: the head must be keys and values between the '---' lines.")
    return head or {}, text[match.end() :]
