"""The image audit: each rule broken once, stack frames and sizes measured on code whose answer is known."""

import struct

import pytest

from compiler.audit import Report, audit, module_of
from compiler.layout import LAYOUTS
from compiler.link import link
from tests.compiler.link_objects import assemble, assemble_lines, read, section, symbols

GOOD = """
@kernel.core.log.ring = dso_local global [512 x i8] zeroinitializer
@kernel.core.log.level = dso_local global i32 3
@kernel.core.log.names = dso_local constant [24 x i8] c"errorwarninginformation\\00"
declare dso_local void @kernel.core.log.touch(ptr)
define dso_local void @_start() {
  call void @kernel.core.log.write()
  ret void
}
define dso_local void @kernel.core.log.write() noinline noredzone "frame-pointer"="all" {
  %b = alloca [200 x i8]
  call void @kernel.core.log.Ring.put(ptr %b)
  call void asm sideeffect "wrmsr", ""()
  call void asm sideeffect "cli; mov %cr3, %rax; mov %rax, %cr3; fxsave64 (%rdi)", "~{rax}"()
  ret void
}
define dso_local void @kernel.core.log.Ring.put(ptr %b) noinline noredzone {
  store volatile i8 1, ptr %b
  ret void
}
"""

STACK_MOVES = """
_start:
push %rbp
mov %rsp, %rbp
push %rbx
sub $0x100, %rsp
test %rdi, %rdi
je 1f
lea -8(%rbp), %rsp
pop %rbx
pop %rbp
ret
1: push %rax
call plain
add $8, %rsp
leave
ret

plain:
ret

late:
test %rdi, %rdi
je 1f
push %rbx
sub $48, %rsp
call plain
add $48, %rsp
pop %rbx
1: push %rax
ret

aligned:
and $-64, %rsp
lea -0x20(%rsp), %rsp
ret

table:
sub $32, %rsp
jmp *%rdi
push %rax
add $-8, %rsp
add $48, %rsp
ret

varies:
sub %rdi, %rsp
ret
"""


def functions(lines: str, target: str = "kernel") -> Report:
    """Audits functions written in assembler: `name: lines` blocks, each made a function with a size."""
    text = ".text\n"
    for block in lines.strip().split("\n\n"):
        name, body = block.strip().split(":\n", 1)
        text += f".globl {name}\n.type {name}, @function\n{name}:\n{body}\n.size {name}, . - {name}\n"
    return audit(link([assemble_lines(text, target)], LAYOUTS[target]))


def frames(report: Report) -> dict[str, int]:
    return {function.name: function.frame_bytes for function in report.functions}


@pytest.fixture(scope="module")
def good() -> Report:
    return audit(link([assemble(GOOD)], LAYOUTS["kernel"]))


def test_a_good_image_has_no_problems(good: Report) -> None:
    assert good.problems == [] and good.target == "kernel"


def test_bytes_are_counted_by_module_and_kind(good: Report) -> None:
    row = good.sizes["kernel.core.log"]
    sizes = {function.name: function.size for function in good.functions}
    assert row == {
        "code": sizes["kernel.core.log.write"] + sizes["kernel.core.log.Ring.put"], "rodata": 24, "data": 4, "bss": 512,
    }  # fmt: skip
    assert good.sizes["(no module)"]["code"] >= sizes["_start"]


def test_module_names_leave_classes_and_type_arguments_out() -> None:
    assert module_of("kernel.memory.frames.Frames.allocate") == "kernel.memory.frames"
    assert module_of("kernel.core.queue.push[kernel.abi.objects.Thread]") == "kernel.core.queue"
    assert module_of("_start") == ""


def test_privileged_instructions_are_listed_by_function(good: Report) -> None:
    assert good.privileged() == {"kernel.core.log.write": ["wrmsr", "cli", "mov rax, cr3", "mov cr3, rax"]}


def test_frame_of_compiled_code_is_pushes_and_locals(good: Report) -> None:
    sizes = frames(good)
    assert sizes["kernel.core.log.Ring.put"] == 0
    assert 208 <= sizes["kernel.core.log.write"] <= 240


def test_frames_follow_branches_and_every_way_to_move_the_stack() -> None:
    report = functions(STACK_MOVES)
    assert frames(report) == {
        "_start": 8 + 8 + 0x100 + 8,
        "plain": 0,
        "late": 56,
        "aligned": 56 + 32,
        "table": 48,
        "varies": 0,
    }
    assert [function.name for function in report.functions if function.frame_varies] == ["varies"]


@pytest.mark.parametrize("local_bytes", [100, 9_000, 60_000])
def test_a_frame_that_touches_its_pages_counts_whole(local_bytes: int) -> None:
    image = link(
        [
            assemble(f"""
define dso_local void @_start() noredzone "probe-stack"="inline-asm" "frame-pointer"="all" {{
  %b = alloca [{local_bytes} x i8]
  call void asm sideeffect "", "r"(ptr %b)
  ret void
}}""")
        ],
        LAYOUTS["kernel"],
    )
    assert local_bytes + 8 <= frames(audit(image))["_start"] <= local_bytes + 40


@pytest.mark.parametrize(
    "instruction",
    [
        *("movaps %xmm0, %xmm1", "movq %mm0, %rax", "fldz", "fadd %st(1), %st", "vaddpd %ymm0, %ymm1, %ymm2", "emms"),
        *(
            "fwait",
            "pxor %xmm8, %xmm8",
            "movsd (%rdi), %xmm15",
            "vzeroupper",
            "kmovw %k1, %eax",
            "vmovdqa64 %zmm1, %zmm9",
        ),
    ],
)
def test_vector_instruction_is_a_problem_outside_user_programs(instruction: str) -> None:
    lines = f"_start:\n{instruction}\nret"
    (problem,) = functions(lines).problems
    assert problem.startswith("_start: vector instruction ")
    assert functions(lines, "loader").problems and not functions(lines, "user").problems


@pytest.mark.parametrize(
    "instruction", ["fxsave64 (%rdi)", "xrstor64 (%rdi)", "xsaveopt (%rdi)", "fninit", "ldmxcsr (%rdi)", "xgetbv"]
)
def test_saving_vector_state_is_no_problem(instruction: str) -> None:
    assert functions(f"_start:\n{instruction}\nret").problems == []


def test_writable_code_is_a_problem() -> None:
    image = bytearray(link([assemble(GOOD)], LAYOUTS["kernel"]))
    header = read(bytes(image))
    text = [segment["p_flags"] for segment in header.iter_segments()].index(5)
    struct.pack_into("<I", image, header["e_phoff"] + text * header["e_phentsize"] + 4, 7)
    assert audit(bytes(image)).problems == [f"the segment at {LAYOUTS['kernel'].base:#x} is writable and executable"]


def test_writable_code_section_is_a_problem() -> None:
    image = bytearray(link([assemble(GOOD)], LAYOUTS["kernel"]))
    header = read(bytes(image))
    index = header.get_section_index(".text")
    assert index is not None
    struct.pack_into("<Q", image, header["e_shoff"] + index * header["e_shentsize"] + 8, 7)
    assert audit(bytes(image)).problems == ["section .text is writable and executable"]


def test_bytes_that_are_no_instructions_are_a_problem() -> None:
    assert functions("_start:\nnop\n.byte 0x06, 0x06").problems == ["_start: 2 bytes are no instructions"]


def test_blocks_of_assembler_text_are_not_decoded() -> None:
    image = link([assemble_lines(".globl _start\n_start: .byte 0x06, 0x06\n.long 0xffffffff")], LAYOUTS["kernel"])
    report = audit(image)
    assert report.functions == [] and report.sizes["(no module)"]["code"] == section(image, ".text")["sh_size"]
    assert "_start" in symbols(image)


def test_printed_form_names_what_a_reader_looks_for(good: Report) -> None:
    text = good.text()
    assert text.startswith("target kernel\nno problems\n")
    assert "kernel.core.log.write: wrmsr, cli, mov rax, cr3, mov cr3, rax" in text
    row = next(line for line in text.splitlines() if line.startswith("kernel.core.log "))
    assert row.split()[2:] == ["24", "4", "512"]
    broken = functions("_start:\nfldz\nret").text()
    assert "problem: _start: vector instruction fldz at 0xffffffff80000000" in broken
