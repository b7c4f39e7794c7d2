"""The part of a unit's sandbox that can break a program at run time, put on a process without systemd: SystemCallFilter,
SystemCallErrorNumber, MemoryDenyWriteExecute, RestrictAddressFamilies, NoNewPrivileges, UMask, LimitNOFILE.
"""

import ctypes
import errno
import mmap
import os
import re
import resource
import socket
import subprocess
from pathlib import Path

import pyseccomp

PR_SET_NO_NEW_PRIVS = 38


def keys(unit: Path) -> dict[str, list[str]]:
    """The unit's assignments; one that is made twice has both."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if re.match(r"\w+=", line):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def calls(group: str) -> set[str]:
    """The system calls of a group of systemd's, and of the groups in it."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    found = set()
    for line in listed.splitlines()[1:]:
        name = line.strip()
        if name.startswith("@"):
            found |= calls(name)
        elif name and not name.startswith("#"):
            found.add(name)
    return found


class Sandbox:
    def __init__(self, unit: Path) -> None:
        self.keys = keys(unit)
        self.allowed: set[str] = set()
        for value in self.keys["SystemCallFilter"]:
            named = set().union(*(calls(name) if name.startswith("@") else {name} for name in value.removeprefix("~").split()))
            self.allowed = self.allowed - named if value.startswith("~") else self.allowed | named

    def enter(self) -> None:
        """To be called in the new process, before the program begins."""
        files = int(self.keys["LimitNOFILE"][-1])
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        os.umask(int(self.keys["UMask"][-1], 8))
        if ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError("no_new_privs")
        refused = pyseccomp.ERRNO(getattr(errno, self.keys["SystemCallErrorNumber"][-1]))
        rules = pyseccomp.SyscallFilter(refused)
        for call in sorted(self.allowed):
            try:
                if call not in ("socket", "mmap", "mprotect", "pkey_mprotect"):
                    rules.add_rule(pyseccomp.ALLOW, call)
            except (OSError, ValueError):
                pass  # a call of another processor
        for family in self.keys["RestrictAddressFamilies"][-1].split():
            rules.add_rule(pyseccomp.ALLOW, "socket", pyseccomp.Arg(0, pyseccomp.EQ, int(getattr(socket, family))))
        # Memory is writable or executable, never both, and never becomes executable.
        both = mmap.PROT_WRITE | mmap.PROT_EXEC
        for prot in (0, mmap.PROT_WRITE, mmap.PROT_EXEC):
            rules.add_rule(pyseccomp.ALLOW, "mmap", pyseccomp.Arg(2, pyseccomp.MASKED_EQ, both, prot))
        rules.add_rule(pyseccomp.ALLOW, "mprotect", pyseccomp.Arg(2, pyseccomp.MASKED_EQ, mmap.PROT_EXEC, 0))
        rules.load()
