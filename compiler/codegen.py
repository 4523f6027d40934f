"""The child process that turns LLVM IR into native code.

A JSON line and the modules come on standard input; a JSON line of sizes and the results go to standard output.
"""

from __future__ import annotations

import itertools
import json
import sys
from typing import Any

import llvmlite.binding as llvm

from compiler.target import TARGETS, Target, for_processor


def create_machine(target_name: str, opt: int, cpu: str = "") -> llvm.TargetMachine:
    """Without a processor named, code for this machine may use all that this machine's processor has."""
    target = for_processor(TARGETS[target_name], cpu)
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    llvm.initialize_native_asmparser()
    if target.triple:
        return llvm.Target.from_triple(target.triple).create_target_machine(
            cpu=target.cpu,
            features=target.features,
            opt=opt,
            reloc=target.relocation,
            codemodel=target.code_model,
        )
    features = "" if cpu else llvm.get_host_cpu_features().flatten()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=cpu or llvm.get_host_cpu_name(),
        features=features,
        opt=opt,
        reloc=target.relocation,
        codemodel=target.code_model,
    )


FREESTANDING_INLINING = 100
"""Less than LLVM's 225: a kernel's hot paths are long, and so a tenth is saved in code and a fifth in time."""


def optimize(module: llvm.ModuleRef, machine: llvm.TargetMachine, target: Target, opt: int, vectorize: bool) -> None:
    tuning = llvm.create_pipeline_tuning_options(speed_level=opt)
    if target.freestanding:
        tuning.inlining_threshold = FREESTANDING_INLINING
    tuning.loop_vectorization = tuning.slp_vectorization = vectorize
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)


def generate(ir: str, order: dict[str, Any]) -> bytes:
    """Errors: RuntimeError, with LLVM's words, for a module that LLVM does not accept."""
    machine = create_machine(order["target"], order["opt"], order["cpu"])
    module = llvm.parse_assembly(ir)
    module.triple = TARGETS[order["target"]].triple or llvm.get_process_triple()
    module.data_layout = str(machine.target_data)
    module.verify()
    # Host code for a named processor is for comparing with other compilers: as the kernel's, it is not vectorized.
    vectorize = order["target"] == ("user" if order["cpu"] else "host")
    optimize(module, machine, TARGETS[order["target"]], order["opt"], vectorize)
    if order["emit"] == "asm":
        return bytes(machine.emit_assembly(module).encode())
    return str(module).encode() if order["emit"] == "ir" else bytes(machine.emit_object(module))


def main() -> int:
    job, _, texts = sys.stdin.buffer.read().partition(b"\n")
    order = json.loads(job)
    ends = list(itertools.accumulate(order["sizes"]))
    try:
        results = [generate(texts[start:end].decode(), order) for start, end in itertools.pairwise([0, *ends])]
    except RuntimeError as error:
        sys.stderr.write(f"internal: LLVM refuses the module: {error}\n")
        return 2
    sys.stdout.buffer.write(json.dumps([len(result) for result in results]).encode() + b"\n")
    sys.stdout.buffer.write(b"".join(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
