"""Protocols between programs: a class says what can be asked, the compiler writes both sides of it.

    @protocol(version=1)
    class Names:
        channel: Channel

        async def look_up(self, first: u64) -> u64: ...

The class itself is the client: its methods send their number and arguments over `channel` and give what comes back. A
function marked @serves(Names) has the other side as its body: it looks at a Call and awaits the server's method of
that name. `Channel` and `Call` are the library's (userspace/lib/protocol.py). A call's number is made of the
protocol's name, its version and the method's place, so that sides that do not belong together refuse each other.
"""

from __future__ import annotations

import ast
import zlib
from dataclasses import dataclass

from compiler.environment import Environment
from compiler.modules import Module
from compiler.symbols import FunctionNode, TypeSymbol
from compiler.type_model import StructType

NAME_SHIFT, VERSION_SHIFT = 32, 16
MOST = 0xFFFF
MOST_PARAMETERS = 3
WORDS = {"u64": "{}", "int": "int({})", "bool": "{} != 0", "Capability": "{}"}
"""How a word that came over a channel becomes a value."""
SENT = {
    "u64": "{}", "int": "self.channel.word_of_int({})", "bool": "self.channel.word_of_bool({})", "Capability": "{}",
}  # fmt: skip
"""How a value becomes a word."""
ANSWERS = {"u64": "answer", "int": "answer_int", "bool": "answer_bool", "Capability": "answer_capability"}


@dataclass(frozen=True)
class Method:
    name: str
    number: int
    parameters: tuple[str, ...]     # names of types
    result: str                     # likewise, or None


def fill_client(module: Module, node: ast.ClassDef, version: int) -> tuple[Method, ...]:
    """Gives the methods of a protocol their bodies."""
    if not 0 < version <= MOST:
        raise module.error("protocol", f"a protocol's version is 1 to {MOST}, not {version}", node)
    first = zlib.crc32(node.name.encode()) << NAME_SHIFT | version << VERSION_SHIFT
    methods: list[Method] = []
    for member in node.body:
        if isinstance(member, ast.FunctionDef):
            raise module.error("protocol", f"{member.name} of a protocol is no async def", member, hint="async def")
        if isinstance(member, ast.AsyncFunctionDef):
            method = _describe(module, member, first + len(methods) + 1)
            methods.append(method)
            _set_body(member, _client_body(member, method))
    return tuple(methods)


def _describe(module: Module, node: ast.AsyncFunctionDef, number: int) -> Method:
    if not all(isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) for part in node.body):
        raise module.error("protocol", f"{node.name} of a protocol has a body", node, hint=f"{node.name}(...): ...")
    arguments = node.args.args[1:]
    if len(arguments) > MOST_PARAMETERS:
        raise module.error("protocol", f"{node.name} has more than {MOST_PARAMETERS} parameters", node)
    types = [ast.unparse(a.annotation) if a.annotation is not None else "" for a in arguments]
    result = ast.unparse(node.returns) if node.returns is not None else ""
    for text, where in zip([*types, result], [*arguments, node], strict=True):
        if text not in WORDS and not (where is node and text == "None"):
            known = "u64, int, bool and Capability"
            message = f"{node.name} of a protocol takes and gives {known}, not {text or 'something unnamed'}"
            raise module.error("protocol", message, where)
    return Method(node.name, number, tuple(types), result)


def _client_body(node: ast.AsyncFunctionDef, method: Method) -> str:
    names = [argument.arg for argument in node.args.args[1:]]
    words = [SENT[kind].format(name) for name, kind in zip(names, method.parameters, strict=True)]
    words += ["0"] * (MOST_PARAMETERS - len(words))
    handles = sum(1 << place for place, kind in enumerate(method.parameters, 1) if kind == "Capability")
    asked = f"await self.channel.exchange({method.number}, {', '.join(words)}, {handles})"
    return f"_ = {asked}" if method.result == "None" else f"return {WORDS[method.result].format(f'({asked})')}"


def fill_server(module: Module, node: FunctionNode, env: Environment) -> None:
    """Gives a function marked @serves(Protocol) its body."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and env.builtin_of(decorator.func) == "serves":
            methods = _methods_of(module, decorator, env)
            if len(node.args.args) != 2 or not isinstance(node, ast.AsyncFunctionDef):
                hint = f"async def {node.name}(server: ptr[Server], call: ptr[Call]) -> None: ..."
                message = "a function that serves a protocol takes a server and a call"
                raise module.error("protocol", message, node, hint=hint)
            server, call = (argument.arg for argument in node.args.args)
            node.decorator_list = [other for other in node.decorator_list if other is not decorator]
            _set_body(node, _server_body(methods, server, call))
            return


def _methods_of(module: Module, decorator: ast.Call, env: Environment) -> tuple[Method, ...]:
    named = decorator.args[0] if len(decorator.args) == 1 else decorator
    symbol = env.symbol_of(named) if isinstance(named, ast.Name | ast.Attribute) else None
    kind = symbol.type if isinstance(symbol, TypeSymbol) else None
    if not isinstance(kind, StructType) or not kind.fields or kind.name not in module.project.protocols:
        raise module.error("protocol", f"{ast.unparse(named)} is no protocol", decorator, hint="@serves(Names)")
    return module.project.protocols[kind.name]


def _server_body(methods: tuple[Method, ...], server: str, call: str) -> str:
    lines = [f"match {call}.number:"]
    for method in methods:
        words = [WORDS[kind].format(f"{call}.word{place}") for place, kind in enumerate(method.parameters, 1)]
        asked = f"await {server}.{method.name}({', '.join(words)})"
        lines.append(f"    case {method.number}:")
        if method.result == "None":
            lines += [f"        {asked}", f"        await {call}.answer(0)"]
        else:
            lines.append(f"        await {call}.{ANSWERS[method.result]}({asked})")
    lines += ["    case _:", f"        await {call}.refuse()"]
    return "\n".join(lines)


def _set_body(node: FunctionNode, text: str) -> None:
    """The statements, all at the place of the function's own body."""
    where = node.body[0]
    node.body = ast.parse(text).body
    for statement in node.body:
        for child in ast.walk(statement):
            if hasattr(child, "lineno"):
                ast.copy_location(child, where)
