"""%redact: whether the environment's credentials are kept out of the notebook."""

from .base import Call, Magic, on_or_off


def run(call: Call) -> str:
    settings = call.workspace.settings
    chosen = on_or_off(call, MAGIC)
    settings.redact = settings.redact if chosen is None else chosen
    if settings.redact:
        return "Credentials of the execution environment are replaced in what is shown.\n"
    return "Credentials are now shown as they are, and saved with the notebook: mind where it goes.\n"


MAGIC = Magic("redact", "[on | off]", "replace the environment's credentials in output (on), or show them", run)
