"""The shell's commands."""
import asyncio

from compiler.prelude import addr, array, const, ptr, span, struct, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.rights import ALL_RIGHTS
from kernel.abi.system import KernelState
from kernel.core.options import NO_NUMBER, decimal
from userspace.lib.console import flush, say, write, write_line
from userspace.lib.process import kill
from userspace.lib.start_info import is_same, module_name, start_info
from userspace.lib.syscall import close, invoke, yield_now
from userspace.lib.text import Text
from userspace.lib.time import monotonic_ns
from userspace.servers.shell import keyboard, reports, services
from userspace.servers.shell.editor import Editor
from userspace.servers.shell.jobs import MOST_JOBS, NO_JOB, jobs, start_job, wait_for_job
from userspace.servers.shell.ping import ping
from userspace.servers.shell.tracing import trace
from userspace.servers.shell.words import Words, split

KILLED = const(137)                     # exit status of a program that `kill` has ended
_ROUNDS = const(1000)


@struct
class Command:
    name: str
    usage: str
    help: str


COMMANDS = const(15)
commands: array[Command, COMMANDS] = array(
    Command(name="help", usage="help [run]", help="this list, or the programs that there are"),
    Command(name="ps", usage="ps", help="the processes that this shell holds"),
    Command(name="top", usage="top", help="what they do within a second"),
    Command(name="caps", usage="caps", help="the capabilities that it holds"),
    Command(name="mem", usage="mem", help="memory, objects, what the account has left"),
    Command(name="log", usage="log [error|warn|info|debug]", help="the kernel's log; or show that level from now on"),
    Command(name="trace", usage="trace [on|off]", help="what the CPUs did last, once it has been turned on"),
    Command(name="run", usage="run NAME [WORDS] [&]", help="start a program; ^C ends it, & does not wait for it"),
    Command(name="kill", usage="kill JOB|SERVICE", help="end a program, or a service, which init starts again"),
    Command(name="ping", usage="ping SERVICE", help="call a service, found by its name"),
    Command(name="bench", usage="bench", help="what some operations take"),
    Command(name="panic", usage="panic", help="stop the kernel where it is, with its report"),
    Command(name="poweroff", usage="poweroff", help="turn the machine off"),
    Command(name="reboot", usage="reboot", help="start the machine anew"),
    Command(name="exit", usage="exit [STATUS]", help="end the shell"),
)

is_over: bool = False
exit_status: u64 = 0
_prompt: str = ""                       # what has to be shown again when a line comes between
_editor: ptr[Editor] | None = None


async def execute(line: span[u8]) -> None:
    words: Words = zeroed()
    split(line, addr(words))
    if words.count == 0:
        return
    name = words.word(0)
    if is_same(name, b"help"):
        _help(words.word(1))
    elif is_same(name, b"ps"):
        reports.show_processes()
    elif is_same(name, b"top"):
        await reports.show_load()
    elif is_same(name, b"caps"):
        reports.show_capabilities()
    elif is_same(name, b"mem"):
        reports.show_memory()
    elif is_same(name, b"log"):
        _log(words.word(1))
    elif is_same(name, b"trace"):
        if not trace(words.word(1)):
            _tell(words.word(1), ": a trace is on or off")
    elif is_same(name, b"run"):
        await _run(addr(words))
    elif is_same(name, b"kill"):
        _kill(words.word(1))
    elif is_same(name, b"ping"):
        await ping(words.word(1))
    elif is_same(name, b"bench"):
        _bench()
    elif is_same(name, b"panic"):
        _panic()
    elif is_same(name, b"poweroff"):
        _end_machine(Method.SYSTEM_POWER_OFF)
    elif is_same(name, b"reboot"):
        _end_machine(Method.SYSTEM_RESTART)
    elif is_same(name, b"exit"):
        _exit(words.word(1))
    else:
        _tell(name, ": there is no such command; `help` lists them")


def show_prompt(prompt: str, editor: ptr[Editor]) -> None:
    """Writes the prompt, and again after each line that comes while it is there."""
    global _prompt, _editor
    _prompt = prompt
    _editor = editor
    write(prompt.encode())


def write_echo(editor: ptr[Editor]) -> None:
    """Shows what the editor wants shown."""
    write(editor.echo[0 : editor.echo_length])
    editor.echo_length = 0


def hide_prompt() -> None:
    global _editor
    _editor = None


def _help(topic: span[u8]) -> None:
    if is_same(topic, b"run"):
        info = start_info()
        for index in range(info.module_count):
            file = module_name(addr(info.modules[index]))
            write(file[0 : len(file) - min(u64(len(file)), u64(4))])
            write(b"\r\n")
        return
    for index in range(len(commands)):
        line: Text = zeroed()
        line.text(commands[index].usage)
        while line.length < 30:
            line.text(" ")
        line.text(commands[index].help)
        say(addr(line))


def _log(word: span[u8]) -> None:
    if len(word) == 0:
        reports.show_log()
        return
    status, _ = invoke(start_info().system, Method.SYSTEM_SHOW_LOG_LEVEL, reports.level_of(word))
    if status != Status.OK:
        _tell(word, ": levels are error, warn, info and debug")


async def _run(words: ptr[Words]) -> None:
    name = words.word(1)
    if len(name) == 0:
        _tell(b"run", ": which program? `help run` lists them")
        return
    is_background = is_same(words.word(words.count - 1), b"&")
    number, problem = start_job(name, _arguments(words, is_background))
    if number == NO_JOB:
        _tell(name, ": ", problem)
    elif is_background:
        _ = asyncio.create_task(_follow(number))
    else:
        keyboard.set_foreground(number)
        line: Text = zeroed()
        await wait_for_job(number, addr(line))
        keyboard.set_foreground(NO_JOB)
        say(addr(line))


def _arguments(words: ptr[Words], is_background: bool) -> span[u8]:
    """What stands behind the program's name on the line."""
    last = words.count - 1 if is_background else words.count
    if last < 3:
        return b""
    first = words.word(2)
    end = u64(addr(words.word(last - 1)[0])) + u64(len(words.word(last - 1)))
    return span(addr(first[0]), end - u64(addr(first[0])))


async def _follow(number: u64) -> None:
    """Tells of the end of a program that nobody waits for."""
    line: Text = zeroed()
    await wait_for_job(number, addr(line))
    editor = _editor
    if editor is None:
        say(addr(line))
        await flush()
        return
    write(b"\r\n")
    say(addr(line))
    write(_prompt.encode())
    editor.show_line()
    write_echo(editor)
    await flush()


def _kill(word: span[u8]) -> None:
    if services.end_service(word):
        return
    number = decimal(word)
    if number == NO_NUMBER or number >= MOST_JOBS or not jobs[number].is_used:
        _tell(word, ": there is no such job; `ps` lists them")
    else:
        kill(addr(jobs[number].child), KILLED)


def _bench() -> None:
    account = start_info().account
    begin = monotonic_ns()
    for _ in range(_ROUNDS):
        yield_now()
    _show_time("empty system call", begin)
    begin = monotonic_ns()
    for _ in range(_ROUNDS):
        _, handle = invoke(start_info().inspect, Method.MINT, ALL_RIGHTS, 0)
        _ = close(handle)
    _show_time("mint and close", begin)
    begin = monotonic_ns()
    for _ in range(_ROUNDS):
        _, handle = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
        _ = close(handle)
    _show_time("make and end a notification", begin)
    begin = monotonic_ns()
    for _ in range(_ROUNDS):
        _ = monotonic_ns()
    _show_time("reading the clock", begin)


def _show_time(what: str, begin_ns: u64) -> None:
    write_line(f"{(monotonic_ns() - begin_ns) // _ROUNDS:8} ns  {what}")


def _end_machine(method: u64) -> None:
    system = start_info().system
    status, _ = invoke(system, Method.SYSTEM_CHANGE_STATE, KernelState.RUNNING, KernelState.SHUTTING_DOWN)
    if status == Status.OK:
        status, _ = invoke(system, method)
    write_line(f"the machine does not do that: status {u64(status)}")


def _panic() -> None:
    status, _ = invoke(start_info().system, Method.SYSTEM_CHANGE_STATE, KernelState.RUNNING, KernelState.PANIC)
    write_line(f"the machine does not do that: status {u64(status)}")


def _exit(word: span[u8]) -> None:
    global is_over, exit_status
    number = decimal(word) if len(word) != 0 else u64(0)
    if number == NO_NUMBER:
        _tell(word, ": a status is a number")
        return
    exit_status = number
    is_over = True


def _tell(subject: span[u8], what: str, more: str = "") -> None:
    line: Text = zeroed()
    line.bytes(subject)
    line.text(what)
    line.text(more)
    say(addr(line))
