"""Who may run what: the order of the decisions."""

import pytest

from hermes.home.config import load_settings
from hermes.home.environment import Environment
from hermes.home.settings import ApprovalSettings, Settings
from hermes.tools.approvals import allowed_by_globs, authorize, denying_glob
from hermes.tools.contract import ApprovalRequest, Decision
from hermes.tools.terminal import terminal
from tests.tools.conftest import Workplace

pytestmark = pytest.mark.anyio

DANGEROUS = "rm -rf build"


class Person:
    """Somebody who is there (or not) and decides this way; remembers what was asked."""

    def __init__(self, decision: Decision, *, attended: bool = True) -> None:
        self.decision: Decision = decision
        self.attended = attended
        self.asked: list[ApprovalRequest] = []

    async def approve(self, request: ApprovalRequest, call_id: str) -> Decision:
        self.asked.append(request)
        return self.decision

    async def ask(self, question: str, choices: tuple[str, ...]) -> str | None:
        return None


def set_up(workplace: Workplace, person: Person, *, yolo: bool = False, **settings: object) -> None:
    workplace.context.people = person
    workplace.context.yolo = yolo
    allowlist = settings.pop("command_allowlist", [])
    workplace.context.settings = Settings(
        approvals=ApprovalSettings(**settings),  # type: ignore[arg-type]
        command_allowlist=allowlist,  # type: ignore[arg-type]
    )


async def test_harmless_commands_are_not_asked_about(workplace: Workplace) -> None:
    set_up(workplace, person := Person("deny"))
    assert (await authorize(workplace.context, "ls -la")).allowed
    assert person.asked == []


@pytest.mark.parametrize("mode", ["manual", "off"])
@pytest.mark.parametrize("yolo", [False, True])
async def test_nothing_lifts_the_floor(workplace: Workplace, mode: str, yolo: bool) -> None:
    set_up(
        workplace,
        person := Person("always"),
        yolo=yolo,
        mode=mode,
        command_allowlist=["*", "recursive_delete"],
    )
    answer = await authorize(workplace.context, "rm -rf /")
    assert not answer.allowed
    assert "root directory" in answer.reason
    assert person.asked == []


@pytest.mark.parametrize("yolo", [False, True])
async def test_deny_globs_hold_even_with_yolo(workplace: Workplace, yolo: bool) -> None:
    set_up(workplace, Person("always"), yolo=yolo, deny=["git push*"], command_allowlist=["git push*"])
    answer = await authorize(workplace.context, "  GIT push origin")
    assert not answer.allowed
    assert "approvals.deny" in answer.reason


@pytest.mark.parametrize(
    ("yolo", "settings"),
    [
        (True, {}),
        (False, {"mode": "off"}),
        (False, {"command_allowlist": ["recursive_delete"]}),
        (False, {"command_allowlist": ["rm -rf bui*"]}),
    ],
)
async def test_what_is_allowed_in_advance_is_not_asked(
    workplace: Workplace, yolo: bool, settings: dict[str, object]
) -> None:
    set_up(workplace, person := Person("deny"), yolo=yolo, **settings)
    assert (await authorize(workplace.context, DANGEROUS)).allowed
    assert person.asked == []


@pytest.mark.parametrize(
    ("globs", "command", "allowed"),
    [
        (["rm -rf build*"], "rm -rf build; git push -f", False),
        (["rm -rf build*"], "rm -rf build && rm -rf build2", True),
        (["rm -rf build*"], "rm -rf build $(git push -f)", False),
        (["echo *"], "echo x >> ~/.bashrc", False),
        (["echo *"], "echo x > /dev/null 2>&1; echo y", True),
        (["echo x >> ~/.bashrc"], "echo x >> ~/.bashrc", True),
    ],
)
def test_a_glob_allows_only_what_it_covers(globs: list[str], command: str, allowed: bool) -> None:
    assert allowed_by_globs(globs, command) is allowed


@pytest.mark.parametrize(
    "command", ["cd x && git push", "sudo git push -u o", "bash -c 'git push'", "(git push)"]
)
def test_a_deny_glob_finds_the_command_inside(command: str) -> None:
    assert denying_glob(["git push*"], command) == "git push*"
    assert denying_glob(["git push*"], "echo 'git push'") is None


async def test_an_allowed_class_does_not_allow_another(workplace: Workplace) -> None:
    set_up(workplace, person := Person("deny"), command_allowlist=["recursive_delete"])
    assert not (await authorize(workplace.context, f"{DANGEROUS}; git push -f")).allowed
    assert person.asked[0].rule_ids == ("git_force_push",)


async def test_once_is_once(workplace: Workplace) -> None:
    set_up(workplace, person := Person("once"))
    for _ in range(2):
        answer = await authorize(workplace.context, DANGEROUS)
        assert answer.allowed
        assert "once" in answer.note
    assert [request.subject for request in person.asked] == [DANGEROUS, DANGEROUS]


async def test_session_is_for_the_session(workplace: Workplace) -> None:
    set_up(workplace, person := Person("session"))
    for command in (DANGEROUS, "rm -r other"):
        assert (await authorize(workplace.context, command)).allowed
    assert len(person.asked) == 1
    assert not workplace.context.profile.config_file.exists()


async def test_always_is_kept_in_the_configuration(workplace: Workplace) -> None:
    profile = workplace.context.profile
    profile.config_file.write_text("# mine\ncommand_allowlist: [git_clean]\n")
    set_up(workplace, Person("always"), command_allowlist=["git_clean"])
    assert "for good" in (await authorize(workplace.context, DANGEROUS)).note
    assert load_settings(profile, Environment({})).command_allowlist == ["git_clean", "recursive_delete"]
    assert profile.config_file.read_text().startswith("# mine\n")


async def test_no_is_no(workplace: Workplace) -> None:
    set_up(workplace, Person("deny"))
    answer = await authorize(workplace.context, DANGEROUS)
    assert not answer.allowed
    assert "did not approve" in answer.reason


async def test_unattended_is_no_and_tells_how_to_allow(workplace: Workplace) -> None:
    set_up(workplace, Person("deny", attended=False))
    answer = await authorize(workplace.context, DANGEROUS)
    assert not answer.allowed
    assert "--yolo" in answer.reason
    assert "recursive_delete" in answer.reason


@pytest.mark.parametrize(
    "command",
    [
        "echo 'approvals: {mode: off}' > {home}/config.yaml",
        "sed -i s/manual/off/ {home}/config.yaml",
        "cd {home} && tee .env < x",
        "cp evil {home}/hooks/run.sh",
        "mv plugin {home}/plugins/",
        "ln -sf x {home}/auth.json",
        "echo x >> {home}/profiles/other/config.yaml",
        "python3 -c 1 > {home}/hermes.db",
        "echo x > $HERMES_HOME/config.yaml",
        'echo x > "$HERMES_HOME/config.yaml"',
        'echo x >> "${HERMES_HOME}"/config.yaml',
        "echo x > ${HERMES_HOME:-/tmp}/config.yaml",
        "cd $HERMES_HOME && echo x > config.yaml",
        'cd "$HERMES_HOME/hooks"; echo x >run.sh',
        "pushd $HERMES_HOME; echo x > $PWD/config.yaml",
        "bash -c 'echo x > $HERMES_HOME/config.yaml'",
        "sudo sh -c 'cd $HERMES_HOME; tee config.yaml' < x",
        "H=$HERMES_HOME; cp x $H/config.yaml",
        "mv x $HERMES_HOME/config.yaml",
        "mv $HERMES_HOME/config.yaml x",
        "cp -t $HERMES_HOME/hooks x",
        "tee -a ~/../hermes/config.yaml < x",
        "tee $HERMES_REAL_HOME/../hermes/config.yaml < x",
        "sed -i.bak s/a/b/ $HERMES_HOME/config.yaml",
        "ln -s /tmp/x $HERMES_HOME/config.yaml",
        "ln -s $HERMES_HOME/config.yaml here",
        "ln -s $HERMES_HOME here",
        "cd $HERMES_HOME; ln -s /tmp/config.yaml",
        "install -m 600 x $HERMES_HOME/config.yaml",
        "rsync -a evil/ $HERMES_HOME/",
        "dd if=x of=$HERMES_HOME/config.yaml",
        "tar -C $HERMES_HOME -xf x.tar",
        "exec {fd}> $HERMES_HOME/config.yaml",
        "echo x > $HERMES_HOME/conf*",
        "python3 -c \"open('$HERMES_HOME/config.yaml', 'w')\"",
        'python3 -c \'import os; open(os.environ["HERMES_HOME"] + "/config.yaml", "w")\'',
        'python3 -Ic \'import os; os.replace("x", "{home}/config.yaml")\'',
        'cd $HERMES_HOME; python3 -c \'open("config.yaml", "w")\'',
        "python3 <<'E'\nfrom pathlib import Path\nPath('{home}/config.yaml').write_text('x')\nE\n",
        'echo \'open("{home}/config.yaml", "w")\' | python3',
        "perl -e 'open F, \">$ENV{HERMES_HOME}/config.yaml\"'",
        "perl -pi -e s/a/b/ $HERMES_HOME/config.yaml",
        'node -e \'fs.writeFileSync("{home}/config.yaml", "x")\'',
        'ruby -e\'File.write(ENV["HERMES_HOME"] + "/config.yaml", "x")\'',
        "awk 'BEGIN { print 1 > \"{home}/config.yaml\" }'",
    ],
)
async def test_the_shell_cannot_write_what_is_trusted_unasked(workplace: Workplace, command: str) -> None:
    (workplace.home / "config.yaml").touch()
    set_up(workplace, person := Person("deny"))
    command = command.replace("{home}", str(workplace.home))
    answer = await authorize(workplace.context, command)
    assert not answer.allowed
    assert person.asked
    set_up(workplace, Person("deny", attended=False))
    assert not (await authorize(workplace.context, command)).allowed


async def test_a_working_directory_and_a_link_do_not_hide_what_is_written(workplace: Workplace) -> None:
    set_up(workplace, Person("deny"))
    context = workplace.context
    (workplace.folder / "there").symlink_to(workplace.home)
    assert not (await authorize(context, "echo x > config.yaml", workdir=str(workplace.home))).allowed
    assert not (await authorize(context, "echo x > there/config.yaml")).allowed
    assert not (
        await workplace.call(terminal, command="echo x > config.yaml", workdir=str(workplace.home))
    ).ok
    assert not (workplace.home / "config.yaml").exists()


async def test_reading_the_configuration_and_writing_notes_is_free(workplace: Workplace) -> None:
    set_up(workplace, Person("deny"))
    for command in (
        "cat {home}/config.yaml",
        "echo x > {home}/cache/note.txt",
        "echo x > $HERMES_HOME/cache/note.txt",
        "cp $HERMES_HOME/config.yaml here",
        "cd $HERMES_HOME && grep -r approvals . > /dev/null",
        "python3 -c 'print(open(\"config.yaml\").read())'",
        "node -e 'console.log(1)'",
        "awk '{ print $1 }' notes",
        "echo $HERMES_HOME",
    ):
        assert (await authorize(workplace.context, command.replace("{home}", str(workplace.home)))).allowed
