"""Single functions of ordinary Python modules, compiled when they are first called.

    from compiler.native_functions import native
    from compiler.prelude import span, u8, u64

    @native
    def total(data: span[u8]) -> u64: ...

Such a function may use the language's names, other native functions of its module, and numbers, texts and tuples of
its module as constants. Traps and errors name the file and line where it stands. Overflow wraps, bounds are checked.
"""

from __future__ import annotations

import ast
import functools
import inspect
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import compiler.prelude as prelude
from compiler.builtin_names import PRELUDE
from compiler.native import load_module

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
CONSTANTS = (int, str, bytes, tuple)


class _Native:
    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.compiled: Callable[..., Any] | None = None

    def __call__(self, *arguments: object) -> Any:
        if self.compiled is None:
            self.compiled = getattr(_load(self), self.function.__name__)
        return self.compiled(*arguments)


def native(function: Decorated) -> Decorated:
    """Errors, at the first call: CompilationFailed. Any call: NativeTrap, and TypeError for what cannot be passed."""
    return cast(Decorated, _Native(function))


def _load(wanted: _Native) -> Any:
    """Compiles a function with those that it calls, each on the lines where it stands."""
    lines: dict[int, str] = {}
    head: dict[str, None] = {}
    pending, seen = [wanted], {wanted.function.__name__}
    for one in pending:
        source, first = inspect.getsourcelines(one.function)
        tree = ast.parse(textwrap.dedent("".join(source)))
        begins = cast(ast.FunctionDef, tree.body[0]).lineno - 1
        for number, line in enumerate(textwrap.dedent("".join(source)).split("\n")[begins:], first + begins):
            lines[number] = line
        for name in sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}):
            value = one.function.__globals__.get(name)
            if isinstance(value, _Native) and name not in seen:
                seen.add(name)
                pending.append(value)
            elif (import_line := _head_line(name, value)) is not None:
                head[import_line] = None
    last = max(lines)
    text = "; ".join(["from compiler.prelude import const", *head])
    # The first line of a file holds no function: a decorator stands above.
    body = [text, *(lines.get(number, "") for number in range(2, last + 1))]
    stem = Path(wanted.function.__code__.co_filename).stem
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{stem}.py").write_text("\n".join(body) + "\n")
        return load_module(stem, profile="release", root=Path(folder))


def _head_line(name: str, value: object) -> str | None:
    """What makes a name of the Python module known to the language."""
    if isinstance(value, CONSTANTS) and not isinstance(value, type):
        return f"{name} = const({value!r})"
    known = next((given for given in sorted(PRELUDE) if getattr(prelude, given, None) is value), None)
    if value is None or known is None or known == "const":
        return None
    return f"from compiler.prelude import {known} as {name}"
