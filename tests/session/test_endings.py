"""A function that did not come to its own end, or is not the one that was looked for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.client_errors import function_failed, not_ours, original
from lambda_kernel.aws.error_text import ErrorContext
from lambda_kernel.function import index as wire
from lambda_kernel.report import Report

HERE = ErrorContext("shell", "eu-west-1")
ENGINE = ErrorContext("shell", "local")
KILLED = "RequestId: x Error: Runtime exited with error: signal: killed"


class TestFunctionFailed:
    @pytest.mark.parametrize(
        ("error_type", "message", "words"),
        [
            ("Sandbox.Timedout", "RequestId: x Error: Task timed out after 1.00 seconds", "its timeout.*--timeout"),
            (
                "Runtime.ExitError",
                "RequestId: x Error: Runtime exited without providing a reason",
                r"its runtime \(Runt",
            ),
            ("Runtime.ExitError", KILLED, "signal: killed.*the next cell starts it again"),
            (
                "Runtime.ImportModuleError",
                "Unable to import module 'index'",
                "import module 'index'.*check its handler",
            ),
            ("Runtime.HandlerNotFound", "Handler 'x' missing", "cannot be started"),
            ("Runtime.MalformedHandlerName", "Bad handler 'x'", "cannot be started"),
            ("Runtime.UserCodeSyntaxError", "Syntax error in module 'index'", "cannot be started"),
            ("Runtime.InvalidEntrypoint", "RequestId: x Error: fork/exec: no such file", "fork/exec.*runtime"),
            (
                "Function.ResponseSizeTooLarge",
                "Response payload size exceeded (6291556 bytes).",
                "above Lambda's limit",
            ),
            ("Extension.Crash", "RequestId: x Error: exit status 1", "Extension.Crash: exit status 1.*layers"),
            ("Extension.InitError", "x", "Extension.InitError.*layers"),
            ("Sandbox.Failure", "x", "execution environment.*Sandbox.Failure: x"),
            ("KeyError", "'op' of {123456789012}", r"failed \(KeyError: 'op' of \{\*{12}\}\): see its log"),
            ("", "a\nb", "without a type: a b"),
        ],
    )
    def test_each_type(self, error_type: str, message: str, words: str) -> None:
        error = function_failed({"errorType": error_type, "errorMessage": message}, "id", None, HERE)
        assert (error.error_type, error.request_id) == (error_type, "id")
        assert re.search(f"^`shell` in eu-west-1 .*{words}", str(error)), error
        assert "\n" not in str(error)
        assert message in json.loads(original(error).partition("request id: ")[2])["errorMessage"]

    def test_memory_is_told_by_the_report_only(self) -> None:
        report = Report("id", 5, memory_size_mb=128, status="error", error_type="Runtime.OutOfMemory")
        error = function_failed({"errorType": "Runtime.ExitError", "errorMessage": KILLED}, "id", report, HERE)
        assert (error.error_type, error.report) == ("Runtime.OutOfMemory", report)
        assert "ran out of memory of 128 MB: give it more with `lambda-kernel deploy --memory`" in str(error)

    @pytest.mark.parametrize(
        "log",
        [
            b"INIT_REPORT Init Duration: 488.22 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError\n",
            b'{"time":"t","type":"platform.initReport","record":{"status":"error"}}\n',
        ],
    )
    def test_a_crash_at_init(self, log: bytes) -> None:
        told = {"errorType": "Runtime.ExitError", "errorMessage": "RequestId: x Error: Runtime exited"}
        assert "cannot be started" in str(function_failed(told, "id", None, HERE, b"START\n" + log))
        fine = b"INIT_REPORT Init Duration: 1.00 ms\tPhase: init\n" + b"a command printed Status: error\n"
        assert "lost its runtime" in str(function_failed(told, "id", None, HERE, fine))

    def test_the_older_style_of_a_timeout_has_no_type(self) -> None:
        told = {"errorMessage": "2024-04-08T10:00:00Z id Task timed out after 1.00 seconds"}
        assert function_failed(told, "id", None).error_type == "Sandbox.Timedout"

    def test_an_exception_that_speaks_of_a_timeout_is_none(self) -> None:
        told = {"errorType": "TimeoutError", "errorMessage": "Task timed out after 3.00 seconds"}
        assert function_failed(told, "id", None).error_type == "TimeoutError"

    @pytest.mark.parametrize("payload", ["no JSON", None, [], {}, {"errorMessage": {"a": 5}}, {"errorType": None}])
    def test_a_failure_that_says_little(self, payload: Any) -> None:
        assert "the function" in str(function_failed(payload, "", None))

    def test_in_the_local_engine(self) -> None:
        told = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 1.00 seconds"}
        assert str(function_failed(told, "id", None, ENGINE)).endswith(": the next cell starts it again")


class TestNotOurs:
    def test_an_older_one_and_a_newer_one(self) -> None:
        assert "`shell` speaks protocol 0" in str(not_ours({"protocol": 0}, "shell"))
        assert "lambda-kernel deploy" in str(not_ours({"protocol": 0}, "shell"))
        newer = str(not_ours({"protocol": wire.PROTOCOL + 1}, "shell"))
        assert newer.endswith("upgrade lambda-kernel")

    @pytest.mark.parametrize("payload", [None, "<html>", {}, [], 5, {"statusCode": 200}])
    def test_another_function(self, payload: Any) -> None:
        assert "not a shell function" in str(not_ours(payload, "shell"))

    def test_a_page_in_the_name_of_a_function_that_is_known(self) -> None:
        with pytest.raises(errors.Unanswered, match="cannot be read"):
            not_ours("<html>sign in to this network</html>", "shell", met=True)
