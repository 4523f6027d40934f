"""Numbers in bytes by struct's formats, read and written in slices."""

import asyncio
import struct
import time


def show_header(data: bytes) -> None:
    kind, flags, length, offset = struct.unpack_from("<HBxIq", data)
    print(kind, flags, length, offset, struct.calcsize("<HBxIq"))
    (first,) = struct.unpack_from(">I", data, 1)
    small, smaller = struct.unpack_from("<2b", data, 8)
    print(first, small, smaller)
    yes, word = struct.unpack_from("<?Q", data, 0)
    print(yes, word)


async def main() -> None:
    show_header(b"\x01\x02\x03\x04\xfe\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\x80\x11")
    print(time.time_ns() > 0, time.monotonic_ns() > 0, time.perf_counter_ns() > 0)
    before = time.monotonic_ns()
    time.sleep(0.002)
    print(time.monotonic_ns() - before >= 2_000_000)


if __name__ == "__main__":
    asyncio.run(main())
