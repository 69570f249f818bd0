# Sourced by run.sh: sexton as PID 1 of a sandbox: start, stop, grace, 100 orphans, a limit that is already so.

# sandbox NAME COMMAND... : runs it in a sandbox of its own; `status` and `took` (ms) are those of `runsc run`. PID 1
# gets SIGTERM when the command has written "ready", if it does.
sandbox() {
  local name=$1 begin pid
  shift
  bundle "$scratch/root" / "$@"
  mkfifo "$scratch/$name.out"
  runsc ptrace run -bundle "$scratch/bundle" "$name" <<<"" >"$scratch/$name.out" 2>"$scratch/err" &
  pid=$!
  : >"$scratch/out"
  begin=${EPOCHREALTIME/./}
  while read -r line; do
    echo "$line" >>"$scratch/out"
    if [ "$line" = ready ]; then
      begin=${EPOCHREALTIME/./}
      runsc ptrace kill "$name" TERM
    fi
  done <"$scratch/$name.out"
  status=0
  wait "$pid" || status=$?
  took=$(((${EPOCHREALTIME/./} - begin) / 1000))
}

# expect NAME STATUS TEXT : the status, and a text in what was written.
expect() {
  if [ "$status" = "$2" ] && cat "$scratch/out" "$scratch/err" | grep -qF -e "$3"; then
    echo "ok $1 ($took ms)"
  else
    echo "FAILED $1: status $status after $took ms instead of $2 and '$3'" >&2
    sed 's/^/  | /' "$scratch/out" "$scratch/err" >&2
    return 1
  fi
}

smoke() {
  mkdir -p "$scratch/root"/{bin,dev,etc,proc,sys,tmp}
  cp -L "$(command -v busybox)" "$scratch/root/bin/busybox"
  for name in sh sleep cat grep wc; do ln -s busybox "$scratch/root/bin/$name"; done
  cp "$IT_BIN" "$scratch/root/sexton"
  local sh=(/sexton -- /bin/sh -c)

  sandbox start "${sh[@]}" 'echo it is $PPID; exit 7'
  expect 'the status is the command'\''s' 7 'it is 1'
  sandbox none /sexton -- no-such-command
  expect 'no such command' 127 "sexton: fatal: unable to execute 'no-such-command': command not found"
  sandbox stop "${sh[@]}" 'trap "echo stopped; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
  expect 'a stop' 3 stopped
  sandbox default "${sh[@]}" 'echo ready; exec sleep 1000'
  expect 'a stop without a handler' 143 ready
  sandbox grace /sexton --grace=1s -- /bin/sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
  expect 'the grace period' 137 'within the grace'
  [ "$took" -ge 1000 ] || { echo "FAILED the grace period: over after $took ms" >&2; return 1; }
  sandbox orphans "${sh[@]}" '
    i=0; while [ $i -lt 100 ]; do (sleep 0.2 &); i=$((i + 1)); done
    until [ $(cat /proc/[0-9]*/stat | wc -l) -le 4 ]; do sleep 0.1; done
    echo all are reaped'
  expect '100 orphans' 0 'all are reaped'
  sandbox limits /sexton --rlimit locks=max:max --rlimit nice=max:max -- /bin/sh -c 'echo started'
  expect 'limits that are already so' 0 started
}
