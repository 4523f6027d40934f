"""What the first process has when it starts: the handles that it finds in its table, with all rights."""
from compiler.prelude import const

_FIRST_GENERATION = const(1 << 32)

OWN_PROCESS = const(_FIRST_GENERATION | 1)
OWN_THREAD = const(_FIRST_GENERATION | 2)
ROOT_ACCOUNT = const(_FIRST_GENERATION | 3)         # pays for the first process and whatever it makes
SYSTEM = const(_FIRST_GENERATION | 4)
INSPECT = const(_FIRST_GENERATION | 5)
