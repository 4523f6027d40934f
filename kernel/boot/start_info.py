"""What the first process is given to read: its handles, the boot modules as sealed Memory, the command line."""
from compiler.prelude import addr, memory_copy, ptr, u8, u64
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, OWN_THREAD, ROOT_ACCOUNT, SYSTEM, StartInfo
from kernel.abi.errors import Status
from kernel.abi.layout import START_INFO
from kernel.abi.memory import READ
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.boot.machine_pages import make_machine_info, make_time_page
from kernel.caps.object import Account
from kernel.core import configuration
from kernel.core.destruction import release
from kernel.core.process_block import Process
from kernel.memory import frame_set, window
from kernel.objects.fresh import first_page, map_all
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.memory import make_memory, prepare, seal
from kernel.objects.memory_block import Memory


def give_start_info(process: ptr[Process], account: ptr[Account]) -> bool:
    """Requires: the process has its own handles. Returns False when memory runs out."""
    page, _ = make_memory(account, 1, False)
    if page is None:
        return False
    info = ptr[StartInfo](first_page(page))
    info.process = OWN_PROCESS
    info.thread = OWN_THREAD
    info.account = ROOT_ACCOUNT
    info.system = SYSTEM
    info.inspect = INSPECT
    words = configuration.command_line()
    info.arguments_length = u64(len(words))
    for index in range(len(words)):
        info.arguments[index] = words[index]
    info.time = _give_memory(process, make_time_page(account))
    info.machine = _give_memory(process, make_machine_info(account))
    if info.time == 0 or info.machine == 0:
        return False
    for index in range(configuration.given.module_count):
        if not _give_module(process, account, info, index):
            return False
    is_mapped = seal(page) == Status.OK and map_all(process, page, START_INFO, READ) == Status.OK
    release(addr(page.header))
    return is_mapped


def _give_memory(process: ptr[Process], memory: ptr[Memory] | None) -> u64:
    """Returns the handle, 0 when memory has run out."""
    slot, _ = reserve_slot(process)
    if memory is None or slot == 0:
        return 0
    return give_object(process, slot, addr(memory.header))


def _give_module(process: ptr[Process], account: ptr[Account], info: ptr[StartInfo], index: u64) -> bool:
    module = addr(configuration.given.modules[index])
    if module.length == 0:
        return True
    memory, _ = make_memory(account, (module.length + PAGE_BYTES - 1) >> PAGE_SHIFT, False)
    slot, _ = reserve_slot(process)
    if memory is None or slot == 0:
        return False
    while memory.ready_pages != memory.frames.pages:
        prepare(memory)
    _copy(memory, module.address, module.length)
    given = addr(info.modules[info.module_count])
    info.module_count += 1
    given.length = module.length
    given.name_length = module.name_length
    for place in range(module.name_length):
        given.name[place] = module.name[place]
    is_sealed = seal(memory) == Status.OK
    given.memory = give_object(process, slot, addr(memory.header))
    return is_sealed


def _copy(memory: ptr[Memory], source: u64, length: u64) -> None:
    done: u64 = 0
    while done < length:
        place, pages = frame_set.find_run(addr(memory.frames), done >> PAGE_SHIFT)
        part = min(pages << PAGE_SHIFT, length - done)
        memory_copy(ptr[u8](window.address(place)), ptr[u8](source + done), part)
        done += part
