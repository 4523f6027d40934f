"""Accounts: budgets in a tree.

A child's hard limit is taken from its parent when it is set, so a charge touches one word of one account. That word
counts what is still available, so that a charge and a lowered limit cannot both succeed on the same units.
Pure: tested on the host.
Invariants: I-CAP-9: available + charged + reserved by children = limit, for every resource of every account. I-CAP-10:
what was charged to an account is given back to the same one.
Not here: how somebody is told about a soft limit (objects/account.py sets tell_soft_limit).
"""
from collections.abc import Callable

from compiler.prelude import const, ptr, u32, u64
from kernel.abi.objects import RESOURCES
from kernel.caps.object import Account, Budget

_REARM_SHARE = const(8)                 # a soft limit is armed again once an eighth of it is free


def _tell_nobody(account: ptr[Account], resource: u32) -> None:
    pass


tell_soft_limit: Callable[[ptr[Account], u32], None] = _tell_nobody


def charge(account: ptr[Account] | None, resource: u32, amount: u64) -> bool:
    """Returns False, nothing charged, when the hard limit would be passed. No account: the kernel itself pays."""
    if account is None:
        return True
    budget = account.budget(resource)
    available = budget.available.load("relaxed")
    while available >= amount:
        found, is_done = budget.available.compare_exchange(available, available - amount, "relaxed")
        if is_done:
            _note_soft_limit(account, budget, resource, available - amount)
            return True
        available = found
    return False


def uncharge(account: ptr[Account] | None, resource: u32, amount: u64) -> None:
    if account is None:
        return
    budget = account.budget(resource)
    available = budget.available.fetch_add(amount, "relaxed") + amount
    assert available <= budget.limit.load("relaxed"), "more was given back than charged"
    if budget.is_told.load("relaxed") != 0:
        soft_limit = budget.soft_limit.load("relaxed")
        if _charged(budget, available) <= soft_limit - soft_limit // _REARM_SHARE:
            budget.is_told.store(0, "relaxed")


def charged(account: ptr[Account], resource: u32) -> u64:
    """What is charged or reserved by children."""
    budget = account.budget(resource)
    return _charged(budget, budget.available.load("relaxed"))


def raise_limit(account: ptr[Account], resource: u32, amount: u64) -> bool:
    """Moves units from the parent to this account. Returns False, nothing moved, when the parent has not enough."""
    if not charge(account.header.account, resource, amount):
        return False
    budget = account.budget(resource)
    _ = budget.limit.fetch_add(amount, "relaxed")
    _ = budget.available.fetch_add(amount, "relaxed")
    return True


def lower_limit(account: ptr[Account], resource: u32, amount: u64) -> bool:
    """Gives units back to the parent. Returns False, nothing moved, when they are in use."""
    budget = account.budget(resource)
    available = budget.available.load("relaxed")
    while available >= amount:
        found, is_done = budget.available.compare_exchange(available, available - amount, "relaxed")
        if is_done:
            _ = budget.limit.fetch_sub(amount, "relaxed")
            uncharge(account.header.account, resource, amount)
            return True
        available = found
    return False


def give_all_back(account: ptr[Account]) -> None:
    """Requires: nothing is charged to the account any more: it is at its end."""
    for resource in range(u32(RESOURCES)):
        budget = account.budget(resource)
        limit = budget.limit.load("relaxed")
        assert budget.available.load("relaxed") == limit, "an account ended with charges on it"
        uncharge(account.header.account, resource, limit)
        budget.limit.store(0, "relaxed")
        budget.available.store(0, "relaxed")


def set_soft_limit(account: ptr[Account], resource: u32, soft_limit: u64) -> None:
    """0 is none. An account that is above it already is told at once."""
    budget = account.budget(resource)
    budget.soft_limit.store(soft_limit, "relaxed")
    budget.is_told.store(0, "relaxed")
    _note_soft_limit(account, budget, resource, budget.available.load("relaxed"))


def has_charges(account: ptr[Account]) -> bool:
    for resource in range(u32(RESOURCES)):
        if charged(account, resource) != 0:
            return True
    return False


def _charged(budget: ptr[Budget], available: u64) -> u64:
    return budget.limit.load("relaxed") - available


def _note_soft_limit(account: ptr[Account], budget: ptr[Budget], resource: u32, available: u64) -> None:
    soft_limit = budget.soft_limit.load("relaxed")
    if soft_limit != 0 and _charged(budget, available) > soft_limit and budget.is_told.cas(0, 1, "relaxed"):
        tell_soft_limit(account, resource)
