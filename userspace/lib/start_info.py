"""What this program has been given: the page that its maker wrote (kernel/abi/bootinfo.py)."""
from compiler.prelude import addr, ptr, span, u8, u64
from kernel.abi.bootinfo import Module, StartInfo
from kernel.abi.layout import START_INFO


def start_info() -> ptr[StartInfo]:
    return ptr[StartInfo](START_INFO)


def arguments() -> span[u8]:
    """The words that the program was started with; those of the first process are the kernel's command line."""
    info = start_info()
    return info.arguments[0 : info.arguments_length]


def has_argument(word: str) -> bool:
    """Whether one of the words is this."""
    words = arguments()
    wanted = word.encode()
    begin: u64 = 0
    while begin < len(words):
        end = begin
        while end < len(words) and words[end] != 0x20:
            end += 1
        if is_same(words[begin:end], wanted):
            return True
        begin = end + 1
    return False


def module_name(module: ptr[Module]) -> span[u8]:
    """As in the boot archive: hello.elf."""
    return module.name[0 : module.name_length]


def find_program(name: span[u8]) -> ptr[Module] | None:
    """The module NAME.elf."""
    info = start_info()
    for index in range(info.module_count):
        module = addr(info.modules[index])
        file = module_name(module)
        if len(file) == len(name) + 4 and is_same(file[0 : len(name)], name) and is_same(file[len(name) :], b".elf"):
            return module
    return None


def find_grant(name: str) -> u64:
    """The handle that was given under a name, 0 when there is none."""
    return find_grant_of(name, "")


def find_grant_of(name: str, part: str) -> u64:
    """The handle whose name is these two together."""
    info = start_info()
    for index in range(info.grant_count):
        grant = addr(info.grants[index])
        given = grant.name[0 : grant.name_length]
        if len(given) == len(name) + len(part) and is_same(given[: len(name)], name.encode()):
            if is_same(given[len(name) :], part.encode()):
                return grant.handle
    return 0


def is_same(left: span[u8], right: span[u8]) -> bool:
    if len(left) != len(right):
        return False
    for index in range(len(left)):
        if left[index] != right[index]:
            return False
    return True
