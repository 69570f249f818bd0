# shellcheck shell=bash
# What must become of the pods of docs/kubernetes, all of which run already. Sourced by run.sh.

# The pods that end by themselves, or that the kubelet starts again.
restarted() { [ "$(container "$1" "$2" '"\(.restartCount) \(.ready)"')" = '1 true' ]; }
for of in exits:3 segfaults:139; do
    name=${of%:*}
    eventually "crash: $name is started again" restarted crash "$name"
    check "crash: $name has the command's exit code" \
        is "$(container crash "$name" .lastState.terminated.exitCode)" "${of#*:}"
done
check "crash: a death by a signal nobody sent is told" \
    says crash segfaults 'sexton: warning: command killed by SIGSEGV'

phase_is() { [ "$(pod "$1" .status.phase)" = "$2" ]; }
eventually "map-exit: the pod has succeeded" phase_is map-exit Succeeded
check "map-exit: 143 mapped to 0" \
    is "$(container map-exit mapped '"\(.restartCount) \(.state.terminated.exitCode)"')" '0 0'
check "map-exit: 143 not mapped is a failure" is "$(container map-exit not-mapped .restartCount)" 1

eventually "termination-message: the pod has failed" phase_is termination-message Failed
killed="command killed by SIGKILL: kernel OOM killer (memory limit hit); "
for of in "report:sexton: $killed" "log:sexton: warning: $killed"; do
    name=${of%%:*} text=${of#*:}
    check "termination-message: $name: reason and exit code" \
        is "$(container termination-message "$name" '.state.terminated | "\(.reason) \(.exitCode)"')" 'OOMKilled 137'
    message=$(container termination-message "$name" .state.terminated.message)
    check "termination-message: $name: what the program says" is "$(head -n 1 <<<"$message")" 'app: loading 4 GiB'
    check "termination-message: $name: why it ended" is "$(sed -n 2p <<<"$message" | cut -c "-${#text}")" "$text"
done

# Probes.
probes=$(container_id probes app)
reaped() { keep probes app; [ "$(output probes app | grep -c 'reaped orphan .*(sleep)')" -ge 5 ]; }
eventually "probes: what they leave behind is reaped" reaped
eventually "probes: no zombies remain" no_zombies_of "$(host_pid "$probes")"
ready() { [ "$(container "$1" "$2" .ready)" = true ]; }
eventually "probes: --status --check finds nothing" ready probes app
check "probes: the container was never started again" is "$(container probes app .restartCount)" 0

neglected() { grep -q 'Readiness probe.*sexton: unhealthy: 1 zombie not reaped by .*sleep.*' "$bed/kubelet.log"; }
eventually "neglect: --status --check tells the kubelet what is wrong" neglected
check "neglect: the container is not ready, and was never started again" \
    is "$(container neglect app '"\(.restartCount) \(.ready)"')" '0 false'
nobody=$(container_id nobody-reaps app)
zombies_remain() { [ "$(zombies_of "$(host_pid "$nobody")")" -ge 3 ]; }
eventually "without an init the zombies remain" zombies_remain

eventually "a liveness probe's stop, mapped to 0, is a success: not started again" phase_is probe-and-map Succeeded

# One PID namespace for all containers.
eventually "shared-pid: the app is started again" restarted shared-pid app
pause=$(host_pid "$(sandbox_id shared-pid)") app=$(host_pid "$(container_id shared-pid app)")
check "shared-pid: PID 1 is the pause" is "$(command_of "$pause")" '/sexton --pause'
check "shared-pid: the app is in its PID namespace" \
    is "$(in_node readlink "/proc/$app/ns/pid")" "$(in_node readlink "/proc/$pause/ns/pid")"
eventually "shared-pid: the app's orphans are sexton's" says shared-pid app '(sleep): exited with status 0'
check "shared-pid: its daemon ended with it" says shared-pid app '(sleep): killed by SIGTERM'
check "shared-pid: the other container lives on" \
    is "$(container shared-pid sidecar '"\(.restartCount) \(.ready)"')" '0 true'
eventually "shared-pid: no zombies are the pause's" no_zombies_of "$pause"
eventually "shared-pid: nor sexton's" no_zombies_of "$app"

# Privileges.
eventually "restricted: it runs" says restricted app 'server: ready'
check "restricted: as it should" says_in_order restricted app $'Uid:\t1000\t1000\t1000\t1000' \
    $'CapEff:\t0000000000000000' $'CapBnd:\t0000000000000000' $'NoNewPrivs:\t1' $'Seccomp:\t2'
eventually "restricted: orphans are reaped" says restricted app 'reaped orphan'

eventually "capability: it ran" phase_is capability Succeeded
keep capability app
check "capability: added to a user who is not root, it is in the bounding set only" says_in_order capability app \
    $'CapInh:\t0000000000000000' $'CapPrm:\t0000000000000000' $'CapEff:\t0000000000000000' \
    $'CapBnd:\t0000000000000400' $'CapAmb:\t0000000000000000'

get() { in_node curl -sf -o /dev/null "http://$(pod "$1" .status.podIP):$2/hosts"; }
eventually "low-port: it is ready" ready low-port web
check "low-port: it serves" get low-port 80
web=$(in_node pgrep -P "$(host_pid "$(container_id low-port web)")")
check "low-port: it is no root, and has that one capability" \
    is "$(in_node grep -E '^(Uid|CapEff)' "/proc/$web/status")" \
    $'Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000400'

# The ends. All begin at once; how each went is told by the logs and by containerd.
eventually "wrapper: it runs" says wrapper app 'server: ready'
check "wrapper: sexton is PID 1" \
    is "$(command_of "$(host_pid "$(container_id wrapper app)")" | cut -c 1-23)" '/shared/sexton -- sh -c'
eventually "wrapper: orphans are reaped" says wrapper app 'reaped orphan'
eventually "stop: server and worker run" says stop app 'worker: ready'
eventually "stubborn: it runs" says stubborn app 'server: ready'
eventually "prestop: it runs" says prestop app 'server: ready'
eventually "drain: it is ready" ready drain web

declare -A ids
containers=(stop:app stubborn:app prestop:app drain:web wrapper:app restricted:app low-port:web shared-pid:app)
for of in "${containers[@]}"; do
    ids[$of]=$(container_id "${of%:*}" "${of#*:}")
    keep "${of%:*}" "${of#*:}"
done
address=$(pod drain .status.podIP)
ln "$bed/kubelet/pods/$(pod restricted .metadata.uid)/containers/app/"* "$bed/kept/restricted.message"
for of in "${containers[@]}"; do
    delete "${of%:*}"
done

eventually "drain: SIGTERM has come" says drain web 'received SIGTERM'
check "drain: it still serves" in_node curl -sf -o /dev/null "http://$address:8080/hosts"
for of in stop:app:0 stubborn:app:137 prestop:app:0 drain:web:0 wrapper:app:0 restricted:app:0 low-port:web:143 \
    shared-pid:app:143; do
    name=${of%:*}
    eventually "${name%:*}: the container ends" has_ended "${ids[$name]}"
    check "${name%:*}: its exit code" ends_with "${ids[$name]}" "${of##*:}"
    eventually "${name%:*}: the pod is gone" is_gone "${name%:*}"
done
check "stop: the server stops, then the worker" says_in_order stop app 'server: stopped' 'worker: stopped'
said_by_sexton() { output "$1" "$2" | grep '^sexton: ' || true; }
check "stop: sexton has nothing to say" is "$(said_by_sexton stop app)" ''
check "stubborn: sexton says what it did" says_in_order stubborn app \
    'sexton: warning: not stopped 2 s after SIGTERM: ' \
    'sexton: warning: command did not end within the grace period: killing every process' \
    'sexton: warning: command killed by SIGKILL: it did not end within the grace period'
check "prestop: the hook, then SIGTERM" says_in_order prestop app 'hook: begins' 'hook: ends' 'server: stopped'
check "prestop: what the hook left behind is reaped" says prestop app '(usleep): exited with status 0'
check "drain: it lasted 10 s" says drain web 'phases: drain 10.'
check "drain: then the server got SIGTERM" \
    says_in_order drain web 'sexton: info: received SIGTERM' 'sexton: info: sent SIGTERM to the command'
check "wrapper: the server was told" says wrapper app 'server: stopped'
check "restricted: the server was told" says restricted app 'server: stopped'
check "restricted: a termination message, without root" \
    grep -q '^sexton: command exited with status 0' "$bed/kept/restricted.message"
