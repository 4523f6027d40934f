"""The child process that turns LLVM IR into native code: a JSON line and the IR on standard input, the result on
standard output.
"""

from __future__ import annotations

import json
import sys

import llvmlite.binding as llvm

from compiler.target import TARGETS


def create_machine(target_name: str, opt: int, cpu: str = "") -> llvm.TargetMachine:
    """Without a processor named, code for this machine may use all that this machine's processor has."""
    target = TARGETS[target_name]
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    llvm.initialize_native_asmparser()
    if target.triple:
        return llvm.Target.from_triple(target.triple).create_target_machine(
            cpu=cpu or target.cpu,
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


def optimize(module: llvm.ModuleRef, machine: llvm.TargetMachine, opt: int, vectorize: bool) -> None:
    tuning = llvm.create_pipeline_tuning_options(speed_level=opt)
    tuning.loop_vectorization = tuning.slp_vectorization = vectorize
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)


def main() -> int:
    job, _, ir = sys.stdin.buffer.read().partition(b"\n")
    order = json.loads(job)
    machine = create_machine(order["target"], order["opt"], order["cpu"])
    try:
        module = llvm.parse_assembly(ir.decode())
        module.triple = TARGETS[order["target"]].triple or llvm.get_process_triple()
        module.data_layout = str(machine.target_data)
        module.verify()
    except RuntimeError as error:
        sys.stderr.write(f"internal: LLVM refuses the module: {error}\n")
        return 2
    optimize(module, machine, order["opt"], vectorize=order["target"] == "host" and not order["cpu"])
    if order["emit"] == "asm":
        result = machine.emit_assembly(module).encode()
    elif order["emit"] == "ir":
        result = str(module).encode()
    else:
        result = machine.emit_object(module)
    sys.stdout.buffer.write(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
