"""Facts about Lambda that a command inside sees."""

from __future__ import annotations

from tests.support.facts import GUIDE, LIFE, QUOTAS, RECORDED, Differs, Elsewhere, Fact, Seen

INTROSPECTION = f"{RECORDED}test_lambda.snapshot.json: test_runtime_introspection_x86"
ULIMITS = f"{RECORDED}test_lambda.snapshot.json: test_runtime_ulimits"
VARIABLES = f"{RECORDED}test_lambda.snapshot.json: test_lambda_init_environment"
BASE_IMAGES = "https://github.com/aws/aws-lambda-base-images/issues/"

INSIDE = [
    Fact("the OS is Amazon Linux 2023", f"{GUIDE}lambda-runtimes.html", Differs("OS and commands")),
    Fact("the user is sbx_user1051", INTROSPECTION, Seen("whoami", "sbx_user1051\n")),
    Fact("commands start in /var/task", INTROSPECTION, Seen("pwd", "/var/task\n")),
    Fact(
        "/var/task and /opt are root's, drwxr-xr-x",
        INTROSPECTION,
        Seen(
            "stat -c '%A %U' /var/task /opt",
            "(drwxr-xr-x root\n){2}",
            without_root="(drwxr-xr-x (sbx_user1051|nobody)\n){2}",
        ),
    ),
    Fact(
        "/tmp is root's, drwxrwxrwt",
        INTROSPECTION,
        Seen("stat -c '%A %U' /tmp", "drwxrwxrwt root\n", without_root="drwxrwxrwt sbx_user1051\n"),
    ),
    Fact(
        "ownership is another matter where root does not run the emulator",
        INTROSPECTION,
        Differs("who owns `/`, `/opt`, `/var/task`, `/tmp`"),
    ),
    Fact(
        "/proc/1/environ cannot be read",
        "the first process is Lambda's own, and another user's",
        Seen(
            "cat /proc/1/environ",
            "cat: /proc/1/environ: Permission denied\n",
            without_root="",
        ),
    ),
    Fact("it is empty where root does not run the emulator", "proc(5)", Differs("`/proc/1/environ`")),
    Fact("there is a /lambda-entrypoint.sh", INTROSPECTION, Differs("`/lambda-entrypoint.sh`")),
    Fact(
        "only /tmp can be written",
        LIFE,
        Seen(
            "touch /x /var/task/x /opt/x; touch /tmp/x && echo yes",
            "".join(
                f"touch: cannot touch '{path}': Read-only file system\n" for path in ("/x", "/var/task/x", "/opt/x")
            )
            + "yes\n",
        ),
    ),
    Fact("/tmp has 512 MB to 10 GB", QUOTAS, Seen("df -m /tmp | awk 'NR == 2 { print $2 }'", "512\n")),
    Fact("/tmp is on a disk", QUOTAS, Differs("/tmp")),
    Fact(
        "few file systems are mounted: /, /dev, /tmp, /var/task and some of /proc",
        INTROSPECTION,
        Differs("file systems in `df` and `mount`"),
    ),
    Fact(
        "/dev has no ptmx, no shm, no fd",
        f"https://github.com/pexpect/pexpect/issues/654; {BASE_IMAGES}132; https://github.com/ansible/ansible/issues/74641",
        Seen("echo $(ls /dev)", "full null random stderr stdin stdout urandom zero\n"),
    ),
    Fact(
        "so there are no terminals",
        "https://github.com/pexpect/pexpect/issues/654",
        Seen("python3 -c 'import pty; pty.openpty()' 2>&1 | tail -1", "OSError: out of pty devices\n"),
    ),
    Fact(
        "no process substitution",
        f"{BASE_IMAGES}132",
        Seen("cat <(echo y)", "cat: /dev/fd/63: No such file or directory\n"),
    ),
    Fact("but there is /proc/self/fd", f"{BASE_IMAGES}132", Seen("echo y | cat /proc/self/fd/0", "y\n")),
    Fact(
        "and no locks of multiprocessing",
        "https://github.com/ansible/ansible/issues/74641",
        Seen("python3 -c 'import multiprocessing; multiprocessing.Lock()' 2>&1 | grep -c Errno", "1\n"),
    ),
    Fact(
        "their error is ENOSYS there",
        "https://github.com/ansible/ansible/issues/74641",
        Differs("locks of Python's `multiprocessing`"),
    ),
    Fact(
        "the variables are these and no others",
        VARIABLES,
        Elsewhere("test_local_security.py", "test_the_variables_are_lambdas_and_nothing_else"),
    ),
    Fact(
        "no HOME, USER, TERM, TMPDIR, SHELL",
        VARIABLES,
        Seen("env | grep -E '^(HOME|USER|TERM|TMPDIR|SHELL)='", ""),
    ),
    Fact(
        "the home directory is not there",
        "https://github.com/huggingface/transformers/issues/5633 and others: '/home/sbx_user1051'",
        Seen("echo ~; ls ~", "/home/sbx_user1051\nls: cannot access '/home/sbx_user1051': No such file or directory\n"),
    ),
    Fact("the Runtime API is at 169.254.100.1:9001", VARIABLES, Differs("`AWS_LAMBDA_RUNTIME_API`")),
    Fact("1,024 descriptors", ULIMITS, Seen("ulimit -Sn; ulimit -Hn", "1024\n1024\n")),
    Fact("742 processes", ULIMITS, Seen("ulimit -Su; ulimit -Hu", "742\n742\n")),
    Fact("a stack of 8 MiB, which may grow", ULIMITS, Seen("ulimit -Ss; ulimit -Hs", "8192\nunlimited\n")),
    Fact("64 KiB of locked memory", ULIMITS, Seen("ulimit -Sl; ulimit -Hl", "64\n64\n")),
    Fact(
        "no limit of time, memory and file sizes",
        ULIMITS,
        Seen("ulimit -t; ulimit -v; ulimit -d; ulimit -f; ulimit -m", "(unlimited\n){5}"),
    ),
    Fact("core files of 10 GB", ULIMITS, Differs("core files")),
    Fact("1,024 processes and threads", QUOTAS, Differs("number of processes")),
    Fact("1,769 MB give one CPU", f"{GUIDE}configuration-memory.html", Differs("share of the CPU")),
    Fact(
        "Python comes first on PATH, from /var/lang/bin",
        VARIABLES,
        Seen("command -v python3", "/var/lang/bin/python3\n"),
    ),
    Fact("boto3 is part of the runtime", f"{GUIDE}lambda-python.html", Seen("python3 -c 'import boto3'", "")),
]
