"""Accounts against plain sums: a tree of budgets whose charges, limits and reservations always add up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from compiler.prelude import u32, u64
from kernel.abi.objects import ObjectKind, Resource
from kernel.caps import account as accounts
from kernel.caps.object import Account, Object

RESOURCE = u32(Resource.OBJECTS)
ROOT_LIMIT = 100


def make_account(parent: Account | None) -> Account:
    return Account(header=Object(references=1, kind=u32(ObjectKind.ACCOUNT), account=parent))


def root_account(limit: int = ROOT_LIMIT) -> Account:
    root = make_account(None)
    assert accounts.raise_limit(root, RESOURCE, u64(limit))
    return root


class AccountModel(RuleBasedStateMachine):
    """Each account of the model: its limit, what is charged directly, its children."""

    @initialize()
    def make_root(self) -> None:
        self.accounts = [root_account()]
        self.limits = [ROOT_LIMIT]
        self.charges = [0]
        self.parents: list[int | None] = [None]

    def left(self, which: int) -> int:
        children = [limit for limit, parent in zip(self.limits, self.parents, strict=True) if parent == which]
        return self.limits[which] - self.charges[which] - sum(children)

    def pick(self, data: st.DataObject) -> int:
        return data.draw(st.integers(0, len(self.accounts) - 1))

    @precondition(lambda self: len(self.accounts) < 6)
    @rule(data=st.data())
    def make_child(self, data: st.DataObject) -> None:
        parent = self.pick(data)
        self.accounts.append(make_account(self.accounts[parent]))
        self.limits.append(0)
        self.charges.append(0)
        self.parents.append(parent)

    @rule(data=st.data(), amount=st.integers(0, 40))
    def charge(self, data: st.DataObject, amount: int) -> None:
        which = self.pick(data)
        is_possible = amount <= self.left(which)
        assert accounts.charge(self.accounts[which], RESOURCE, u64(amount)) == is_possible
        self.charges[which] += amount if is_possible else 0

    @rule(data=st.data())
    def uncharge(self, data: st.DataObject) -> None:
        which = self.pick(data)
        amount = data.draw(st.integers(0, self.charges[which]))
        accounts.uncharge(self.accounts[which], RESOURCE, u64(amount))
        self.charges[which] -= amount

    @rule(data=st.data(), amount=st.integers(0, 40))
    def raise_limit(self, data: st.DataObject, amount: int) -> None:
        which = self.pick(data)
        parent = self.parents[which]
        if parent is None:
            return
        is_possible = amount <= self.left(parent)
        assert accounts.raise_limit(self.accounts[which], RESOURCE, u64(amount)) == is_possible
        self.limits[which] += amount if is_possible else 0

    @rule(data=st.data(), amount=st.integers(0, 40))
    def lower_limit(self, data: st.DataObject, amount: int) -> None:
        which = self.pick(data)
        is_possible = amount <= self.left(which)
        if self.parents[which] is None:
            return
        assert accounts.lower_limit(self.accounts[which], RESOURCE, u64(amount)) == is_possible
        self.limits[which] -= amount if is_possible else 0

    @invariant()
    def sums_agree(self) -> None:
        for which, account in enumerate(getattr(self, "accounts", [])):
            assert accounts.charged(account, RESOURCE) == self.limits[which] - self.left(which)
            assert account.budget(RESOURCE).available.load() == self.left(which)


AccountModel.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestAccounts = AccountModel.TestCase


@pytest.fixture
def told() -> Iterator[list[int]]:
    """The resources that soft limits were told about, in order."""
    heard: list[int] = []
    before = accounts.tell_soft_limit
    accounts.tell_soft_limit = lambda account, resource: heard.append(int(resource))
    yield heard
    accounts.tell_soft_limit = before


def test_a_soft_limit_is_told_once_until_an_eighth_is_free(told: list[int]) -> None:
    account = root_account()
    accounts.set_soft_limit(account, RESOURCE, u64(16))
    accounts.charge(account, RESOURCE, u64(16))
    assert told == []
    accounts.charge(account, RESOURCE, u64(1))
    accounts.charge(account, RESOURCE, u64(5))
    assert told == [Resource.OBJECTS]
    accounts.uncharge(account, RESOURCE, u64(7))
    accounts.charge(account, RESOURCE, u64(2))
    assert told == [Resource.OBJECTS], "15 of 16 is not low enough to be told again"
    accounts.uncharge(account, RESOURCE, u64(3))
    accounts.charge(account, RESOURCE, u64(10))
    assert told == [Resource.OBJECTS] * 2


def test_an_account_above_a_new_soft_limit_is_told_at_once(told: list[int]) -> None:
    account = root_account()
    accounts.charge(account, RESOURCE, u64(10))
    accounts.set_soft_limit(account, RESOURCE, u64(5))
    assert told == [Resource.OBJECTS]


def test_an_account_gives_everything_back_at_its_end() -> None:
    root = root_account()
    child = make_account(root)
    assert accounts.raise_limit(child, RESOURCE, u64(60))
    assert not accounts.raise_limit(child, RESOURCE, u64(41))
    accounts.give_all_back(child)
    assert accounts.charged(root, RESOURCE) == 0
