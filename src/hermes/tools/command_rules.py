"""The table of dangerous classes. Each rule has an id, by which approvals are remembered, and a phrase for people."""

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

import msgspec

from hermes.tools.command_nesting import INTERPRETERS, SHELLS, inline_code, piped_text, program
from hermes.tools.command_targets import has_option, operands, written_paths
from hermes.tools.hard_floor import removes_recursively
from hermes.tools.shell_syntax import Invocation

Calls = list[Invocation]
_FETCHES = frozenset({"curl", "wget", "fetch", "aria2c", "http", "https", "xh", "lwp-download", "ftp"})
_DECODES = frozenset({"base64", "base32", "xxd", "openssl", "tr", "rev", "uudecode", "gpg"})
_RUNS_TEXT = SHELLS | {"source", ".", "eval"}


class Rule(msgspec.Struct, frozen=True):
    id: str
    phrase: str
    test: Callable[[Calls], bool]


def _any(test: Callable[[Invocation], bool]) -> Callable[[Calls], bool]:
    return lambda calls: any(test(call) for call in calls)


def _runs(names: str, *first: str, options: Iterable[str] = ()) -> Callable[[Calls], bool]:
    """One of the programs, with one of the words as its first operand, with one of the options (short letters or
    long names)."""
    programs = frozenset(names.split())
    letters = "".join(option for option in options if len(option) == 1)
    long = tuple(option for option in options if len(option) > 1)

    def test(call: Invocation) -> bool:
        if program(call) not in programs:
            return False
        if first and not any(operands(call)[: len(words.split())] == words.split() for words in first):
            return False
        return not options or has_option(call, letters, *long)

    return _any(test)


def _writes(*patterns: str) -> Callable[[Calls], bool]:
    compiled = re.compile("|".join(patterns))
    return _any(lambda call: any(compiled.fullmatch(path) for path in written_paths(call)))


def _in_code(pattern: str) -> Callable[[Calls], bool]:
    compiled = re.compile(pattern)
    return _any(
        lambda call: bool(INTERPRETERS.fullmatch(program(call))) and bool(compiled.search(inline_code(call)))
    )


def _runs_text(call: Invocation) -> bool:
    """A shell or an interpreter that takes its program from its stdin."""
    name = program(call)
    if name not in SHELLS and not INTERPRETERS.fullmatch(name):
        return False
    return not [word for word in operands(call) if word != "-"] or "-s" in call.words


def _fed_by(names: frozenset[str]) -> Callable[[Calls], bool]:
    def test(call: Invocation) -> bool:
        return _runs_text(call) and any(program(stage) in names for stage in call.upstream)

    return _any(test)


def _runs_fetched(call: Invocation) -> bool:
    """`bash <(curl ...)`, `sh -c "$(wget ...)"`, `eval "$(curl ...)"`, `source <(...)`, or a name made by fetching."""
    name = program(call)
    runs = name in _RUNS_TEXT or bool(INTERPRETERS.fullmatch(name)) or name == "$()"
    return runs and any(program(inside) in _FETCHES for inside in call.inner)


def _runs_decoded(call: Invocation) -> bool:
    name = program(call)
    return (name in _RUNS_TEXT or name == "$()") and any(program(inside) in _DECODES for inside in call.inner)


def _sql(pattern: str) -> Callable[[Calls], bool]:
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    clients = re.compile(
        r"mysql|mariadb|psql|sqlite3?|duckdb|sqlcmd|bq|snowsql|clickhouse(-client)?|cockroach"
    )

    def test(call: Invocation) -> bool:
        if not clients.fullmatch(program(call)):
            return False
        return any(
            compiled.search(text) for text in (*call.words[1:], call.stdin_text or "", piped_text(call) or "")
        )

    return _any(test)


def _world_writable(call: Invocation) -> bool:
    if program(call) != "chmod":
        return False
    return any(re.fullmatch(r"[0-7]?[0-7]{2}[2367]|(?:[ugoa]*[oa][ugoa]*)?\+[rxst]*w\w*|[ugoa]*[oa][ugoa]*=\w*w\w*", word)
               for word in operands(call)[:1])  # fmt: skip


def _chmod_then_run(calls: Calls) -> bool:
    made = {path for call in calls if program(call) == "chmod" and re.search(r"x|[1357]", " ".join(operands(call)[:1]))
            for path in operands(call)[1:]}  # fmt: skip
    return any(
        call.words[0] in made or call.words[0].removeprefix("./") in made for call in calls if call.words
    )


def _force_push(call: Invocation) -> bool:
    if program(call) != "git" or "push" not in operands(call):
        return False
    forced = has_option(call, "f", "--force", "--force-with-lease", "--mirror", "--delete")
    return forced or any(word.startswith("+") for word in operands(call))


def _git(command: str, *needs: str) -> Callable[[Calls], bool]:
    def test(call: Invocation) -> bool:
        if program(call) != "git" or command not in operands(call):
            return False
        return all(any(fnmatchcase(word, need) for word in call.words) for need in needs)

    return _any(test)


def _kills_by_name(call: Invocation) -> bool:
    return program(call) in ("pkill", "killall", "skill") and bool(operands(call))


def _kills_assistant(call: Invocation) -> bool:
    aims = program(call) in ("pkill", "killall") and any("hermes" in word for word in call.words)
    asks = program(call) == "kill" and any(
        program(inside) in ("pgrep", "pidof") and any("hermes" in word for word in inside.words)
        for inside in call.inner
    )
    return aims or asks or (program(call) == "kill" and "$PPID" in call.words)


def _reads_process_environment(call: Invocation) -> bool:
    return any(re.fullmatch(r"/proc/(?:\d+|\*|self|\$\w+)/(?:environ|mem)", word) for word in call.words[1:])


_HERMES_FILES = r"(?:~|.*)/\.hermes/(?:.*/)?(?:config\.yaml|\.env|auth\.json|(?:hooks|plugins|cron|pairing|grants)(?:/.*)?)"
_CREDENTIALS = (
    r".*/\.(?:aws|gnupg|kube|docker|azure)(?:/.*)?|.*/\.config/(?:gh|gcloud)(?:/.*)?"
    r"|.*/\.(?:netrc|pgpass|npmrc|pypirc|git-credentials)"
)
_SHELL_START = (
    r"(?:~|/root|/home/[^/]+)/\.(?:bashrc|bash_profile|bash_login|profile|zshrc|zshenv|zprofile|bash_aliases)"
)

RULES: tuple[Rule, ...] = (
    # Removal
    Rule("recursive_delete", "recursive delete", _any(removes_recursively)),
    Rule("system_delete", "deletes system files", _any(lambda call: program(call) in ("rm", "unlink", "shred") and any(
        re.match(r"/(?:etc|usr|bin|sbin|lib\w*|boot|var/lib|var/log|dev)(?:/|$)", path) for path in written_paths(call)))),
    Rule("secure_delete", "overwrites files beyond recovery", _runs("shred srm wipe")),
    Rule("xargs_delete", "deletes whatever a pipe names", _any(
        lambda call: program(call) in ("xargs", "parallel") and any(word in ("rm", "unlink", "shred") for word in call.words))),
    Rule("find_delete", "deletes whatever a search finds", _any(lambda call: program(call) == "find" and (
        "-delete" in call.words or any(word in ("rm", "unlink", "shred") for word in call.words)))),
    Rule("windows_delete", "recursive delete on Windows", _any(lambda call: program(call).lower() in (
        "del", "erase", "rd", "rmdir", "format") and any(word.lower() in ("/s", "/q", "/f") for word in call.words))),
    Rule("powershell", "PowerShell with hidden or destructive code", _any(
        lambda call: program(call).lower().removesuffix(".exe") in ("powershell", "pwsh") and bool(re.search(
            r"-e(?:nc|ncodedcommand|c)?\b|remove-item|invoke-expression|\biex\b", " ".join(call.words[1:]), re.IGNORECASE)))),
    Rule("truncate", "empties files", _runs("truncate", options=("s", "--size"))),
    Rule("code_delete", "code that deletes a tree", _in_code(r"rmtree|rmSync|rm_rf|remove_dir_all|File::Path")),
    # Rights
    Rule("world_writable", "makes files writable by everybody", _any(_world_writable)),
    Rule("recursive_chmod", "changes rights of a whole tree", _any(lambda call: program(call) == "chmod" and has_option(
        call, "R", "--recursive") and any(path.startswith(("/", "~")) for path in operands(call)[1:]))),
    Rule("recursive_chown", "changes owners of a whole tree", _runs("chown chgrp", options=("R", "--recursive"))),
    Rule("set_user_id", "lets a program run as its owner", _any(lambda call: program(call) == "chmod" and any(
        re.fullmatch(r"[2467][0-7]{3}|[ugoa]*\+\w*s\w*", word) for word in operands(call)[:1]))),
    Rule("capabilities", "gives a program privileges", _runs("setcap")),
    Rule("attributes", "changes protection of files", _runs("chattr")),
    Rule("sudo_password", "reads a password for sudo from a pipe", _runs("sudo", options=("S", "A", "--stdin", "--askpass"))),
    Rule("sudo_shell", "opens a shell as root", _any(lambda call: program(call) in ("sudo", "doas") and bool(
        {"-i", "-s", "--login", "--shell"} & set(call.words[1:2])))),
    Rule("accounts", "changes accounts of the machine", _runs("passwd chpasswd useradd userdel usermod groupadd groupdel visudo adduser deluser")),
    # Databases
    Rule("sql_drop", "drops database objects", _sql(r"\bdrop\s+(?:table|database|schema|view|index|user|role)\b")),
    Rule("sql_delete_all", "deletes every row", _sql(r"\bdelete\s+from\s+[\w.`\"\[\]]+\s*(?:;|$)")),
    Rule("sql_truncate", "empties a table", _sql(r"\btruncate\s+(?:table\s+)?\w+")),
    Rule("database_drop", "drops a database", _runs("dropdb dropuser mysqladmin")),
    Rule("redis_flush", "empties a Redis database", _any(lambda call: program(call) == "redis-cli" and any(
        word.lower() in ("flushall", "flushdb") for word in call.words))),
    Rule("mongo_drop", "drops a MongoDB database", _any(lambda call: program(call) in ("mongo", "mongosh") and any(
        re.search(r"dropDatabase|\.drop\(|deleteMany\(\s*\{\s*\}", word) for word in call.words))),
    # Writes to what is trusted
    Rule("system_write", "writes to the system's configuration", _writes(
        r"/(?:etc|boot|usr|bin|sbin|lib\w*|sys|proc/sys)(?:/.*)?")),
    Rule("device_write", "writes to a device", _writes(
        r"/dev/(?!(?:null|zero|stdout|stderr|tty|pts|shm|fd|tcp|udp|full)(?:/|$)).+")),
    Rule("ssh_write", "writes SSH keys or settings", _writes(r".*/\.ssh(?:/.*)?")),
    Rule("credential_write", "writes credentials", _writes(_CREDENTIALS)),
    Rule("shell_start_write", "writes a shell start file", _writes(_SHELL_START)),
    Rule("assistant_config_write", "writes the assistant's configuration", _writes(_HERMES_FILES)),
    Rule("project_env_write", "writes an environment file", _writes(
        r"(?:.*/)?\.env(?:\.(?:local|development|production|test|staging))?|(?:.*/)?\.envrc")),
    Rule("git_hook_write", "writes a git hook", _writes(r"(?:.*/)?\.git/hooks(?:/.*)?")),
    Rule("schedule", "schedules commands", _any(lambda call: (program(call) == "crontab" and not {"-l"} & set(call.words))
        or program(call) in ("at", "batch"))),
    # Running what came from elsewhere
    Rule("fetched_shell", "runs a download", _fed_by(_FETCHES)),
    Rule("fetched_substitution", "runs a download", _any(_runs_fetched)),
    Rule("decoded_shell", "runs decoded text", _fed_by(_DECODES)),
    Rule("decoded_substitution", "runs decoded text", _any(_runs_decoded)),
    Rule("shell_document", "feeds a script to a shell", _any(
        lambda call: program(call) in SHELLS and _runs_text(call) and call.stdin_text is not None)),
    Rule("made_executable", "makes a file executable and runs it", _chmod_then_run),
    Rule("reverse_shell", "connects a shell to the network", _any(lambda call: any(
        redirect.target.startswith(("/dev/tcp/", "/dev/udp/")) for redirect in call.redirects)
        or (program(call) in ("nc", "ncat", "netcat", "socat") and bool(re.search(
            r"(?:^| )-[a-z]*e |(?:^| )-c |exec:", " ".join(call.words[1:]), re.IGNORECASE))))),
    Rule("code_shell", "code that runs commands", _in_code(
        r"os\.system|os\.popen|subprocess|pty\.spawn|child_process|\bsystem\s*\(|\bexec\s*\(\s*['\"]|Kernel\.exec")),
    # Services, processes, containers
    Rule("service_stop", "stops or changes a service", _any(lambda call: (program(call) in ("systemctl", "launchctl", "rc-service")
        and bool({"stop", "restart", "disable", "mask", "kill", "isolate", "unload", "bootout"} & set(operands(call))))
        or (program(call) == "service" and bool({"stop", "restart"} & set(operands(call)))))),
    Rule("kill_force", "kills processes by force", _any(lambda call: program(call) == "kill" and bool(
        {"-9", "-KILL", "-SIGKILL", "-s9"} & set(call.words)))),
    Rule("kill_by_name", "kills processes by name", _any(_kills_by_name)),
    Rule("assistant_kill", "ends the assistant itself", _any(_kills_assistant)),
    Rule("assistant_service", "stops, updates or starts the assistant", _any(lambda call: program(call) == "hermes" and bool(
        {"gateway", "update", "uninstall", "config", "profile", "auth", "setup", "pairing"} & set(operands(call)[:1])))),
    Rule("container_lifecycle", "stops or removes containers", _any(lambda call: program(call) in (
        "docker", "podman", "nerdctl", "docker-compose") and bool({"stop", "rm", "rmi", "kill", "prune", "down", "restart"}
        & set(operands(call)[:3])))),
    Rule("container_privileged", "runs a container with the machine's privileges", _any(lambda call: program(call) in (
        "docker", "podman") and bool(re.search(r"--privileged|-v ?/:|--pid[= ]host|docker\.sock", " ".join(call.words))))),
    Rule("cluster_delete", "deletes from a cluster or a cloud", _any(lambda call: (program(call) in ("kubectl", "helm", "oc")
        and bool({"delete", "uninstall", "drain"} & set(operands(call)[:1])))
        or (program(call) in ("terraform", "tofu", "pulumi") and bool({"destroy"} & set(operands(call)[:1]))))),
    Rule("disk_tool", "changes disks or mounts", _runs("fdisk sfdisk parted gdisk sgdisk lvremove vgremove pvremove zpool umount swapoff cryptsetup wipefs blkdiscard")),
    Rule("firewall", "changes the firewall", _any(lambda call: program(call) in ("iptables", "ip6tables", "nft", "ufw", "firewall-cmd")
        and not {"-L", "-S", "list", "status"} & set(call.words))),
    Rule("kernel", "changes the running kernel", _runs("insmod rmmod modprobe sysctl", options=("w", "a", "r", "p"))),
    Rule("process_environment", "reads another process's environment", _any(_reads_process_environment)),
    Rule("history", "clears the shell's history", _any(lambda call: program(call) == "history" and "-c" in call.words)),
    # git
    Rule("git_reset_hard", "throws away uncommitted work", _git("reset", "--hard")),
    Rule("git_force_push", "rewrites a remote's history", _any(_force_push)),
    Rule("git_clean", "deletes untracked files", _git("clean", "-*f*")),
    Rule("git_branch_delete", "deletes a branch with its work", _any(lambda call: program(call) == "git" and "branch" in operands(call)
        and ("-D" in call.words or ("--delete" in call.words and "--force" in call.words)))),
    Rule("git_discard", "throws away uncommitted work", _any(lambda call: program(call) == "git" and (
        operands(call)[:2] in (["checkout", "."], ["restore", "."]) or operands(call)[:2] in (["stash", "drop"], ["stash", "clear"])
        or ("checkout" in operands(call) and "--" in call.words)))),
    Rule("git_rewrite", "rewrites history", _any(lambda call: program(call) == "git" and bool(
        {"filter-branch", "filter-repo"} & set(operands(call)[:1])))),
    # Packages and publishing
    Rule("package_removal", "removes system packages", _any(lambda call: program(call) in ("apt", "apt-get", "dnf", "yum", "pacman", "brew", "apk", "zypper")
        and bool({"remove", "purge", "autoremove", "uninstall", "erase", "del", "-R", "-Rns", "-Rs"} & set(call.words[1:])))),
    Rule("publish", "publishes a package", _any(lambda call: (program(call) in ("npm", "yarn", "pnpm", "cargo", "poetry", "flit", "uv")
        and operands(call)[:1] == ["publish"]) or (program(call) == "twine" and operands(call)[:1] == ["upload"]))),
)  # fmt: skip
