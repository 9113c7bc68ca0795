"""Executes the steps of a plan for a shell that is like another function."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import layer_steps
from ..active import Failed, State, until_active
from ..console import Console
from ..plan import PUBLISHED
from ..problems import DeployError
from ..steps import AwaitActive, DeleteLayer, PublishTools, Step, TryOut
from .cloud import Functions
from .settings import Settings, labels
from .steps import CreateFunction, DeleteFunction, DeleteLogs, UpdateCode, UpdateSettings, UpdateTags


class Executor:
    """try_out: runs a command in a function and returns what to show."""

    def __init__(
        self,
        functions: Functions,
        console: Console,
        sleep: Callable[[float], None],
        try_out: Callable[[str], str] = str,
    ) -> None:
        self.functions, self.console, self.sleep, self.try_out = functions, console, sleep, try_out
        self.made: set[str] = set()
        self.published = ""

    def run(self, steps: Sequence[Step]) -> None:
        """Ask for consent where it is needed, then run all steps. Raises DeployError."""
        if questions := list(dict.fromkeys(step.consent for step in steps if step.consent)):
            self.console.confirm(" ".join(questions))
        for step in steps:
            self._run(step)

    def _run(self, step: Step) -> None:
        match step:
            case CreateFunction():
                self._create(step)
            case UpdateCode(name=name, package=package, architecture=architecture, source_key=key):
                self.console.say(f"Updating the code of {name}.")
                self.functions.update_code(name, package, architecture, key)
                self._until_active(name)  # Lambda refuses a second change during the first
            case UpdateSettings(name=name, settings=settings, changed=changed):
                self.console.say(f"Updating the settings of {name}: {labels(changed)}.")
                self.functions.update_settings(name, self._filled(settings))
            case UpdateTags(name=name, arn=arn, tags=tags, gone=gone):
                self.console.say(f"Updating the tags of {name}.")
                self.functions.tag(arn, tags, gone)
            case DeleteFunction(name=name, why=why):
                self.console.say(f"Deleting the function {name}" + (f": {why}." if why else "."))
                self.functions.delete(name)
            case DeleteLogs(group=group):
                self._delete_logs(group)
            case _:
                self._run_shared(step)

    def _run_shared(self, step: Step) -> None:
        match step:
            case PublishTools():
                self.published = layer_steps.publish(step, self.functions.tools, self.console)
            case DeleteLayer():
                layer_steps.delete(step, self.functions.tools, self.console)
            case AwaitActive(function=function):
                self._await_active(function)
            case TryOut(function=function):
                self.console.say(self.try_out(function))
            case _:
                raise AssertionError(step)

    def _create(self, step: CreateFunction) -> None:
        self.console.say(f"Creating the function {step.name} with what {step.like} has.")
        about = {
            "Architectures": [step.architecture],
            "TenancyConfig": {"TenantIsolationMode": "PER_TENANT"} if step.isolated else {},
            "Code": {"SourceKMSKeyArn": step.source_key} if step.source_key else {},
        }
        given = {name: value for name, value in about.items() if value}
        self.functions.create(step.name, self._filled(step.settings), step.package, given, step.tags)
        self.made.add(step.name)

    def _filled(self, settings: Settings) -> Settings:
        """With the layer that an earlier step has published."""
        return settings | {"Layers": [self.published if arn == PUBLISHED else arn for arn in settings["Layers"]]}

    def _await_active(self, name: str) -> None:
        try:
            state = self._until_active(name)
        except Failed as error:
            if name not in self.made:
                raise
            self.functions.delete(name)
            raise DeployError(f"{error}: it was deleted again") from error
        self.console.say(f"The function {name} is {state.lower()}.")

    def _until_active(self, name: str) -> str:
        return until_active(name, lambda: self._state(name), self.sleep)

    def _state(self, name: str) -> State | None:
        function = self.functions.get(name)
        if function is None:
            return None
        config = function.config
        reason = config.get("StateReason") or config.get("LastUpdateStatusReason") or ""
        return State(config.get("State") or "Active", config.get("LastUpdateStatus") or "Successful", reason)

    def _delete_logs(self, group: str) -> None:
        """Logs that have to stay are no reason to keep the function."""
        self.console.say(f"Deleting the log group {group}.")
        try:
            self.functions.delete_log_group(group)
        except DeployError as error:
            self.console.say(f"The log group {group} stays: {error}.")
