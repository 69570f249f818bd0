"""Raises its limit of open files to the maximum and opens as many, then starts a program with them."""

import errno
import os
import resource
import subprocess
import sys

open_before = len(os.listdir("/proc/self/fd")) - 1  # that of the listing
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
print(f"from {soft} to {hard}")
files = []
try:
    while True:
        files.append(os.open(__file__, os.O_RDONLY))
except OSError as error:
    print(f"{errno.errorcode[error.errno]} at {open_before + len(files)}, the last is {files[-1]}", flush=True)
while len(files) > hard - 100:
    os.close(files.pop())
for fd in files:
    os.set_inheritable(fd, True)
program = "import os; print('inherited:', sum(os.path.realpath(f'/proc/self/fd/{fd}') == %r for fd in range(%d)))"
subprocess.run([sys.executable, "-c", program % (os.path.realpath(__file__), hard)], close_fds=False, check=True)
