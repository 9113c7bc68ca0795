"""A row of an experiment."""

from __future__ import annotations

from lambda_kernel.experiments.row import Row

ROW = Row(
    target="shell",
    region="eu-west-1",
    slot=0,
    repetition=1,
    item=None,
    start="2026-01-02T03:04:05.678Z",
    outcome="ok",
    exit_code=0,
    environment_id="abc",
    cold_start=True,
    invocations=2,
    wall_ms=20.5,
    queue_ms=0.0,
    init_duration_ms=181.5,
    restore_duration_ms=None,
    duration_ms=9.25,
    billed_duration_ms=10.0,
    memory_size_mb=128,
    max_memory_used_mb=30,
    cost_usd=None,
    stdout_bytes=3,
    stdout_sha256="00",
    stdout=b"yes",
)
