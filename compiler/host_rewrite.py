"""Rewrites a source so that it means under CPython what it means compiled.

CPython ignores the types of locals, arguments and results, so a literal would stay a number without a width. The tree
is changed so that values take their declared types, `addr` gets the place it names, builtins give boxes, `assert` traps
and data of another module are read there. Line numbers are kept.
Not here: types. Nothing is inferred or checked beyond what the values tell themselves, so that a host run stays a
second opinion on the compiler.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from compiler.host_survey import (
    SAME_WIDTH,
    SAME_WIDTH_BUILTINS,
    SCALARS,
    Locals,
    Surroundings,
    root_of,
    unquoted,
    width_of,
)

SUPPORT = "__host__"
"""The name under which a rewritten module sees compiler.prelude.support."""

_BUILTINS = frozenset({"range", "len", "min", "max", "abs", "int", "print"})
_PASSED_AS_THEY_ARE = frozenset({"ptr", "Callable", "const", "str", "NoReturn"})
_VALUE = "__value__"


def rewrite(tree: ast.Module, names: Surroundings) -> ast.Module:
    body: list[ast.stmt] = []
    for statement in tree.body:
        match statement:
            case ast.AnnAssign(value=ast.expr() as value, annotation=annotation) if not _is_final(annotation):
                statement.value = _adapted(unquoted(annotation), _Expressions(names).visit(value))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                _rewrite_function(statement, names)
            case ast.ClassDef(body=members):
                for member in members:
                    if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                        _rewrite_function(member, names)
        body.append(statement)
    end = _imports_end(body)
    for home in sorted({home for home, _ in names.imported.values()}):
        found = ast.Import([ast.alias(home, _module_name(home))])
        body.insert(end, ast.copy_location(found, body[end - 1]))
    tree.body = body
    return ast.fix_missing_locations(tree)


def _imports_end(body: list[ast.stmt]) -> int:
    return max((i + 1 for i, s in enumerate(body) if isinstance(s, ast.Import | ast.ImportFrom)), default=0)


def _module_name(home: str) -> str:
    return f"__{home.replace('.', '_')}__"


def _is_final(annotation: ast.expr) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id == "Final"


def _support(name: str) -> ast.expr:
    return ast.Attribute(ast.Name(SUPPORT, ast.Load()), name, ast.Load())


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(_support(name), list(arguments), [])


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _adapted(annotation: ast.expr, value: ast.expr) -> ast.expr:
    return _call("adapt", annotation, value)


def _checked(annotation: ast.expr | None, value: ast.expr) -> ast.expr:
    """`value` as one of the annotated type, with a fast path for a value that has it already."""
    if annotation is None or root_of(annotation) in _PASSED_AS_THEY_ARE:
        return value
    if not isinstance(annotation, ast.Name):
        return _adapted(annotation, value)
    kept = ast.NamedExpr(ast.Name(_VALUE, ast.Store()), value)
    same = ast.Compare(ast.Call(_name("type"), [kept], []), [ast.Is()], [_typed(annotation)])
    return ast.IfExp(same, _name(_VALUE), _adapted(annotation, _name(_VALUE)))


def _typed(annotation: ast.Name) -> ast.expr:
    return _support("int") if annotation.id == "int" else annotation


def _is_path(node: ast.expr) -> bool:
    """A name, or attributes of one: nothing happens when it is evaluated."""
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_path(node.value))


class _Expressions(ast.NodeTransformer):
    """Rewrites expressions outside functions; `_Function` adds locals and statements."""

    def __init__(self, names: Surroundings) -> None:
        self.names = names
        self.locals: set[str] = set()
        self.declared: dict[str, ast.expr] = {}
        self.cells: dict[str, ast.expr] = {}
        self.boxes_builtins = False

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        """A comprehension is evaluated at compile time, with Python's numbers."""
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.cells:
            return ast.copy_location(ast.Subscript(_name(_cell_name(node.id)), ast.Constant(0), node.ctx), node)
        if node.id in self.locals:
            return node
        if node.id in self.names.imported:
            home, name = self.names.imported[node.id]
            return ast.copy_location(ast.Attribute(_name(_module_name(home)), name, node.ctx), node)
        if self.boxes_builtins and node.id in _BUILTINS and node.id not in self.names.defined:
            return ast.copy_location(_support(node.id), node)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """`~` of a literal waits for a width."""
        bare = isinstance(node.op, ast.Invert) and not width_of(node.operand, self.declared, self.names)
        operand = node.operand = self.visit(node.operand)
        return ast.copy_location(_call("invert", operand), node) if bare else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """A literal on one side has the type of the other."""
        width = width_of(node, self.declared, self.names)
        typed = [bool(width_of(side, self.declared, self.names)) for side in (node.body, node.orelse)]
        patterns = [self._pattern(side) for side in (node.body, node.orelse)]
        node.test, body, orelse = self.visit(node.test), self.visit(node.body), self.visit(node.orelse)
        if width:
            annotation = _name(width)
            node.body = body if typed[0] else _checked(annotation, body)
            node.orelse = orelse if typed[1] else _checked(annotation, orelse)
        else:
            node.body = self._beside(body, patterns[1])
            node.orelse = self._beside(orelse, patterns[0])
        return node

    def _beside(self, value: ast.expr, other: ast.expr | None) -> ast.expr:
        """`value`, or as a literal of the type that `other` has when evaluated."""
        if other is None:
            return value
        nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
        return _call("beside", value, ast.Lambda(nothing, self.visit(other)))

    def _pattern(self, node: ast.expr) -> ast.expr | None:
        """An expression of the type that `node` has, which can be evaluated besides."""
        match node:
            case ast.BinOp(left=left, right=right):
                return self._pattern(left) or self._pattern(right)
            case ast.UnaryOp(operand=operand):
                return self._pattern(operand)
            case ast.IfExp(body=body, orelse=orelse):
                return self._pattern(body) or self._pattern(orelse)
            case ast.Subscript(value=base) if _is_path(base) and not isinstance(node.slice, ast.Slice):
                return ast.Subscript(copy.deepcopy(base), ast.Constant(0), ast.Load())
            case ast.Call(func=ast.Name(id=function), args=arguments) if self._keeps_width(function):
                return next(filter(None, map(self._pattern, arguments)), None)
            case ast.Call(func=called) if _is_path(called):
                return _call("example", copy.deepcopy(called))
        return copy.deepcopy(node) if _is_path(node) else None

    def _keeps_width(self, function: str) -> bool:
        return self.names.prelude.get(function) in SAME_WIDTH or function in SAME_WIDTH_BUILTINS

    def visit_Call(self, node: ast.Call) -> ast.expr:
        meaning = self.names.prelude.get(node.func.id, "") if isinstance(node.func, ast.Name) else ""
        if meaning not in ("addr", "address") or len(node.args) != 1:
            self.generic_visit(node)
            return node
        pointer = self._address_of(node.args[0])
        return ast.copy_location(_call("u64", pointer) if meaning == "address" else pointer, node)

    def _address_of(self, place: ast.expr) -> ast.expr:
        match place:
            case ast.Subscript(value=base, slice=index) if not isinstance(index, ast.Slice):
                return _call("element_address", self.visit(base), self.visit(index))
            case ast.Attribute(value=base, attr=attribute):
                return _call("field_address", self.visit(base), ast.Constant(attribute))
            case ast.Name(id=name) if name in self.cells:
                return _name(_cell_name(name))
            case ast.Name(id=name) if name not in self.locals and name in self.names.imported:
                home, origin = self.names.imported[name]
                return _call("field_address", _name(_module_name(home)), ast.Constant(origin))
            case ast.Name(id=name) if name not in self.locals and name in self.names.data:
                return _call("variable_address", ast.Call(_name("globals"), [], []), ast.Constant(name))
        return _call("addr", self.visit(place))


def _cell_name(name: str) -> str:
    return f"__cell_{name}__"


def _rewrite_function(node: ast.FunctionDef | ast.AsyncFunctionDef, names: Surroundings) -> None:
    decorators = [names.prelude.get(d.id, "") for d in node.decorator_list if isinstance(d, ast.Name)]
    if "asm_x64" not in decorators:
        _Function(node, names).rewrite()


class _Function(_Expressions):
    def __init__(self, node: ast.FunctionDef | ast.AsyncFunctionDef, names: Surroundings) -> None:
        super().__init__(names)
        self.node = node
        self.boxes_builtins = True
        found = Locals(node, names)
        self.globals, self.locals = found.globals, found.all
        self.parameters, self.declared = found.parameters, found.declared
        self.cells = {name: self.declared[name] for name in self._addressed() if self._is_scalar(name)}
        self.assigned: set[str] = set(self.parameters)

    def _addressed(self) -> Iterator[str]:
        """Locals whose address is taken."""
        for inner in ast.walk(self.node):
            match inner:
                case ast.Call(func=ast.Name(id=function), args=[ast.Name(id=name)]):
                    if self.names.prelude.get(function) in ("addr", "address") and name in self.locals:
                        yield name

    def _is_scalar(self, name: str) -> bool:
        return root_of(self.declared.get(name)) in SCALARS | _PASSED_AS_THEY_ARE

    def rewrite(self) -> None:
        body: list[ast.stmt] = []
        for statement in self.node.body:
            found = self.visit(statement)
            body += found if isinstance(found, list) else [found]
        start = 1 if ast.get_docstring(self.node, clean=False) is not None else 0
        body[start:start] = self._entry()
        self.node.body = body

    def _entry(self) -> list[ast.stmt]:
        """Statements that give the arguments their types."""
        first = self.node.body[0]
        out: list[ast.stmt] = []
        for name, annotation in self.parameters.items():
            if name in self.cells:
                cell = _call("cell", annotation, _name(name))
                out.append(ast.Assign([ast.Name(_cell_name(name), ast.Store())], cell))
            elif root_of(annotation) not in _PASSED_AS_THEY_ARE:
                out.append(_entry_check(name, annotation))
        return [ast.copy_location(statement, first) for statement in out]

    # Assignment

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None or not isinstance(node.target, ast.Name):
            return ast.copy_location(ast.Pass(), node)
        value = self.visit(node.value)
        if root_of(node.annotation) == "ptr":
            value = _adapted(node.annotation, value)
        return self._assign(node, node.target.id, value, first=True)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        value = self.visit(node.value)
        match node.targets:
            case [ast.Name(id=name)]:
                return self._assign(node, name, value, first=name not in self.assigned)
            case [ast.Tuple(elts=elements)]:
                return self._unpack(node, elements, value)
            case [ast.Attribute(value=ast.Name(id=base), attr=name)] if base in self.names.modules - self.locals:
                call = _call("assign_data", _name(base), ast.Constant(name), value)
                return ast.copy_location(ast.Expr(call), node)
        node.targets = [self.visit(target) for target in node.targets]
        node.value = value
        return node

    def _assign(self, node: ast.stmt, name: str, value: ast.expr, first: bool) -> ast.stmt:
        self.assigned.add(name)
        if name in self.globals and name in self.names.imported:
            home, origin = self.names.imported[name]
            call = _call("assign_data", _name(_module_name(home)), ast.Constant(origin), value)
            return ast.copy_location(ast.Expr(call), node)
        if name in self.cells:
            target: ast.expr = ast.Subscript(_name(_cell_name(name)), ast.Constant(0), ast.Store())
            if first and name not in self.parameters:
                target, value = ast.Name(_cell_name(name), ast.Store()), _call("cell", self.cells[name], value)
            return ast.copy_location(ast.Assign([target], value), node)
        return ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], self._typed_value(name, value, first)), node)

    def _typed_value(self, name: str, value: ast.expr, first: bool) -> ast.expr:
        if name == "_":
            return value
        if name in self.globals:
            annotation = self.names.data.get(name)
            if annotation is None or root_of(annotation) in SCALARS | _PASSED_AS_THEY_ARE:
                return _checked(annotation, value)
            return _call("assign_global", annotation, _name(name), value)
        if name in self.declared:
            return _checked(self.declared[name], value)
        if first:
            return _call("settle", value)
        kept = ast.NamedExpr(ast.Name(_VALUE, ast.Store()), value)
        plain = ast.Compare(ast.Call(_name("type"), [kept], []), [ast.NotIn()], [_support("PLAIN")])
        old = ast.Call(ast.Attribute(ast.Call(_name("locals"), [], []), "get", ast.Load()), [ast.Constant(name)], [])
        return ast.IfExp(plain, _name(_VALUE), _call("like", old, _name(_VALUE)))

    def _unpack(self, node: ast.Assign, elements: list[ast.expr], value: ast.expr) -> list[ast.stmt]:
        """Unpacks into the targets, or into temporary names where a target has a type to check against."""
        after: list[ast.stmt] = []
        targets: list[ast.expr] = []
        for element in elements:
            if isinstance(element, ast.Name) and element.id != "_" and self._has_type(element.id):
                temporary = f"__new_{element.id}__"
                targets.append(ast.Name(temporary, ast.Store()))
                after.append(self._assign(node, element.id, _name(temporary), first=element.id not in self.assigned))
            else:
                targets.append(self.visit(element))
        unpack = ast.Assign([ast.Tuple(targets, ast.Store())], _call("settle_all", value))
        return [ast.copy_location(statement, node) for statement in (unpack, *after)]

    def _has_type(self, name: str) -> bool:
        known = name in self.declared or name in self.globals or name in self.cells or name in self.assigned
        if not known:
            self.assigned.add(name)
        return known

    # Other statements

    def visit_Global(self, node: ast.Global) -> ast.stmt:
        own = [name for name in node.names if name not in self.names.imported]
        return ast.copy_location(ast.Global(own) if own else ast.Pass(), node)

    def visit_Return(self, node: ast.Return) -> ast.Return:
        if node.value is not None and self.node.returns is not None:
            node.value = _checked(_result_type(self.node.returns), self.visit(node.value))
        return node

    def visit_For(self, node: ast.For) -> ast.For:
        is_range = isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name)
        is_range = is_range and node.iter.func.id == "range"  # type: ignore[attr-defined]
        source = self.visit(node.iter)
        if isinstance(node.target, ast.Name):
            self.assigned.add(node.target.id)
            declared = self.declared.get(node.target.id)
            if is_range and isinstance(declared, ast.Name):
                source.keywords = [ast.keyword("of", _typed(declared))]
        node.iter = source if is_range else ast.copy_location(_call("iterate", source), node.iter)
        node.body = [inner for s in node.body for inner in _as_list(self.visit(s))]
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.If:
        message = node.msg or ast.Constant(ast.unparse(node.test))
        trap = ast.Raise(_call("Trap", ast.Constant("assertion"), message), None)
        return ast.copy_location(ast.If(ast.UnaryOp(ast.Not(), self.visit(node.test)), [trap], []), node)


def _as_list(found: ast.stmt | list[ast.stmt]) -> list[ast.stmt]:
    return found if isinstance(found, list) else [found]


def _result_type(annotation: ast.expr) -> ast.expr | None:
    annotation = unquoted(annotation)
    return None if isinstance(annotation, ast.Constant) else annotation


def _entry_check(name: str, annotation: ast.expr) -> ast.stmt:
    adapt = ast.Assign([ast.Name(name, ast.Store())], _adapted(annotation, _name(name)))
    if not isinstance(annotation, ast.Name):
        return adapt
    differs = ast.Compare(ast.Call(_name("type"), [_name(name)], []), [ast.IsNot()], [_typed(annotation)])
    return ast.If(differs, [adapt], [])
