#!/bin/sh
# A server as they come: it starts a worker in a session of its own, keeps leaving short jobs behind
# that it never waits for, and cares for nobody but itself when it is told to stop. The init buries
# the jobs and tells the worker.
set -eu

worker='trap "echo worker: stopped; exit" TERM; echo worker: ready; while :; do sleep 1 & wait $!; done'
(setsid sh -c "$worker" &)

trap 'echo server: stopped; exit 0' TERM
echo 'server: ready'
while :; do
    (sleep 0.1 &)
    sleep 1 &
    wait $!
done
