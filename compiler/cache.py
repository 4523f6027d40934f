"""What was built before, by content: objects by what went into them, whole programs by the sources they were made of.

Owns: the files below build/cache. A key is a hash over everything that decides the result, the compiler's own sources
included, so nothing is ever out of date; deleting the folder costs time only.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

_LARGEST_BYTES = 256 << 20


@cache
def compiler_fingerprint() -> str:
    """The compiler itself: its sources and the LLVM it drives."""
    digest = hashlib.sha256(version("llvmlite").encode())
    folder = Path(__file__).resolve().parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def machine_fingerprint() -> str:
    """The processor that code for this machine is made for."""
    information = Path("/proc/cpuinfo")
    flags = re.search(r"^flags.*$", information.read_text(), re.MULTILINE) if information.exists() else None
    return f"{platform.machine()} {platform.processor()} {flags[0] if flags else ''}"


def key_of(*parts: object) -> str:
    return hashlib.sha256("\0".join([compiler_fingerprint(), *map(str, parts)]).encode()).hexdigest()


class Cache:
    """Named blobs in a folder; the least recently used go when there are too many."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> bytes | None:
        path = self.folder / key
        try:
            data = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        return data

    def put(self, key: str, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f"{key}.{os.getpid()}.{threading.get_ident()}"
        partial.write_bytes(data)
        partial.replace(self.folder / key)
        self._prune()

    def _prune(self) -> None:
        entries = []
        for path in self.folder.iterdir():
            if "." in path.name:
                continue  # being written by another build
            with suppress(FileNotFoundError):  # another build may prune or rename at the same time
                known = path.stat()
                entries.append((known.st_mtime, known.st_size, path))
        entries.sort()
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= _LARGEST_BYTES:
                return
            path.unlink(missing_ok=True)
            total -= size


class SourceRecord:
    """Which files a program was made of: while each holds the same, and none has come between, so does the result."""

    def __init__(self, store: Cache, key: str) -> None:
        self.store, self.key = store, key

    def result(self, root: Path) -> bytes | None:
        recorded = self.store.get(self.key)
        if recorded is None:
            return None
        record = json.loads(recorded)
        same = all(digest == _digest(root / path) for path, digest in record["files"].items())
        return self.store.get(record["result"]) if same else None

    def note(self, files: Mapping[str, str | None], result: bytes) -> None:
        """`files`: by path below the root, the text that was compiled, or None for a file looked for in vain."""
        name = hashlib.sha256(result).hexdigest()
        digests = {path: "" if text is None else _text_digest(text) for path, text in files.items()}
        self.store.put(name, result)
        self.store.put(self.key, json.dumps({"files": digests, "result": name}).encode())


def _text_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: Path) -> str:
    return _text_digest(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else ""
