"""Indentation."""


def f() -> None:
return
#! syntax: return => expected an indented block after function definition on line 4
