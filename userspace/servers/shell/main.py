"""The shell: shows a prompt on the console, takes a line, does what it says.

It holds the streams of the console, the System and Inspect objects, the boot modules and the table of services, and no
more: what it shows and does goes through these.
"""
import asyncio

from compiler.prelude import addr, zeroed
from userspace.lib import program
from userspace.lib.console import flush, open_console, write_text
from userspace.servers.shell import commands
from userspace.servers.shell.commands import execute, hide_prompt, show_prompt, write_echo
from userspace.servers.shell.completion import complete
from userspace.servers.shell.editor import Action, Editor
from userspace.servers.shell.keyboard import next_key, read_keys
from userspace.servers.shell.services import open_services

_PROMPT: str = "ringneck> "
_editor: Editor = zeroed()


async def main() -> None:
    if not open_console():
        print("shell: this program was not given a console; init gives it one: init.shell")
        program.exit_status = 1
        return
    open_services()
    _ = asyncio.create_task(read_keys())
    print("shell: `help` lists the commands")
    show_prompt(_PROMPT, addr(_editor))
    await flush()
    while not commands.is_over:
        await take_key()
    program.exit_status = commands.exit_status


async def take_key() -> None:
    action = _editor.feed(await next_key())
    if action == Action.COMPLETE and complete(addr(_editor)):
        write_text(_PROMPT)
        _editor.show_line()
    write_echo(addr(_editor))
    if action == Action.END:
        write_text("\r\n")
        commands.is_over = True
    elif action == Action.LINE:
        hide_prompt()
        await flush()
        await execute(_editor.text())
        _editor.clear()
    if action == Action.INTERRUPT or action == Action.LINE and not commands.is_over:
        show_prompt(_PROMPT, addr(_editor))
    await flush()


if __name__ == "__main__":
    asyncio.run(main())
