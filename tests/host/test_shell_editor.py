"""The shell's line editor: what is typed, what the terminal shows of it, and the history."""

from hypothesis import given
from hypothesis import strategies as st

from compiler.prelude import u8
from userspace.servers.shell.editor import HISTORY_LINES, LINE_BYTES, Action, Editor

UP, DOWN, RIGHT, LEFT = b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D"
HOME, END, DELETE = b"\x1b[H", b"\x1b[F", b"\x1b[3~"
WORD_RIGHT, WORD_LEFT, ALT_F, ALT_B = b"\x1b[1;5C", b"\x1b[1;5D", b"\x1bf", b"\x1bb"


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
    assert text(editor) == b"two" and take_echo(editor) == b"thr" + b"\b" * 3 + b" " * 3 + b"\b" * 3 + b"two"
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


def test_moves_the_cursor() -> None:
    editor = Editor()
    feed(editor, b"run hllo" + LEFT * 3 + b"e")
    assert text(editor) == b"run hello"
    assert take_echo(editor) == b"run hllo" + b"\b" * 3 + b"ello" + b"\b" * 3
    feed(editor, HOME + b"> " + END + b"!")
    assert text(editor) == b"> run hello!"
    feed(editor, b"\x01" + DELETE * 2 + b"\x05\x02\x04")
    assert text(editor) == b"run hello"
    take_echo(editor)
    feed(editor, LEFT * 20 + RIGHT + b"\x7f")
    assert text(editor) == b"un hello"
    assert take_echo(editor) == b"\b" * 9 + b"r" + b"\b" + b"un hello " + b"\b" * 9


def test_moves_by_words() -> None:
    editor = Editor()
    feed(editor, b"one two  three" + WORD_LEFT * 2 + b"x")
    assert text(editor) == b"one xtwo  three"
    feed(editor, WORD_RIGHT * 2 + b"!" + ALT_B + b"\x17")
    assert text(editor) == b"one three!"
    feed(editor, ALT_F + b"\x01" + ALT_F + b"\x0b")
    assert text(editor) == b"one"
    feed(editor, b" and two" + LEFT * 3 + b"\x15")
    assert text(editor) == b"two"


def test_echoes_the_longest_changes_whole() -> None:
    for middle in range(LINE_BYTES + 1):
        editor = Editor()
        enter(editor, b"a" * LINE_BYTES)
        feed(editor, b"b" * LINE_BYTES + LEFT * middle)
        take_echo(editor)
        feed(editor, UP)
        assert take_echo(editor).endswith(b"\b" * LINE_BYTES + b"a" * LINE_BYTES)


def test_enters_the_whole_line_wherever_the_cursor_is() -> None:
    editor = Editor()
    assert feed(editor, b"help" + HOME + b"\r")[-1] == Action.LINE
    assert text(editor) == b"help" and take_echo(editor).endswith(b"\bhelp\r\n")


ARROWS = [UP, DOWN, LEFT, RIGHT, WORD_LEFT, WORD_RIGHT]
KEYS = [*ARROWS, HOME, END, DELETE, ALT_B, ALT_F, b"\x1b[1~", b"\x1b[8~", b"\x1bOH"]


@given(st.lists(st.one_of(st.binary(max_size=120), st.sampled_from(KEYS)), max_size=60).map(b"".join))
def test_shows_what_it_holds(keys: bytes) -> None:
    """A terminal that obeys the echo shows the line, and its cursor where the editor has it, whatever is typed."""
    editor = Editor()
    screen, column = bytearray(), 0
    for key in keys:
        action = editor.feed(u8(key))
        for character in take_echo(editor):
            if character == 0x08:
                column -= 1
            elif character in b"\r\n":
                screen, column = bytearray(), 0
            else:
                screen[column : column + 1] = bytes([character])
                column += 1
            assert column >= 0
        if action == Action.LINE:
            editor.clear()
        assert len(text(editor)) <= LINE_BYTES
        assert column == editor.cursor
        assert bytes(screen).rstrip(b" ") == text(editor).rstrip(b" ")
