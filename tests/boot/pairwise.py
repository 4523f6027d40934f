"""Few rows that hold every pair of values of any two axes."""

from collections.abc import Mapping, Sequence
from itertools import combinations, product

Pair = tuple[tuple[str, str], tuple[str, str]]


def choose_rows(axes: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Takes, again and again, the row that holds most pairs not seen yet; the same axes give the same rows."""
    rows = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    missing = {pair for row in rows for pair in pairs_of(row)}
    chosen = []
    while missing:
        best = max(rows, key=lambda row: len(missing & pairs_of(row)))
        missing -= pairs_of(best)
        chosen.append(best)
    return chosen


def pairs_of(row: Mapping[str, str]) -> set[Pair]:
    return {(first, second) for first, second in combinations(sorted(row.items()), 2)}
