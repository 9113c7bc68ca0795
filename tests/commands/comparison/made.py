"""Executed notebooks as a kernel would leave them, made by hand."""

from __future__ import annotations

from typing import Any

from lambda_kernel.aws.usage import Usage
from lambda_kernel.commands.comparison.comparison import Comparison, Run, compare
from lambda_kernel.output import display
from lambda_kernel.report import Report

Output = dict[str, Any]
REQUEST, ENVIRONMENT = "4b2c7a60-0c5a-4a52-9d2b-6f1f3a6d2f10", "8c48eab9bfef"


def stream(text: str | list[str], name: str = "stdout") -> Output:
    return {"output_type": "stream", "name": name, "text": text}


def shown(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> Output:
    return {"output_type": "display_data", "data": data, "metadata": metadata or {}}


def error(name: str, text: str) -> Output:
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": []}


def figures(
    duration_ms: float = 2.5, init_ms: float | None = None, environment_id: str = ENVIRONMENT, request: str = REQUEST
) -> Output:
    """The report below a cell."""
    usage = Usage(environment_id=environment_id)
    usage.add(request, Report(request, duration_ms, duration_ms, 128, 30, init_ms))
    made = display.metadata(usage, 12.34, 0, "shell", "eu-west-1")
    made["lambda"]["cost_usd"] = 1e-07 * duration_ms
    return shown({"text/plain": "2.5 ms · local"}, made)


def cell(source: str, *outputs: Output, ran: bool = True) -> dict[str, Any]:
    count = 1 if ran else None
    return {"cell_type": "code", "execution_count": count, "metadata": {}, "source": source, "outputs": list(outputs)}


def run(target: str, *cells: dict[str, Any], **more: Any) -> Run:
    return Run(target, {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": list(cells)}, **more)


def pair(first: list[Output], second: list[Output]) -> Comparison:
    """One cell on two targets."""
    return compare("a.ipynb", [run("a", cell("code", *first)), run("b", cell("code", *second))])


def outcome(first: list[Output], second: list[Output]) -> str:
    return pair(first, second).rows[0].outcome
