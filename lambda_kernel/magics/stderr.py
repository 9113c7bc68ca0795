"""%stderr: whether a cell's stderr is a stream of its own."""

from .base import Call, Magic, on_or_off


def run(call: Call) -> str:
    settings = call.workspace.settings
    chosen = on_or_off(call, MAGIC, "merge", "separate")
    settings.merge = settings.merge if chosen is None else chosen
    return f"stderr is {WAYS[settings.merge]}.\n"


WAYS = {
    True: "merged into stdout, in the order in which both are written",
    False: "a stream of its own; how it interleaves with stdout is approximate",
}
MAGIC = Magic("stderr", "[merge | separate]", "whether stderr goes where stdout goes, in the order written", run)
