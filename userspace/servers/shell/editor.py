"""The line that is being typed: keys in, echo out; history by the arrow keys.

Pure: tested on the host. What the terminal is to show piles up in `echo`, which its user writes and empties.
"""
from enum import IntEnum

from compiler.prelude import array, const, span, struct, u8, u64

LINE_BYTES = const(100)
HISTORY_LINES = const(16)
_ECHO_BYTES = const(LINE_BYTES * 4 + 16)

_INTERRUPT = const(0x03)
_END = const(0x04)
_BACKSPACE = const(0x08)
_TAB = const(0x09)
_NEWLINE = const(0x0A)
_RETURN = const(0x0D)
_KILL_LINE = const(0x15)
_ESCAPE = const(0x1B)
_SPACE = const(0x20)
_BRACKET = const(0x5B)
_UP = const(0x41)
_DOWN = const(0x42)
_DELETE = const(0x7F)


class Action(IntEnum):
    """What its user has to do after a key."""
    NONE = 0
    LINE = 1                # a line has been entered
    INTERRUPT = 2           # the line is given up
    COMPLETE = 3
    END = 4                 # no more input


class Keys(IntEnum):
    """What came of an arrow key's sequence: ESC [ letter."""
    PLAIN = 0
    ESCAPED = 1
    BRACKETED = 2


@struct
class Line:
    length: u64
    characters: array[u8, LINE_BYTES]


@struct
class Editor:
    line: Line
    history: array[Line, HISTORY_LINES]
    entered: u64                        # lines that went into the history
    shown: u64                          # how many lines back the arrow keys have gone, 0: the line is new
    keys: u64
    echo_length: u64
    echo: array[u8, _ECHO_BYTES]

    def feed(self, key: u8) -> Action:
        if self.keys != Keys.PLAIN:
            self._feed_sequence(key)
            return Action.NONE
        if key == _RETURN or key == _NEWLINE:
            return self._enter()
        if key == _INTERRUPT:
            self.show(b"^C\r\n")
            self.clear()
            return Action.INTERRUPT
        if key == _TAB:
            return Action.COMPLETE
        if key == _END and self.line.length == 0:
            return Action.END
        if key == _BACKSPACE or key == _DELETE:
            self._rub_out(1)
        elif key == _KILL_LINE:
            self._rub_out(self.line.length)
        elif key == _ESCAPE:
            self.keys = Keys.ESCAPED
        elif key >= _SPACE:
            self.insert(key)
        return Action.NONE

    def text(self) -> span[u8]:
        return self.line.characters[0 : self.line.length]

    def insert(self, character: u8) -> None:
        """At the end; what the line has no room for is left out."""
        if self.line.length < LINE_BYTES:
            self.line.characters[self.line.length] = character
            self.line.length += 1
            self._show(character)

    def clear(self) -> None:
        """Begins a new line."""
        self.line.length = 0
        self.shown = 0

    def show(self, text: span[u8]) -> None:
        for character in text:
            self._show(character)

    def _show(self, character: u8) -> None:
        if self.echo_length < _ECHO_BYTES:
            self.echo[self.echo_length] = character
            self.echo_length += 1

    def _enter(self) -> Action:
        """The line stays until clear(); one that is empty, or the last once more, does not go into the history."""
        self.show(b"\r\n")
        if self.line.length != 0 and not self._is_last():
            self._copy_to(self.entered % HISTORY_LINES)
            self.entered += 1
        return Action.LINE

    def _rub_out(self, count: u64) -> None:
        for _ in range(min(count, self.line.length)):
            self.line.length -= 1
            self.show(b"\b \b")

    def _feed_sequence(self, key: u8) -> None:
        if self.keys == Keys.ESCAPED:
            self.keys = Keys.BRACKETED if key == _BRACKET else Keys.PLAIN
            return
        self.keys = Keys.PLAIN
        if key == _UP and self.shown < min(self.entered, u64(HISTORY_LINES)):
            self._recall(self.shown + 1)
        elif key == _DOWN and self.shown != 0:
            self._recall(self.shown - 1)

    def _recall(self, back: u64) -> None:
        self._rub_out(self.line.length)
        self.shown = back
        if back != 0:
            place = (self.entered - back) % HISTORY_LINES
            for index in range(self.history[place].length):
                self.insert(self.history[place].characters[index])

    def _is_last(self) -> bool:
        if self.entered == 0:
            return False
        place = (self.entered - 1) % HISTORY_LINES
        if self.history[place].length != self.line.length:
            return False
        for index in range(self.line.length):
            if self.history[place].characters[index] != self.line.characters[index]:
                return False
        return True

    def _copy_to(self, place: u64) -> None:
        self.history[place].length = self.line.length
        for index in range(self.line.length):
            self.history[place].characters[index] = self.line.characters[index]
