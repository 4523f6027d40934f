"""Shares of CPU time: an account with a cap gets so many thousandths of one CPU, on whatever CPUs its threads run.

Time is counted in windows. Each capped account on the way from the thread's to the root is charged; one that has used
up its window, or more, stops the thread until the windows that pay for it are over. A thread that runs under a cap is
looked at every millisecond, what it overdraws meanwhile is paid later.
Locks: CpuBudget.lock (Rank.BUDGET).
"""
from compiler.prelude import addr, const, offsetof, ptr, requires, u64
from kernel.arch.x86_64 import clock, cpu
from kernel.caps.object import Account, CpuBudget
from kernel.core import alarm, cpu_queue
from kernel.core.thread_block import THROTTLED, Thread
from kernel.core.timers import Timer
from kernel.core.wait import clear_condition
from kernel.sync.ranks import Rank

_WINDOW_NS = const(50_000_000)
_WHOLE = const(1000)
_TIMER = const(offsetof(Thread, "throttle"))


def start() -> None:
    cpu_queue.note_capped = _charge


def forget(thread: ptr[Thread]) -> None:
    """Before the thread's end."""
    if thread.throttle.is_queued:
        _ = alarm.stop_timer(addr(thread.throttle))


def _charge(thread: ptr[Thread], ticks: u64) -> None:
    """Charges the time of the thread that this CPU runs, and stops the thread if it is used up."""
    used_ns = clock.ns_of(ticks)
    now = clock.now_ns()
    until: u64 = 0
    account = thread.header.account
    while account is not None:
        if account.cpu_share.load("relaxed") != 0:
            until = max(until, _use(account, used_ns, now))
        account = account.header.account
    if until > now and not thread.throttle.is_queued:
        _ = thread.conditions.fetch_or(THROTTLED, "seq_cst")
        cpu.attention = 1
        thread.throttle.deadline_ns = until
        thread.throttle.action = _let_go_on
        alarm.start_timer(addr(thread.throttle))


def _use(account: ptr[Account], used_ns: u64, now: u64) -> u64:
    """Returns when the account may go on; in the past if it may at once."""
    budget = addr(account.cpu_budget)
    share = _WINDOW_NS * u64(account.cpu_share.load("relaxed")) // _WHOLE
    window = now // _WINDOW_NS
    budget.lock.rank = Rank.BUDGET
    with budget.lock:
        _begin_window(budget, window, share)
        budget.used_ns += used_ns
        return (window + budget.used_ns // max(share, 1)) * _WINDOW_NS


@requires("budget.lock")
def _begin_window(budget: ptr[CpuBudget], window: u64, share: u64) -> None:
    passed = window - min(budget.window, window)
    if passed != 0:
        budget.window = window
        budget.used_ns -= min(budget.used_ns, share * min(passed, _WHOLE))


def _let_go_on(timer: ptr[Timer]) -> None:
    clear_condition(ptr[Thread](u64(timer) - _TIMER), THROTTLED)
