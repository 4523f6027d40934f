"""What the command line asks of the kernel. A word that it cannot take is told and left out; of two the last counts.

Words whose key has a dot, as in init.greeting=hello, are for programs; the kernel leaves them alone.
"""
from collections.abc import Callable

from compiler.prelude import addr, array, const, ptr, span, struct, u8, u32, u64
from kernel.abi.log import Level
from kernel.boot import machine
from kernel.config import CPU_LIMIT
from kernel.core import log
from kernel.core.configuration import command_line, given
from kernel.core.line import Line
from kernel.core.machine_end import CAN_CONTINUE, PANIC_ACTIONS, action_name, set_panic_action, use_exit_device
from kernel.core.options import NO_NUMBER, Word, decimal, is_equal, next_word
from kernel.selftest.choice import SELFTEST, choose

_DOT = const(0x2E)
_OPTIONS = const(9)
_WORDS_TOLD = const(100)                # characters of a refused word that are shown
_LEVELS = const(4)
_PANIC_VALUES = const("halt, exit, reboot, debug or continue" if CAN_CONTINUE else "halt, exit, reboot or debug")


@struct
class Option:
    key: str
    values: str                         # told when the value is none of them
    take: Callable[[span[u8]], bool]    # returns whether the value is one of them


_seen: array[bool, _OPTIONS] = array(False for _ in range(_OPTIONS))
_level_names: array[str, _LEVELS] = array("error", "warn", "info", "debug")


def read_options() -> str:
    """Takes every word of the command line. Requires: read_answers() has copied it."""
    given.cpu_limit = CPU_LIMIT
    given.first_program = b"init"
    options: array[Option, _OPTIONS] = array(
        Option(key="exit", values="debug", take=_take_exit),
        Option(key="panic", values=_PANIC_VALUES, take=_take_panic),
        Option(key="log", values="error, warn, info or debug", take=_take_log),
        Option(key="cpus", values="a number from 1 to 256", take=_take_cpus),
        Option(key="program", values="the name of a boot module, without .elf", take=_take_program),
        Option(key="barriers", values="on, off or auto", take=_take_barriers),
        Option(key="kpti", values="on, off or auto", take=_take_isolation),
        Option(key="pcid", values="auto or off", take=_take_contexts),
        Option(key="selftest", values="the name of a test, in a kernel that is built with them", take=_take_selftest),
    )
    word = Word()
    at = next_word(command_line(), 0, addr(word))
    while at != 0:
        _take(span(addr(options[0]), len(options)), addr(word))
        at = next_word(command_line(), at, addr(word))
    return ""


def _take(options: span[Option], word: ptr[Word]) -> None:
    for index in range(len(options)):
        if not is_equal(word.key, options[index].key):
            continue
        if _seen[index]:
            _tell(word, "stands twice; the last one counts")
        _seen[index] = True
        if not word.has_value or not options[index].take(word.value):
            _tell_values(word, options[index].values)
        return
    if not _is_for_programs(word.key):
        _tell(word, "is no option of the kernel; it has exit=, panic=, log=, cpus=, program=, barriers=, kpti=, pcid=")


def _is_for_programs(key: span[u8]) -> bool:
    for character in key:
        if character == _DOT:
            return True
    return False


def _tell(word: ptr[Word], what: str) -> None:
    line = Line()
    line.text("boot: ")
    _add_word(addr(line), word)
    line.text(" ")
    line.text(what)
    log.warn_line(addr(line))


def _tell_values(word: ptr[Word], values: str) -> None:
    line = Line()
    line.text("boot: ")
    _add_word(addr(line), word)
    line.text(" is left out: ")
    line.untrusted(word.key)
    line.text("= takes ")
    line.text(values)
    log.warn_line(addr(line))


def _add_word(line: ptr[Line], word: ptr[Word]) -> None:
    line.untrusted(_beginning(word.key))
    if word.has_value:
        line.text("=")
        line.untrusted(_beginning(word.value))


def _beginning(text: span[u8]) -> span[u8]:
    return text[0 : min(u64(len(text)), _WORDS_TOLD)]


def _take_exit(value: span[u8]) -> bool:
    if not is_equal(value, "debug"):
        return False
    use_exit_device()
    return True


def _take_panic(value: span[u8]) -> bool:
    for action in range(u64(PANIC_ACTIONS)):
        if is_equal(value, action_name(action)):
            set_panic_action(action)
            return True
    return False


def _take_log(value: span[u8]) -> bool:
    for level in range(u32(_LEVELS)):
        if is_equal(value, _level_names[level]):
            log.show_level(level)
            return level != Level.DEBUG or log.HAS_DEBUG
    return False


def _take_cpus(value: span[u8]) -> bool:
    count = decimal(value)
    if count == NO_NUMBER or not 0 < count <= CPU_LIMIT:
        return False
    given.cpu_limit = count
    return True


def _take_program(value: span[u8]) -> bool:
    if not machine.has_module(value):
        return False
    given.first_program = value
    return True


def _take_barriers(value: span[u8]) -> bool:
    return _take_wish(value, addr(given.barriers))


def _take_isolation(value: span[u8]) -> bool:
    return _take_wish(value, addr(given.isolation))


def _take_contexts(value: span[u8]) -> bool:
    return not is_equal(value, "on") and _take_wish(value, addr(given.contexts))


def _take_wish(value: span[u8], place: ptr[u32]) -> bool:
    names: array[str, 3] = array("auto", "off", "on")       # in the order of Wish
    for wish in range(u32(3)):
        if is_equal(value, names[wish]):
            place[0] = wish
            return True
    return False


def _take_selftest(value: span[u8]) -> bool:
    return SELFTEST and choose(value)
