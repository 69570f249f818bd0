#!/usr/bin/env bash
# gVisor of 2022-12-19 (Debian 12, runsc 0.0~20221219.0-2+b3; Python 3.11.2, 3.11.2-6+deb12u9, makes the calls): what
# waitid(2) says of a child that was stopped by SIGSTOP.
# Seen:    waitid: CLD_KILLED, status 127. waitpid, of the same child in the same state: stopped by signal 19. The child
#          is alive, and SIGKILL ends it later. Outside of gVisor waitid says CLD_STOPPED, status 19.
# Guessed: one wait is as good as the other, and no signal has the number 127.
# Why:     gVisor has the raw status 0x137f in both calls; waitid takes it apart itself, and asks first whether it is a
#          death by a signal. That question is glibc's WIFSIGNALED in Go, ((s & 0x7f) + 1) >> 1, without the C macro's
#          conversion to a signed byte, which makes 0x80 negative: so 0x7f, "stopped", counts as a signal
#          (pkg/abi/linux/wait.go; the repository has it right since March 2026).
# So:      who reaps with waitid there takes a suspended job for a dead one: wait4 is the call to use.
set -euo pipefail # Exit status: 0 if all of this is still so. It must run as root.
python=3.11.2-6+deb12u9
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root runsc=0.0~20221219.0-2+b3 "python3.11-minimal=$python" \
  "libpython3.11-minimal=$python" "libpython3.11-stdlib=$python"
for package in *.deb; do dpkg-deb -x "$package" root; done
cat >look.py <<'END'
import os, signal, sys

def stopped_child():
    child = os.fork()
    if child == 0:
        while True:
            signal.pause()
    os.kill(child, signal.SIGSTOP)
    return child

child = stopped_child()
info = os.waitid(os.P_PID, child, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
name = {os.CLD_KILLED: "CLD_KILLED", os.CLD_STOPPED: "CLD_STOPPED"}[info.si_code]
_, status = os.waitpid(child, os.WUNTRACED)
print(f"{sys.argv[1]}: waitid {name} {info.si_status}, waitpid {'stopped by' if os.WIFSTOPPED(status) else 'other'}",
      os.WSTOPSIG(status))
os.kill(child, signal.SIGKILL)
_, status = os.waitpid(child, 0)
print(f"{sys.argv[1]}: then killed by {os.WTERMSIG(status)}")
END
export PYTHONHOME=$folder/root/usr
command=("$folder/root/usr/bin/python3.11" -I "$folder/look.py")
cat >inside <<'END'
mount -t tmpfs tmpfs /run
exec root/usr/bin/runsc --network=none --platform=ptrace --ignore-cgroups do "$@" gVisor
END
root/usr/bin/runsc --version
{
  "${command[@]}" Linux
  timeout -s KILL 60 unshare --mount --pid --fork --kill-child --mount-proc bash inside "${command[@]}"
} | tee result
diff - result <<'END'
Linux: waitid CLD_STOPPED 19, waitpid stopped by 19
Linux: then killed by 9
gVisor: waitid CLD_KILLED 127, waitpid stopped by 19
gVisor: then killed by 9
END
