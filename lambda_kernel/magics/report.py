"""%report: what is shown of an invocation's figures."""

from typing import cast, get_args

from ..workspace import ReportMode
from .base import Call, Magic, wrong


def run(call: Call) -> str:
    settings = call.workspace.settings
    if call.words:
        if len(call.words) > 1 or call.words[0] not in get_args(ReportMode):
            raise wrong(MAGIC)
        settings.report = cast(ReportMode, call.words[0])
    return f"Report: {settings.report}\n"


MAGIC = Magic("report", "[off | line | full]", "what is shown under a cell of its timing and memory", run)
