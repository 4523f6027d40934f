"""The programs that the shell has started and that have not ended."""
from compiler.prelude import addr, array, const, ptr, span, struct, u8, u64, zeroed
from userspace.lib.process import Child, Recipe, forget, start, wait_for_exit
from userspace.lib.start_info import find_program
from userspace.lib.text import Text

MOST_JOBS = const(8)
NO_JOB = const(MOST_JOBS)
_NAME_BYTES = const(32)
_JOB_FRAMES = const(8192)               # what a program may use
_JOB_THREADS = const(12_000)


@struct
class Job:
    is_used: bool
    child: Child
    name: array[u8, _NAME_BYTES]
    name_length: u64

    def name_text(self) -> span[u8]:
        return self.name[0 : self.name_length]


jobs: array[Job, MOST_JOBS] = zeroed()


def start_job(name: span[u8], arguments: span[u8]) -> tuple[u64, str]:
    """Returns the job's number, or NO_JOB and why there is none."""
    number = _free_job()
    if number == NO_JOB:
        return NO_JOB, "8 programs run already"
    module = find_program(name)
    if module is None:
        return NO_JOB, "there is no such program; `help run` lists them"
    job = addr(jobs[number])
    recipe = Recipe(frames=_JOB_FRAMES, threads=_JOB_THREADS, slots=_JOB_THREADS, objects=_JOB_THREADS)
    problem = start(addr(job.child), addr(recipe), module, name, arguments)
    if len(problem) != 0:
        return NO_JOB, problem
    job.is_used = True
    job.name_length = u64(len(name))
    for index in range(len(name)):
        job.name[index] = name[index]
    return number, ""


async def wait_for_job(number: u64, line: ptr[Text]) -> None:
    """Waits for a job's end, writes what there is to tell of it into `line`, and forgets it."""
    job = addr(jobs[number])
    status = await wait_for_exit(addr(job.child))
    line.text("exit: ")
    line.bytes(job.name_text())
    line.text(" status=")
    line.number(status, False, 10, 0, 0)
    forget(addr(job.child))
    job.is_used = False


def _free_job() -> u64:
    for number in range(u64(MOST_JOBS)):
        if not jobs[number].is_used:
            return number
    return NO_JOB
