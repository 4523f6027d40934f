"""Goals of the benchmark's rows, and the best peer measured the same way on the same QEMU."""

PEERS: dict[str, tuple[float, str]] = {
    "null_syscall": (55, "NOVA 59, seL4 286, Linux 302"),
    "call_reply_direct": (260, "NOVA 283, seL4 423"),
    "call_reply_ring": (500, ""),
    "ring_nop_32": (55, "Linux io_uring 265"),
    "ring_nop_1": (200, "Linux io_uring 835"),
    "notify_round_trip": (600, "seL4 2085, NOVA 3937"),
    "map_touch_unmap": (900, "seL4 1330, Linux 18519"),
    "fault_round_trip": (800, "seL4 1262"),
    "mint_close": (200, "seL4 1576"),
    "lease_end_10000": (100, "seL4: proportional"),
    "thread_lifecycle": (2000, "seL4 12274, Linux 36157"),
    "task_lifecycle": (60, ""),
    "upcall": (200, "Linux signal 3370"),
    "thread_bytes": (1024, ""),
    "boot_direct_ms": (90, "NOVA 90, seL4 260, Linux 1400"),
    "kernel_image_bytes": (150 * 1024, "Helix 406000"),
    "pair_scaling_2": (1.03, ""),
}
"""By name: the goal, and what others need. Linux is Debian's kernel, tuned; units are those of the rows."""
