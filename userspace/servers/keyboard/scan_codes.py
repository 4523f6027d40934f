"""What a PC keyboard sends, turned into the bytes that a terminal would send: scan code set 1, the US layout.

Pure: tested on the host. Source: IBM PS/2 Hardware Interface Technical Reference, keyboards, scan code set 1.
"""
from compiler.prelude import array, const, span, struct, u8, u64

_RELEASED = const(0x80)                 # beside a key's code
_EXTENDED = const(0xE0)                 # comes before the codes of keys that the first keyboards did not have
_LEFT_SHIFT = const(0x2A)
_RIGHT_SHIFT = const(0x36)
_CONTROL = const(0x1D)
_HOME = const(0x47)
_UP = const(0x48)
_LEFT = const(0x4B)
_RIGHT = const(0x4D)
_END = const(0x4F)
_DOWN = const(0x50)
_DELETE = const(0x53)
_CONTROL_MASK = const(0x1F)
_FIRST_LETTER = const(0x61)
_LAST_LETTER = const(0x7A)
_ESCAPE = const(0x1B)
_KEYS = const(58)

_PLAIN = const(b"\0\x1b1234567890-=\x7f\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ")
_SHIFTED = const(b"\0\x1b!@#$%^&*()_+\x7f\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ")
assert len(_PLAIN) == _KEYS and len(_SHIFTED) == _KEYS

_plain: array[u8, _KEYS] = array(key for key in _PLAIN)
_shifted: array[u8, _KEYS] = array(key for key in _SHIFTED)


@struct
class Keyboard:
    is_extended: bool                   # the next code is one of the extended ones
    is_shifted: bool
    is_controlled: bool
    bytes: array[u8, 6]                 # what the last code came to

    def feed(self, code: u8) -> span[u8]:
        """The bytes of one code; none for a release, or for a key that has no meaning here."""
        if code == _EXTENDED:
            self.is_extended = True
            return self.bytes[0:0]
        is_extended = self.is_extended
        self.is_extended = False
        is_pressed = code & _RELEASED == 0
        key = code & ~u8(_RELEASED)
        if key == _CONTROL:
            self.is_controlled = is_pressed
        elif (key == _LEFT_SHIFT or key == _RIGHT_SHIFT) and not is_extended:
            self.is_shifted = is_pressed
        elif is_pressed and is_extended:
            return self._sequence(key)
        elif is_pressed and key < _KEYS:
            return self._character(key)
        return self.bytes[0:0]

    def _character(self, key: u8) -> span[u8]:
        character = _shifted[key] if self.is_shifted else _plain[key]
        if self.is_controlled:
            plain = _plain[key]
            character = plain & _CONTROL_MASK if _FIRST_LETTER <= plain <= _LAST_LETTER else u8(0)
        self.bytes[0] = character
        return self.bytes[0 : u64(character != 0)]

    def _sequence(self, key: u8) -> span[u8]:
        """As a VT220 and xterm: ESC [ letter, with control held ESC [ 1 ; 5 letter; ESC [ 3 ~ deletes."""
        if key == _DELETE:
            return self._text(b"\x1b[3~")
        letter = _letter(key)
        if letter == 0:
            return self.bytes[0:0]
        text = self._text(b"\x1b[1;5_" if self.is_controlled else b"\x1b[_")
        text[len(text) - 1] = letter
        return text

    def _text(self, text: span[u8]) -> span[u8]:
        for index in range(len(text)):
            self.bytes[index] = text[index]
        return self.bytes[0 : len(text)]


def _letter(key: u8) -> u8:
    """What ends the key's sequence; 0 for a key that has no meaning here."""
    letters = b"HABDCF"
    keys: array[u8, 6] = array(_HOME, _UP, _DOWN, _LEFT, _RIGHT, _END)
    for index in range(len(keys)):
        if keys[index] == key:
            return letters[index]
    return 0
