"""A plain boto3 thread pool: run as a module. For each line on stdin, `THREADS INVOCATIONS`, it prints the seconds."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

MOST = 1_000
CONFIG = Config(max_pool_connections=MOST, retries={"total_max_attempts": 1})


def measured(client: object, threads: int, count: int) -> float:
    def invoke(number: int) -> bytes:
        answer = client.invoke(  # type: ignore[attr-defined]
            FunctionName="shell",
            LogType="Tail",
            TenantId=f"pool-{number % threads}",
            Payload=b'{"op": "run", "seq": 1}',
        )
        return bytes(answer["Payload"].read())

    begin = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(invoke, range(count)):
            pass
    return time.perf_counter() - begin


def main() -> None:
    client = boto3.client("lambda", config=CONFIG)
    for line in sys.stdin:
        threads, count = map(int, line.split())
        print(measured(client, threads, count), flush=True)
        client.close()  # as the kernel does after a fleet


if __name__ == "__main__":
    main()
