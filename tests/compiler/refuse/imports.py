"""Mistakes in imports."""
from .modules import other
#! import-form: from .modules import other => relative imports are not part of the language
#: write the full module name
from compiler.prelude import *
#! import-form: * => import the names you use of compiler.prelude, not *
from compiler.prelude import u64, u65
#! unknown-name: u65 => the language does not know u65 of compiler.prelude
from enum import Enum
#! unknown-name: Enum => the language does not know Enum of enum
#: use IntEnum
from tests.compiler.refuse.modules.other import _SECRET
#! private-name: _SECRET => _SECRET is private to tests.compiler.refuse.modules.other
#: drop the leading underscore where it is declared
from tests.compiler.refuse.modules.other import missing
#! unknown-name: missing => tests.compiler.refuse.modules.other has no missing
from tests.compiler.refuse.modules.nowhere import thing
#! unknown-module: from tests.compiler.refuse.modules.nowhere import thing => there is no module tests.compiler.refuse.modules.nowhere
from tests.compiler.refuse.modules import other
from tests.compiler.refuse.modules.other import PUBLIC, increment
from tests.compiler.refuse.modules.other import *
#! import-form: * => import the names you use of tests.compiler.refuse.modules.other, not *
import random as rnd
#! unknown-module: random as rnd => there is no module random
#: Python's libraries cannot be compiled; write what you need as a module


def uses_failed_import() -> u64:
    return missing + thing


def wrong_attribute() -> u64:
    return other.nothing
    #! unknown-name: other.nothing => tests.compiler.refuse.modules.other has no nothing


def private_attribute() -> u64:
    return other._SECRET
    #! private-name: other._SECRET => _SECRET is private to tests.compiler.refuse.modules.other
    #: drop the leading underscore where it is declared


def module_as_value() -> u64:
    return other
    #! type: other => tests.compiler.refuse.modules.other is a module, not a value


def calls_module() -> u64:
    return other()
    #! type: other => tests.compiler.refuse.modules.other is a module, not a value


def assigns_constant_of_module() -> None:
    other.PUBLIC = 3
    #! constant: other.PUBLIC => PUBLIC is a constant
    #: a constant is never assigned again


def imports_inside() -> u64:
    from tests.compiler.refuse.modules.other import PUBLIC
    #! unsupported: from tests.compiler.refuse.modules.other import PUBLIC => an import inside a function is not part of the language
    #: import at the top of the module
    import enum
    #! unsupported: import enum => an import inside a function is not part of the language
    #: import at the top of the module
    return PUBLIC


def assigns_import() -> None:
    PUBLIC = 4
    #! constant: PUBLIC => PUBLIC is a constant
    #: a constant is never assigned again


def unused_function() -> None:
    increment
    #! unused: increment => this value is not used
    #: call it: increment()
