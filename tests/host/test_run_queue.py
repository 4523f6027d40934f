"""Run queues against lists: the highest priority first, first come first served in it, one bit for each priority."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from compiler.prelude import addr, u32
from kernel.abi.thread import PRIORITIES
from kernel.core import run_queue
from kernel.core.run_queue import RunQueue
from kernel.core.thread_block import Thread

THREADS = 8
priorities = st.one_of(st.sampled_from([0, 31, 32, PRIORITIES - 1]), st.integers(0, PRIORITIES - 1))


class RunQueueModel(RuleBasedStateMachine):
    @initialize()
    def make(self) -> None:
        self.queue = RunQueue()
        self.free = [Thread() for _ in range(THREADS)]
        self.ready: dict[int, list[Thread]] = {}

    @precondition(lambda self: self.free)
    @rule(priority=priorities, goes_first=st.booleans())
    def push(self, priority: int, goes_first: bool) -> None:
        thread = self.free.pop()
        thread.priority = u32(priority)
        level = self.ready.setdefault(priority, [])
        if goes_first:
            run_queue.push_first(addr(self.queue), addr(thread))
            level.insert(0, thread)
        else:
            run_queue.push(addr(self.queue), addr(thread))
            level.append(thread)
        assert thread.is_ready

    @precondition(lambda self: any(self.ready.values()))
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        level = self.ready[data.draw(st.sampled_from(sorted(p for p, threads in self.ready.items() if threads)))]
        thread = level.pop(data.draw(st.integers(0, len(level) - 1)))
        run_queue.remove(addr(self.queue), addr(thread))
        assert not thread.is_ready
        self.free.append(thread)

    @rule()
    def pop(self) -> None:
        found = run_queue.pop(addr(self.queue))
        waiting = [priority for priority, threads in self.ready.items() if threads]
        if not waiting:
            assert found is None
        else:
            thread = self.ready[max(waiting)].pop(0)
            assert found == addr(thread)
            self.free.append(thread)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "queue"):
            return
        waiting = {priority for priority, threads in self.ready.items() if threads}
        assert int(self.queue.ready.load()) == sum(1 << priority for priority in waiting)
        assert int(self.queue.length.load()) == sum(map(len, self.ready.values()))
        assert int(run_queue.top_level(addr(self.queue))) == max(waiting, default=-1) + 1


TestRunQueue = RunQueueModel.TestCase
TestRunQueue.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
