#!/bin/sh
# Makes the host's keys if there are none, so that each container of the image has its own.
set -eu
ssh-keygen -A
exec /usr/sbin/sshd -E /proc/1/fd/2
