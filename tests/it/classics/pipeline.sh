# Pipelines with redirections, as scripts have them. The argument is a folder to write to.
cd "$1" || exit

yes | head -n 1
echo "yes and head: ${PIPESTATUS[*]}"
(exit 3) | (exit 4) | true
echo "three: ${PIPESTATUS[*]}, and as one $?"
set -o pipefail
(exit 3) | (exit 4) | true
echo "pipefail: $?"
set +o pipefail
! true | false
echo "negated: $?"
seq 1 50000 | shuf | sort -n | cmp - <(seq 1 50000)
echo "shuffled and sorted: ${PIPESTATUS[*]}"

sed 's/^/here: /' <<END
one $((1 + 1))
END
sed 's/^/here: /' <<'END'
$literal
END
tr a-z A-Z <<< "a here-string"

{ echo output; echo error >&2; } 2>&1 >/dev/null | sed 's/^/only: /'
{ echo output; echo error >&2; } > both 2>&1
echo "both: $(sort both | paste -sd' ')"
exec 5> written 6<> written
echo first >&5
read -r line <&6
echo appended >> written
exec 5>&- 6>&-
echo "files: $line $(paste -sd' ' written)"
(echo closed >&5) 2>/dev/null || echo "descriptor 5 is closed"
set -o noclobber
(: > written) 2>/dev/null || echo "not clobbered"
set +o noclobber

diff <(seq 1 3) <(seq 1 2; echo 4)
echo "diff of two substitutions: $?"
echo "counted: $(seq 1 5 > >(wc -l))"
coproc bc { while read -r a b; do echo $((a * b)); done; }
pid=$bc_PID # Bash forgets it with the process
echo 6 7 >&"${bc[1]}"
read -r product <&"${bc[0]}"
eval "exec ${bc[1]}>&-"
wait "$pid"
echo "coproc: $product, $?"

mkfifo fifo
cat fifo > copied &
seq 1 1000 > fifo
wait $!
echo "FIFO: $(wc -l < copied), $?"

for status in 0 5 9; do (exit $status) & jobs+=($!); done
for job in "${jobs[@]}"; do wait "$job"; echo "job: $?"; done
sleep 1000 &
kill -KILL $!
wait $! 2>/dev/null
echo "killed: $?"
(exit 6) &
wait -n
echo "next: $?"
wait
echo "all: $?"
(trap 'echo "the trap of a subshell: $?"' EXIT; exit 8)
echo "subshell: $?"
x=$(trap 'echo "the trap of a substitution"' EXIT; exit 9)
echo "$x: $?"
{ bash -c 'kill -TERM $$'; } 2>/dev/null
echo "a child that was terminated: $?"
/bin/sh -c 'yes | true; exec 1>&-; echo lost' 2>/dev/null
echo "a write to what is closed: $?"
exit 11
