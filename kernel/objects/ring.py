"""The ring object: its memory, and its pages in the owner's address space."""
from compiler.prelude import ptr, u64
from kernel.abi.ring import KernelPage, UserPage
from kernel.arch.x86_64 import paging
from kernel.complete.queue import Ring
from kernel.memory import physical, window
from kernel.memory_map import PAGE_BYTES
from kernel.sync.ranks import Rank


def create(root: u64, address: u64) -> ptr[Ring] | None:
    """Makes a ring whose two pages are mapped at `address`. Returns None when memory runs out."""
    body = physical.allocate_zeroed()
    kernel_page = physical.allocate_zeroed()
    user_page = physical.allocate_zeroed()
    if body == 0 or kernel_page == 0 or user_page == 0:
        return None
    if not paging.map_range(
        root, address, kernel_page, PAGE_BYTES, paging.USER_READ_ONLY, physical.allocate_zeroed
    ) or not paging.map_range(
        root, address + PAGE_BYTES, user_page, PAGE_BYTES, paging.USER_DATA, physical.allocate_zeroed
    ):
        return None
    ring = ptr[Ring](window.address(body))
    ring.lock.rank = Rank.RING
    ring.kernel_page = ptr[KernelPage](window.address(kernel_page))
    ring.user_page = ptr[UserPage](window.address(user_page))
    return ring
