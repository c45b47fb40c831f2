"""The table of dangerous classes."""

import re

from hermes.tools.command_nesting import SHELLS, program
from hermes.tools.command_rules import (
    Rule,
    any_call,
    called,
    either,
    fed_by,
    in_code,
    in_sql,
    runs_output_of,
    runs_stdin,
    writes,
)
from hermes.tools.command_targets import has_option, operands, written_paths
from hermes.tools.hard_floor import removes_recursively
from hermes.tools.invocation import Invocation

_FETCHES = frozenset({"curl", "wget", "fetch", "aria2c", "http", "https", "xh", "lwp-download", "ftp"})
_DECODES = frozenset({"base64", "base32", "xxd", "openssl", "tr", "rev", "uudecode", "gpg"})
_SYSTEM_FILE = re.compile(r"/(?:etc|usr|bin|sbin|lib\w*|boot|var/lib|var/log|dev)(?:/.*)?")
_FOR_EVERYBODY = re.compile(
    r"[0-7]?[0-7]{2}[2367]|(?:[ugoa]*[oa][ugoa]*)?\+[rxst]*w\w*|[ugoa]*[oa][ugoa]*=\w*w\w*"
)
_SET_ID = re.compile(r"[2467][0-7]{3}|[ugoa]*\+\w*s\w*")
_PROCESS_SECRETS = re.compile(r"/proc/(?:\d+|\*|self|\$\w+)/(?:environ|mem)")
_HERMES_FILES = (
    r"(?:~|.*)/\.hermes/(?:.*/)?"
    r"(?:config\.yaml|\.env|auth\.json|(?:hooks|plugins|cron|pairing|grants)(?:/.*)?)"
)
_CREDENTIALS = (
    r".*/\.(?:aws|gnupg|kube|docker|azure)(?:/.*)?|.*/\.config/(?:gh|gcloud)(?:/.*)?"
    r"|.*/\.(?:netrc|pgpass|npmrc|pypirc|git-credentials)"
)
_SHELL_START = (
    r"(?:~|/root|/home/[^/]+|/Users/[^/]+)/\."
    r"(?:bashrc|bash_profile|bash_login|profile|zshrc|zshenv|zprofile|bash_aliases)"
)
_DEVICE = r"/dev/(?!(?:null|zero|stdout|stderr|tty|pts|shm|fd|tcp|udp|full)(?:/|$)).+"


def _deletes_system_files(call: Invocation) -> bool:
    if program(call) not in ("rm", "unlink", "shred"):
        return False
    return any(_SYSTEM_FILE.fullmatch(path) for path in written_paths(call))


def _mode(call: Invocation) -> str:
    return operands(call)[0] if program(call) == "chmod" and operands(call) else ""


def _chmod_then_run(calls: list[Invocation]) -> bool:
    made = {
        path.removeprefix("./")
        for call in calls
        if re.search(r"x|[1357]", _mode(call))
        for path in operands(call)[1:]
    }
    return any(call.words[0].removeprefix("./") in made for call in calls if call.words)


def _chmods_outside(call: Invocation) -> bool:
    """A whole tree that is not below where the command runs."""
    recursive = bool(_mode(call)) and has_option(call, "R", "--recursive")
    return recursive and any(path.startswith(("/", "~", "..")) for path in operands(call)[1:])


def _opens_connection(call: Invocation) -> bool:
    return any(redirect.target.startswith(("/dev/tcp/", "/dev/udp/")) for redirect in call.redirects)


def _kills_assistant(call: Invocation) -> bool:
    if program(call) != "kill":
        return False
    asked = any(
        program(inside) in ("pgrep", "pidof") and any("hermes" in word for word in inside.words)
        for inside in call.inner
    )
    return asked or "$PPID" in call.words


_LOOKS_ONLY = frozenset(
    [
        "--help",
        "-h",
        "--version",
        "-V",
        "version",
        "help",
        "list",
        "show",
        "status",
        "path",
        "env-path",
        "check",
        "stats",
        "search",
    ]
)


def _drives_assistant(call: Invocation) -> bool:
    """The assistant's own command, unless it only looks: it could change its settings or lift approvals."""
    words = call.words
    by_module = program(call).startswith("python") and any(word.startswith("hermes") for word in words[1:3])
    if program(call) != "hermes" and not by_module:
        return False
    return len(words) > 4 or "--yolo" in words or words[-1] not in _LOOKS_ONLY


def _force_push(call: Invocation) -> bool:
    if program(call) != "git" or "push" not in operands(call):
        return False
    forced = has_option(call, "f", "--force", "--force-with-lease", "--mirror", "--delete")
    return forced or any(word.startswith("+") for word in operands(call))


_REMOVAL = (
    Rule("recursive_delete", "recursive delete", any_call(removes_recursively)),
    Rule("system_delete", "deletes system files", any_call(_deletes_system_files)),
    Rule("secure_delete", "overwrites files beyond recovery", called("shred srm wipe")),
    Rule("xargs_delete", "deletes whatever a pipe names", called("xargs parallel", word="rm unlink shred")),
    Rule("find_delete", "deletes whatever a search finds", called("find", word="-delete rm unlink shred")),
    Rule("windows_delete", "recursive delete", called("del erase rd format", word="/s /S /q /Q /f /F")),
    Rule(
        "powershell",
        "PowerShell with hidden or destructive code",
        called(
            "powershell pwsh",
            matching=r"(?i)-e(?:nc|ncodedcommand|c)?\b|remove-item|invoke-expression|\biex\b",
        ),
    ),
    Rule("truncate", "empties files", called("truncate", options="s", long="--size")),
    Rule(
        "code_delete", "code that deletes a tree", in_code(r"rmtree|rmSync|rm_rf|remove_dir_all|remove_tree")
    ),
)

_RIGHTS = (
    Rule(
        "world_writable",
        "lets everybody write",
        any_call(lambda call: bool(_FOR_EVERYBODY.fullmatch(_mode(call)))),
    ),
    Rule("recursive_chmod", "changes rights of a whole tree", any_call(_chmods_outside)),
    Rule(
        "recursive_chown",
        "changes owners of a whole tree",
        called("chown chgrp", options="R", long="--recursive"),
    ),
    Rule(
        "set_user_id",
        "lets a program run as its owner",
        any_call(lambda call: bool(_SET_ID.fullmatch(_mode(call)))),
    ),
    Rule("capabilities", "gives a program privileges", called("setcap")),
    Rule("attributes", "changes protection of files", called("chattr")),
    Rule(
        "sudo_password",
        "feeds a password to sudo",
        called("sudo", matching=r"^(?:-\w+ )*(?:-\w*[SA]|--stdin|--askpass)"),
    ),
    Rule(
        "sudo_shell",
        "opens a shell as root",
        called("sudo doas", matching=r"^(?:-\w+ )*(?:-[is]|--login|--shell)(?: |$)"),
    ),
    Rule(
        "accounts",
        "changes accounts of the machine",
        called("passwd chpasswd useradd userdel usermod groupadd groupdel visudo adduser deluser"),
    ),
)

_DATABASES = (
    Rule(
        "sql_drop",
        "drops database objects",
        in_sql(r"\bdrop\s+(?:table|database|schema|view|index|user|role)\b"),
    ),
    Rule("sql_delete_all", "deletes every row", in_sql(r"\bdelete\s+from\s+[\w.`\"\[\]]+\s*(?:;|$)")),
    Rule("sql_truncate", "empties a table", in_sql(r"\btruncate\s+(?:table\s+)?\w+")),
    Rule(
        "database_drop",
        "drops a database",
        either(called("dropdb dropuser"), called("mysqladmin", word="drop")),
    ),
    Rule("redis_flush", "empties a Redis database", called("redis-cli", matching=r"(?i)\bflush(?:all|db)\b")),
    Rule(
        "mongo_drop",
        "drops a MongoDB database",
        called("mongo mongosh", matching=r"dropDatabase|\.drop\(|deleteMany\(\s*\{\s*\}"),
    ),
)

_WRITES = (
    Rule(
        "system_write",
        "writes to the system's files",
        writes(r"/(?:etc|boot|usr|bin|sbin|lib\w*|sys|proc/sys)(?:/.*)?"),
    ),
    Rule("device_write", "writes to a device", writes(_DEVICE)),
    Rule("ssh_write", "writes SSH keys or settings", writes(r".*/\.ssh(?:/.*)?")),
    Rule("credential_write", "writes credentials", writes(_CREDENTIALS)),
    Rule("shell_start_write", "writes a shell start file", writes(_SHELL_START)),
    Rule("assistant_config_write", "writes the assistant's configuration", writes(_HERMES_FILES)),
    Rule(
        "project_env_write",
        "writes an environment file",
        writes(r"(?:.*/)?\.env(?:\.(?:local|development|production|test|staging))?|(?:.*/)?\.envrc"),
    ),
    Rule("git_hook_write", "writes a git hook", writes(r"(?:.*/)?\.git/hooks(?:/.*)?")),
    Rule("schedule", "schedules commands", either(called("crontab", unless="-l"), called("at batch"))),
)

_FOREIGN_CODE = (
    Rule("fetched_shell", "runs a download", fed_by(_FETCHES)),
    Rule("fetched_substitution", "runs a download", runs_output_of(_FETCHES)),
    Rule("decoded_shell", "runs decoded text", fed_by(_DECODES)),
    Rule("decoded_substitution", "runs decoded text", runs_output_of(_DECODES)),
    Rule(
        "shell_document",
        "feeds a script to a shell",
        any_call(lambda call: program(call) in SHELLS and runs_stdin(call) and call.stdin_text is not None),
    ),
    Rule("made_executable", "makes a file executable and runs it", _chmod_then_run),
    Rule(
        "reverse_shell",
        "connects a shell to the network",
        either(
            any_call(_opens_connection),
            called("nc ncat netcat socat", matching=r"(?i)(?:^| )-[a-z]*e |(?:^| )-c |exec:"),
        ),
    ),
    Rule(
        "code_shell",
        "code that runs commands",
        in_code(
            r"os\.system|os\.popen|subprocess|pty\.spawn|child_process|\bsystem\s*\(|\bexec\s*\(\s*['\"]"
        ),
    ),
)

_SERVICES = (
    Rule(
        "service_stop",
        "stops or changes a service",
        either(
            called(
                "systemctl launchctl rc-service", word="stop restart disable mask kill isolate unload bootout"
            ),
            called("service", word="stop restart"),
        ),
    ),
    Rule("kill_force", "kills processes by force", called("kill", word="-9 -KILL -SIGKILL -s9 KILL SIGKILL")),
    Rule("kill_by_name", "kills processes by name", called("pkill killall skill", matching=r"\w")),
    Rule(
        "assistant_kill",
        "ends the assistant itself",
        either(any_call(_kills_assistant), called("pkill killall", matching="hermes")),
    ),
    Rule(
        "assistant_service",
        "controls or configures the assistant itself",
        any_call(_drives_assistant),
    ),
    Rule(
        "container_lifecycle",
        "stops or removes containers",
        called(
            "docker podman nerdctl docker-compose",
            matching=r"^(?:(?:compose|container|image|volume|network|system)\b.*? )?"
            r"(?:stop|rm|rmi|kill|prune|down|restart)\b",
        ),
    ),
    Rule(
        "container_privileged",
        "runs a container with the machine's privileges",
        called("docker podman", matching=r"--privileged|-v ?/:|--pid[= ]host|docker\.sock"),
    ),
    Rule(
        "cluster_delete",
        "deletes from a cluster or a cloud",
        either(
            called("kubectl helm oc", first="delete uninstall drain"),
            called("terraform tofu pulumi", first="destroy"),
        ),
    ),
    Rule(
        "disk_tool",
        "changes disks or mounts",
        called(
            "fdisk sfdisk parted gdisk sgdisk lvremove vgremove pvremove zpool umount swapoff cryptsetup "
            "wipefs"
        ),
    ),
    Rule(
        "firewall",
        "changes the firewall",
        called("iptables ip6tables nft ufw firewall-cmd", unless="-L -S list status --list-all --state"),
    ),
    Rule(
        "kernel",
        "changes the running kernel",
        either(called("insmod rmmod modprobe"), called("sysctl", options="wp")),
    ),
    Rule(
        "process_environment",
        "reads another process's environment",
        any_call(lambda call: any(_PROCESS_SECRETS.fullmatch(word) for word in call.words[1:])),
    ),
    Rule("history", "clears the shell's history", called("history", word="-c")),
)

_GIT = (
    Rule(
        "git_reset_hard", "throws away uncommitted work", called("git", word="--hard", matching=r"\breset\b")
    ),
    Rule("git_force_push", "rewrites a remote's history", any_call(_force_push)),
    Rule(
        "git_clean",
        "deletes untracked files",
        called("git", options="f", long="--force", matching=r"\bclean\b"),
    ),
    Rule(
        "git_branch_delete",
        "deletes a branch with its work",
        called("git", matching=r"\bbranch (?:.* )?(?:-D|--delete --force)\b"),
    ),
    Rule(
        "git_discard",
        "throws away uncommitted work",
        called(
            "git",
            matching=r"^(?:-\S+ \S+ )*(?:checkout (?:.* )?(?:--|\.)(?: |$)|restore \.|stash (?:drop|clear))",
        ),
    ),
    Rule("git_rewrite", "rewrites history", called("git", first="filter-branch filter-repo")),
)

_PACKAGES = (
    Rule(
        "package_removal",
        "removes system packages",
        called(
            "apt apt-get dnf yum pacman brew apk zypper",
            word="remove purge autoremove uninstall erase del -R -Rns -Rs",
        ),
    ),
    Rule(
        "publish",
        "publishes a package",
        either(
            called("npm yarn pnpm cargo poetry flit uv", first="publish"), called("twine", first="upload")
        ),
    ),
)

RULES: tuple[Rule, ...] = (
    *_REMOVAL,
    *_RIGHTS,
    *_DATABASES,
    *_WRITES,
    *_FOREIGN_CODE,
    *_SERVICES,
    *_GIT,
    *_PACKAGES,
)
