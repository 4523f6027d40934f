# What `make debug` tells gdb once it is connected: stop where the kernel begins, on the boot CPU.
# A hardware breakpoint, because the kernel is not in memory yet when the guest is still in the firmware.
set confirm off
set pagination off
set disassembly-flavor intel
hbreak _start
continue
