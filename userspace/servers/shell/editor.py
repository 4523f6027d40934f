"""The line that is being typed: keys in, echo out; a cursor in it, history by the arrow keys.

Keys are what terminals send: control characters as Emacs has them, and sequences that begin with ESC (ECMA-48, xterm).
The echo moves the cursor by backspaces, and to the right by writing letters again, which any terminal understands.

Pure: tested on the host. What the terminal is to show piles up in `echo`, which its user writes and empties.
"""
from enum import IntEnum

from compiler.prelude import array, const, span, struct, u8, u64

LINE_BYTES = const(100)
HISTORY_LINES = const(16)
_ECHO_BYTES = const(LINE_BYTES * 4 + 16)   # the most that a key comes to, with some to spare

_HOME = const(0x01)                     # control characters
_LEFT = const(0x02)
_INTERRUPT = const(0x03)
_DELETE_OR_END = const(0x04)
_END = const(0x05)
_RIGHT = const(0x06)
_BACKSPACE = const(0x08)
_TAB = const(0x09)
_NEWLINE = const(0x0A)
_KILL_REST = const(0x0B)
_RETURN = const(0x0D)
_KILL_LINE = const(0x15)
_RUB_OUT_WORD = const(0x17)
_ESCAPE = const(0x1B)
_SPACE = const(0x20)
_RUB_OUT = const(0x7F)

_FIRST_FINAL = const(0x40)              # what ends a sequence
_DIGIT_0 = const(0x30)
_DIGIT_9 = const(0x39)
_SEMICOLON = const(0x3B)
_MOST_NUMBER = const(100)               # numbers in sequences are smaller
_CONTROL_HELD = const(5)                # the last number of such a sequence


class Action(IntEnum):
    """What its user has to do after a key."""
    NONE = 0
    LINE = 1                # a line has been entered
    INTERRUPT = 2           # the line is given up
    COMPLETE = 3
    END = 4                 # no more input


class Keys(IntEnum):
    """What came of a sequence: ESC letter, ESC O letter, ESC [ numbers letter."""
    PLAIN = 0
    ESCAPED = 1
    SHORT = 2
    BRACKETED = 3


@struct
class Line:
    length: u64
    characters: array[u8, LINE_BYTES]


@struct
class Editor:
    line: Line
    cursor: u64                         # the character that it stands on
    history: array[Line, HISTORY_LINES]
    entered: u64                        # lines that went into the history
    shown: u64                          # how many lines back the arrow keys have gone, 0: the line is new
    keys: u64
    number: u64                         # the last one of the sequence
    echo_length: u64
    echo: array[u8, _ECHO_BYTES]

    def feed(self, key: u8) -> Action:
        if self.keys != Keys.PLAIN:
            self._feed_sequence(key)
            return Action.NONE
        if key == _RETURN or key == _NEWLINE:
            return self._enter()
        if key == _INTERRUPT:
            self._move_to(self.line.length)
            self.show(b"^C\r\n")
            self.clear()
            return Action.INTERRUPT
        if key == _TAB:
            return Action.COMPLETE
        if key == _DELETE_OR_END and self.line.length == 0:
            return Action.END
        if key == _ESCAPE:
            self.keys = Keys.ESCAPED
        elif key == _BACKSPACE or key == _RUB_OUT or key >= _SPACE:
            self._feed_character(key)
        else:
            self._feed_control(key)
        return Action.NONE

    def text(self) -> span[u8]:
        return self.line.characters[0 : self.line.length]

    def before_cursor(self) -> span[u8]:
        return self.line.characters[0 : self.cursor]

    def insert(self, text: span[u8]) -> None:
        """At the cursor; what the line has no room for is left out."""
        count = min(u64(len(text)), u64(LINE_BYTES) - self.line.length)
        place = self.line.length
        while place != self.cursor:
            place -= 1
            self.line.characters[place + count] = self.line.characters[place]
        for index in range(count):
            self.line.characters[self.cursor + index] = text[index]
        self.line.length += count
        self.show(self.line.characters[self.cursor : self.line.length])
        self.cursor += count
        self._go_back(self.line.length - self.cursor)

    def clear(self) -> None:
        """Begins a new line."""
        self.line.length = 0
        self.cursor = 0
        self.shown = 0

    def show(self, text: span[u8]) -> None:
        for character in text:
            self._show(character)

    def show_line(self) -> None:
        """All of it, for a terminal that stands behind the prompt."""
        self.show(self.text())
        self._go_back(self.line.length - self.cursor)

    def _show(self, character: u8) -> None:
        if self.echo_length < _ECHO_BYTES:
            self.echo[self.echo_length] = character
            self.echo_length += 1

    def _go_back(self, count: u64) -> None:
        for _ in range(count):
            self._show(_BACKSPACE)

    def _feed_character(self, key: u8) -> None:
        if key == _BACKSPACE or key == _RUB_OUT:
            self._rub_out_to(self.cursor - min(self.cursor, u64(1)))
        else:
            character: array[u8, 1] = array(key)
            self.insert(character[:])

    def _feed_control(self, key: u8) -> None:
        if key == _HOME:
            self._move_to(0)
        elif key == _END:
            self._move_to(self.line.length)
        elif key == _LEFT:
            self._move_to(self.cursor - min(self.cursor, u64(1)))
        elif key == _RIGHT:
            self._move_to(min(self.cursor + 1, self.line.length))
        elif key == _DELETE_OR_END:
            self._delete(1)
        elif key == _KILL_REST:
            self._delete(self.line.length)
        elif key == _KILL_LINE:
            self._rub_out_to(0)
        elif key == _RUB_OUT_WORD:
            self._rub_out_to(self._word_before())

    def _enter(self) -> Action:
        """The line stays until clear(); one that is empty, or the last once more, does not go into the history."""
        self._move_to(self.line.length)
        self.show(b"\r\n")
        if self.line.length != 0 and not self._is_last():
            self._copy_to(self.entered % HISTORY_LINES)
            self.entered += 1
        return Action.LINE

    def _move_to(self, place: u64) -> None:
        if place < self.cursor:
            self._go_back(self.cursor - place)
        else:
            self.show(self.line.characters[self.cursor : place])
        self.cursor = place

    def _rub_out_to(self, place: u64) -> None:
        """What stands between there and the cursor."""
        count = self.cursor - place
        self._move_to(place)
        self._delete(count)

    def _delete(self, most: u64) -> None:
        """From the cursor on."""
        count = min(most, self.line.length - self.cursor)
        self.line.length -= count
        for place in range(self.cursor, self.line.length):
            self.line.characters[place] = self.line.characters[place + count]
        self.show(self.line.characters[self.cursor : self.line.length])
        for _ in range(count):
            self._show(_SPACE)
        self._go_back(self.line.length - self.cursor + count)

    def _word_before(self) -> u64:
        """Where the word begins that ends at the cursor, or before it."""
        place = self.cursor
        while place != 0 and self.line.characters[place - 1] == _SPACE:
            place -= 1
        while place != 0 and self.line.characters[place - 1] != _SPACE:
            place -= 1
        return place

    def _word_end(self) -> u64:
        """Behind the word on which the cursor stands, or the next."""
        place = self.cursor
        while place != self.line.length and self.line.characters[place] == _SPACE:
            place += 1
        while place != self.line.length and self.line.characters[place] != _SPACE:
            place += 1
        return place

    def _feed_sequence(self, key: u8) -> None:
        if self.keys == Keys.ESCAPED:
            self._begin_sequence(key)
        elif _DIGIT_0 <= key <= _DIGIT_9:
            self.number = (self.number * 10 + u64(key - _DIGIT_0)) % _MOST_NUMBER
        elif key == _SEMICOLON:
            self.number = 0
        elif key >= _FIRST_FINAL or key < _SPACE:
            self.keys = Keys.PLAIN
            self._end_sequence(key)

    def _begin_sequence(self, key: u8) -> None:
        self.number = 0
        self.keys = Keys.PLAIN
        if key == b"["[0]:
            self.keys = Keys.BRACKETED
        elif key == b"O"[0]:
            self.keys = Keys.SHORT
        elif key == b"b"[0]:
            self._move_to(self._word_before())
        elif key == b"f"[0]:
            self._move_to(self._word_end())

    def _end_sequence(self, key: u8) -> None:
        is_by_words = self.number == _CONTROL_HELD
        if key == b"A"[0] and self.shown < min(self.entered, u64(HISTORY_LINES)):
            self._recall(self.shown + 1)
        elif key == b"B"[0] and self.shown != 0:
            self._recall(self.shown - 1)
        elif key == b"C"[0]:
            self._move_to(self._word_end() if is_by_words else min(self.cursor + 1, self.line.length))
        elif key == b"D"[0]:
            self._move_to(self._word_before() if is_by_words else self.cursor - min(self.cursor, u64(1)))
        elif key == b"H"[0] or key == b"~"[0] and (self.number == 1 or self.number == 7):
            self._move_to(0)
        elif key == b"F"[0] or key == b"~"[0] and (self.number == 4 or self.number == 8):
            self._move_to(self.line.length)
        elif key == b"~"[0] and self.number == 3:
            self._delete(1)

    def _recall(self, back: u64) -> None:
        self._move_to(0)
        self._delete(self.line.length)
        self.shown = back
        if back != 0:
            place = (self.entered - back) % HISTORY_LINES
            self.insert(self.history[place].characters[0 : self.history[place].length])

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
