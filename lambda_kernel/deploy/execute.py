"""The steps of a plan, carried out one by one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import plan
from .cloud import Change, Cloud, Stack, code_zip
from .console import Console
from .problems import DeployError
from .progress import POLL_SECONDS, Progress

ACTIVE_SECONDS = 300.0
Step = plan.Step


class Executor:
    """Carries steps out. try_out runs a command in a function and returns what to show of it."""

    def __init__(
        self, cloud: Cloud, console: Console, sleep: Callable[[float], None], try_out: Callable[[str], str] = str
    ) -> None:
        self.cloud, self.console, self.sleep, self.try_out = cloud, console, sleep, try_out
        self.progress = Progress(cloud, console.say, sleep)
        self.published = ""

    def run(self, steps: Sequence[Step]) -> None:
        """All of them, after the user has agreed to what needs it. Raises DeployError."""
        for step in steps:
            if step.consent:
                self.console.confirm(step.consent)
        for step in steps:
            self._run(step)

    def _run(self, step: Step) -> None:
        match step:
            case plan.Wait(stack=stack):
                self.console.say(f"The stack {stack.name} is {stack.status}: waiting for that.")
                self.progress.join(stack.id, stack.name)
            case plan.DeleteStack(stack=stack, why=why):
                self._delete_stack(stack, why)
            case plan.DeleteLayer(layer=layer, version=version):
                self.console.say(f"Deleting version {version} of the layer {layer}.")
                self.cloud.delete_layer(layer, version)
            case plan.PublishTools(layer=layer, archive=archive, architecture=architecture):
                self.console.say(f"Publishing the layer {layer}: {archive.names}.")
                self.published = self.cloud.publish(layer, archive.data, architecture, archive.digest)
            case plan.CreateStack():
                self._create(step)
            case plan.UpdateStack():
                self._update(step)
            case plan.Restore():
                self._restore(step)
            case plan.AwaitActive(function=function):
                self._await_active(function)
            case plan.TryOut(function=function):
                self.console.say(self.try_out(function))
            case _:
                raise AssertionError(step)

    def _delete_stack(self, stack: Stack, why: str) -> None:
        self.console.say(f"Deleting the stack {stack.name}" + (f": {why}." if why else "."))
        before = self.progress.newest(stack.id)
        self.cloud.delete_stack(stack.id)
        self.progress.follow(stack.id, stack.name, before)

    def _create(self, step: plan.CreateStack) -> None:
        self.console.say(f"Creating the stack {step.stack}: {plan.described(self._filled(step.parameters))}.")
        parameters = [_given(*item) for item in self._filled(step.parameters).items()]
        stack, change_set = self.cloud.create_change_set(step.stack, _new_name(), step.body, parameters, create=True)
        if self._changes(step.stack, change_set) is not None:
            self._execute(step.stack, stack, change_set)

    def _update(self, step: plan.UpdateStack) -> None:
        self.console.say(f"Updating the stack {step.stack.name}.")
        parameters: list[dict[str, Any]] = [_given(*item) for item in self._filled(step.given).items()]
        parameters += [{"ParameterKey": name, "UsePreviousValue": True} for name in step.kept]
        stack, change_set = self.cloud.create_change_set(
            step.stack.name, _new_name(), step.body, parameters, create=False
        )
        changes = self._changes(step.stack.name, change_set)
        if changes is None:
            return
        for change in changes:
            self.console.say(summary(change))
        self._ask_for(changes, step, change_set)
        self._execute(step.stack.name, stack, change_set)

    def _ask_for(self, changes: Sequence[Change], step: plan.UpdateStack, change_set: str) -> None:
        """A replacement that the plan did not foresee: of a stack whose template was edited, say."""
        replaced = [change.resource for change in changes if change.replaced and change.type == "AWS::Lambda::Function"]
        if step.consent or not replaced:
            return
        try:
            self.console.confirm("This replaces the function: its environments and their files will be gone.")
        except DeployError:
            self.cloud.delete_change_set(change_set)
            raise

    def _changes(self, name: str, change_set: str) -> list[Change] | None:
        """What a change set would do, once CloudFormation knows; None: nothing."""
        waited = 0.0
        while waited < ACTIVE_SECONDS:
            status, reason, changes = self.cloud.change_set(change_set)
            if status == "CREATE_COMPLETE":
                return changes
            if status == "FAILED":
                self.cloud.delete_change_set(change_set)
                if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                    self.console.say("CloudFormation finds nothing to change.")
                    return None
                raise DeployError(f"CloudFormation refuses the changes to the stack {name}: {reason.rstrip('.')}")
            self.sleep(POLL_SECONDS)
            waited += POLL_SECONDS
        raise DeployError(
            f"CloudFormation has not looked at the changes to the stack {name} in five minutes: try again"
        )

    def _execute(self, name: str, stack: str, change_set: str) -> None:
        before = self.progress.newest(stack)
        self.cloud.execute_change_set(change_set)
        self.progress.follow(stack, name, before)

    def _filled(self, parameters: Mapping[str, str]) -> dict[str, str]:
        return {name: value.replace(plan.PUBLISHED, self.published) for name, value in parameters.items()}

    def _restore(self, step: plan.Restore) -> None:
        self.console.say(f"Restoring the code and settings of {step.function}.")
        values = step.parameters
        self.cloud.restore_code(step.function, code_zip(step.code), values["Architecture"])
        self._await_active(step.function, quietly=True)  # Lambda refuses a second change during the first
        self.cloud.restore_configuration(step.function, settings(self._filled(values)))

    def _await_active(self, name: str, quietly: bool = False) -> None:
        """As botocore's waiter function_active_v2, but for the sleep; and an update must be over as well."""
        waited = 0.0
        while waited < ACTIVE_SECONDS:
            function = self.cloud.function(name)
            if function is None:
                raise DeployError(f"the function {name} is gone: run `lambda-kernel deploy` again")
            if function.state == "Failed" or function.update == "Failed":
                raise DeployError(f"the function {name} failed: {function.reason or 'Lambda gives no reason'}")
            if function.state != "Pending" and function.update != "InProgress":
                if not quietly:
                    self.console.say(f"The function {name} is {function.state.lower()}.")
                return
            self.sleep(POLL_SECONDS / 2)
            waited += POLL_SECONDS / 2
        raise DeployError(f"the function {name} is still not active after five minutes: see `lambda-kernel status`")


def settings(parameters: Mapping[str, str]) -> dict[str, Any]:
    """What the template says of a function, as Lambda's own call takes it."""
    return {
        "Runtime": "python3.14",
        "Handler": "index.handler",
        "MemorySize": int(parameters["Memory"]),
        "Timeout": int(parameters["Timeout"]),
        "EphemeralStorage": {"Size": int(parameters["Storage"])},
        "Layers": [arn for arn in parameters["Layers"].split(",") if arn],
    }


def summary(change: Change) -> str:
    what = f" ({', '.join(change.properties)})" if change.properties else ""
    replaced = ", by a new one" if change.replaced else ""
    return f"  {change.action.lower()} {change.resource}, {change.type}{what}{replaced}"


def _new_name() -> str:
    """Of a change set: two deploys at once make two."""
    return f"lambda-kernel-{secrets.token_hex(4)}"


def _given(name: str, value: str) -> dict[str, Any]:
    return {"ParameterKey": name, "ParameterValue": value}
