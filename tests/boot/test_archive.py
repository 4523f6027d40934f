"""The boot archive's reader against Python's own tar writer, whole and damaged."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.core import archive
from compiler.prelude import addr, u64

BLOCK = 512


def pack(members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size, header.type = len(content), kind
            tar.addfile(header, io.BytesIO(content))
    return packed.getvalue()


def unpack(content: bytes) -> tuple[dict[str, bytes], str]:
    """The members up to the first problem, and that problem."""
    members: dict[str, bytes] = {}
    offset = u64(0)
    while True:
        member = archive.Member()
        problem = archive.read_member(content, offset, addr(member))
        if problem or member.is_end:
            return members, problem
        members[bytes(member.name).decode()] = bytes(member.content)
        offset = member.next_offset


names = st.text("abcdefghijklmnopqrstuvwxyz.-", min_size=1, max_size=20)


@given(st.dictionaries(names, st.binary(max_size=1500), max_size=4))
def test_members_come_back_as_packed(members: dict[str, bytes]) -> None:
    assert unpack(pack(members)) == (members, "")


@given(st.binary(min_size=1, max_size=1500), st.data())
def test_a_shortened_archive_is_noticed(content: bytes, data: st.DataObject) -> None:
    whole = pack({"kernel.elf": content})
    used = BLOCK + -(-len(content) // BLOCK) * BLOCK
    _, problem = unpack(whole[: data.draw(st.integers(0, used + BLOCK - 1))])
    assert problem.startswith("boot archive: it ")


@given(st.integers(0, 156), st.integers(1, 255))
def test_a_damaged_header_is_noticed(place: int, change: int) -> None:
    whole = bytearray(pack({"kernel.elf": b"content"}))
    whole[place] ^= change
    members, problem = unpack(bytes(whole))
    if problem == "":
        # Padding of a number, or the end of the archive in place of a first byte that became zero.
        assert members in ({}, {"kernel.elf": b"content"})


@given(st.binary(max_size=2048))
def test_any_bytes_are_read_without_a_trap(content: bytes) -> None:
    unpack(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pack({"folder": b""}, tarfile.DIRTYPE), "not a regular file"),
        (b"x" * 1024, "no ustar mark"),
        (b"", "ends without"),
    ],
)
def test_what_is_no_plain_archive_is_refused_in_words(content: bytes, words: str) -> None:
    assert words in unpack(content)[1]
