#!/bin/sh
# A typical server: it starts a worker in a session of its own, leaves short jobs behind that it never waits for, and
# only stops itself at SIGTERM. The init reaps the jobs and sends SIGTERM to the worker.
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
