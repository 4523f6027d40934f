"""The shell's line editor: what is typed, what the terminal shows of it, and the history."""

from hypothesis import given
from hypothesis import strategies as st

from compiler.prelude import u8
from userspace.servers.shell.editor import HISTORY_LINES, LINE_BYTES, Action, Editor

UP, DOWN = b"\x1b[A", b"\x1b[B"


def feed(editor: Editor, keys: bytes) -> list[int]:
    return [int(editor.feed(u8(key))) for key in keys]


def text(editor: Editor) -> bytes:
    return bytes(int(character) for character in editor.text())


def take_echo(editor: Editor) -> bytes:
    shown = bytes(int(character) for character in editor.echo[: int(editor.echo_length)])
    editor.echo_length = 0
    return shown


def enter(editor: Editor, line: bytes) -> bytes:
    """Types a line and takes it."""
    assert feed(editor, line + b"\r")[-1] == Action.LINE
    entered = text(editor)
    editor.clear()
    take_echo(editor)
    return entered


def test_types_and_rubs_out() -> None:
    editor = Editor()
    assert feed(editor, b"helq\x7fp") == [Action.NONE] * 6
    assert text(editor) == b"help"
    assert take_echo(editor) == b"helq\b \bp"
    assert feed(editor, b"\x08\x08\x08\x08\x08")[-1] == Action.NONE
    assert text(editor) == b""
    assert take_echo(editor) == b"\b \b" * 4


def test_kills_and_gives_up_the_line() -> None:
    editor = Editor()
    feed(editor, b"wrong\x15right")
    assert text(editor) == b"right"
    assert feed(editor, b"\x03") == [Action.INTERRUPT]
    assert text(editor) == b"" and take_echo(editor).endswith(b"^C\r\n")


def test_asks_for_completion_and_ends() -> None:
    editor = Editor()
    assert feed(editor, b"\x04") == [Action.END]
    assert feed(editor, b"a\x04\t") == [Action.NONE, Action.NONE, Action.COMPLETE]


def test_recalls_lines() -> None:
    editor = Editor()
    for line in (b"one", b"two", b"two", b""):
        assert enter(editor, line) == line
    feed(editor, b"thr" + UP)
    assert text(editor) == b"two" and take_echo(editor) == b"thr" + b"\b \b" * 3 + b"two"
    feed(editor, UP)
    assert text(editor) == b"one"
    feed(editor, UP)
    assert text(editor) == b"one"
    feed(editor, DOWN + DOWN)
    assert text(editor) == b""
    feed(editor, DOWN)
    assert text(editor) == b""


def test_forgets_the_oldest_lines() -> None:
    editor = Editor()
    for number in range(HISTORY_LINES + 5):
        enter(editor, b"%d" % number)
    feed(editor, UP * 100)
    assert text(editor) == b"5"


@given(st.binary(max_size=400))
def test_shows_what_it_holds(keys: bytes) -> None:
    """A terminal that obeys the echo shows the line, whatever is typed."""
    editor = Editor()
    screen = bytearray()
    for key in keys:
        action = editor.feed(u8(key))
        for character in take_echo(editor).replace(b"\b \b", b"\b"):
            if character == 0x08:
                screen.pop()
            elif character in b"\r\n":
                screen.clear()
            else:
                screen.append(character)
        if action == Action.LINE:
            editor.clear()
        assert len(text(editor)) <= LINE_BYTES
        assert bytes(screen) == text(editor)
