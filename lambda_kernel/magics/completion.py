"""%completion: whether Tab may start a shell."""

from .base import Call, Magic, on_or_off


def run(call: Call) -> str:
    settings = call.workspace.settings
    chosen = on_or_off(call, MAGIC, "eager", "lazy")
    settings.eager = settings.eager if chosen is None else chosen
    if settings.eager:
        return "Tab and Shift-Tab start a shell where none is, which may be a cold start.\n"
    return "Tab and Shift-Tab ask the shell only while its environment is warm.\n"


MAGIC = Magic("completion", "[eager | lazy]", "whether Tab may start a shell, or asks only one that is there", run)
