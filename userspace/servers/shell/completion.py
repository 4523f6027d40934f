"""What the tab key adds: the rest of the only command, or program, that begins like the word before the cursor."""
from compiler.prelude import addr, const, ptr, span, u8, u64
from userspace.lib.console import write
from userspace.lib.start_info import module_name, start_info
from userspace.servers.shell.commands import commands
from userspace.servers.shell.editor import Editor
from userspace.servers.shell.words import begins_with

_SPACE = const(0x20)
_SUFFIX = const(4)                      # .elf


def complete(editor: ptr[Editor]) -> bool:
    """Returns True when several fit: they have been listed below the line, which has to be shown again."""
    line = editor.before_cursor()
    start = u64(len(line))
    while start != 0 and line[start - 1] != _SPACE:
        start -= 1
    word = line[start:]
    is_command = start == 0
    count = _candidates(is_command)
    fits: u64 = 0
    only: u64 = 0
    for index in range(count):
        if begins_with(_candidate(is_command, index), word):
            fits += 1
            only = index
    if fits == 1:
        editor.insert(_candidate(is_command, only)[len(word) :])
        editor.insert(b" ")
        return False
    if fits != 0:
        _list(is_command, word)
    return fits != 0


def _list(is_command: bool, word: span[u8]) -> None:
    write(b"\r\n")
    for index in range(_candidates(is_command)):
        name = _candidate(is_command, index)
        if begins_with(name, word):
            write(name)
            write(b"  ")
    write(b"\r\n")


def _candidates(is_command: bool) -> u64:
    return u64(len(commands)) if is_command else start_info().module_count


def _candidate(is_command: bool, index: u64) -> span[u8]:
    if is_command:
        return commands[index].name.encode()
    file = module_name(addr(start_info().modules[index]))
    return file[0 : len(file) - min(u64(len(file)), u64(_SUFFIX))]
