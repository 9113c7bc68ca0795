"""Logs of the 2018 article's function, as Node's runtime and Lambda write them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lambda_kernel.session.node_log import inspected

ID = "527cb862-4f5e-49a9-9ae4-a7edc90f0fda"
OTHER_ID = "b70435cc-261c-4438-b9b6-efe4c8f04b21"
STAMP = "2026-11-23T01:28:56.057Z"
START = f"START RequestId: {ID} Version: $LATEST\n"
REPORT = (
    f"END RequestId: {ID}\n"
    f"REPORT RequestId: {ID}\tDuration: 2.90 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\n"
)
JSON_START = f'{{"time":"{STAMP}","type":"platform.start","record":{{"requestId":"{ID}","version":"$LATEST"}}}}\n'
JSON_REPORT = (
    f'{{"time":"{STAMP}","type":"platform.runtimeDone","record":{{"requestId":"{ID}","status":"success"}}}}\n'
    f'{{"time":"{STAMP}","type":"platform.report","record":{{"requestId":"{ID}","metrics":{{"durationMs":1}}}}}}\n'
)
CALLBACK_WARNING = f"{STAMP}\tundefined\tWARN\tAWS Lambda plans to remove support for callback-based handlers.\n"
# awslambdaric's format of a record, with no request id (its bootstrap.py), and its warning (lambda_literals.py).
PREVIEW_WARNING = f"[WARNING]\t{STAMP}\t\tLAMBDA_WARNING: This is a preview runtime version and should not be used.\r\n"


@dataclass(frozen=True)
class Command:
    """A command and what it wrote; stderr is None when it did not fail."""

    cmd: str
    stdout: str
    stderr: str | None = None

    @property
    def event(self) -> dict[str, str]:
        return {"cmd": self.cmd}

    @property
    def texts(self) -> list[str]:
        return [self.stdout] if self.stderr is None else [self.stdout, self.stderr]


def text_log(ran: Command, level: str = "INFO\t", one_line: bool = False) -> str:
    """one_line: as where the runtime writes to stdout."""
    texts = [inspected(ran.event)[0], *ran.texts]
    if one_line:
        texts = [text.replace("\n", "\r") for text in texts]
    return START + "".join(f"{STAMP}\t{ID}\t{level}{text}\n" for text in texts) + REPORT


def json_log(ran: Command, ascii_only: bool = False) -> str:
    head = {"timestamp": STAMP, "level": "INFO", "requestId": ID}
    encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=ascii_only).encode
    records = [{**head, "message": message} for message in (ran.event, *ran.texts)]
    return JSON_START + "".join(encode(record) + "\n" for record in records) + JSON_REPORT
