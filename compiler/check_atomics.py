"""Type rules of atomic operations and their memory orders."""

from __future__ import annotations

import ast

import compiler.check_expressions as expressions
from compiler.constant import evaluate
from compiler.context import Context
from compiler.tree import (
    AtomicOperation,
    Expr,
    Place,
)
from compiler.type_model import (
    BOOL,
    NONE,
    IntType,
    TupleType,
    Type,
)

ORDERS = {
    "relaxed": "monotonic",
    "acquire": "acquire",
    "release": "release",
    "acq_rel": "acq_rel",
    "seq_cst": "seq_cst",
}


ATOMIC_ARGUMENTS = {
    "load": 0, "store": 1, "exchange": 1, "cas": 2, "compare_exchange": 2,
    "fetch_add": 1, "fetch_sub": 1, "fetch_and": 1, "fetch_or": 1, "fetch_xor": 1,
}  # fmt: skip


REFUSED_ORDERS = {"load": ("release", "acq_rel"), "store": ("acquire", "acq_rel")}


def check_atomic(ctx: Context, node: ast.Call, function: ast.Attribute, place: Place, kind: Type) -> Expr:
    name = function.attr
    if name not in ATOMIC_ARGUMENTS:
        raise ctx.error("atomic", f"an atomic has no {name}", function, hint=f"it has {', '.join(ATOMIC_ARGUMENTS)}")
    count = ATOMIC_ARGUMENTS[name]
    if not count <= len(node.args) <= count + 1 or node.keywords:
        raise ctx.error("arguments", f"{name} takes {count} values and an order", node)
    if name.startswith("fetch") and not isinstance(kind, IntType):
        raise ctx.error("atomic", f"{name} needs an integer, not {kind}", node)
    order = evaluate(node.args[count], ctx.env) if len(node.args) > count else "seq_cst"
    if order not in ORDERS or order in REFUSED_ORDERS.get(name, ()):
        fine = [o for o in ORDERS if o not in REFUSED_ORDERS.get(name, ())]
        raise ctx.error("atomic", f"{name} has no order {order!r}", node, hint=f"one of {', '.join(fine)}")
    arguments = [expressions.check_value(ctx, a, kind) for a in node.args[:count]]
    result = {"store": NONE, "cas": BOOL, "compare_exchange": TupleType((kind, BOOL))}.get(name, kind)
    return AtomicOperation(result, ctx.span(node), name, place, arguments, ORDERS[order])
