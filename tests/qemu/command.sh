#!/bin/busybox sh
# What sexton runs as PID 1 of a guest (run.sh): leaves a daemon behind, as the scenario says, and exits with 7.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
# daemon SCRIPT : runs it in a session of its own, and returns when it says that it is there.
daemon() {
    mkfifo /tmp/there
    setsid sh -c "$1" &
    read line </tmp/there
}
case $1 in
obeys) # without /proc
    daemon 'sleep 2 & echo >/tmp/there; wait; echo $((6 * 7)) the daemon ends'
    ;;
ends) # once the command has ended, and is reaped
    mount -t proc proc /proc
    daemon "echo >/tmp/there; while [ -e /proc/$$ ]; do usleep 10000; done; echo \$((6 * 7)) the daemon ends"
    cut -d ' ' -f 1,2 /proc/2/stat
    sexton --status=json
    sexton --status --check
    echo "healthy: $?"
    ;;
ignores)
    mount -t proc proc /proc
    daemon 'trap "" TERM; echo >/tmp/there; sleep 1000; sleep 1000'
    ;;
esac
exit 7
