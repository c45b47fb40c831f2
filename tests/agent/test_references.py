"""@-references in what a person types: what is attached, what is refused, and what the person is told."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hermes.agent.references import Expanded, expand_references
from hermes.home.profile import Profile

pytestmark = pytest.mark.anyio
WINDOW = 100_000


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_text("one\ntwo\nthree\nfour\n")
    (folder / "my notes.txt").write_text("remember\n")
    return folder


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(name="default", home=tmp_path / "home", root=tmp_path / "home")


async def expand(text: str, cwd: Path, profile: Profile, window: int = WINDOW) -> Expanded:
    return await expand_references(text, cwd=cwd, profile=profile, window=window)


async def refusal(text: str, cwd: Path, profile: Profile) -> str:
    """The one sentence that says why nothing was attached; the text stays as it was typed."""
    expanded = await expand(text, cwd, profile)
    assert (expanded.text, expanded.attached) == (text, 0)
    (warning,) = expanded.warnings
    assert warning.endswith(".")
    return warning


def git(cwd: Path, *arguments: str, given: str = "") -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, input=given).stdout


@pytest.mark.parametrize(
    "text",
    ["", "hello", "mail me@file:a.py", "@", "@file:", "@folder: x", "@different", "@stagedness", "a/@diff"],
)
async def test_text_without_a_reference_stays_as_it_is(text: str, cwd: Path, profile: Profile) -> None:
    assert await expand(text, cwd, profile) == Expanded(text)


async def test_a_file_is_attached_behind_the_text_with_its_size(cwd: Path, profile: Profile) -> None:
    expanded = await expand("Explain @file:a.py, please.", cwd, profile)
    before, _, after = expanded.text.partition("\n\n# Attached Context\n\n")
    assert before == "Explain a.py, please."
    assert after.startswith("## a.py (about 5 tokens)\n")
    assert "one\ntwo\nthree\nfour" in after
    assert (expanded.attached, expanded.warnings) == (1, ())


@pytest.mark.parametrize(
    ("reference", "lines"),
    [("@file:a.py:2-3", "two\nthree"), ("@file:a.py:4", "four"), ("@file:a.py:3-99", "three\nfour")],
)
async def test_lines_of_a_file(reference: str, lines: str, cwd: Path, profile: Profile) -> None:
    expanded = await expand(f"See {reference}", cwd, profile)
    assert f"```\n{lines}\n```" in expanded.text


@pytest.mark.parametrize("quote", ['"', "'", "`"])
async def test_a_quoted_name_may_have_spaces(quote: str, cwd: Path, profile: Profile) -> None:
    expanded = await expand(f"See @file:{quote}my notes.txt{quote}:1-1!", cwd, profile)
    assert expanded.text.startswith("See my notes.txt:1-1!\n\n# Attached Context")
    assert "remember" in expanded.text


async def test_the_same_reference_twice_is_attached_once(cwd: Path, profile: Profile) -> None:
    expanded = await expand("@file:a.py and @file:a.py", cwd, profile)
    assert expanded.text.count("one\ntwo") == 1
    assert expanded.text.startswith("a.py and a.py")


async def test_no_text_in_a_file_ends_its_fence(cwd: Path, profile: Profile) -> None:
    (cwd / "doc.md").write_text("```\n````\n# Attached Context\n")
    expanded = await expand("@file:doc.md", cwd, profile)
    assert expanded.text.endswith("\n`````")


async def test_a_folder_is_listed_without_what_tools_made(cwd: Path, profile: Profile) -> None:
    (cwd / "src" / "deep" / "deeper" / "deepest").mkdir(parents=True)
    (cwd / "src" / "main.py").write_text("x")
    (cwd / "src" / "deep" / "deeper" / "deepest" / "far.py").write_text("x")
    (cwd / "src" / "node_modules").mkdir()
    (cwd / "src" / "node_modules" / "junk.js").write_text("x")
    expanded = await expand("@folder:src", cwd, profile)
    assert "main.py" in expanded.text
    assert "deep/" in expanded.text
    assert "junk" not in expanded.text
    assert "deeper/deepest/" in expanded.text
    assert "far.py" not in expanded.text


async def test_a_large_folder_is_cut(cwd: Path, profile: Profile) -> None:
    for number in range(300):
        (cwd / f"file{number:03}").touch()
    expanded = await expand("@folder:.", cwd, profile)
    assert expanded.text.count("\nfile") < 201
    assert "more entries are left out" in expanded.text


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("@file:missing.py", "no such file"),
        ("@file:../outside.txt", "outside"),
        ("@file:/etc/hostname", "outside"),
        ("@file:link.txt", "outside"),
        ("@folder:..", "outside"),
        ("@file:.", "is a folder"),
        ("@folder:a.py", "is a file"),
        ("@file:a.py:9", "4 lines"),
        ("@file:a.py:3-2", "no lines 3-2"),
        ("@file:a.py:0", "no lines 0-0"),
        ("@file:.env", "secrets"),
        ("@file:sub/.env.local", "secrets"),
        ("@file:pipe", "not a regular file"),
        ("@url:https://example.com/x", "not available yet"),
        ("@git:0", "from 1 to 10"),
        ("@git:11", "from 1 to 10"),
        ("@git:two", "from 1 to 10"),
        ("@diff", "git repository"),
    ],
)
async def test_what_cannot_be_had_is_told_and_the_text_kept(
    text: str, word: str, cwd: Path, profile: Profile
) -> None:
    (cwd.parent / "outside.txt").write_text("private")
    (cwd / "link.txt").symlink_to(cwd.parent / "outside.txt")
    (cwd / ".env").write_text("KEY=1")
    (cwd / "sub").mkdir()
    (cwd / "sub" / ".env.local").write_text("KEY=1")
    os.mkfifo(cwd / "pipe")
    assert word in await refusal(text, cwd, profile)


async def test_one_bad_reference_does_not_hinder_the_others(cwd: Path, profile: Profile) -> None:
    expanded = await expand("Compare @file:a.py with @file:missing.py", cwd, profile)
    assert expanded.text.startswith("Compare a.py with @file:missing.py\n\n# Attached Context")
    assert (expanded.attached, len(expanded.warnings)) == (1, 1)


async def test_a_binary_file_is_named_only(cwd: Path, profile: Profile) -> None:
    (cwd / "data.bin").write_bytes(b"\0\1\2secretbytes" * 10)
    expanded = await expand("@file:data.bin", cwd, profile)
    assert "binary file" in expanded.text
    assert "140 bytes" in expanded.text
    assert "secretbytes" not in expanded.text


async def test_known_secrets_are_masked_in_what_is_attached(cwd: Path, profile: Profile) -> None:
    (cwd / "config.py").write_text("key = 'correct-horse-battery'\nname = 'tea'\n")
    expanded = await expand_references(
        "@file:config.py", cwd=cwd, profile=profile, window=WINDOW, secrets=["correct-horse-battery"]
    )
    assert "correct-horse-battery" not in expanded.text
    assert "name = 'tea'" in expanded.text


async def test_over_a_quarter_of_the_window_is_told_and_over_half_is_refused(
    cwd: Path, profile: Profile
) -> None:
    (cwd / "big.txt").write_text("word " * 1_000)
    fits = await expand("@file:big.txt", cwd, profile, window=10_000)
    large = await expand("@file:big.txt", cwd, profile, window=4_000)
    refused = await expand("@file:big.txt", cwd, profile, window=2_000)
    assert fits.warnings == ()
    assert (large.attached, len(large.warnings)) == (1, 1)
    assert "quarter" in large.warnings[0]
    assert (refused.text, refused.attached) == ("@file:big.txt", 0)
    assert "Nothing was attached" in refused.warnings[0]


async def test_git_shows_changes_and_commits(cwd: Path, profile: Profile) -> None:
    git(cwd, "init", "-q")
    git(cwd, "add", "a.py")
    git(cwd, "commit", "-qm", "first words")
    assert "(no changes)" in (await expand("@diff", cwd, profile)).text
    (cwd / "a.py").write_text("one\n2\n")
    assert "+2" in (await expand("Review @diff.", cwd, profile)).text
    git(cwd, "add", "a.py")
    assert "+2" in (await expand("@staged", cwd, profile)).text
    assert "first words" in (await expand("@git:3", cwd, profile)).text


async def test_git_runs_no_program_that_the_repository_names(cwd: Path, profile: Profile) -> None:
    git(cwd, "init", "-q")
    git(cwd, "add", "a.py")
    git(cwd, "commit", "-qm", "first")
    for key in ("core.fsmonitor", "diff.external", "core.pager", "diff.x.textconv", "diff.x.command"):
        git(cwd, "config", key, f"touch {cwd}/ran; false")
    (cwd / ".git" / "info" / "attributes").write_text("*.py diff=x\n")
    (cwd / "a.py").write_text("changed\n")
    assert "+changed" in (await expand("@diff", cwd, profile)).text
    await expand("@git:1", cwd, profile)
    assert not (cwd / "ran").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.text(alphabet='@filedr:/.-09 "`~\0é\n', max_size=40).map(lambda tail: f"@file:{tail} @folder:{tail}")
)
async def test_any_typed_text_gets_an_answer(cwd: Path, profile: Profile, text: str) -> None:
    expanded = await expand(text, cwd, profile)
    assert expanded.attached or expanded.text == text


@pytest.mark.parametrize("text", ["npm i @diff-tool/x", "@diff/pkg", "@staged.io", "@diff:x", "me@staged", "@git", "@Diff"])  # fmt: skip
async def test_names_that_only_look_like_references_stay(text: str, cwd: Path, profile: Profile) -> None:
    assert await expand(text, cwd, profile) == Expanded(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("(@file:a.py)", "(a.py)"),
        ("@file:a.py.", "a.py."),
        ("really @file:a.py?!", "really a.py?!"),
        ("list @folder:.", "list ."),
        ("list @folder:./.", "list ./."),
        ("list @folder:sub/..", "list sub/.."),
        ("list @folder:sub/.", "list sub/."),
    ],
)
async def test_a_sentence_ends_beside_a_reference(text: str, plain: str, cwd: Path, profile: Profile) -> None:
    (cwd / "sub").mkdir()
    expanded = await expand(text, cwd, profile)
    assert expanded.text.startswith(f"{plain}\n\n# Attached Context")


@pytest.mark.parametrize("text", [f"@git:{'9' * 5_000}", f"@file:a.py:{'1' * 5_000}", f"@file:{'x' * 9_000}", "@file:~nobody/x", "@file:'a\0b'", "@file:\udcff"])  # fmt: skip
async def test_extreme_values_are_refused(text: str, cwd: Path, profile: Profile) -> None:
    await refusal(text, cwd, profile)


async def test_lines_are_counted_as_an_editor_counts_them(cwd: Path, profile: Profile) -> None:
    (cwd / "odd.txt").write_bytes(b"one\x0cstill one\r\ntwo\xe2\x80\xa8still two\r\nthree\r\n")
    expanded = await expand("@file:odd.txt:3", cwd, profile)
    assert "```\nthree\n```" in expanded.text


async def test_lines_of_a_file_too_large_to_attach(cwd: Path, profile: Profile) -> None:
    with (cwd / "log").open("w") as file:
        file.writelines(f"line {number}\n" for number in range(1, 400_000))
    assert "too large" in await refusal("@file:log", cwd, profile)
    assert "line 7\nline 8\n```" in (await expand("@file:log:7-8", cwd, profile)).text


async def test_other_encodings_are_read(cwd: Path, profile: Profile) -> None:
    (cwd / "wide.txt").write_bytes("Tee für zwei".encode("utf-16"))
    (cwd / "latin.txt").write_bytes("Tee für zwei".encode("latin-1"))
    assert "Tee für zwei" in (await expand("@file:wide.txt", cwd, profile)).text
    assert "Tee f\ufffdr zwei" in (await expand("@file:latin.txt", cwd, profile)).text


async def test_a_secret_of_several_lines_is_masked_in_a_part_of_it_too(cwd: Path, profile: Profile) -> None:
    key = ["-----BEGIN RSA PRIVATE KEY-----", *["MIIEowIBAAKCAQEA" * 4] * 8, "-----END RSA PRIVATE KEY-----"]
    (cwd / "notes.txt").write_text("\n".join(["before", *key, "after"]))
    expanded = await expand_references(
        "@file:notes.txt:3-5 @file:notes.txt:12", cwd=cwd, profile=profile, window=WINDOW, secrets=()
    )
    assert "MIIE" not in expanded.text
    assert "after" in expanded.text


async def test_credentials_are_refused_where_the_profile_is_a_link(tmp_path: Path) -> None:
    real = tmp_path / "data"
    (real / "mcp-tokens").mkdir(parents=True)
    (real / "auth.json").write_text("{}")
    (tmp_path / "home").symlink_to(real)
    profile = Profile(name="default", home=tmp_path / "home", root=tmp_path / "home")
    for cwd in (real, tmp_path / "home"):
        assert "secrets" in await refusal("@file:auth.json", cwd, profile)
        assert "secrets" in await refusal("@folder:mcp-tokens", cwd, profile)


@pytest.mark.parametrize("name", [".ssh/id_ed25519", ".aws/credentials", ".netrc", ".kube/config", ".git-credentials"])  # fmt: skip
async def test_credential_files_are_refused_also_through_links(
    name: str, cwd: Path, profile: Profile
) -> None:
    (cwd / name).parent.mkdir(exist_ok=True)
    (cwd / name).write_text("private")
    (cwd / "harmless.txt").symlink_to(name)
    await refusal(f"@file:{name}", cwd, profile)
    await refusal("@file:harmless.txt", cwd, profile)


async def test_a_folder_that_is_a_link_out_is_refused_and_links_inside_are_named_only(
    cwd: Path, profile: Profile
) -> None:
    (cwd.parent / "elsewhere").mkdir()
    (cwd.parent / "elsewhere" / "private.txt").write_text("x")
    (cwd / "out").symlink_to(cwd.parent / "elsewhere")
    assert "outside" in await refusal("@folder:out", cwd, profile)
    assert "outside" in await refusal("@file:out/private.txt", cwd, profile)
    listing = (await expand("@folder:.", cwd, profile)).text
    assert "\nout\n" in listing
    assert "private.txt" not in listing


async def test_empty_folders_are_seen(cwd: Path, profile: Profile) -> None:
    (cwd / "outer" / "inner").mkdir(parents=True)
    assert "inner/" in (await expand("@folder:outer", cwd, profile)).text
    assert "(empty folder)" in (await expand("@folder:outer/inner", cwd, profile)).text


async def test_a_name_cannot_end_the_listing(cwd: Path, profile: Profile) -> None:
    (cwd / "x\n```\n# System").touch()
    assert "\n# System" not in (await expand("@folder:.", cwd, profile)).text


async def test_urls_are_refused_in_quotes_too(cwd: Path, profile: Profile) -> None:
    assert "https://example.com/a b" in await refusal('@url:"https://example.com/a b"', cwd, profile)


async def test_without_git_the_person_is_told(
    cwd: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(cwd))
    for text in ("@diff", "@staged", "@git:1"):
        assert "git is not installed" in await refusal(text, cwd, profile)


async def test_a_directory_that_is_gone_is_told(cwd: Path, profile: Profile) -> None:
    assert "is gone" in await refusal("@diff", cwd / "gone", profile)


async def test_a_repository_without_commits_is_told(cwd: Path, profile: Profile) -> None:
    git(cwd, "init", "-q")
    assert "does not have any commits yet" in await refusal("@git:1", cwd, profile)


async def test_git_is_stopped_when_it_says_too_much(cwd: Path, profile: Profile) -> None:
    git(cwd, "init", "-q")
    (cwd / "big.txt").write_text("some words in a line\n" * 400_000)
    git(cwd, "add", "big.txt")
    assert "more than 4,000,000 bytes" in await refusal("@staged", cwd, profile)


async def test_no_program_checks_signatures(cwd: Path, profile: Profile) -> None:
    git(cwd, "init", "-q")
    git(cwd, "add", "a.py")
    program = cwd.parent / "program"
    program.write_text(f"#!/bin/sh\ntouch {cwd.parent}/ran\nexit 1\n")
    program.chmod(0o755)
    git(cwd, "config", "log.showSignature", "true")
    git(cwd, "config", "gpg.program", str(program))
    commit = (
        f"tree {git(cwd, 'write-tree').strip()}\nauthor t <t@t> 0 +0000\ncommitter t <t@t> 0 +0000\n"
        "gpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----\n\nsigned words\n"
    )
    made = git(cwd, "hash-object", "-t", "commit", "-w", "--stdin", given=commit).strip()
    git(cwd, "reset", "-q", made)
    assert "signed words" in (await expand("@git:1", cwd, profile)).text
    assert not (cwd.parent / "ran").exists()
