"""Decorators with something wrong in or below them."""
from compiler.prelude import bounded_recursion, export, inline, interrupt, ptr, section, struct, u8, u64


@struct
class Frame:
    rip: u64


@interrupt
def without_frame() -> None:
#! decorator: def without_frame() -> None: => this is no interrupt handler
#: def handler(frame: ptr[Frame]) -> None, where exceptions have one: with error: u64 behind
    pass


@interrupt
def with_result(frame: ptr[Frame]) -> u64:
#! decorator: def with_result(frame: ptr[Frame]) -> u64: => this is no interrupt handler
#: def handler(frame: ptr[Frame]) -> None, where exceptions have one: with error: u64 behind
    return frame.rip


@interrupt
def with_wrong_code(frame: ptr[Frame], code: u8) -> None:
#! decorator: def with_wrong_code(frame: ptr[Frame], code: u8) -> None: => this is no interrupt handler
#: def handler(frame: ptr[Frame]) -> None, where exceptions have one: with error: u64 behind
    pass


@interrupt
def fine(frame: ptr[Frame], code: u64) -> None:
    pass


@section(3)
#! decorator: 3 => @section takes a text
#: write @section(".text.boot")
def number_as_section() -> None:
    pass


@section
#! decorator: section => @section takes a value
#: write @section(".text.boot")
def without_section() -> None:
    pass


@export(3)
#! decorator: 3 => @export takes a text
#: write @export, or @export("name")
def number_as_name() -> None:
    pass


@bounded_recursion
#! decorator: bounded_recursion => @bounded_recursion takes a value
#: write @bounded_recursion(n), where n is the deepest nesting
def without_bound() -> None:
    pass


@bounded_recursion("often")
#! decorator: "often" => @bounded_recursion takes a number above 0
#: write @bounded_recursion(n), where n is the deepest nesting
def text_as_bound() -> None:
    pass


@inline("always")
#! decorator: inline("always") => @inline takes nothing in parentheses
#: write @inline
def takes_nothing() -> None:
    pass


@export
def twice() -> None:
    pass


@export("twice")
def again() -> None:
#! redefined: def again() -> None: => the symbol twice is exported twice
    pass
