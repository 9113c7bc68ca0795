"""A transport whose function is called in this process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from lambda_kernel.aws.transport import Event, Reply


class FakeTransport:
    """Its answers go through JSON, as Lambda's do."""

    def __init__(self, handler: Callable[[Event, Any], Any], context: Callable[[], Any]) -> None:
        self.function, self.region = "fake", "local"
        self.handler, self.context = handler, context
        self.events: list[Event] = []
        self.lock = threading.Lock()

    def invoke(self, event: Event) -> Reply:
        begin = time.monotonic()
        with self.lock:  # an environment takes one invocation at a time
            self.events.append(event)
            payload = self.handler(json.loads(json.dumps(event)), self.context())
        return Reply(json.loads(json.dumps(payload)), f"request-{len(self.events)}", time.monotonic() - begin)

    def renew(self) -> bool:
        return False

    def close(self) -> None: ...
