"""The explorer: runs up to four tasks in every order of their atomic accesses.

Compiled natively with switch_point() called before each atomic access. Each task has a stack of its own; at a switch
point the explorer decides which task goes on. A schedule is the list of these decisions. All schedules with no forced
switch (preemption) come first, then those with one, two and so on; within one number they are walked depth first, each
from the beginning.
What spins for another task (locks do) calls give_way() instead of waiting: the next task goes on, which is no decision.
Not here: what the tasks do (references.py, lookups.py).
"""
from collections.abc import Callable
from typing import NoReturn

from compiler.prelude import addr, array, asm_x64, const, copy, naked, noinline, panic, ptr, struct, u8, u64, zeroed
from compiler.prelude.x64 import *

MOST_TASKS = const(4)
MOST_DECISIONS = const(512)
MOST_PREEMPTIONS = const(12)
_STACK_BYTES = const(16384)
_SAVED_REGISTERS = const(6)


def _nothing_to_hold() -> bool:
    return True


@struct
class Scenario:
    prepare: Callable[[], None]         # the state before each schedule
    tasks: array[Callable[[], None], MOST_TASKS]
    count: u64
    is_right: Callable[[], bool]        # what must hold after each schedule
    holds: Callable[[], bool] = _nothing_to_hold        # what must hold before each atomic access


@struct(align=16)
class Stack:
    words: array[u64, _STACK_BYTES // 8]


@struct
class Decision:
    choice: u8                          # among the tasks that could go on; 0 is the one that was running
    choices: u8


_stacks: array[Stack, MOST_TASKS] = zeroed()
_saved: array[u64, MOST_TASKS] = zeroed()       # stack pointers of tasks that do not run
_is_done: array[bool, MOST_TASKS] = zeroed()
_outside: u64 = 0                       # stack pointer of run()
_path: array[Decision, MOST_DECISIONS] = zeroed()
_depth: u64 = 0
_known: u64 = 0                         # decisions at the beginning of the path that are made
_running: u64 = 0
_preemptions: u64 = 0
_allowed: u64 = 0
_is_exploring: bool = False
_has_held: bool = False                 # whatever must hold all the time
_scenario: Scenario = zeroed()          # the one that is explored


def explore(scenario: ptr[Scenario], most: u64) -> tuple[u64, bool]:
    """Runs schedules until one goes wrong, there are no more, or there have been `most`.

    Returns how many were run and whether all went right.
    """
    global _scenario, _known, _allowed, _is_exploring
    _scenario = copy(scenario[0])
    _is_exploring = False               # an earlier exploration may have ended by a trap
    schedules: u64 = 0
    for bound in range(u64(MOST_PREEMPTIONS)):
        _allowed = bound
        _known = 0
        while True:
            _run(scenario)
            # Those with fewer preemptions were counted under a lower bound.
            if _preemptions == bound:
                schedules += 1
                if not _has_held or not scenario.is_right():
                    return schedules, False
                if schedules == most:
                    return schedules, True
            if not _go_back():
                break
    return schedules, True


@noinline
def switch_point() -> None:
    """Called before each atomic access."""
    global _is_exploring, _has_held
    if _is_exploring:
        _is_exploring = False           # for the accesses of holds() itself
        if not _scenario.holds():
            _has_held = False
        _is_exploring = True
        _switch_to(_decide(True))


def give_way() -> None:
    """Called by a task that can do no more than look again until another one has gone on."""
    if _is_exploring:
        _switch_to(_next_task())


def end_task() -> NoReturn:
    """The running task is over here, wherever it was called from."""
    _is_done[_running] = True
    is_last = True
    for task in range(_scenario.count):
        if not _is_done[task]:
            is_last = False
    if is_last:
        _switch(addr(_saved[_running]), _outside)
    _switch_to(_decide(False))
    panic("a task went on that was over")


def _run(scenario: ptr[Scenario]) -> None:
    global _depth, _running, _preemptions, _is_exploring, _has_held
    scenario.prepare()
    for task in range(scenario.count):
        _is_done[task] = False
        _prepare_stack(task)
    _depth = 0
    _preemptions = 0
    _running = MOST_TASKS
    _running = _decide(False)
    _has_held = True
    _is_exploring = True
    _switch(addr(_outside), _saved[_running])
    _is_exploring = False


def _decide(can_go_on: bool) -> u64:
    """The task that goes on. `can_go_on` says that the running one is among them."""
    global _depth, _preemptions
    scenario = addr(_scenario)
    choices: u64 = 1 if can_go_on else 0
    if not can_go_on or _preemptions < _allowed:
        for task in range(scenario.count):
            if not _is_done[task] and task != _running:
                choices += 1
    assert _depth < MOST_DECISIONS, "a schedule with too many decisions"
    decision = addr(_path[_depth])
    if _depth >= _known:
        decision.choice = 0
    decision.choices = u8(choices)
    _depth += 1
    choice = u64(decision.choice)
    if can_go_on:
        if choice == 0:
            return _running
        _preemptions += 1
        choice -= 1
    for task in range(scenario.count):
        if not _is_done[task] and task != _running:
            if choice == 0:
                return task
            choice -= 1
    panic("the tasks did not do again what they had done before")


def _go_back() -> bool:
    """Makes the path the next one in depth-first order. Returns False after the last."""
    global _known, _depth
    while _depth != 0:
        decision = addr(_path[_depth - 1])
        if decision.choice + 1 < decision.choices:
            decision.choice += 1
            _known = _depth
            return True
        decision.choice = 0
        _depth -= 1
    return False


def _next_task() -> u64:
    """In turn, so that whoever is waited for comes to go on."""
    task = (_running + 1) % _scenario.count
    while _is_done[task]:
        task = (task + 1) % _scenario.count
    assert task != _running, "the last task waits for one that is over"
    return task


def _switch_to(task: u64) -> None:
    global _running
    if task != _running:
        before = _running
        _running = task
        _switch(addr(_saved[before]), _saved[task])


@noinline
def _begin_task() -> None:
    """Where a task's stack begins; never returns."""
    _scenario.tasks[_running]()
    end_task()


def _prepare_stack(task: u64) -> None:
    """As if _begin_task() had been called and had called _switch() before its first instruction."""
    end = u64(addr(_stacks[task])) + _STACK_BYTES - 16
    frame = ptr[u64](end - (_SAVED_REGISTERS + 1) * 8)
    for index in range(u64(_SAVED_REGISTERS)):
        frame[index] = 0
    frame[_SAVED_REGISTERS] = u64(_begin_task)
    _saved[task] = u64(frame)


@naked
@asm_x64
def _switch(save: ptr[u64], stack: u64) -> None:
    push(rbp)
    push(rbx)
    push(r12)
    push(r13)
    push(r14)
    push(r15)
    mov([rdi], rsp)
    mov(rsp, rsi)
    pop(r15)
    pop(r14)
    pop(r13)
    pop(r12)
    pop(rbx)
    pop(rbp)
    ret()
