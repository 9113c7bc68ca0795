"""Counts what each invocation costs, and begins none beyond the limit."""

from __future__ import annotations

from typing import Any

from .. import errors
from ..aws.error_text import LOCAL
from ..aws.transport import Event, Reply, Transport
from ..aws.usage import Usage
from ..function.index import Op
from ..report import Report
from .costs import Costs

ENDS = (Op.ATTACH, Op.CLOSE)  # what ends a command that runs, and begins none


class Metered:
    """A Transport. Whoever invokes the function, a cell or Tab, does it through here.

    What the function tells of its machine is not checked: a machine that is not known has no price.
    """

    def __init__(self, transport: Transport, costs: Costs) -> None:
        self.function, self.region = transport.function, transport.region
        self._transport, self._costs = transport, costs
        self._machine, self._tenant = "", False

    def invoke(self, event: Event) -> Reply:
        if self.region != LOCAL and self._costs.reached and event.get("op") not in ENDS:
            raise self._costs.refusal("nothing was run")
        try:
            reply = self._transport.invoke(event)
        except errors.FunctionFailed as error:
            self._count(error.request_id, error.report)
            raise
        self._hear(reply.payload)
        self._count(reply.request_id, reply.report)
        return reply

    def _hear(self, payload: Any) -> None:
        if isinstance(payload, dict) and "machine" in payload:
            self._machine, self._tenant = str(payload["machine"]), payload.get("tenant") is True

    def _count(self, request_id: str, report: Report | None) -> None:
        usage = Usage(machine=self._machine, tenant=self._tenant)
        usage.add(request_id, report)
        self._costs.add(self.function, self.region, usage)

    def renew(self) -> bool:
        return self._transport.renew()

    def close(self) -> None:
        self._transport.close()
