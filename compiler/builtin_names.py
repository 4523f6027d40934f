"""The names that the language itself gives, and where a source imports each from."""

from __future__ import annotations

PYTHON_BUILTINS = frozenset(
    "int float bool str bytes len min max abs range tuple None True False "
    "list sum sorted ord divmod enumerate print reversed zip".split()
)

TYPE_NAMES = frozenset(
    "u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 uint f32 f64 "
    "ptr ptr8 ptr16 ptr32 ptr64 array span atomic volatile bits percpu fstring".split()
)
DECORATORS = frozenset(
    "struct union protocol serves inline noinline cold export interrupt section naked asm_x64 panic_handler "
    "printer slice_method by_format raises frame_allocator frame_release requires excludes irqs_off may_fault "
    "bounded_recursion".split()
)
CLASS_DECORATORS = frozenset({"struct", "union", "protocol"})
FUNCTIONS = frozenset(
    "const option zeroed placed addr address copy sizeof offsetof wrap_add wrap_sub wrap_mul wrap_neg "
    "overflow_add overflow_sub overflow_mul float_bits count_zeros_left count_zeros_right count_ones byte_swap "
    "rotate_left rotate_right fence panic unreachable spin_hint memory_copy memory_fill unchecked "
    "mem8 mem16 mem32 mem64 asm_block guarded_by frame_address return_address percpu_address "
    "suspend coroutine_start coroutine_resume coroutine_is_done coroutine_take coroutine_destroy "
    "coroutine_result coroutine_take_all "
    "coroutine_state exception_name exception_number raise_exception".split()
)
PRELUDE = TYPE_NAMES | DECORATORS | FUNCTIONS

EXCEPTIONS: dict[str, str] = {
    "BaseException": "", "Exception": "BaseException",
    "ArithmeticError": "Exception", "LookupError": "Exception", "KeyError": "LookupError", "IndexError": "LookupError",
    "OSError": "Exception", "TimeoutError": "OSError", "ConnectionError": "OSError", "PermissionError": "OSError",
    "ExceptionGroup": "Exception",
    "RuntimeError": "Exception", "ValueError": "Exception", "MemoryError": "Exception", "EOFError": "Exception",
}  # fmt: skip
"""Python's exceptions that async functions can raise and catch, each with its base class."""

LIBRARY: dict[str, frozenset[str]] = {
    "__future__": frozenset({"annotations"}),
    "builtins": frozenset(EXCEPTIONS),
    "enum": frozenset({"IntEnum", "IntFlag"}),
    "collections.abc": frozenset({"Awaitable", "Callable"}),
    "typing": frozenset({"NoReturn", "TYPE_CHECKING", "TypeVar", "Generic", "Protocol", "Self", "Final"}),
}
"""Names taken from Python's own library, by module."""

PROGRAM_START = "userspace.lib.program"
"""What runs before and after the `if __name__ == "__main__":` of a user program."""
PYTHON_LIBRARY = {name: f"userspace.lib.{name}" for name in ("asyncio", "struct", "time")}
"""Python's own modules that user programs import, and what stands for them."""

PYTHON_NAMES: dict[str, str] = {
    "List": "use array[T, N]",
    "Dict": "use an array of structs",
    "Set": "use an integer as a bit mask",
    "Tuple": "use tuple[A, B]",
    "Optional": "use ptr[T] | None",
    "Union": "use @union, or ptr[T] | None",
    "Any": "name the type; for several types use a TypeVar",
    "print": "it needs no import",
    "dataclass": "use @struct",
    "Enum": "use IntEnum",
    "Flag": "use IntFlag",
    "auto": "give each member its value",
    "Callable": "from collections.abc import Callable",
    "dict": "use an array of structs",
    "set": "use an integer as a bit mask",
    "object": "use ptr[T]",
    "any": "write a loop",
    "all": "write a loop",
    "map": "write a loop",
    "filter": "write a loop",
    "round": "integers divide with //, towards minus infinity",
    "pow": "multiply in a loop, or shift: 1 << n",
    "isinstance": "every value has one type, known when the program is compiled",
    "type": "every value has one type, known when the program is compiled",
    "bytearray": "use array[u8, N]",
    "memoryview": "use span[u8]",
    "hex": "format with the functions of the program's library",
    "input": "read through the program's library",
    "open": "read through the program's library",
}
"""Names of Python's library that have another form here."""
