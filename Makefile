# Names only: everything is done by the tool that a line names. `make help` lists them.
# run, run-direct and debug take CPUS= MEMORY= ARGS= DOOR= PROGRAM=; the tools read these from the environment.
export CPUS MEMORY ARGS DOOR PROGRAM ACCEL LOADER LIMINE_DIR DEVICE FORCE IMAGE PLOT PROFILE

PYTHON := .venv/bin/python

.PHONY: all setup build iso usb flash run run-uefi run-direct debug test test-fast test-long check size bench bench-compiler abi-reference clean help
all: build

help:         ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 16

setup:        ## system packages and the virtual environment (every target does it when needed)
	@python3 tools/setup.py

build: setup  ## kernel, loader, first program and boot archive, below build/
	@$(PYTHON) -m tools.build

iso: setup    ## build/ringneck.iso: CD and stick; LOADER=own or limine, LIMINE_DIR=
	@$(PYTHON) -m tools.image iso

usb: setup    ## build/ringneck.img: sticks and disks, with our own loader
	@$(PYTHON) -m tools.image usb

flash: setup  ## write it to DEVICE=/dev/sdX and read it back; FORCE=1 insists
	@$(PYTHON) -m tools.flash

run: setup    ## boot from a CD image in QEMU, serial line on the terminal; Ctrl-C ends it, or Ctrl-A X beside a shell
	@$(PYTHON) -m tools.run

run-uefi: setup ## the same under UEFI firmware
	@DOOR=uefi $(PYTHON) -m tools.run

run-direct: setup ## the same through the direct door (QEMU's own loader)
	@DOOR=direct $(PYTHON) -m tools.run

debug: setup  ## the same under gdb, stopped where the kernel begins
	@$(PYTHON) -m tools.debug

test: setup   ## the test suite
	@$(PYTHON) -m tools.test normal

test-fast: setup ## what answers in under a minute
	@$(PYTHON) -m tools.test fast

test-long: setup ## the full numbers
	@$(PYTHON) -m tools.test long

check: setup  ## lint, types and style
	@$(PYTHON) -m tools.check

size: setup   ## bytes of each module, and what changed since the last time
	@$(PYTHON) -m tools.size

bench: setup  ## guest instructions per operation, beside the peers'; PLOT=1 draws, PROFILE=row explains
	@$(PYTHON) -m tools.bench

bench-compiler: setup ## speed and size of compiled code against C, and the compiler's own speed
	@$(PYTHON) -m tools.bench_compiler

abi-reference: setup ## the manual of the interface between kernel and programs
	@$(PYTHON) -m tools.abi_reference

clean:        ## remove what was built; the virtual environment stays
	@rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis
