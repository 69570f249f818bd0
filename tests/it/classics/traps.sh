# A script with traps that waits for a job. The argument is what else the trap of SIGTERM does.
trap 'echo "at the end: $?"' EXIT
trap 'echo hangup' HUP
trap 'echo interrupted; exit 4' INT
trap "echo terminated; $1" TERM
sleep 1000 &
echo ready
until wait $!; test $? -lt 128; do :; done
