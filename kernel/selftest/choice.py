"""Which of the kernel's own tests the command line asks for, by `selftest=`. Only a kernel built with -D SELFTEST=1
has any.
"""
from compiler.prelude import array, atomic, const, option, span, u8, u32
from kernel.core.options import is_equal

SELFTEST = const(option("SELFTEST", 0) != 0)

NOTHING = const(0)
PANIC_ASSERT = const(1)
PANIC_NULL = const(2)
PANIC_OVERFLOW = const(3)
PANIC_OTHER_CPU = const(4)
PANIC_CONSOLE = const(5)
PANIC_CONSOLE_ELSEWHERE = const(6)
PANIC_NESTED = const(7)
PANIC_TWO = const(8)
LOG_MANY = const(9)
POWER_OFF = const(10)
RESTART = const(11)
PANIC_LONG = const(12)
NMI = const(13)
PANIC_CONFIGURATION = const(14)
PANIC_SURVIVED = const(15)
PANIC_IN_CALL = const(16)
PANIC_RETURN = const(17)
_COUNT = const(18)

_names: array[str, _COUNT] = array(
    "nothing", "panic-assert", "panic-null", "panic-overflow", "panic-other-cpu", "panic-console",
    "panic-console-elsewhere", "panic-nested", "panic-two", "log-many", "power-off", "restart", "panic-long", "nmi",
    "panic-configuration", "panic-survived", "panic-in-call", "panic-return",
)  # fmt: skip

chosen: u32 = NOTHING
has_begun: atomic[u32] = 0              # 1: the machine has booted
arrived: atomic[u32] = 0                # CPUs that have come to the test


def choose(name: span[u8]) -> bool:
    """Returns False when there is no test of this name."""
    global chosen
    for number in range(u32(_COUNT)):
        if is_equal(name, _names[number]):
            chosen = number
            return True
    return False
