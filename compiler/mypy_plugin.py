"""A mypy plugin: what the type forms of the language mean to a type checker.

`array[T, N]` is an Array[T], `bits[T, a, b]`, `volatile[T]` and `percpu[T]` are a T, `ptr[S]` of a struct, array or
atomic is S itself and else a Pointer[T]; `int` is i64 and `bytes` a Span[u8]. Literals go where any width is wanted.
Struct classes get an __init__ in which every field may be left out, and an __iter__ when they have `next`.
Not here: widths of literals, constants and everything else that the compiler alone decides; it is the judge.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, cast

from mypy.checker import TypeChecker
from mypy.nodes import (
    ARG_OPT,
    Argument,
    AssignmentStmt,
    Block,
    CallExpr,
    ClassDef,
    Expression,
    FuncDef,
    MypyFile,
    NameExpr,
    TypeInfo,
    Var,
    WithStmt,
)
from mypy.options import Options
from mypy.plugin import (
    AnalyzeTypeContext,
    AttributeContext,
    ClassDefContext,
    FunctionContext,
    FunctionSigContext,
    MethodContext,
    MethodSigContext,
    Plugin,
    ReportConfigContext,
)
from mypy.plugins.common import add_method_to_class
from mypy.typeops import make_simplified_union
from mypy.types import (
    AnyType,
    CallableType,
    FunctionLike,
    Instance,
    NoneType,
    TupleType,
    Type,
    TypeOfAny,
    TypeVarType,
    UnboundType,
    UnionType,
    get_proper_type,
)

# mypy loads a plugin by its path, without the project's root.
sys.path.append(str(Path(__file__).resolve().parents[1]))
from compiler.mypy_assembler import imports_assembler, separate

PRELUDE = "compiler.prelude"
SOURCES = ("kernel", "boot", "userspace")
"""The packages that are written in the language, where `int` is i64."""

INTEGERS = tuple(f"{PRELUDE}.{sign}{bits}" for sign in "ui" for bits in (8, 16, 32, 64, 128))
_LITERALS = dict.fromkeys((*INTEGERS, f"{PRELUDE}.AtomicLiteral"), "builtins.int") | {
    f"{PRELUDE}.f32": "builtins.float",
    f"{PRELUDE}.f64": "builtins.float",
    f"{PRELUDE}.SpanLiteral": "builtins.bytes",
}
"""Classes of the prelude, each with the Python type of the literals that it takes."""

_PYTHONS_OWN = {"builtins.int": "i64", "builtins.float": "f64", "builtins.bytes": "Span"}
"""Python's types that have a meaning of ours in sources."""

_AWAIT = "__async_await__"
STRUCT_DECORATORS = ("struct", "union", "protocol")
_MNEMONICS = f"{PRELUDE}.x64"

AnalyzeHook: TypeAlias = Callable[[AnalyzeTypeContext], Type]


class LanguagePlugin(Plugin):
    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._literals_have_classes = False

    def get_additional_deps(self, file: MypyFile) -> list[tuple[int, str, int]]:
        if not _is_source(file.fullname):
            return []
        separate(file)
        _rename_await(file)
        return [(10, PRELUDE, -1)]

    def report_config_data(self, ctx: ReportConfigContext) -> object:
        """Has a module whose tree is changed analysed anew in every run: mypy's cache would bring the old one back."""
        is_changed = _is_source(ctx.id) and ctx.path.endswith(".py") and _changes_tree(Path(ctx.path).read_text())
        return ctx.is_check if is_changed else None

    def get_type_analyze_hook(self, fullname: str) -> AnalyzeHook | None:
        self._let_literals_through()
        if fullname in _PYTHONS_OWN:
            return _analyze_builtin
        package, _, name = fullname.rpartition(".")
        return _FORMS.get(name) if package == PRELUDE else None

    def get_customize_class_mro_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        return None if fullname.startswith(f"{PRELUDE}.") else _derive_structure

    def get_class_decorator_hook_2(self, fullname: str) -> Callable[[ClassDefContext], bool] | None:
        package, _, name = fullname.rpartition(".")
        return _add_constructor if package == PRELUDE and name in STRUCT_DECORATORS else None

    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        self._let_literals_through()
        return None

    def get_function_signature_hook(self, fullname: str) -> Callable[[FunctionSigContext], FunctionLike] | None:
        self._let_literals_through()
        called = self._find_class(fullname) if self._modules is not None and _is_source(fullname) else None
        return _convert_to_member if called is not None and called.is_enum else None

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        self._let_literals_through()
        return _leave_without_exception if fullname.endswith(".__exit__") and _is_source(fullname) else None

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        return _note_assembler if fullname == f"{_MNEMONICS}.Mnemonic.__call__" else None

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        if fullname == f"{_MNEMONICS}.raw":
            return _note_assembler
        return {"builtins.len": self._type_len, "builtins.range": self._type_range}.get(fullname)

    def _let_literals_through(self) -> None:
        """Lets values of Python's types, which only literals have in sources, go where a class of ours is wanted.

        mypy's cache does not keep this, so every run does it as soon as both classes are there.
        """
        if self._literals_have_classes or self._modules is None:
            return
        for name, literal in _LITERALS.items():
            ours, python = self._find_class(name), self._find_class(literal)
            if ours is None or python is None:
                return
            if not any(isinstance(p, Instance) and p.type is ours for p in python._promote):
                python._promote.append(Instance(ours, []))
            if name in (f"{PRELUDE}.i64", f"{PRELUDE}.f64"):
                ours.alt_promote = Instance(python, [])  # which a local has that starts as a literal
        self._literals_have_classes = True

    def _find_class(self, fullname: str) -> TypeInfo | None:
        found = self.lookup_fully_qualified(fullname)
        return found.node if found is not None and isinstance(found.node, TypeInfo) else None

    def _type_len(self, ctx: FunctionContext) -> Type:
        """In sources a length is a u64."""
        return self._instance("u64") if _in_source(ctx) else ctx.default_return_type

    def _type_range(self, ctx: FunctionContext) -> Type:
        """In sources a range counts in the type of its ends, `int` when both are literals."""
        if not _in_source(ctx):
            return ctx.default_return_type
        kinds = [get_proper_type(kind) for kinds in ctx.arg_types for kind in kinds]
        boxes = [kind for kind in kinds if isinstance(kind, Instance) and kind.type.fullname in INTEGERS]
        return self._instance("Range", boxes[0] if boxes else self._instance("i64"))

    def _instance(self, name: str, *arguments: Type) -> Instance:
        found = self._find_class(f"{PRELUDE}.{name}")
        assert found is not None, f"{PRELUDE} has no {name}"
        return Instance(found, list(arguments))


def plugin(version: str) -> type[Plugin]:
    return LanguagePlugin


def _is_source(fullname: str) -> bool:
    return fullname.partition(".")[0] in SOURCES


def _changes_tree(source: str) -> bool:
    return imports_assembler(source) or "async def __await__" in source


def _analyze_builtin(ctx: AnalyzeTypeContext) -> Type:
    """Python's own names mean our types in sources."""
    name = ctx.type.name.rpartition(".")[2]
    if not _is_source(getattr(ctx.api.api, "cur_mod_id", "")):  # type: ignore[attr-defined]
        return _named(ctx, f"builtins.{name}")
    return _named(ctx, "Span", _named(ctx, "u8")) if name == "bytes" else _named(ctx, _PYTHONS_OWN[f"builtins.{name}"])


def _named(ctx: AnalyzeTypeContext, name: str, *arguments: Type) -> Instance:
    fullname = name if "." in name else f"{PRELUDE}.{name}"
    return ctx.api.named_type(fullname, list(arguments))


def _analyze_element(ctx: AnalyzeTypeContext, count: int, shape: str) -> Type:
    """The first parameter of a form; the others are constants, which are the compiler's business."""
    if len(ctx.type.args) != count:
        ctx.api.fail(f"{ctx.type.name} is written {shape}", ctx.context)
        return AnyType(TypeOfAny.from_error)
    return ctx.api.analyze_type(ctx.type.args[0])


def _analyze_ptr(ctx: AnalyzeTypeContext) -> Type:
    to = _analyze_element(ctx, 1, "ptr[T]")
    is_own_pointer = _points_to_itself(get_proper_type(to))
    return to if is_own_pointer and not _is_pointer_form(ctx.type.args[0]) else _named(ctx, "Pointer", to)


def _points_to_itself(kind: Type) -> bool:
    """Whether a pointer to it is used as it is itself: for a type variable, whichever of its types it stands for."""
    if isinstance(kind, TypeVarType):
        return kind.values != [] and all(_points_to_itself(get_proper_type(value)) for value in kind.values)
    return isinstance(kind, Instance) and (_is_struct(kind.type) or _is_form(kind, "Array", "Atomic"))


def _is_form(kind: Instance, *names: str) -> bool:
    return kind.type.fullname in [f"{PRELUDE}.{name}" for name in names]


def _is_pointer_form(form: Type) -> bool:
    return isinstance(form, UnboundType) and form.name.rpartition(".")[2] == "ptr"


def _generic(name: str, count: int, shape: str) -> AnalyzeHook:
    return lambda ctx: _named(ctx, name, _analyze_element(ctx, count, shape))


def _plain(count: int, shape: str) -> AnalyzeHook:
    return lambda ctx: _analyze_element(ctx, count, shape)


def _analyze_fstring(ctx: AnalyzeTypeContext) -> Type:
    """Inside the function a pointer to the sink, for callers a text or such a pointer."""
    _analyze_element(ctx, 1, "fstring[S]")
    return AnyType(TypeOfAny.explicit)


_FORMS: dict[str, AnalyzeHook] = {
    "fstring": _analyze_fstring,
    "ptr": _analyze_ptr,
    "array": _generic("Array", 2, "array[T, N]"),
    "span": _generic("Span", 1, "span[T]"),
    "atomic": _generic("Atomic", 1, "atomic[T]"),
    "volatile": _plain(1, "volatile[T]"),
    "percpu": _plain(1, "percpu[T]"),
    "const": _plain(1, "const[int]"),
    "bits": _plain(3, "bits[T, low, width]"),
}


def _is_struct(info: TypeInfo) -> bool:
    """A class read from mypy's cache has lost its decorators, one that is being analysed may not have its base yet."""
    return info.has_base(f"{PRELUDE}.Structure") or _has_struct_decorator(info.defn)


def _has_struct_decorator(definition: ClassDef) -> bool:
    return any(_decorator_name(decorator) in STRUCT_DECORATORS for decorator in definition.decorators)


def _decorator_name(decorator: Expression) -> str:
    if isinstance(decorator, CallExpr):
        decorator = decorator.callee
    return decorator.name if isinstance(decorator, NameExpr) else ""


def _derive_structure(ctx: ClassDefContext) -> None:
    """Structs inherit what pointers to them can do."""
    if not _has_struct_decorator(ctx.cls):
        return
    symbol = ctx.api.lookup_fully_qualified_or_none(f"{PRELUDE}.Structure")
    if symbol is None or not isinstance(symbol.node, TypeInfo):
        return
    info, base = ctx.cls.info, symbol.node
    if base not in info.mro:
        info.bases = [Instance(base, []), *(b for b in info.bases if b.type.fullname != "builtins.object")]
        info.mro = [*info.mro[:-1], *base.mro]


def _add_constructor(ctx: ClassDefContext) -> bool:
    """`__init__`, in which every field may be left out. Defers while a field's type is not known."""
    arguments = []
    for statement in _field_statements(ctx.cls.defs):
        name = statement.lvalues[0]
        assert isinstance(name, NameExpr)
        symbol = ctx.cls.info.names.get(name.name)
        if symbol is None or not isinstance(symbol.node, Var):
            continue
        if symbol.node.type is None:
            if not ctx.api.final_iteration:
                return False
            continue
        kind = _initial_type(symbol.node.type)
        arguments.append(Argument(Var(name.name, kind), kind, None, ARG_OPT))
    add_method_to_class(ctx.api, ctx.cls, "__init__", arguments, NoneType())
    return _add_await(ctx) and _add_iteration(ctx)


def _add_await(ctx: ClassDefContext) -> bool:
    """For mypy the `async def __await__` of a struct returns what Python's own would."""
    symbol = ctx.cls.info.names.get(_AWAIT)
    if symbol is None or not isinstance(symbol.node, FuncDef):
        return True
    if not isinstance(symbol.node.type, CallableType):
        return bool(ctx.api.final_iteration)
    coroutine = get_proper_type(symbol.node.type.ret_type)
    anything = AnyType(TypeOfAny.special_form)
    result = coroutine.args[-1] if isinstance(coroutine, Instance) and coroutine.args else anything
    generator = ctx.api.named_type("typing.Generator", [anything, anything, result])
    add_method_to_class(ctx.api, ctx.cls, "__await__", [], generator)
    return True


def _add_iteration(ctx: ClassDefContext) -> bool:
    """For mypy a struct whose `next()` gives `tuple[T, bool]`, or T or None, can be iterated as Python's own are."""
    symbol = ctx.cls.info.names.get("next")
    if symbol is None or not isinstance(symbol.node, FuncDef):
        return True
    if not isinstance(symbol.node.type, CallableType):
        return bool(ctx.api.final_iteration)
    given = get_proper_type(symbol.node.type.ret_type)
    if isinstance(given, TupleType) and len(given.items) == 2:
        element = given.items[0]
    elif isinstance(given, UnionType):
        element = make_simplified_union([item for item in given.items if not isinstance(item, NoneType)])
    else:
        return True
    iterator = ctx.api.named_type("typing.Iterator", [element])
    add_method_to_class(ctx.api, ctx.cls, "__iter__", [], iterator)
    return True


def _rename_await(file: MypyFile) -> None:
    for definition in file.defs:
        for member in definition.defs.body if isinstance(definition, ClassDef) else []:
            if isinstance(member, FuncDef) and member.is_coroutine and member.name == "__await__":
                member._name = _AWAIT


def _initial_type(kind: Type) -> Type:
    """An atomic starts as a plain value."""
    found = get_proper_type(kind)
    return found.args[0] if isinstance(found, Instance) and _is_form(found, "Atomic") else kind


def _field_statements(block: Block) -> list[AssignmentStmt]:
    """Fields in order, those of `with guarded_by("lock"):` blocks included."""
    found: list[AssignmentStmt] = []
    for statement in block.body:
        if isinstance(statement, AssignmentStmt) and statement.type is not None:
            found.append(statement)
        elif isinstance(statement, WithStmt):
            found += _field_statements(statement.body)
    return found


def _note_assembler(ctx: MethodContext | FunctionContext) -> Type:
    """A function made of instructions returns by registers: no return statement is missing."""
    function = cast(TypeChecker, ctx.api).scope.current_function()
    if isinstance(function, FuncDef):
        function.is_mypy_only = True
    return ctx.default_return_type


def _leave_without_exception(ctx: MethodSigContext) -> FunctionLike:
    """`__exit__` takes self alone; mypy checks `with` by a call with three arguments more."""
    anything: list[Type] = [AnyType(TypeOfAny.special_form)] * 3
    return ctx.default_signature.copy_modified(arg_types=anything, arg_kinds=[ARG_OPT] * 3, arg_names=[None] * 3)


def _convert_to_member(ctx: FunctionSigContext) -> FunctionLike:
    """An enum is made of an integer of any width."""
    signature = ctx.default_signature
    return signature.copy_modified(arg_types=[AnyType(TypeOfAny.special_form)] * len(signature.arg_types))


def _in_source(ctx: FunctionContext) -> bool:
    """Whether a call stands in a function of a source; at module level constants are Python's own numbers."""
    checker = cast(TypeChecker, ctx.api)
    return _is_source(checker.tree.fullname) and checker.scope.current_function() is not None
