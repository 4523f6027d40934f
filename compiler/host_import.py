"""Imports sources of the language under CPython with the meaning they have when compiled.

After `install()`, `import kernel.caps.table` runs the module through host_rewrite. Modules imported before that are
forgotten, so that the next import gives them their meaning; whoever holds the old ones keeps them.
"""

import __future__

import ast
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from compiler.host_rewrite import SUPPORT, rewrite
from compiler.host_survey import survey
from compiler.prelude import kinds, support

PACKAGES = ("kernel", "boot", "userspace")
"""The packages that are written in the language."""


def install(packages: Sequence[str] = PACKAGES) -> None:
    """From now on modules of these packages are rewritten when they are imported."""
    for name in [name for name, module in sys.modules.items() if _is_early(name, module, packages)]:
        del sys.modules[name]
    for finder in sys.meta_path:
        if isinstance(finder, _Finder):
            finder.packages |= set(packages)
            return
    sys.meta_path.insert(0, _Finder(set(packages)))


def _is_early(name: str, module: ModuleType, packages: Sequence[str]) -> bool:
    """Whether a module runs with Python's meaning."""
    written = name.partition(".")[0] in packages and getattr(module, "__file__", None) is not None
    return written and not isinstance(module.__spec__.loader if module.__spec__ else None, HostLoader)


def load_file(path: Path, name: str) -> ModuleType:
    """A single source, imported anew under a name of the caller's choice."""
    spec = importlib.util.spec_from_file_location(name, path, loader=HostLoader(name, str(path)))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _Finder(MetaPathFinder):
    def __init__(self, packages: set[str]) -> None:
        self.packages = packages

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self.packages:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader) and spec.origin is not None:
            spec.loader = HostLoader(fullname, spec.origin)
        return spec


class HostLoader(SourceFileLoader):
    """Compiles a rewritten source. Nothing is cached on disk: the rewriting is not part of CPython's cache key."""

    def get_code(self, fullname: str) -> CodeType:
        return self._compiled()[0]

    def exec_module(self, module: ModuleType) -> None:
        code, imported = self._compiled()
        vars(module)[SUPPORT] = support
        vars(module)[support.IMPORTED] = imported
        exec(code, vars(module))
        kinds.trap_other_values(vars(module))

    def _compiled(self) -> tuple[CodeType, dict[str, tuple[str, str]]]:
        tree = ast.parse(self.get_data(self.path), self.path)
        names = survey(tree, _is_module, _data_of)
        flags = __future__.annotations.compiler_flag
        return compile(rewrite(tree, names), self.path, "exec", flags, dont_inherit=True), names.imported


def _is_rewritten(name: str) -> bool:
    return isinstance(getattr(importlib.util.find_spec(name), "loader", None), HostLoader)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _data_of(name: str) -> dict[str, tuple[str, str]]:
    return support.scalars(importlib.import_module(name)) if _is_module(name) and _is_rewritten(name) else {}
