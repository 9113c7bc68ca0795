"""%help: the magics."""

from .base import Call, Magic

FOOT = """
Everything else is shell text: it runs in one bash that lives on between cells, inside the execution environment.
Facts of a cell's invocation are in $LAMBDA_REQUEST_ID, $LAMBDA_DEADLINE_MS, $LAMBDA_TENANT_ID and $_X_AMZN_TRACE_ID.
"""


def run(call: Call) -> str:
    width = max(len(magic.synopsis) for magic in call.magics.values())
    return "".join(f"{m.synopsis:{width}}  {m.summary}\n" for m in call.magics.values()) + FOOT


MAGIC = Magic("help", "", "this list", run)
