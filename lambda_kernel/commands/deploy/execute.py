"""Executes the steps of a plan, one by one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import layer_steps, plan
from .active import ACTIVE_SECONDS, State, until_active
from .cloud import CHANGE_SET_PREFIX, Change, Cloud, Stack, code_zip
from .console import Console
from .problems import Busy, DeployError, Interrupted
from .progress import POLL_SECONDS, Progress
from .stack_options import StackOptions
from .steps import (
    AwaitActive,
    CreateStack,
    DeleteLayer,
    DeleteStack,
    PublishTools,
    Restore,
    Step,
    TryOut,
    UpdateStack,
    UploadCode,
    Wait,
    described,
)
from .template import several, variables_in

GO_ON = "this command continues, with all settings"


class Executor:
    """Executes steps.

    try_out: runs a command in a function and returns what to show; again: the command that creates a function with
    these parameters, in such a stack.
    """

    def __init__(
        self,
        cloud: Cloud,
        console: Console,
        sleep: Callable[[float], None],
        try_out: Callable[[str], str] = str,
        again: Callable[[Mapping[str, str], StackOptions], str] = lambda *_: "",
    ) -> None:
        self.cloud, self.console, self.sleep, self.try_out, self.again = cloud, console, sleep, try_out, again
        self.progress = Progress(cloud, console.say, sleep)
        self.published = ""

    def run(self, steps: Sequence[Step]) -> None:
        """Ask for consent where it is needed, then run all steps. Raises DeployError."""
        for step in steps:
            if step.consent and not isinstance(step, UpdateStack):  # which shows its changes first
                self.console.confirm(step.consent)
        remade = plan.remade(steps)
        for step in steps:
            if remade and isinstance(step, (DeleteStack, CreateStack)):
                self._remake(step, remade)
            else:
                self._run(step)

    def _remake(self, step: Step, remade: CreateStack) -> None:
        """Delete and create again. In between AWS has lost the settings, so the user is given a command that has
        them."""
        line = self.again(self._filled(remade.parameters), remade.options)
        if isinstance(step, DeleteStack):
            self.console.say(f"If this is interrupted, {GO_ON}:\n  {line}", exactly=True)
        try:
            self._run(step)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted while the stack {remade.stack} was made again: {GO_ON}", line) from None
        except Interrupted as error:
            raise Interrupted(f"{str(error).partition(':')[0]}: {GO_ON}", line) from error
        except DeployError as error:
            if isinstance(error, Busy) and isinstance(step, DeleteStack):
                raise  # everything is still there
            raise DeployError(f"{error}; when that is solved: {GO_ON}", line) from error

    def _run(self, step: Step) -> None:
        match step:
            case Wait(stack=stack):
                self.console.say(f"The stack {stack.name} is {stack.status}. Waiting for that to end.")
                self.progress.join(stack.id, stack.name)
            case DeleteStack(stack=stack, why=why):
                self._delete_stack(stack, why)
            case DeleteLayer():
                layer_steps.delete(step, self.cloud, self.console)
            case PublishTools():
                self.published = layer_steps.publish(step, self.cloud, self.console)
            case UploadCode(bucket=bucket, key=key):
                self.console.say(f"Putting the code into s3://{bucket}/{key}.")
                self.cloud.upload(bucket, key, plan.package())
            case CreateStack():
                self._create(step)
            case UpdateStack():
                self._update(step)
            case _:
                self._run_on_a_function(step)

    def _run_on_a_function(self, step: Step) -> None:
        match step:
            case Restore():
                self._restore(step)
            case AwaitActive(function=function):
                self._await_active(function)
            case TryOut(function=function):
                self.console.say(self.try_out(function))
            case _:
                raise AssertionError(step)

    def _delete_stack(self, stack: Stack, why: str) -> None:
        self.console.say(f"Deleting the stack {stack.name}" + (f": {why}." if why else "."))
        before = self.progress.newest(stack.id)
        self.cloud.delete_stack(stack.id)
        self.progress.follow(stack.id, stack.name, before)

    def _create(self, step: CreateStack) -> None:
        self.console.say(f"Creating the stack {step.stack}: {described(self._filled(step.parameters))}.")
        parameters = [_given(*item) for item in self._filled(step.parameters).items()]
        stack, change_set = self.cloud.create_change_set(
            step.stack, _new_name(), step.body, parameters, create=True, options=step.options
        )
        if self._changes(step.stack, change_set) is not None:
            self._execute(step.stack, stack, change_set)

    def _update(self, step: UpdateStack) -> None:
        self.console.say(f"Updating the stack {step.stack.name}.")
        parameters: list[dict[str, Any]] = [_given(*item) for item in self._filled(step.given).items()]
        parameters += [{"ParameterKey": name, "UsePreviousValue": True} for name in step.kept]
        stack, change_set = self.cloud.create_change_set(
            step.stack.name,
            _new_name(),
            step.body,
            parameters,
            create=False,
            options=step.options,
            before=step.stack.options,
        )
        changes = self._changes(step.stack.name, change_set)
        if changes is None:
            return
        for change in changes:
            self.console.say(summary(change))
        try:
            self._ask_for(changes, step)
        except (DeployError, KeyboardInterrupt):
            self._take_back(change_set)
            raise
        self._execute(step.stack.name, stack, change_set)

    def _ask_for(self, changes: Sequence[Change], step: UpdateStack) -> None:
        """Ask for consent. The plan cannot foresee each replacement, for example if the template was edited."""
        replaced = [change.resource for change in changes if change.replaced and change.type == "AWS::Lambda::Function"]
        if step.consent or replaced:
            self.console.confirm(
                step.consent or "This replaces the function: its environments and their files will be gone."
            )

    def _take_back(self, change_set: str) -> None:
        """Undo everything, so that nothing was changed."""
        self.cloud.delete_change_set(change_set)
        if self.published:
            self.cloud.delete_layer(plan.layer_name(self.published), int(self.published.rpartition(":")[2]))

    def _changes(self, name: str, change_set: str) -> list[Change] | None:
        """What a change set would do. None: nothing."""
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
            f"CloudFormation did not prepare the changes to the stack {name} within five minutes: try again"
        )

    def _execute(self, name: str, stack: str, change_set: str) -> None:
        before = self.progress.newest(stack)
        self.cloud.execute_change_set(change_set)
        self.progress.follow(stack, name, before)

    def _filled(self, parameters: Mapping[str, str]) -> dict[str, str]:
        return {name: value.replace(plan.PUBLISHED, self.published) for name, value in parameters.items()}

    def _restore(self, step: Restore) -> None:
        self.console.say(f"Restoring the code and settings of {step.function}.")
        values = step.parameters
        self.cloud.restore_code(step.function, _package(step), values["Architecture"])
        self._await_active(step.function, quietly=True)  # Lambda refuses a second change during the first
        self.cloud.restore_configuration(step.function, settings(self._filled(values)))

    def _await_active(self, name: str, quietly: bool = False) -> None:
        state = until_active(name, lambda: self._state(name), self.sleep)
        if not quietly:
            self.console.say(f"The function {name} is {state.lower()}.")

    def _state(self, name: str) -> State | None:
        function = self.cloud.function(name)
        return State(function.state, function.update, function.reason) if function else None


def _package(step: Restore) -> dict[str, Any]:
    """The function's code, for Lambda's API."""
    if "CodeBucket" in step.parameters:
        return {"S3Bucket": step.parameters["CodeBucket"], "S3Key": step.parameters["CodeKey"]}
    return {"ZipFile": code_zip(step.code)}


def settings(parameters: Mapping[str, str]) -> dict[str, Any]:
    """The template's settings of a function, for Lambda's API. What is not in it stays as it is."""
    subnets, groups, layers = (several(parameters[name]) for name in ("Subnets", "SecurityGroups", "Layers"))
    named = {"Role": parameters["RoleArn"], "KMSKeyArn": parameters["KmsKey"]}
    return {
        "Runtime": parameters["Runtime"],
        "Handler": "index.handler",
        "MemorySize": int(parameters["Memory"]),
        "Timeout": int(parameters["Timeout"]),
        "EphemeralStorage": {"Size": int(parameters["Storage"])},
        "Layers": layers,
        "Environment": {"Variables": variables_in(parameters)},
        "VpcConfig": {"SubnetIds": subnets, "SecurityGroupIds": groups},
        **{name: value for name, value in named.items() if value},
    }


def summary(change: Change) -> str:
    what = f" ({', '.join(change.properties)})" if change.properties else ""
    replaced = ", replaced by a new one" if change.replaced else ""
    return f"  {change.action.lower()} {change.resource}, {change.type}{what}{replaced}"


def _new_name() -> str:
    """A unique name for a change set: two deploys may run at once."""
    return f"{CHANGE_SET_PREFIX}{secrets.token_hex(4)}"


def _given(name: str, value: str) -> dict[str, Any]:
    return {"ParameterKey": name, "ParameterValue": value}
