#!/usr/bin/env bash
# uvicorn 0.54.0 (from PyPI, with click 8.5.1 and h11 0.16.0): its exit status after a clean stop by SIGTERM.
# Seen:    as PID 1 it exits with 0. As a child it dies of SIGTERM (143), though it has shut down just as cleanly: the
#          application's own end ran, and the log says "Finished server process". With two workers it is 0 in both
#          places.
# Guessed: the status does not depend on the process ID, nor on the number of workers.
# Why:     uvicorn catches the signal, shuts down, puts the old handlers back, and then raises the signal on itself once
#          more (uvicorn/server.py, capture_signals), so that its parent sees a death by SIGTERM. PID 1 is spared a
#          signal from within that has its default action, and so comes to the normal end. With workers the process in
#          front is another one (uvicorn/supervisors/multiprocess.py), which just ends.
# So:      an image whose clean stops had status 0 has 143 once an init is put in front of it, and a restart policy or
#          a job controller takes that for a failure.
set -euo pipefail # Exit status: 0 if all of this is still so. It must run as root.
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m pip install -q --no-deps --disable-pip-version-check --root-user-action ignore --target packages \
  uvicorn==0.54.0 click==8.5.1 h11==0.16.0
cat >application.py <<'END'
async def app(scope, receive, send):
    assert scope["type"] == "lifespan"
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            with open("ended", "w") as file:
                file.write("ended\n")
        await send({"type": message["type"] + ".complete"})
END
export PYTHONPATH=$folder/packages
cat >inside <<'END'
set -e
run() { # MESSAGE COMMAND... : stops the server and prints its status
  local status=0 pid
  rm -f ended log socket
  timeout -s KILL 40 unshare --pid --fork --kill-child --mount-proc "${@:2}" >log 2>&1 &
  until grep -q 'Uvicorn running' log && grep -q 'startup complete' log; do kill -0 $!; sleep 0.1; done
  read -r pid <"/proc/$!/task/$!/children" || :
  read -r pid <"/proc/$pid/task/$pid/children" || :
  if [ "${1%%,*}" = child ]; then read -r pid <"/proc/$pid/task/$pid/children" || :; fi
  kill -TERM "$pid"
  wait $! || status=$?
  echo "$1: status $status, application $(cat ended), $(grep -c 'Finished server process' log) server finished"
}
server=(python3 -m uvicorn --uds socket application:app)
run 'PID 1, one process' "${server[@]}"
run 'child, one process' sh -c '"$@"; exit $?' sh "${server[@]}"
run 'PID 1, two workers' "${server[@]}" --workers 2
run 'child, two workers' sh -c '"$@"; exit $?' sh "${server[@]}" --workers 2
END
timeout -s KILL 120 unshare --mount --pid --fork --kill-child --mount-proc bash inside | tee result
diff - result <<'END'
PID 1, one process: status 0, application ended, 1 server finished
child, one process: status 143, application ended, 1 server finished
PID 1, two workers: status 0, application ended, 2 server finished
child, two workers: status 0, application ended, 2 server finished
END
