#!/bin/busybox sh
# PID 1 of the guest that run.sh boots: tries what the host cannot show, says `ok` or `FAILED` for each, and
# turns the machine off.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t devtmpfs dev /dev
# `window=COUNT` on the kernel's command line is a variable here.
if [ -n "$window" ]; then
    window $window $(echo "$window_name" | tr _ ' ')
    echo "window: $?"
    poweroff -f
fi
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
blamed="kernel OOM killer"

mkfifo /tmp/fifo
echo +memory +pids +cpu >/sys/fs/cgroup/cgroup.subtree_control

for way in as_child as_pid_1 as_pid_1_of_engine; do
    $way $glutton
    check "$way: main is killed: status" is $status 137
    check "$way: main is killed: warning" has $err "sexton: warning: command killed by SIGKILL: $blamed ("
    check "$way: main is killed: report" has $report '"cause":"oom"'
    check "$way: main is killed: limit" has $err "$blamed (memory limit hit); ran for"
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
    (until grep -q "^sexton: warning: orphan .* killed: $blamed" $err 2>/dev/null; do usleep 10000; done
     kill -KILL $(pidof cat)) &
    $way sh -c "((until grep -q '(cat) S' /proc/\$\$/stat; do :; done; exec $glutton) &); exec cat /tmp/fifo"
    check "$way: an orphan is killed: told while main runs" is $status 137
    check "$way: an orphan is killed: not main" has $err 'warning: command killed by SIGKILL; ran for '
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
outer=' (memory limit of an outer group hit, or machine out of memory); ran for'
check "an outer limit: warning" has $err "command killed by SIGKILL: $blamed$outer"
check "an outer limit: report" has $report '"oom_killed":true,"oom_kills":1,"out_of_memory":"limit-above-or-machine"'
until rmdir /sys/fs/cgroup/box/inner /sys/fs/cgroup/box 2>/dev/null; do usleep 10000; done

# tests/window has more; each case is in each of three places.
window 3 >$out 2>&1
check "each case before and after the first count" is "$? $(grep -c FAILED $out)" '0 0'

# No limit but the machine's memory.
mkdir /sys/fs/cgroup/free
echo 1 >/proc/sys/vm/overcommit_memory # or the kernel refuses so much at once
sh -c 'echo 0 >/sys/fs/cgroup/free/cgroup.procs; exec "$@"' - sexton --report $report \
    dd if=/dev/zero of=/dev/null bs=400M count=1 >$out 2>$err
check "the machine's memory: status" is $? 137
check "the machine's memory: warning" has $err "command killed by SIGKILL: $blamed (machine out of memory); ran for"
check "the machine's memory: report" has $report '"oom_killed":true,"oom_kills":1,"out_of_memory":"machine"'
until rmdir /sys/fs/cgroup/free 2>/dev/null; do usleep 10000; done

# With memory.oom.group the kernel kills sexton too, so nothing is told.
in_box sh -c 'echo 1 >/sys/fs/cgroup/box/memory.oom.group; exec "$@"' - \
    unshare -p -f --mount-proc sexton --report $report $glutton
check "memory.oom.group kills everything" is $status 137
check "memory.oom.group: nothing is told" is "$(cat $err $report | grep -c main)" 0

# A sexton that is protected is not. In the first run what has started it is killed, and it has become init's child.
for protected in "unshare -p -f --mount-proc sexton --protect" "sexton --protect --user 1000"; do
    in_box sh -c 'echo 1 >/sys/fs/cgroup/box/memory.oom.group; exec "$@"' - \
        $protected --report $report \
        sh -c "cat /proc/\$PPID/oom_score_adj /proc/self/oom_score_adj; sleep 1000 & $glutton"
    check "$protected: a kill of the group: status" is $status 137
    check "$protected: a kill of the group: warning" \
        has $err "sexton: warning: command killed by SIGKILL: $blamed (memory limit hit); "
    check "$protected: a kill of the group: limit" has $err '; memory limit 32768 KiB; '
    check "$protected: a kill of the group: report" has $report '"cause":"oom"'
    check "$protected: the values of both" is "$(echo $(cat $out))" '-1000 0'
done
sexton --cap-drop sys_resource -- sexton -v --protect cat /proc/self/oom_score_adj >$out 2>$err
check "not protected without CAP_SYS_RESOURCE" \
    has $err "info: not protected: unable to set sexton's oom_score_adj to -1000: permission denied"
check "not protected without CAP_SYS_RESOURCE: the command" is "$(cat $out)" 0
sexton --cap-drop sys_resource --oom-score-adj -1000 -- sexton -v --protect cat /proc/self/oom_score_adj >$out 2>$err
check "protected as it was started" lacks $err 'not protected'
check "protected as it was started: the command" is "$(cat $out)" -1000
sexton --protect sh -c 'echo 5 >/proc/self/oom_score_adj &&
    exec sexton --user 1000 --cap-drop all sh -c "echo -5 >/proc/self/oom_score_adj"' >$out 2>$err
check "protection gives the command no right" has $err 'ermission denied'

# What holds a stop up.
in_box sh -c 'echo "20000 100000" >/sys/fs/cgroup/box/cpu.max; exec "$@"' - \
    sexton --grace 3s --report $report sh -c 'trap "" TERM; kill -TERM $PPID; while :; do :; done'
check "a stop that was throttled: line" \
    matches $err '; throttled for [0-9.]* s (sum of all CPUs) in a stop of [0-9.]* s; '
check "a stop that was throttled: report" matches $report '"throttled_seconds":[1-9]'
check "memory of the group" matches $report '"cgroup":{"peak_memory_bytes":[1-9][0-9]*,"memory_limit_bytes":33554432,'

# The limit on process IDs of the group above: Linux 6.12 counts its hits there, and earlier kernels the forks that
# failed here.
box=/sys/fs/cgroup/box
mkdir $box
echo 20 >$box/pids.max
echo +pids >$box/cgroup.subtree_control
mkdir $box/inner
refused='[1-9][0-9]* forks* refused'
[ ! -e $box/pids.events.local ] || refused='no limit, limit hit 0 times'
sh -c 'echo 0 >'$box'/inner/cgroup.procs; exec "$@"' - \
    sexton sh -c "(while :; do sleep 1000 & done); exec sexton --status" >$out 2>$err
check "--status: an outer limit on process IDs" matches $out "^pids: .*$refused"
until rmdir $box/inner $box 2>/dev/null; do usleep 10000; done

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
