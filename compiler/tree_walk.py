"""Walks over the typed tree, for passes that look for some nodes and do not care about the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from compiler.tree import Body, Expr, Handler, Statement

Node = Expr | Statement | Handler
_OUTSIDE = ("type", "span", "local", "function", "field", "data")
"""Attributes that lead out of the tree."""
_children_of: dict[type[Node], tuple[str, ...]] = {}


def children(node: Node) -> list[Node]:
    """What a node is made of, in order of evaluation as far as the tree tells."""
    names = _children_of.get(type(node))
    if names is None:
        names = _children_of[type(node)] = tuple(f.name for f in fields(node) if f.name not in _OUTSIDE)
    found: list[Node] = []
    for name in names:
        _add_nodes(getattr(node, name), found)
    return found


def _add_nodes(value: object, found: list[Node]) -> None:
    if isinstance(value, Node):
        found.append(value)
    elif isinstance(value, list | tuple):
        for item in value:
            _add_nodes(item, found)


def nodes_of(body: Body) -> list[Node]:
    """Every node of a function, parents first. Listed once: a body does not change after it was checked."""
    if body.nodes is None:
        body.nodes = list(walk(body.statements))
    return body.nodes


def walk(nodes: list[Statement] | Node) -> Iterator[Node]:
    """The nodes and everything below them, parents first."""
    pending: list[Node] = list(reversed(nodes)) if isinstance(nodes, list) else [nodes]
    while pending:
        node = pending.pop()
        yield node
        pending += reversed(children(node))
