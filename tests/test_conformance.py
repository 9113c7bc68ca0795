"""jupyter_kernel_test's suite, on the kernelspec's own way to start a kernel."""

from __future__ import annotations

import sys

import pytest
from jupyter_client.manager import KernelManager
from jupyter_kernel_test import KernelTests

from tests.notebook import ThisKernel

if sys.platform != "linux":
    pytest.skip("needs Linux: the local engine does", allow_module_level=True)


class TestLambdaKernel(KernelTests):
    kernel_name = "lambda"
    language_name = "bash"
    file_extension = ".sh"
    code_hello_world = "echo hello, world"
    code_stderr = "echo oops >&2"
    code_generate_error = "%nosuch"  # a failing command would show its report as well, and the suite allows one output
    complete_code_samples = ("echo a", "for i in 1; do echo $i; done", "%help")
    incomplete_code_samples = ("for i in 1; do", "echo 'a", "if true; then")
    invalid_code_samples = ("fi", "echo )")
    code_execute_result: tuple[dict[str, str], ...] = ()
    completion_samples = ({"text": "mapf", "matches": {"mapfile"}}, {"text": "echo $HOM", "matches": {"$HOME"}})
    code_inspect_sample = "cd"
    supported_history_operations = ("tail", "range", "search")
    code_history_pattern = "tru?"
    code_display_data = ({"code": "true", "mime": "text/plain"}, {"code": "true", "mime": "text/html"})

    @classmethod
    def setUpClass(cls) -> None:
        cls.km = KernelManager(kernel_name=cls.kernel_name, kernel_spec_manager=ThisKernel())
        cls.km.start_kernel()
        cls.kc = cls.km.blocking_client()
        cls.kc.start_channels()
        cls.kc.wait_for_ready(timeout=30)

    def test_history(self) -> None:
        """Where a kernel shows no results, the suite has no code of its own for this."""
        self.code_execute_result = ({"code": "true"}, {"code": "cd"})
        super().test_history()


del KernelTests  # pytest would collect it as well
