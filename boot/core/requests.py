"""The kernel's requests: found in its loaded image, never in the file.

Pure: works on the words of an image. Source: Limine protocol, request delimiters.
"""
from boot.limine.protocol import (
    BASE_REVISION_MAGIC_0,
    BASE_REVISION_MAGIC_1,
    COMMON_MAGIC_0,
    COMMON_MAGIC_1,
    END_MARKER_0,
    END_MARKER_1,
    START_MARKER_0,
    START_MARKER_1,
    START_MARKER_2,
    START_MARKER_3,
)
from compiler.prelude import const, span, u64

NOT_FOUND = const(0xFFFFFFFFFFFFFFFF)
REQUEST_WORDS = const(6)


def find_area(image: span[u64]) -> span[u64]:
    """What lies between the last start marker and the first end marker behind it; all of it where there are none."""
    first: u64 = 0
    end = u64(len(image))
    for index in range(end):
        if index + 4 <= u64(len(image)) and _is_start(image, index):
            first = index + 4
    for index in range(first, u64(len(image)) - 1):
        if image[index] == END_MARKER_0 and image[index + 1] == END_MARKER_1:
            end = index
            break
    return image[first:end]


def find_base_revision(area: span[u64]) -> u64:
    """Index of the base revision tag, or NOT_FOUND."""
    for index in range(u64(len(area))):
        if area[index] == BASE_REVISION_MAGIC_0 and index + 3 <= u64(len(area)):
            if area[index + 1] == BASE_REVISION_MAGIC_1:
                return index
    return NOT_FOUND


def next_request(area: span[u64], start: u64) -> u64:
    """Index of the first request at or behind `start`, or NOT_FOUND."""
    index = start
    while index + REQUEST_WORDS <= u64(len(area)):
        if area[index] == COMMON_MAGIC_0 and area[index + 1] == COMMON_MAGIC_1:
            return index
        index += 1
    return NOT_FOUND


def find_request(area: span[u64], feature_0: u64, feature_1: u64) -> u64:
    """Index of the request for a feature, or NOT_FOUND."""
    index = next_request(area, 0)
    while index != NOT_FOUND:
        if area[index + 2] == feature_0 and area[index + 3] == feature_1:
            return index
        index = next_request(area, index + 1)
    return NOT_FOUND


def has_duplicate(area: span[u64]) -> bool:
    """Whether a feature is asked for twice, which the protocol forbids."""
    index = next_request(area, 0)
    while index != NOT_FOUND:
        if find_request(area, area[index + 2], area[index + 3]) != index:
            return True
        index = next_request(area, index + 1)
    return False


def _is_start(image: span[u64], index: u64) -> bool:
    return (
        image[index] == START_MARKER_0
        and image[index + 1] == START_MARKER_1
        and image[index + 2] == START_MARKER_2
        and image[index + 3] == START_MARKER_3
    )
