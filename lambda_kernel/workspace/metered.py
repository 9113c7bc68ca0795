"""Counts what each invocation costs, and begins none beyond the limit."""

from __future__ import annotations

from typing import Any

from .. import errors
from ..aws.error_text import LOCAL, LONGEST_TIMEOUT_S
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
        key, usage = self._begin(event), None
        try:
            reply = self._transport.invoke(event)
            self._hear(reply.payload)
            usage = self._usage(reply.request_id, reply.report)
        except errors.FunctionFailed as error:
            usage = self._usage(error.request_id, error.report)
            raise
        finally:
            self._costs.end(key, self.function, self.region, usage)
        return reply

    def _begin(self, event: Event) -> object:
        op = event.get("op")
        most = self._costs.expected_usd(self.function, self.region, longest_seconds(event), starts=op == Op.HELLO)
        return self._costs.begin(most or 0.0, ends=op in ENDS or self.region == LOCAL)

    def _hear(self, payload: Any) -> None:
        if isinstance(payload, dict) and "machine" in payload:
            self._machine, self._tenant = str(payload["machine"]), payload.get("tenant") is True

    def _usage(self, request_id: str, report: Report | None) -> Usage:
        usage = Usage(machine=self._machine, tenant=self._tenant)
        usage.add(request_id, report)
        return usage

    def renew(self) -> bool:
        return self._transport.renew()

    def close(self) -> None:
        self._transport.close()


def longest_seconds(event: Event) -> float:
    """How long the function may keep its answer: what it was asked for, and its timeout at most. The 2018 article's
    function is asked for nothing."""
    asked = event.get("wait", 0.0) + event.get("hold", 0.0) if "op" in event else LONGEST_TIMEOUT_S
    return min(float(asked), LONGEST_TIMEOUT_S)
