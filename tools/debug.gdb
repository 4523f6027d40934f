# What `make debug` tells gdb once it is connected: stop where the kernel begins, on the boot CPU; later, where a panic
# has been reported and panic=debug waits for a debugger.
# The first is a hardware breakpoint, because the kernel is not in memory yet when the guest is still in the firmware.
set confirm off
set pagination off
set disassembly-flavor intel
hbreak _start
continue
break kernel.core.machine_end.wait_for_debugger
