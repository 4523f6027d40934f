"""The shell on the serial line, the keyboard and the screen: shows a prompt, takes a line, does what it says.

It holds COM1 and the keyboard (their ports and interrupts), the System and Inspect objects and the boot modules, and no
more: what it shows and does goes through these.
"""
import asyncio

from compiler.prelude import addr, zeroed
from userspace.lib import program
from userspace.lib.console import open_console, write, write_text
from userspace.servers.keyboard.driver import open_keyboard
from userspace.servers.shell import commands
from userspace.servers.shell.commands import execute, hide_prompt, show_prompt
from userspace.servers.shell.completion import complete
from userspace.servers.shell.editor import Action, Editor
from userspace.servers.shell.keyboard import next_key, read_keyboard, read_serial_line

_PROMPT: str = "ringneck> "
_editor: Editor = zeroed()


async def main() -> None:
    problem = open_console()
    if len(problem) != 0:
        print(f"shell: {problem}")
        program.exit_status = 1
        return
    _ = asyncio.create_task(read_serial_line())
    if open_keyboard():
        _ = asyncio.create_task(read_keyboard())
    print("shell: `help` lists the commands")
    show_prompt(_PROMPT, addr(_editor))
    while not commands.is_over:
        await take_key()
    program.exit_status = commands.exit_status


async def take_key() -> None:
    action = _editor.feed(await next_key())
    if action == Action.COMPLETE and complete(addr(_editor)):
        write_text(_PROMPT)
        write(_editor.text())
    write(_editor.echo[0 : _editor.echo_length])
    _editor.echo_length = 0
    if action == Action.END:
        write_text("\r\n")
        commands.is_over = True
    elif action == Action.LINE:
        hide_prompt()
        await execute(_editor.text())
        _editor.clear()
    if action == Action.INTERRUPT or action == Action.LINE and not commands.is_over:
        show_prompt(_PROMPT, addr(_editor))


if __name__ == "__main__":
    asyncio.run(main())
