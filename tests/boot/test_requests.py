"""Where the loader finds a kernel's requests."""

from typing import Any

from boot.core import requests
from boot.limine import protocol
from compiler.prelude import array, u64

START = [protocol.START_MARKER_0, protocol.START_MARKER_1, protocol.START_MARKER_2, protocol.START_MARKER_3]
END = [protocol.END_MARKER_0, protocol.END_MARKER_1]
TAG = [protocol.BASE_REVISION_MAGIC_0, protocol.BASE_REVISION_MAGIC_1, 3]


def request(first: int, second: int) -> list[int]:
    return [protocol.COMMON_MAGIC_0, protocol.COMMON_MAGIC_1, first, second, 0, 0]


def image(*parts: list[int]) -> Any:
    words = [u64(word) for part in parts for word in part]
    return array[u64, len(words)](*words)[0 : len(words)]


HHDM = request(protocol.HHDM_0, protocol.HHDM_1)
MODULES = request(protocol.MODULE_0, protocol.MODULE_1)


def test_only_what_lies_between_the_markers_counts() -> None:
    area = requests.find_area(image(HHDM, START, TAG, MODULES, END, HHDM))
    assert requests.find_base_revision(area) == 0
    assert requests.find_request(area, u64(protocol.MODULE_0), u64(protocol.MODULE_1)) == 3
    assert requests.find_request(area, u64(protocol.HHDM_0), u64(protocol.HHDM_1)) == requests.NOT_FOUND


def test_without_markers_all_of_the_image_counts() -> None:
    area = requests.find_area(image([0, 0], TAG, HHDM))
    assert requests.find_base_revision(area) == 2
    assert requests.find_request(area, u64(protocol.HHDM_0), u64(protocol.HHDM_1)) == 5


def test_a_request_made_twice_is_noticed() -> None:
    assert requests.has_duplicate(image(HHDM, MODULES, HHDM))
    assert not requests.has_duplicate(image(HHDM, MODULES))


def test_a_request_cut_off_by_the_end_is_none() -> None:
    assert requests.next_request(image(HHDM[:5]), u64(0)) == requests.NOT_FOUND
    assert requests.find_base_revision(image(TAG[:2])) == requests.NOT_FOUND
