"""Text to CPython's syntax tree, and the one place that refuses what the language does not have.

Output law: the tree holds only statements and expressions that the later passes know. Each refusal names the
construct and says what to write instead.
"""

from __future__ import annotations

import ast
import re
import warnings

from compiler.errors import CompileError, Diagnostics
from compiler.source import SourceFile, Span

REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lambda: ("lambda", "write a function at module level"),
    ast.Dict: ("dict", "use an array, or a match on constants"),
    ast.DictComp: ("dict comprehension", "use an array"),
    ast.SetComp: ("set comprehension", "use an array"),
    ast.Try: ("try", "errors are values here: return a code and test it"),
    ast.TryStar: ("except*", "in async functions: except ExceptionGroup as text"),
    ast.Raise: ("raise", 'errors are values; panic("text") ends the program'),
    ast.Delete: ("del", "locals end with their function"),
    ast.Nonlocal: ("nonlocal", "pass what the function needs as an argument"),
    ast.Yield: ("yield", "fill an array, or write a struct with a next() method"),
    ast.YieldFrom: ("yield from", "write the loop"),
    ast.NamedExpr: (":=", "assign on a line of its own"),
    ast.MatMult: ("@", "call a function"),
    ast.Pow: ("**", "multiply, or shift: 1 << n"),
    ast.In: ("in", "write a loop or comparisons"),
    ast.NotIn: ("not in", "write a loop or comparisons"),
    ast.MatchMapping: ("mapping pattern", "match on integers, enums and tuples"),
    ast.MatchClass: ("class pattern", "match on integers, enums and tuples"),
    ast.MatchStar: ("star pattern", "name each element"),
}
CONSTANT_ONLY = (ast.Pow, ast.In, ast.NotIn)
"""Fine where the compiler evaluates the expression: inside `const(...)`, `assert` at module level, `array(...)`."""

OTHER_LANGUAGES = {
    "++": "write x += 1",
    "--": "write x -= 1",
    "&&": "write a and b",
    "||": "write a or b",
    "else if": "write elif",
    "switch": "write match",
    "?": "write a if test else b",
    "!": "write not a",
}
"""What people bring from C where Python has a syntax error, and what Python says instead."""

ASYNC_ONLY = (ast.Try, ast.Raise)
"""Exceptions travel along `await`: they exist in async functions."""

MODULE_STATEMENTS = (
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Assign,
    ast.AnnAssign,
    ast.Assert,
    ast.Expr,
    ast.If,
    ast.Pass,
)


def parse(source: SourceFile, diagnostics: Diagnostics) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # What Python lets pass with a warning for now, such as "\\d" and 1if.
            warnings.filterwarnings("error", ".*invalid")
            tree = ast.parse(source.text, source.path)
        _Subset(source, diagnostics).check_module(tree)
        return tree
    except SyntaxError as error:
        diagnostics.add(_wrong_escape(source, error) or _wrong_syntax(source, error))
    except (RecursionError, MemoryError):
        diagnostics.add(CompileError("syntax", "something is nested too deeply", Span(source, 1, 0, 1, 1)))
    except ValueError as error:
        diagnostics.add(CompileError("syntax", str(error), Span(source, 1, 0, 1, 1)))
    return ast.Module(body=[], type_ignores=[])


def _wrong_syntax(source: SourceFile, error: SyntaxError) -> CompileError:
    line = error.lineno or 1
    column = max(0, (error.offset or 1) - 1)
    end = max(column + 1, (error.end_offset or column + 2) - 1)
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    hint = next((hint for words, hint in OTHER_LANGUAGES.items() if words in text), "")
    return CompileError("syntax", error.msg, Span(source, line, column, line, end), hint=hint)


def _wrong_escape(source: SourceFile, error: SyntaxError) -> CompileError | None:
    """A backslash before what needs none. Python's error names the string: this finds the place in it."""
    told = re.search(r"(\\\D)\S* is an invalid escape sequence|invalid escape sequence '(\\\D)", error.msg)
    if told is None:
        return None
    sequence = told[1] or told[2]
    wanted = re.compile(r"(?<!\\)(?:\\\\)*(" + re.escape(sequence) + ")")
    first, last = error.lineno or 1, error.end_lineno or error.lineno or 1
    for line in range(first, last + 1):
        found = wanted.search(source.lines[line - 1], (error.offset or 1) - 1 if line == first else 0)
        if found:
            return CompileError(
                "syntax",
                f"{sequence} is not an escape sequence",
                Span(source, line, found.start(1), line, found.end(1)),
                hint=f"write \\{sequence} for a backslash, or r before the quotes",
            )
    return None


def is_main_guard(statement: ast.stmt) -> bool:
    """`if __name__ == "__main__":`, whose body is what a program does."""
    match statement:
        case ast.If(
            test=ast.Compare(
                left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]
            ),
            orelse=[],
        ):
            return True
    return False


class _Subset(ast.NodeVisitor):
    """Walks the tree and reports every construct outside the language."""

    def __init__(self, source: SourceFile, diagnostics: Diagnostics) -> None:
        self.source, self.diagnostics = source, diagnostics
        self.in_function = False
        self.in_constant = False
        self.in_async = False
        self.statement: ast.stmt = ast.Pass()
        self.refused: list[range] = []

    def refuse(self, node: ast.AST, what: str, hint: str, at: ast.AST | None = None) -> None:
        span = self.source.span(at if at is not None else node)
        error = CompileError("unsupported", f"{what} is not part of the language", span, hint=hint)
        self.diagnostics.add(error)
        self.refused.append(_lines(node) if isinstance(node, ast.stmt) else _header(self.statement))

    def check_module(self, tree: ast.Module) -> None:
        for statement in tree.body:
            if not isinstance(statement, MODULE_STATEMENTS):
                self.refuse(statement, f"{_name(statement)} at module level", "put it into a function")
                continue
            self.in_function = is_main_guard(statement)
            self.visit(statement)
            self.in_function = False
        for lines in self.refused:
            self.diagnostics.give_up_on(self.source.path, lines)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            self.statement = node
        refusal = None if self.in_async and isinstance(node, ASYNC_ONLY) else REFUSED.get(type(node))
        if refusal and not (self.in_constant and isinstance(node, CONSTANT_ONLY)):
            self.refuse(node, *refusal)
            return
        super().visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.operator | ast.cmpop) and type(child) in REFUSED:
                if not (self.in_constant and isinstance(child, CONSTANT_ONLY)):
                    self.refuse(child, *REFUSED[type(child)], at=node)
                continue
            self.visit(child)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if self.in_function:
            self.refuse(node, "a function inside a function", "move it to module level and pass what it needs")
            return
        arguments = node.args
        if arguments.kwarg is not None:
            self.refuse(arguments.kwarg, f"**{arguments.kwarg.arg}", "list each parameter")
        if arguments.kwonlyargs or arguments.posonlyargs:
            first = (arguments.kwonlyargs + arguments.posonlyargs)[0]
            self.refuse(first, "a keyword-only or positional-only parameter", "leave out the * or / before it")
        self.in_function = True
        for statement in node.body:
            self.visit(statement)
        self.in_function = False

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.in_async = True
        self.visit_FunctionDef(node)
        self.in_async = False

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if self.in_function:
            self.refuse(node, "a class inside a function", "move it to module level")
            return
        for statement in node.body:
            self.visit(statement)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in ("const", "array", "placed"):
            outer, self.in_constant = self.in_constant, True
            self.generic_visit(node)
            self.in_constant = outer
            return
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument.value if isinstance(argument, ast.Starred) else argument)
        for keyword in node.keywords:
            self.visit(keyword)

    def visit_Assert(self, node: ast.Assert) -> None:
        outer, self.in_constant = self.in_constant, not self.in_function
        self.generic_visit(node)
        self.in_constant = outer

    def visit_Import(self, node: ast.Import) -> None:
        if self.in_function:
            self.refuse(node, "an import inside a function", "import at the top of the module")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if self.in_function:
            self.refuse(node, "an import inside a function", "import at the top of the module")

    def visit_While(self, node: ast.While) -> None:
        self._check_loop(node)

    def visit_For(self, node: ast.For) -> None:
        self._check_loop(node)

    def _check_loop(self, node: ast.While | ast.For) -> None:
        if node.orelse:
            self.refuse(node, "else after a loop", "set a bool in the loop and test it after", at=node.orelse[0])
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, complex):
            self.refuse(node, "a complex number", "use two integers")
        elif node.value is Ellipsis and not self.in_constant:
            pass  # the body of a Protocol's method

    def visit_Starred(self, node: ast.Starred) -> None:
        if not self.in_constant:
            self.refuse(node, "*", "write each element")

    def visit_List(self, node: ast.List) -> None:
        # Memory operands in assembler functions; elsewhere the checker refuses them with the type that was wanted.
        self.generic_visit(node)


def _lines(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _header(node: ast.stmt) -> range:
    """The lines of a statement without the block that it leads."""
    body = getattr(node, "body", None)
    return range(node.lineno, body[0].lineno) if isinstance(body, list) else _lines(node)


def _name(node: ast.AST) -> str:
    return {"For": "a for loop", "While": "a while loop", "With": "with", "AugAssign": "an augmented assignment"}.get(
        type(node).__name__, type(node).__name__.lower()
    )
