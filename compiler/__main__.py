"""`python -m compiler`: build, check, run, dump, audit, explain.

Exit status: 0 good, 1 errors in the program, 2 wrong use; `run` gives what the program's `main` returns.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from compiler.driver import PROFILES, Build, WrongUse
from compiler.errors import CompilationFailed, CompileError, Diagnostic, render_all
from compiler.link import LinkError
from compiler.target import TARGETS, AssemblerError

DEPTHS_SHOWN = 10
RAW = "bios"
"""The target of modules that hold assembler text alone; not one that functions are compiled for."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m compiler", description="Restricted Python to native x86_64 code.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = _common_arguments()
    build = commands.add_parser("build", parents=[common], help="compile and link")
    build.add_argument("-o", dest="output", type=Path, required=True, help="a name in .efi gets an EFI application")
    build.add_argument(
        "--emit", default="", metavar="FORM,...", help="write these beside the output: " + ", ".join(_FORMS)
    )
    build.add_argument("--base", type=lambda word: int(word, 0), help="where the first byte of a raw binary will lie")
    build.add_argument("--no-cache", dest="cached", action="store_false", help="build all of it again")
    build.set_defaults(act=_build)
    check = commands.add_parser("check", parents=[common], help="report mistakes, build nothing")
    check.set_defaults(act=_check)
    run = commands.add_parser(
        "run", parents=[_common_arguments("host")], help="compile for this machine and call the module's main"
    )
    run.add_argument("arguments", nargs="*", type=lambda word: int(word, 0), help="integers for main")
    run.set_defaults(act=_run)
    dump = commands.add_parser("dump", parents=[common], help="print a stage of the compilation")
    dump.add_argument("--emit", choices=sorted(_FORMS), default="ir")
    dump.set_defaults(act=_dump)
    audit = commands.add_parser("audit", parents=[common], help="examine a program, or an image that was linked before")
    audit.set_defaults(act=_audit)
    explain = commands.add_parser("explain", help="what an error means, and what to write instead")
    explain.add_argument("code", nargs="?", default="", help="the word in brackets after `error`; all without one")
    explain.set_defaults(act=_explain, time=False, json=False)
    return parser


def _common_arguments(target: str = "kernel") -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("entry", help="the module to start from, for example kernel.main")
    common.add_argument("--root", type=Path, default=Path.cwd(), help="the folder that module names start from")
    common.add_argument("--target", choices=sorted([*TARGETS, RAW]), default=target)
    common.add_argument("--profile", choices=PROFILES, default="release", help="debug checks overflow as well")
    common.add_argument("-D", dest="options", action="append", default=[], metavar="NAME=VALUE", help="for option()")
    common.add_argument("-O", dest="opt", choices=("0", "1", "2", "3", "s"), default="2", help="s: small before fast")
    common.add_argument("--fast", default="", metavar="MODULES", help="with -O s: modules or folders to be fast still")
    common.add_argument("--cpu", default="", help="x86-64-v3 and such; user programs may use its vector registers")
    common.add_argument("--unchecked", action="store_true", help="without bounds checks; for the benchmark only")
    common.add_argument("--json", action="store_true", help="diagnostics as JSON")
    common.add_argument("--time", action="store_true", help="seconds of each pass, and the most memory in use")
    return common


def _options(given: list[str]) -> dict[str, object]:
    options: dict[str, object] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            raise WrongUse(f"-D takes NAME=VALUE, not {item}")
        options[name] = int(value, 0) if value.isdigit() or value.startswith("0x") else value
    return options


def _job(args: argparse.Namespace) -> Build:
    small = args.opt == "s"
    opt = 2 if small else int(args.opt)
    options = _options(args.options)
    job = args.job = Build(args.root, args.entry, args.target, args.profile, options, opt, small, not args.unchecked)
    job.cpu = args.cpu
    job.fast = tuple(filter(None, args.fast.split(",")))
    return job


def _build(args: argparse.Namespace) -> int:
    if args.target == RAW:
        from compiler.raw import build_raw

        if args.base is None:
            raise WrongUse("a raw binary needs --base, the address it is loaded at")
        build_raw(args.entry, args.base, args.output, args.root)
        return 0
    job = _job(args)
    job.cached = args.cached
    forms = args.emit.split(",") if args.emit else []
    if unknown := [form for form in forms if form not in _FORMS]:
        raise WrongUse(f"--emit knows no {unknown[0]}: use {', '.join(_FORMS)}")
    job.write(args.output)
    for form in forms:
        suffix, make = _FORMS[form]
        args.output.with_suffix(suffix).write_text(make(job))
    return 0


def _check(args: argparse.Namespace) -> int:
    _job(args).check()
    return 0


def _run(args: argparse.Namespace) -> int:
    from compiler.native import NativeTrap, load_module

    if args.target != "host":
        raise WrongUse(f"a program for {args.target} does not run here: use --target host")
    opt = 2 if args.opt == "s" else int(args.opt)
    module = load_module(args.entry, profile=args.profile, opt=opt, bounds_checks=not args.unchecked, root=args.root)
    main = getattr(module, "main", None)
    if main is None:
        raise WrongUse(f"{args.entry} has no public function main")
    try:
        result = main(*args.arguments)
    except NativeTrap as trap:
        print(f"trap: {trap}", file=sys.stderr)
        return 1
    except (TypeError, OverflowError) as error:
        raise WrongUse(str(error)) from None
    return int(result) & 0xFF if isinstance(result, int) else 0


def _dump(args: argparse.Namespace) -> int:
    print(_FORMS[args.emit][1](_job(args)), end="")
    return 0


def _typed(job: Build) -> str:
    from compiler.typed_text import typed_text

    return "\n".join(typed_text(job.check())) + "\n"


def _listing(job: Build) -> str:
    from compiler.listing import list_image

    return "\n".join(list_image(job.image(), job.root)) + "\n"


_FORMS: dict[str, tuple[str, Callable[[Build], str]]] = {
    "typed": (".typed", _typed),
    "ir": (".ll", lambda job: job.ir()),
    "optimized": (".opt.ll", lambda job: job.object("ir").decode()),
    "asm": (".s", lambda job: job.object("asm").decode()),
    "listing": (".lst", _listing),
}
"""What a compilation can show of itself: the ending of its file, and how it is made."""


def _audit(args: argparse.Namespace) -> int:
    from compiler.audit import audit
    from compiler.call_depth import call_depths

    if "/" in args.entry or args.entry.endswith(".elf"):
        report = audit(Path(args.entry).read_bytes())
        print(report.text())
    else:
        job = _job(args)
        report = audit(job.image())
        print(report.text())
        print("deepest stacks")
        print("\n".join(depth.text() for depth in call_depths(job.check(), report.frames())[:DEPTHS_SHOWN]))
    return 1 if report.problems else 0


def _explain(args: argparse.Namespace) -> int:
    from compiler.explain import explain, near

    text = explain(args.code)
    if text is None:
        meant = " or ".join(near(args.code))
        raise WrongUse(f"no error has the code {args.code}" + (f": did you mean {meant}?" if meant else ""))
    print(text, end="")
    return 0


def _print_times(args: argparse.Namespace) -> None:
    if "job" not in args:
        return
    # Kilobytes, of this process and of the largest child.
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    passes = [f"{name} {seconds:.2f}s" for name, seconds in args.job.times.items()]
    print("  ".join([*passes, f"peak {peak >> 10} MiB"]), file=sys.stderr)


def _report(found: list[Diagnostic], as_json: bool) -> int:
    """Shows diagnostics: to people on the error stream, to editors as JSON on the output."""
    text = render_all(found, color=sys.stderr.isatty(), as_json=as_json)
    print(text, file=sys.stdout if as_json else sys.stderr)
    return 1


def main() -> int:
    gc.disable()  # a third of the time of a check went into looking for garbage that the process does not live to miss
    args = _parser().parse_args()
    try:
        status: int = args.act(args)
        if args.time:
            _print_times(args)
        if args.json:
            print("[]")
        return status
    except CompilationFailed as failure:
        return _report(failure.diagnostics, args.json)
    except CompileError as error:
        return _report([error.diagnostic], args.json)
    except (AssemblerError, LinkError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (WrongUse, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
