"""Fixtures and options that all tests share.

Options: --level fast|normal|long. RINGNECK_NO_SKIP=1 in the environment makes every skip a failure, except those for
want of Limine.
"""

import asyncio
import inspect
import os
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from compiler import host_import
from tests.harness.artifacts import TestLogs
from tests.harness.machine import Guest, run_guest
from tools.build import Program, build_program, only_one_builder, write_archive
from tools.children import run_child
from tools.paths import BUILD, INIT, ROOT
from tools.qemu import Machine

SELFTEST = BUILD / "selftest"

StartGuest = Callable[[Machine], AbstractAsyncContextManager[Guest]]

# The first call of compiled code builds it; how long that takes is no property of the code.
hypothesis.settings.register_profile("ringneck", deadline=None)
hypothesis.settings.load_profile("ringneck")

LEVELS = {"fast": ("slow", "long"), "normal": ("long",), "long": ()}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--level", choices=tuple(LEVELS), default="normal", help="how much of the suite to run")


def pytest_configure() -> None:
    """Lets tests import the sources of kernel, boot and userspace with the meaning that they have when compiled."""
    host_import.install()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what the level does not ask for, unless the markers are chosen by hand with -m."""
    if config.getoption("markexpr"):
        return
    left_out = LEVELS[config.getoption("level")]
    unwanted = [item for item in items if any(item.get_closest_marker(name) for name in left_out)]
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = [item for item in items if item not in unwanted]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test that is a coroutine function in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    logs = getattr(item, "funcargs", {}).get("test_logs")
    if report.failed and isinstance(logs, TestLogs):
        report.sections.append(("logs of the guest", str(logs.folder.relative_to(ROOT))))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Makes a failure of a skip, where RINGNECK_NO_SKIP says so and the reason is not a missing Limine."""
    if not os.environ.get("RINGNECK_NO_SKIP") or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if "Limine" not in reason:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: nothing may be skipped here, but: {reason}"


@pytest.fixture(scope="session")
def boot_files() -> None:
    """Brings kernel, loader and archive up to date. The compiler runs in a process of its own, because LLVM ends
    the process on an error in assembler text."""
    built = run_child([sys.executable, "-m", "tools.build"], cwd=ROOT)
    if built.returncode != 0:
        pytest.fail(f"the build failed:\n{built.stdout}{built.stderr}", pytrace=False)


@pytest.fixture(scope="session")
def selftest_archive(boot_files: None) -> Path:
    """A boot archive whose kernel has its own tests in it; the command line chooses one: selftest=NAME."""
    SELFTEST.mkdir(exist_ok=True)
    kernel = SELFTEST / "kernel.elf"
    archive = SELFTEST / "boot.tar"
    with only_one_builder():
        build_program(Program("kernel.main", "kernel", kernel, ("SELFTEST=1",)), "debug")
        write_archive(archive, (kernel, INIT))
    return archive


@pytest.fixture
def test_logs(request: pytest.FixtureRequest) -> TestLogs:
    return TestLogs(request.node.nodeid)


@pytest.fixture
def start_guest(test_logs: TestLogs) -> StartGuest:
    """A function that starts a machine, to be used by `async with`."""

    def start(machine: Machine) -> Any:
        return run_guest(machine, test_logs.next_guest())

    return start
