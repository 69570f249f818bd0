#!/usr/bin/env bash
# lighttpd 1.4.69 (Debian 12, lighttpd 1.4.69-1): its exit status after SIGTERM.
# Seen:    0 if nobody is connected, and 1 if somebody is, even if the client has not said a word. After SIGINT, the
#          graceful stop, it is 0 then, too.
# Guessed: the status says whether the server had a problem, not whether it had a visitor.
# Why:     the status is 1 from the server's set-up on, which means "go on", and is only set to 0 after the loop if the
#          list of connections is empty (src/server.c, main). SIGINT empties it first.
# So:      a container that serves has status 1 at most of its stops, and 0 in the test that had no traffic.
set -euo pipefail # Exit status: 0 if all of this is still so. It must run as root.
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root lighttpd=1.4.69-1
dpkg-deb -x lighttpd_*.deb root
echo "server.document-root = \"$folder\"
server.bind = \"$folder/socket\"
server.modules = ()" >lighttpd.conf
run() { # MESSAGE SIGNAL CLIENT...
  local status=0
  rm -f socket
  root/usr/sbin/lighttpd -D -f lighttpd.conf -m root/usr/lib/lighttpd 2>log & server=$!
  until [ -S socket ]; do kill -0 $server; sleep 0.05; done
  timeout 60 python3 -c '
import os, signal, socket, sys, time
if sys.argv[3] == "connected":
    client = socket.socket(socket.AF_UNIX)
    client.connect("socket")
    time.sleep(1)  # until the server has accepted it
os.kill(int(sys.argv[1]), int(sys.argv[2]))
time.sleep(1)
' $server "$(kill -l "$2")" "$3"
  wait $server || status=$?
  echo "$1: status $status"
}
{
  run 'SIGTERM, nobody is connected' TERM alone
  run 'SIGTERM, a client is connected' TERM connected
  run 'SIGINT, a client is connected' INT connected
} | tee result
diff - result <<'END'
SIGTERM, nobody is connected: status 0
SIGTERM, a client is connected: status 1
SIGINT, a client is connected: status 0
END
