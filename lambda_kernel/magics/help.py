"""%help: the magics."""

from .base import Call, Magic

FOOT = """
Magics stand at the head of a cell, one a line. What users of IPython type is known, too:
!ls, ls?, %top?, %cd, %pwd, %ls, %env, %time, %%time, %%bash, %%sh, %%script PROGRAM, %%file.

Everything else is shell text. It runs in one bash, which lives on between cells, inside the
execution environment. Facts of a cell's invocation: $LAMBDA_REQUEST_ID, $LAMBDA_DEADLINE_MS,
$LAMBDA_TENANT_ID, $_X_AMZN_TRACE_ID. A cell that takes long is several short invocations.
"""


def run(call: Call) -> str:
    return "".join(f"{magic.synopsis}\n    {magic.summary}\n" for magic in call.magics.values()) + FOOT


MAGIC = Magic("help", "", "this list", run)
