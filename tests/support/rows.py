"""A row of an experiment."""

from __future__ import annotations

from lambda_kernel.experiments.row import Row

ROW = Row(
    *(
        "shell",
        "eu-west-1",
        0,
        1,
        None,
        "2026-01-02T03:04:05.678Z",
        "ok",
        0,
        "abc",
        True,
        2,
        20.5,
        0.0,
        181.5,
        None,
        9.25,
        10.0,
    ),
    *(128, 30, None, 3, "00", b"yes"),
)
