"""What `%help TOPIC` explains: habits of the shell that belong to no magic."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# What a cell can read about its own invocation.
VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "LAMBDA_REQUEST_ID": "the request id of the invocation that started the cell",
        "LAMBDA_DEADLINE_MS": "the deadline of that invocation, in milliseconds since 1970; the cell goes on after it",
        "LAMBDA_TENANT_ID": "the tenant id if the function has tenant isolation, else empty",
        "_X_AMZN_TRACE_ID": "the X-Ray trace of that invocation; may be empty",
        "LAMBDA_COLD_START": "1 in the first cell after this environment's cold start, else 0",
        "LAMBDA_INIT_MS": "the Init Duration of this environment's cold start; empty if the kernel does not know it",
    }
)
# What a run of %%fleet can read besides.
FLEET_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "FLEET_INDEX": "which of the environments it runs in, from 0",
        "FLEET_SIZE": "how many there are",
        "FLEET_ITEM": "with `--map`, its line of the file; else empty",
    }
)
WITHOUT_TENANTS = (
    "Without tenant isolation, of those that begin with LAMBDA_ a run of %%fleet has only an empty LAMBDA_TENANT_ID.\n"
)


def rows(described: Mapping[str, str]) -> str:
    width = max(map(len, described), default=0)
    return "".join(f"  {name:{width}}  {text}\n" for name, text in described.items())


INPUT = (
    "A command that reads (read, read -sp Password:, cat, Python's input()) asks you, where the front end has an "
    "input box. Ctrl-D, or ^D typed as two characters, ends the input. nbconvert and papermill have no box: there "
    "a command gets the end of input at once. Give it input with `<<< text`, `< file` or a pipe.\n"
)
INTERRUPTS = (
    "Ctrl-C or the stop button sends SIGINT to the command; the shell and its state stay. A second one sends "
    "SIGTERM, and a third one kills the shell. Each takes up to one exchange with the function to arrive. An "
    "interrupt also stops the cells that wait. It ends %top and %%watch, and fails nothing then. `%timeout` "
    "interrupts by the clock.\n"
)
IPYTHON = (
    "These work as in IPython: !ls, ls?, %cd, %ls, %pwd, %cat, %env, %time, %%time, %%script and %%file. `%help "
    "NAME` explains one. Others do not: this is bash, not Python.\n"
)
JOBS = (
    "A background job (`command &`) is frozen between cells, together with the environment, and goes on with the "
    "next cell. `jobs`, `fg`, `%1` and `wait` work as in bash. What a job prints appears in the cell that runs "
    "meanwhile, below a line that says whose it is. A job is gone when Lambda replaces the environment.\n"
)
SESSIONS = (
    "One bash serves all cells: variables, functions, the directory and background jobs stay. Lambda may replace "
    "the environment at any time. Files in /tmp and jobs are then gone; the directory, variables, functions and "
    "options come back before the next cell, and a notice says so. `exit` ends the shell, and the next cell has a "
    "clean one. `%reset` does the same, and `%reset --cold` asks for a new environment. Each function of %use "
    "keeps a session of its own.\n"
)
# By the name that is typed after %help. None is a magic's.
TOPICS: Mapping[str, str] = MappingProxyType(
    {
        "input": INPUT,
        "interrupts": INTERRUPTS,
        "ipython": IPYTHON,
        "jobs": JOBS,
        "sessions": SESSIONS,
        "variables": (
            f"A cell can read these:\n{rows(VARIABLES)}\nAnd a run of %%fleet, or a cell in `fleet:3`:\n"
            f"{rows(FLEET_VARIABLES)}{WITHOUT_TENANTS}"
        ),
    }
)
