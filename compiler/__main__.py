"""`python -m compiler`: build, check, dump, audit.

Exit status: 0 good, 1 errors in the program, 2 wrong use.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from compiler.audit import audit
from compiler.driver import PROFILES, Build, WrongUse
from compiler.errors import CompilationFailed, render_all
from compiler.link import LinkError
from compiler.target import TARGETS, AssemblerError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m compiler", description="Restricted Python to native x86_64 code.")
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("entry", help="the module to start from, for example kernel.main")
    common.add_argument("--root", type=Path, default=Path.cwd(), help="the folder that module names start from")
    common.add_argument("--target", choices=sorted(TARGETS), default="kernel")
    common.add_argument("--profile", choices=PROFILES, default="release")
    common.add_argument(
        "-D", dest="options", action="append", default=[], metavar="NAME=VALUE", help="a build-time option"
    )
    common.add_argument(
        "-O", dest="opt", choices=("0", "1", "2", "3", "s"), default="2", help="s: rather small than fast"
    )
    common.add_argument("--unchecked", action="store_true", help="without bounds checks; for the benchmark only")
    common.add_argument("--json", action="store_true", help="diagnostics as JSON")
    common.add_argument("--time", action="store_true", help="what each pass took, in seconds")
    build = commands.add_parser("build", parents=[common], help="compile and link")
    build.add_argument("-o", dest="output", type=Path, required=True)
    commands.add_parser("check", parents=[common], help="report mistakes, build nothing")
    dump = commands.add_parser("dump", parents=[common], help="print the LLVM IR or the assembly")
    dump.add_argument("--emit", choices=("ir", "optimized", "asm"), default="ir")
    audit_command = commands.add_parser("audit", help="check a linked image")
    audit_command.add_argument("file", type=Path)
    return parser


def _options(given: list[str]) -> dict[str, object]:
    options: dict[str, object] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            raise WrongUse(f"-D takes NAME=VALUE, not {item}")
        options[name] = int(value, 0) if value.isdigit() or value.startswith("0x") else value
    return options


def _run(args: argparse.Namespace) -> int:
    if args.command == "audit":
        report = audit(args.file.read_bytes())
        print(report.text())
        return 1 if report.problems else 0
    small = args.opt == "s"
    options = _options(args.options)
    opt = 2 if small else int(args.opt)
    job = Build(args.root, args.entry, args.target, args.profile, options, opt, small, not args.unchecked)
    if args.command == "check":
        job.check()
    elif args.command == "dump":
        sys.stdout.write(job.ir() if args.emit == "ir" else job.object("asm" if args.emit == "asm" else "ir").decode())
    else:
        job.write(args.output)
    if args.time:
        print("  ".join(f"{name} {seconds:.2f}s" for name, seconds in job.times.items()), file=sys.stderr)
    return 0


def main() -> int:
    args = _parser().parse_args()
    try:
        return _run(args)
    except CompilationFailed as failure:
        print(render_all(failure.diagnostics, color=sys.stderr.isatty(), as_json=args.json), file=sys.stderr)
        return 1
    except (AssemblerError, LinkError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (WrongUse, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
