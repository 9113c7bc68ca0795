"""The messaging protocol: jupyter_kernel_test's suite, and every message of every kind against its schemas."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_kernel_test import KernelTests
from jupyter_kernel_test.msgspec_v5 import msg_structure_validator, validate_message

from tests.support.kernel_client import Message, notebook

if sys.platform != "linux":
    pytest.skip("needs Linux: the local emulator does", allow_module_level=True)


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
        cls.started = contextlib.ExitStack()
        book = cls.started.enter_context(notebook())
        cls.km, cls.kc = book.manager, book.client

    @classmethod
    def tearDownClass(cls) -> None:
        cls.started.close()

    def test_history(self) -> None:
        """Where a kernel shows no results, the suite has no code of its own for this."""
        self.code_execute_result = ({"code": "true"}, {"code": "cd"})
        super().test_history()


del KernelTests  # pytest would collect it as well


KINDS = {
    "shell": {
        *("execute_reply", "complete_reply", "inspect_reply", "history_reply", "is_complete_reply"),
        *("kernel_info_reply", "comm_info_reply"),
    },
    "iopub": {
        *("status", "execute_input", "stream", "display_data", "update_display_data", "clear_output", "error"),
        "shutdown_reply",
    },
    "stdin": {"input_request"},
    "control": {"interrupt_reply", "kernel_info_reply", "shutdown_reply"},
}


def check(message: Message) -> None:
    """Against the schema of its kind; two of them are not what the protocol says, and are put right here."""
    content = message["content"]
    if message["msg_type"] == "input_request":  # "password" is a bool there, which is no number to JSON's schemas
        msg_structure_validator.validate(message)
        assert {name: type(value) for name, value in content.items()} == {"prompt": str, "password": bool}
    elif content.get("status") == "aborted":  # it knows "abort" only
        msg_structure_validator.validate(message)
        assert content == {"status": "aborted"}
    else:
        validate_message(message)


class Recorder:
    """A client that keeps all that comes, by channel, and has checked it."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.seen: dict[str, list[Message]] = {channel: [] for channel in KINDS}
        self.poller = zmq.Poller()
        self.sockets = {channel: getattr(client, f"{channel}_channel").socket for channel in KINDS}
        for socket in self.sockets.values():
            self.poller.register(socket, zmq.POLLIN)

    def look(self) -> None:
        """Wait a little for something to come, and take it."""
        ready = dict(self.poller.poll(200))
        for channel in [channel for channel, socket in self.sockets.items() if socket in ready]:
            message: Message = getattr(self.client, f"get_{channel}_msg")(timeout=1)
            check(message)
            self.seen[channel].append(message)

    def wait(self, channel: str, request: str, kind: str, **content: object) -> Message:
        """The first message of a kind, with this content, that belongs to a request."""
        end = time.monotonic() + 40
        while time.monotonic() < end:
            for message in self.seen[channel]:
                ours = message["parent_header"].get("msg_id") == request and message["msg_type"] == kind
                if ours and content.items() <= message["content"].items():
                    return message
            self.look()
        raise AssertionError(f"no {kind} by {channel}")

    def done(self, request: str, kind: str = "execute_reply", channel: str = "shell") -> Message:
        """The reply, when the idle has come as well."""
        self.wait("iopub", request, "status", execution_state="idle")
        return self.wait(channel, request, kind)

    def ask(self, channel: str, kind: str, **content: object) -> str:
        request = self.client.session.msg(kind, content)
        getattr(self.client, f"{channel}_channel").send(request)
        return str(request["header"]["msg_id"])


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with notebook() as book:
        yield Recorder(book.client)


def cells(recorder: Recorder) -> list[str]:
    """One of everything that a cell can show."""
    client = recorder.client
    rich = client.execute("echo out; echo err >&2; echo '# a' | display --id x; echo '# b' | display --id x")
    view = client.execute("%%watch -n 0.1 -c 2\necho tick", allow_stdin=True)
    asking = client.execute("read -sp 'Who? ' x; echo ${#x}", allow_stdin=True)
    recorder.wait("stdin", asking, "input_request")
    client.input("me")
    magic = client.execute("%status")
    silent = client.execute("echo no", silent=True)
    requests = [rich, view, asking, magic, silent]
    assert [recorder.done(request)["content"]["status"] for request in requests] == ["ok"] * len(requests)
    return requests


def failures(recorder: Recorder) -> list[str]:
    client = recorder.client
    failing, waiting = client.execute("sleep 1; false"), client.execute("echo no")
    assert recorder.done(failing)["content"]["status"] == "error"
    assert recorder.done(waiting)["content"]["status"] == "aborted"
    running = client.execute("echo started; sleep 300")
    recorder.wait("iopub", running, "stream")
    recorder.wait("control", recorder.ask("control", "interrupt_request"), "interrupt_reply")
    assert recorder.done(running)["content"]["ename"] == "KeyboardInterrupt"
    wrong = client.execute("%nosuch")
    assert recorder.done(wrong)["content"]["ename"] == "UsageError"
    return [failing, waiting, running, wrong]


def questions(recorder: Recorder) -> list[str]:
    client = recorder.client
    asked = {
        client.complete("ech", 3): "complete_reply",
        client.inspect("cd", 2): "inspect_reply",
        client.inspect("nosuch", 3): "inspect_reply",
        client.is_complete("if true"): "is_complete_reply",
        client.is_complete("fi"): "is_complete_reply",
        client.history(hist_access_type="tail", n=5): "history_reply",
        client.history(hist_access_type="search", pattern="*out*", output=True): "history_reply",
        client.kernel_info(): "kernel_info_reply",
        client.comm_info(): "comm_info_reply",
    }
    for request, kind in asked.items():
        assert recorder.done(request, kind)["content"].get("status", "ok") not in ("error", "aborted")
    recorder.done(recorder.ask("control", "kernel_info_request"), "kernel_info_reply", "control")
    return list(asked)


def test_every_message_is_of_the_protocol(recorder: Recorder) -> None:
    requests = [*cells(recorder), *failures(recorder), *questions(recorder)]
    last = recorder.ask("control", "shutdown_request", restart=False)
    recorder.wait("control", last, "shutdown_reply", restart=False)
    recorder.wait("iopub", last, "shutdown_reply", restart=False)
    assert {channel: {message["msg_type"] for message in seen} for channel, seen in recorder.seen.items()} == KINDS
    for request in requests:
        states = [
            message["content"]["execution_state"]
            for message in recorder.seen["iopub"]
            if message["msg_type"] == "status" and message["parent_header"].get("msg_id") == request
        ]
        assert states == ["busy", "idle"]
    everything = [message for seen in recorder.seen.values() for message in seen]
    told = {m["content"]["protocol_version"] for m in everything if m["msg_type"] == "kernel_info_reply"}
    assert {message["header"]["version"] for message in everything} == told
    ids = Counter(message["header"]["msg_id"] for message in everything if message["msg_type"] != "shutdown_reply")
    assert max(ids.values()) == 1
