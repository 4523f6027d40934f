"""What the shell shows of the system, through the capabilities that it holds: ps, top, caps, mem, log."""
import asyncio

from compiler.prelude import addr, array, const, ptr, span, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.log import LOG_RECORDS, LogRecord
from kernel.abi.methods import Method
from kernel.abi.objects import OBJECT_KINDS, RESOURCES, ProcessState, Resource
from userspace.lib.console import say, write_line
from userspace.lib.process import Child
from userspace.lib.services import MOST_SERVICES
from userspace.lib.start_info import module_name, start_info
from userspace.lib.syscall import invoke
from userspace.lib.text import Text
from userspace.servers.shell import services
from userspace.servers.shell.jobs import MOST_JOBS, jobs

_MOST_CPUS = const(8)                   # whose log is shown
_NS_PER_MS = const(1_000_000)
_KIND_SHIFT = const(32)                 # in what IDENTIFY gives; the rights are below

_kinds: array[str, OBJECT_KINDS] = array(
    "none", "process", "thread", "memory", "ring", "channel", "reply", "notification", "interrupt", "ports", "lease",
    "account", "system", "inspect", "console",
)
_resources: array[str, RESOURCES] = array("frames", "slots", "threads", "rings", "objects")
_levels: array[str, 4] = array("error", "warn", "info", "debug")
_records: array[LogRecord, _MOST_CPUS * LOG_RECORDS] = zeroed()
_cpus: array[u64, _MOST_CPUS * LOG_RECORDS] = zeroed()      # whose record each is


def ask(handle: u64, method: u64, first: u64 = 0) -> u64:
    """The value of an operation, 0 when it is refused."""
    status, value = invoke(handle, method, first)
    return value if status == Status.OK else u64(0)


def show_processes() -> None:
    """The processes that the shell holds: itself, those that it has started, and the services."""
    write_line("job  state    threads   frames   cpu ms  name")
    line: Text = zeroed()
    info = start_info()
    own = Child(process=info.process, thread=info.thread, account=info.account)
    line.text("  -")
    _add_process(addr(line), addr(own))
    line.text("shell")
    say(addr(line))
    for number in range(u64(MOST_JOBS)):
        job = addr(jobs[number])
        if job.is_used:
            line.length = 0
            line.number(number, False, 10, 3, 0)
            _add_process(addr(line), addr(job.child))
            line.bytes(job.name_text())
            say(addr(line))
    for place in range(u64(MOST_SERVICES)):
        service = services.service_at(place)
        if service is not None:
            child = Child(process=service.process, thread=service.thread, account=service.account)
            line.length = 0
            line.text("  *")
            _add_process(addr(line), addr(child))
            line.bytes(services.name_of(service))
            if service.starts > 1:
                line.text(", started ")
                line.number(service.starts, False, 10, 0, 0)
                line.text(" times")
            say(addr(line))


async def show_load() -> None:
    """CPU time of the first threads within one second."""
    before: array[u64, MOST_JOBS] = zeroed()
    own = _cpu_time(start_info().thread)
    for number in range(u64(MOST_JOBS)):
        before[number] = _cpu_time(jobs[number].child.thread)
    await asyncio.sleep(1)
    own = _cpu_time(start_info().thread) - own
    write_line("job  cpu ms of one second  name")
    write_line(f"  -  {own // _NS_PER_MS:20}  shell")
    for number in range(u64(MOST_JOBS)):
        job = addr(jobs[number])
        if job.is_used:
            line: Text = zeroed()
            used = _cpu_time(job.child.thread)
            line.number(number, False, 10, 3, 0)
            line.number((used - min(used, before[number])) // _NS_PER_MS, False, 10, 22, 0)
            line.text("  ")
            line.bytes(job.name_text())
            say(addr(line))


def show_capabilities() -> None:
    info = start_info()
    write_line("handle            kind         rights  what")
    _show_capability(info.process, b"this process")
    _show_capability(info.thread, b"its first thread")
    _show_capability(info.account, b"the account that it runs on")
    _show_capability(info.system, b"the machine")
    _show_capability(info.inspect, b"counts")
    for index in range(info.module_count):
        _show_capability(info.modules[index].memory, module_name(addr(info.modules[index])))
    for number in range(u64(MOST_JOBS)):
        if jobs[number].is_used:
            _show_capability(jobs[number].child.process, jobs[number].name_text())


def show_memory() -> None:
    info = start_info()
    write_line(f"free memory: {ask(info.inspect, Method.INSPECT_FREE_FRAMES) * 4} KiB")
    for kind in range(u64(1), u64(OBJECT_KINDS)):
        count = ask(info.inspect, Method.INSPECT_COUNT_OBJECTS, kind)
        if count != 0:
            write_line(f"objects: {count:6} {_kinds[kind]}")
    for resource in range(u64(RESOURCES)):
        used = ask(info.account, Method.ACCOUNT_CHARGED, resource)
        limit = ask(info.account, Method.ACCOUNT_LIMIT, resource)
        write_line(f"account: {used:6} of {limit} {_resources[resource]}")


def show_log() -> None:
    """The lines that the kernel still has, CPU by CPU, as they were when it was asked."""
    count: u64 = 0
    for cpu in range(u64(_MOST_CPUS)):
        count = _read_log(cpu, count)
    for index in range(count):
        record = addr(_records[index])
        line: Text = zeroed()
        line.number(record.time_ns // _NS_PER_MS, False, 10, 8, 0)
        line.text(" ms cpu ")
        line.number(_cpus[index], False, 10, 0, 0)
        line.text(" ")
        line.text(_levels[record.level])
        line.text(": ")
        line.bytes(record.text[0 : record.length])
        say(addr(line))


def level_of(word: span[u8]) -> u64:
    """The number of a level by its name, 4 when there is none."""
    for level in range(u64(len(_levels))):
        name = _levels[level].encode()
        if len(name) == len(word) and _is_same(name, word):
            return level
    return len(_levels)


def _is_same(left: span[u8], right: span[u8]) -> bool:
    for index in range(len(left)):
        if left[index] != right[index]:
            return False
    return True


def _read_log(cpu: u64, start: u64) -> u64:
    """Copies a CPU's lines to the records from `start` on. Returns how many there are then."""
    system = start_info().system
    scratch: LogRecord = zeroed()
    status, following = invoke(system, Method.SYSTEM_READ_LOG, cpu, 0xFFFF_FFFF_FFFF, u64(addr(scratch)))
    count = start
    if status == Status.WOULD_BLOCK:
        for number in range(following - min(following, u64(LOG_RECORDS)), following):
            status, _ = invoke(system, Method.SYSTEM_READ_LOG, cpu, number, u64(addr(_records[count])))
            if status == Status.OK:
                _cpus[count] = cpu
                count += 1
    return count


def _show_capability(handle: u64, what: span[u8]) -> None:
    if handle == 0:
        return
    found = ask(handle, Method.IDENTIFY)
    line: Text = zeroed()
    line.number(handle, False, 16, 16, 1)
    line.text("  ")
    _add_padded(addr(line), _kinds[found >> _KIND_SHIFT], 13)
    line.number(found & 0xFFFF_FFFF, False, 16, 6, 0)
    line.text("  ")
    line.bytes(what)
    say(addr(line))


def _add_process(line: ptr[Text], child: ptr[Child]) -> None:
    line.text("  ")
    _add_padded(line, _state(child), 7)
    line.number(ask(child.account, Method.ACCOUNT_CHARGED, Resource.THREADS), False, 10, 9, 0)
    line.number(ask(child.account, Method.ACCOUNT_CHARGED, Resource.FRAMES), False, 10, 9, 0)
    line.number(_cpu_time(child.thread) // _NS_PER_MS, False, 10, 9, 0)
    line.text("  ")


def _state(child: ptr[Child]) -> str:
    match ask(child.process, Method.PROCESS_STATE):
        case ProcessState.RUNNING:
            return "running"
        case ProcessState.FROZEN:
            return "frozen"
        case ProcessState.ENDING:
            return "ending"
        case _:
            return "ended"


def _cpu_time(thread: u64) -> u64:
    return ask(thread, Method.THREAD_CPU_TIME)


def _add_padded(line: ptr[Text], word: str, width: u64) -> None:
    line.text(word)
    for _ in range(width - min(width, u64(len(word)))):
        line.text(" ")
