"""Searching, over real files in a real sandbox."""

import os

import pytest

from hermes.tools.search_files import search_files
from tests.tools.conftest import Workplace

pytestmark = pytest.mark.anyio


@pytest.fixture
def tree(workplace: Workplace) -> Workplace:
    workplace.write("a.py", "import os\n\ndef find_me(x):\n    return x\n\n# find_me again\n")
    workplace.write("sub dir/b.py", "y = 1\nfind_me(y)\r\n")
    workplace.write("sub dir/it's.txt", "find_me: here\n")
    workplace.write("node_modules/c.py", "find_me = 0\n")
    workplace.write(".github/ci.yml", "run: find_me\n")
    workplace.write("picture.bin", b"find_me\x00\x01")
    return workplace


async def test_matches_come_grouped_by_file(tree: Workplace) -> None:
    found = await tree.ask(search_files, pattern=r"find_\w+\(")
    assert found["total_count"] == 2
    assert found["matches_text"] == (
        f"{tree.folder}/a.py\n3:def find_me(x):\n\n{tree.folder}/sub dir/b.py\n2:find_me(y)"
    )
    assert found["truncated"] is False


async def test_context_lines_and_paging(tree: Workplace) -> None:
    found = await tree.ask(search_files, pattern="find_me", path="a.py", context=1, limit=1)
    assert found["matches_text"].split("\n")[1:] == ["2-", "3:def find_me(x):", "4-    return x"]
    assert (found["total_count"], found["truncated"], found["next_offset"]) == (2, True, 1)
    rest = await tree.ask(search_files, pattern="find_me", path="a.py", offset=1, limit=1)
    assert rest["matches_text"].endswith("\n6:# find_me again")
    assert rest["truncated"] is False


async def test_files_only_and_count(tree: Workplace) -> None:
    found = await tree.ask(search_files, pattern="find_me", output_mode="files_only", file_glob="*.py")
    assert found["files"] == [f"{tree.folder}/a.py", f"{tree.folder}/sub dir/b.py"]
    counted = await tree.ask(search_files, pattern="find_me", output_mode="count")
    assert counted["counts"] == {
        f"{tree.folder}/.github/ci.yml": 1,
        f"{tree.folder}/a.py": 2,
        f"{tree.folder}/sub dir/b.py": 1,
        f"{tree.folder}/sub dir/it's.txt": 1,
    }
    assert counted["total_count"] == 5


async def test_names_are_sorted_newest_first(tree: Workplace) -> None:
    for age, name in enumerate(["a.py", "sub dir/b.py"]):
        os.utime(tree.folder / name, (1_000_000 - age, 1_000_000 - age))
    new = tree.write("new's.py", "")
    found = await tree.ask(search_files, pattern="*.py", target="files")
    assert found["files"] == [str(new), f"{tree.folder}/a.py", f"{tree.folder}/sub dir/b.py"]
    part = await tree.ask(search_files, pattern="it's", target="files")
    assert part["files"] == [f"{tree.folder}/sub dir/it's.txt"]


@pytest.mark.parametrize(
    "pattern", ["$(touch hacked)", "`touch hacked`", "'; touch hacked; '", "-e x --", '"', "a\nb"]
)
async def test_no_pattern_reaches_the_shell(tree: Workplace, pattern: str) -> None:
    await tree.call(search_files, pattern=pattern)
    await tree.call(search_files, pattern=pattern, target="files")
    await tree.call(search_files, pattern="x", file_glob=pattern)
    assert not list(tree.folder.rglob("hacked"))


async def test_hits_in_secret_files_are_left_out_and_counted(tree: Workplace) -> None:
    tree.write(".env", "find_me=1\n")
    tree.write(".env.example", "find_me=\n")
    found = await tree.ask(search_files, pattern="find_me=")
    assert found["matches_text"] == f"{tree.folder}/.env.example\n1:find_me="
    assert found["_omitted"].startswith("1 hits")
    names = await tree.ask(search_files, pattern=".env*", target="files")
    assert names["files"] == [f"{tree.folder}/.env.example"]
    refused = await tree.refusal(search_files, pattern="find_me", path=".env")
    assert "secrets" in refused["error"]


async def test_secrets_in_hits_are_masked(tree: Workplace) -> None:
    tree.write("run.sh", "export API_KEY=sk-abcdefghijklmnop1234567890\n")
    found = await tree.ask(search_files, pattern="API_KEY")
    assert "API_KEY=sk-abc...7890" in found["matches_text"]


async def test_the_same_result_warns_at_the_third_time_and_blocks_at_the_fourth(tree: Workplace) -> None:
    for _ in range(2):
        assert "_warning" not in await tree.ask(search_files, pattern="find_me")
    assert "_warning" in await tree.ask(search_files, pattern="find_me")
    assert "Blocked" in (await tree.refusal(search_files, pattern="find_me"))["error"]
    tree.write("d.py", "find_me\n")
    assert "_warning" not in await tree.ask(search_files, pattern="find_me")


async def test_bad_input_is_one_sentence(tree: Workplace) -> None:
    assert "'pattern' is empty" in (await tree.refusal(search_files, pattern=""))["error"]
    assert "does not exist" in (await tree.refusal(search_files, pattern="x", path="nowhere"))["error"]
    assert "failed" in (await tree.refusal(search_files, pattern="("))["error"]
    assert (await tree.ask(search_files, pattern="nothing like this"))["total_count"] == 0


async def test_much_output_is_all_counted(tree: Workplace) -> None:
    tree.write("long.txt", "needle in a line of some length\n" * 20_000)
    found = await tree.ask(search_files, pattern="needle", limit=2, offset=19_998)
    assert found["total_count"] == 20_000
    assert found["matches_text"].split("\n")[1] == "19999:needle in a line of some length"


async def test_an_alias_of_the_person_changes_nothing(tree: Workplace) -> None:
    session = f"{tree.context.session_id}:search"
    await tree.context.sandbox.run(
        "shopt -s expand_aliases; alias grep='grep --color=always'", session=session, timeout=9
    )
    found = await tree.ask(search_files, pattern="find_me", path="sub dir/b.py")
    assert found["matches_text"].endswith("2:find_me(y)")


async def test_an_interrupt_ends_the_search(tree: Workplace) -> None:
    tree.context.stop.set()
    assert "interrupted" in (await tree.refusal(search_files, pattern="x"))["error"]


async def test_globs_mean_the_same_to_every_program(tree: Workplace) -> None:
    for name in ("src/one.ts", "src/deep/two.tsx", "three.ts"):
        tree.write(name, "needle\n")
    folder = tree.folder

    async def found(glob: str) -> list[str]:
        content = await tree.ask(search_files, pattern="needle", output_mode="files_only", file_glob=glob)
        named = await tree.ask(search_files, pattern=glob, target="files", path=".")
        assert set(content["files"]) <= set(named["files"])
        return [name.removeprefix(f"{folder}/") for name in content["files"]]

    assert await found("*.{ts,tsx}") == ["src/deep/two.tsx", "src/one.ts", "three.ts"]
    assert await found("src/**/*.ts*") == ["src/deep/two.tsx", "src/one.ts"]
    assert await found("src/*.ts") == ["src/one.ts"]
    assert await found("t[hw]*.ts*") == ["src/deep/two.tsx", "three.ts"]


async def test_a_single_file_can_be_searched_and_a_folder_listed(tree: Workplace) -> None:
    found = await tree.ask(search_files, pattern="find_me", path="a.py", file_glob="*.py")
    assert found["total_count"] == 2
    names = await tree.ask(search_files, pattern="*", target="files", path="sub dir")
    assert set(names["files"]) == {f"{tree.folder}/sub dir/b.py", f"{tree.folder}/sub dir/it's.txt"}


async def test_a_long_line_is_cut_and_its_secrets_are_masked_first(tree: Workplace) -> None:
    tree.write("long.sh", "x" * 480 + " API_KEY=sk-abcdefghijklmnop1234567890\n")
    found = await tree.ask(search_files, pattern="API_KEY")
    assert "abcdefghij" not in found["matches_text"]
