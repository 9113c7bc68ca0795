"""Runs one cell: first its magics, then its command."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..aws.usage import Usage
from ..bash.commands import job_words
from ..bash.line_ends import unix
from ..errors import CommandLost, Interrupted, UsageError
from ..magics import GROUPS, KNOWN, Call, Head, Line, misplaced, parse
from ..magics.fleet_shells import shells
from ..magics.ipython import MORE, Question, leaving, question, without_bangs
from ..output.amount import Amount
from ..output.hints import Hints
from ..output.history_hint import history_hint
from ..output.terminal import wrapped
from ..session.cell import Cell, Control, Emit, Notice, Output, Result
from ..session.context import Context
from ..workspace.limited_control import LimitedControl
from ..workspace.workspace import Workspace

NOT_RUN = Result(130, interrupted=True)  # an interrupt came first; 130 is bash's exit code for it


@dataclass(frozen=True)
class Execution:
    """A running cell, in a thread where it may block. execution_count: the number that the user sees beside it."""

    text: str
    execution_count: int
    workspace: Workspace
    emit: Emit
    control: Control
    usage: Usage
    stdin: bool = False
    hints: Hints = field(default_factory=Hints)
    amount: Amount = field(default_factory=Amount)

    def run(self) -> Result | None:
        """The result; None if the cell has no command. Raises errors.KernelError, at the limit of costs too."""
        costs = self.workspace.costs
        control = LimitedControl(self.control, costs, self.workspace.clock)
        try:
            result = replace(self, control=control)._run()
        except (CommandLost, Interrupted) as error:
            if control.reached:
                raise costs.refusal("the cell was interrupted") from error
            raise
        if control.reached and (control.taken or (result and result.interrupted)):
            raise costs.refusal("the cell was interrupted")
        return result

    def _run(self) -> Result | None:
        text = unix(self.text)
        jobs = self._jobs(text)
        if query := question(text, KNOWN):
            return self._answer(query)
        head = parse(text, KNOWN, jobs)
        if wrong := misplaced(head, KNOWN, jobs):
            raise UsageError(wrong)
        result = self._lines(head)
        return result if result and stops(result) else self._body(head, result)

    def _jobs(self, text: str) -> frozenset[str]:
        """Names that the shell's jobs may have, including those that this cell may start."""
        names = self.workspace.job_words
        names |= job_words(text)
        session = self.workspace.current
        remote = session.remote if session else None
        snapshot = remote.snapshot if remote else None
        return frozenset((*names, *(snapshot["jobs"] if snapshot else ())))

    def _answer(self, query: Question) -> Result | None:
        if query.magic:
            self._say(query.answer(self.workspace.columns))
            return None
        self.emit(Notice(MORE, "hint"))
        return self._command(self._cell(query.bash), self.emit)

    def _lines(self, head: Head) -> Result | None:
        """The result of the last command among the lines.

        If one fails, the rest does not run, because it may have been meant for another directory.
        """
        result = None
        for line in head.lines:
            if self.control.interrupts:
                return NOT_RUN
            if line.magic.bash:
                result = self._command(self._cell(line.magic.bash(line.text)), self.emit)
                if stops(result):
                    break
            else:
                text = line.magic.run(self._call(line))
                self._say(text if line.magic.verbatim else wrapped(text, self.workspace.columns))
        return result

    def _body(self, head: Head, result: Result | None) -> Result | None:
        if self.control.interrupts and (head.cell or head.body.strip()):
            return NOT_RUN
        commands = not (head.cell and head.cell.magic.text)
        cell = self._cell(leaving(without_bangs(head.body)) if commands else head.body)
        if commands and (hint := history_hint(cell.code)):
            self.emit(Notice(hint, "hint"))
        if head.cell and (take := head.cell.magic.take):
            return take(self._call(head.cell), cell, self._command) or result
        return self._command(cell, self.emit) if head.body.strip() else result

    def _cell(self, code: str) -> Cell:
        settings = self.workspace.settings
        return Cell(
            code,
            self.execution_count,
            settings.bound,
            settings.redact,
            settings.seconds,
            stdin=self.stdin,
            merge=settings.merge,
            variables=fleet_variables(self.workspace),
        )

    def _call(self, line: Line) -> Call:
        return Call(line.options, self.workspace, self.emit, self.control, self.usage, KNOWN, GROUPS, self.stdin)

    def _say(self, text: str) -> None:
        self.emit(Output("stdout", text.encode()))

    def _command(self, cell: Cell, emit: Emit, usage: Usage | None = None) -> Result:
        read = self.hints.reading(emit, cell.merge)
        read = self.amount.reading(read) if usage is None else read  # an experiment says itself what it shows
        usage = self.usage if usage is None else usage
        try:
            return self.workspace.run(cell, Context(read, self.control, usage))
        finally:
            self.hints.give(emit, self.workspace.current, usage)


def fleet_variables(workspace: Workspace) -> dict[str, str]:
    """Of a cell in one of the fleet's shells, which may be a new one, such as after %reset."""
    slot = workspace.target.slot
    if slot is None:
        return {}
    return {"FLEET_INDEX": str(slot), "FLEET_SIZE": str(len(shells(workspace)))}


def stops(result: Result) -> bool:
    """Whether what follows must not run."""
    return bool(result.exit_code or result.ended or result.interrupted or result.timed_out)
