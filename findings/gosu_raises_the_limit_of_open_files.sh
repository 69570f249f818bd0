#!/usr/bin/env bash
# gosu 1.14 (Debian 12, gosu 1.14-1+b10, built with Go 1.19.8): the command has another limit of open files than gosu.
# Seen:    `ulimit -Sn 1000; ulimit -Hn 5000; gosu nobody COMMAND`: COMMAND has a soft limit of 5000. With setpriv(1) in
#          gosu's place it has 1000.
# Guessed: gosu changes the user and executes the command, and all else stays.
# Why:     since Go 1.19 every Go program that imports the package os raises its soft limit to the hard one at its
#          start. The limit from before is given back to what it executes only since Go 1.20.4 and 1.19.9.
# So:      an image whose entry point is `exec gosu app app` undoes the soft limit of `docker run --ulimit nofile=...`;
#          programs that close or poll all descriptors up to the limit, or use select(2), behave in another way with
#          gosu.
set -euo pipefail # Exit status: 0 if this is still so. It must run as root.
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root gosu=1.14-1+b10 util-linux=2.38.1-5+deb12u3
for package in *.deb; do dpkg-deb -x "$package" root; done
gosu=$folder/root/usr/sbin/gosu
"$gosu" --version
ulimit -Sn 1000
ulimit -Hn 5000
{
  echo "here: $(ulimit -Sn)"
  echo "gosu: $("$gosu" nobody sh -c 'ulimit -Sn')"
  echo "setpriv: $("$folder/root/usr/bin/setpriv" --reuid nobody --regid nogroup --clear-groups sh -c 'ulimit -Sn')"
} | tee result
diff - result <<'END'
here: 1000
gosu: 5000
setpriv: 1000
END
