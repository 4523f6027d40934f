"""Interrupt vectors: each given out once, none of the reserved ones, and used again when given back."""

from hypothesis import given
from hypothesis import strategies as st

from kernel.core.vector_set import FIRST_VECTOR, LAST_VECTOR, VectorSet

ALL = set(range(FIRST_VECTOR, LAST_VECTOR + 1))


def test_every_vector_once() -> None:
    vectors = VectorSet()
    assert {int(vectors.take()) for _ in ALL} == ALL
    assert vectors.take() == 0


@given(st.lists(st.booleans(), max_size=120))
def test_against_a_set(takes: list[bool]) -> None:
    vectors = VectorSet()
    taken: list[int] = []
    for is_take in takes:
        if is_take:
            vector = int(vectors.take())
            assert vector == min(ALL - set(taken))
            taken.append(vector)
        elif taken:
            vectors.give_back(taken.pop(len(taken) // 2))
