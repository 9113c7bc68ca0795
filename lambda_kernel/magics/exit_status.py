"""%exit-status: whether a failing command fails its cell."""

from .base import Call, Magic, on_or_off


def run(call: Call) -> str:
    settings = call.workspace.settings
    chosen = on_or_off(call, MAGIC, "error", "ignore")
    settings.fail = settings.fail if chosen is None else chosen
    return "An exit code that is not 0 fails the cell.\n" if settings.fail else "Exit codes do not fail a cell.\n"


MAGIC = Magic("exit-status", "[error | ignore]", "whether an exit code that is not 0 is an error of the cell", run)
