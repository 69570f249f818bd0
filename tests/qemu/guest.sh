#!/bin/busybox sh
# PID 1 of the guest that run.sh boots: tries what the host cannot show, says `ok` or `FAILED` for each, and
# turns the machine off.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t devtmpfs dev /dev
out=/tmp/out err=/tmp/err report=/tmp/report

# check NAME COMMAND... : whether it succeeds; if not, shows what sexton wrote.
check() {
    local name=$1
    shift
    if "$@"; then
        echo "ok $name"
    else
        echo "FAILED $name: $*"
        for file in $out $err $report; do sed "s|^|  $file: |" $file; done
    fi
}

# has FILE TEXT : the text is in the file.    lacks FILE TEXT : it is not.    matches FILE PATTERN
has() { grep -qF -e "$2" "$1"; }
matches() { grep -q -e "$2" "$1"; }
lacks() { ! has "$@"; }
is() { [ "$1" = "$2" ]; }

# in_box COMMAND... : runs it in a new cgroup of 32 MiB and 20 processes; `status` is what it exits with.
in_box() {
    mkdir /sys/fs/cgroup/box
    echo 32M >/sys/fs/cgroup/box/memory.max
    echo 20 >/sys/fs/cgroup/box/pids.max
    rm -f $report
    timeout 60 sh -c 'echo 0 >/sys/fs/cgroup/box/cgroup.procs; exec "$@"' - "$@" >$out 2>$err
    status=$?
    touch $report
    until rmdir /sys/fs/cgroup/box 2>/dev/null; do usleep 10000; done
}

as_child() { in_box sexton --report $report "$@"; }
as_pid_1() { in_box unshare -p -f --mount-proc sexton --report $report "$@"; }
# The group is the root of the cgroup file system that main and sexton see, as engines mount it.
as_pid_1_of_engine() {
    in_box unshare -m -p -f --mount-proc sh -c \
        'mount --bind /sys/fs/cgroup/box /sys/fs/cgroup; exec sexton --report '$report' "$@"' - "$@"
}
glutton='dd if=/dev/zero of=/dev/null bs=100M count=1'
blamed="by the kernel's OOM killer"

mkfifo /tmp/fifo
echo +memory +pids >/sys/fs/cgroup/cgroup.subtree_control

for way in as_child as_pid_1 as_pid_1_of_engine; do
    $way $glutton
    check "$way: main is killed: status" is $status 137
    check "$way: main is killed: warning" has $err "sexton: warning: main was killed by SIGKILL, $blamed: "
    check "$way: main is killed: report" has $report '"cause":"oom"'
    check "$way: main is killed: limit" has $err "$blamed: the memory limit was hit, after"
    check "$way: main is killed: report" has $report '"oom_killed":true,"oom_kills":1,"out_of_memory":"own-limit"'

    $way sh -c "$glutton; echo its status is \$?; exit 5"
    check "$way: main's child is killed" has $out 'its status is 137'
    check "$way: main's child is killed: status" is $status 5
    check "$way: main's child is killed: warning" has $err '; 1 OOM kill in the container; '
    check "$way: main's child is killed: not main" lacks $err "$blamed"
    check "$way: main's child is killed: report" has $report '"cause":"exit"'
    check "$way: main's child is killed: report" has $report '"oom_killed":false,"oom_kills":1'

    # The orphan waits until main sleeps: what needs memory when there is none may be killed next. Main is
    # killed from outside, by somebody else, when the warning is there.
    rm $err
    (until grep -q "^sexton: warning: orphan .* was killed $blamed" $err 2>/dev/null; do usleep 10000; done
     kill -KILL $(pidof cat)) &
    $way sh -c "((until grep -q '(cat) S' /proc/\$\$/stat; do :; done; exec $glutton) &); exec cat /tmp/fifo"
    check "$way: an orphan is killed: told while main runs" is $status 137
    check "$way: an orphan is killed: not main" has $err 'warning: main was killed by SIGKILL, after '
    check "$way: an orphan is killed: report" has $report '"cause":"signal"'
    check "$way: an orphan is killed: report" has $report '"oom_killed":false,"oom_kills":1'

    # A look inside: after an OOM kill, and when there was no room for one more, which has ended since.
    $way sh -c "$glutton; (while :; do sleep 1000 & done); exec sexton --status=json --check"
    check "$way: --status: unhealthy" is $status 1
    check "$way: --status: memory" matches $out '"memory":{"current":[1-9][0-9]*,"limit":33554432,"oom_kills":1}'
    check "$way: --status: pids" matches $out '"pids":{"current":19,"limit":20,"limit_hits":[1-9][0-9]*}'
    check "$way: --status: problem" has $out '19 of 20 process IDs in use'
done

# The limit of the group above: its own has none.
mkdir /sys/fs/cgroup/box
echo 32M >/sys/fs/cgroup/box/memory.max
echo +memory >/sys/fs/cgroup/box/cgroup.subtree_control
mkdir /sys/fs/cgroup/box/inner
sh -c 'echo 0 >/sys/fs/cgroup/box/inner/cgroup.procs; exec "$@"' - sexton --report $report $glutton >$out 2>$err
check "an outer limit: status" is $? 137
outer=': the memory limit of an outer group was hit, or the machine ran out of memory, after'
check "an outer limit: warning" has $err "main was killed by SIGKILL, $blamed$outer"
check "an outer limit: report" has $report '"oom_killed":true,"oom_kills":1,"out_of_memory":"limit-above-or-machine"'
until rmdir /sys/fs/cgroup/box/inner /sys/fs/cgroup/box 2>/dev/null; do usleep 10000; done

# No limit but the machine's memory.
mkdir /sys/fs/cgroup/free
echo 1 >/proc/sys/vm/overcommit_memory # or the kernel refuses so much at once
sh -c 'echo 0 >/sys/fs/cgroup/free/cgroup.procs; exec "$@"' - sexton --report $report \
    dd if=/dev/zero of=/dev/null bs=400M count=1 >$out 2>$err
check "the machine's memory: status" is $? 137
check "the machine's memory: warning" has $err "main was killed by SIGKILL, $blamed: the machine ran out of memory, after"
check "the machine's memory: report" has $report '"oom_killed":true,"oom_kills":1,"out_of_memory":"machine"'
until rmdir /sys/fs/cgroup/free 2>/dev/null; do usleep 10000; done

# With memory.oom.group the kernel kills sexton too, so nothing is told.
in_box sh -c 'echo 1 >/sys/fs/cgroup/box/memory.oom.group; exec "$@"' - \
    unshare -p -f --mount-proc sexton --report $report $glutton
check "memory.oom.group kills everything" is $status 137
check "memory.oom.group: nothing is told" is "$(cat $err $report | grep -c main)" 0

# Raising limits takes CAP_SYS_RESOURCE, which the host lacks.
sexton --rlimit nofile=1000000:1000000 -- sh -c 'ulimit -Sn; ulimit -Hn' >$out 2>$err
check "a hard limit is raised" is "$(ulimit -Hn): $(echo $(cat $out))" '4096: 1000000 1000000'
sexton --rlimit nofile=2000000:2000000 -- echo main ran >$out 2>$err
check "not beyond nr_open" is "$?:$(cat $out)" 125:
check "not beyond nr_open: names it" has $err nr_open
sexton --cap-drop sys_resource -- sexton --rlimit nofile=1000000 -- echo main ran >$out 2>$err
check "not without CAP_SYS_RESOURCE" is "$?:$(cat $out)" 125:
check "not without CAP_SYS_RESOURCE: names it" has $err CAP_SYS_RESOURCE

# Niceness and realtime by their limits, without CAP_SYS_NICE. (19: niceness; 40, 41: priority and policy.)
without() { sexton --cap-drop sys_nice -- sexton "$@" >$out 2>$err; }
without --nice -5 -- echo main ran
check "no niceness without limit and capability" is "$?:$(cat $out)" 125:
without --rlimit nice=25 --nice -5 -- cut -d ' ' -f 19 /proc/self/stat
check "niceness by its limit" is "$?:$(cat $out)" 0:-5
without --rlimit nice=25 --nice -6 -- echo main ran
check "niceness no further than its limit" is "$?:$(cat $out)" 125:
without --sched fifo:1 -- echo main ran
check "no realtime without limit and capability" is "$?:$(cat $out)" 125:
without --rlimit rtprio=1 --sched fifo:1 -- cut -d ' ' -f 40,41 /proc/self/stat
check "realtime by its limit" is "$?:$(cat $out)" '0:1 1'
without --rlimit rtprio=1 --sched fifo:2 -- echo main ran
check "realtime no further than its limit" is "$?:$(cat $out)" 125:
sexton --rlimit nice=25 --rlimit rtprio=1 --user 1000 -- \
    sexton --nice -5 --sched rr:1 -- cut -d ' ' -f 19,40,41 /proc/self/stat >$out 2>$err
check "both as a user, by inherited limits" is "$?:$(cat $out)" '0:-5 1 2'

echo done
poweroff -f
