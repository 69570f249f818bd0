# fish completion for sexton, made from src/cli/texts/help.txt by tests/it/pages: just pages

# The command and its arguments, behind sexton's own options.
function __sexton_command
    set -l words (commandline -opc) (commandline -ct)
    set -e words[1]
    while set -q words[2]
        switch $words[1]
            case --
                set -e words[1]
                break
            case --forward-to --rewrite --stop-signals --timeout --drain --grace --slow-stop-after --escalate --linger --pdeathsig --user --groups --cap-drop --cap-keep --cap-ambient --fs-read --fs-write --fs-exec --tcp-bind --tcp-connect --scope --confine --rlimit --chdir --umask --env --unset-env --env-file --env-from-file --nice --cpus --sched --ionice --oom-score-adj --stdin --stdout --stderr --subreaper --map-exit --log-level --log-to --log-format --report --install --as
                set -e words[1]
                set -q words[2]; or return 1
            case '-*'
            case '*'
                break
        end
        set -e words[1]
    end
    string match -q -- '-*' "$words[1]"; and return 1
    string join \n -- $words
end

function __sexton_own
    not __sexton_command >/dev/null
end

# __sexton_value PATTERN WORD...: WORDs behind what the value has already, as far as PATTERN fits.
function __sexton_value
    set -l value (commandline -ct | string replace -r -- '^--[a-z-]+=' '')
    set -l before (string match -r -- $argv[1] $value)
    printf '%s\n' $before$argv[2..-1]
end

function __sexton_pair
    if commandline -ct | string replace -r -- '^--[a-z-]+=' '' | string match -q '*=*'
        __sexton_value '^[^=]*=' $argv
    else
        return 1
    end
end

complete -c sexton -f -n 'not __sexton_own' -a '(__fish_complete_subcommand --commandline (__sexton_command))'
complete -c sexton -f -n __sexton_own -a '(__fish_complete_command)'
complete -c sexton -n __sexton_own -l as -x -a 'tini docker-init dumb-init catatonit gosu su-exec' -d 'Be in the place of that program'

# Signals
complete -c sexton -n __sexton_own -l forward-to -x -a 'child group all' -d 'Target of forwarded signals: the command, its process group, or every process in the tree'
complete -c sexton -n __sexton_own -l rewrite -x -a '(__sexton_pair HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMIN+16 RTMIN+17 RTMIN+18 RTMIN+19 RTMIN+20 RTMIN+21 RTMIN+22 RTMIN+23 RTMIN+24 RTMIN+25 RTMIN+26 RTMIN+27 RTMIN+28 RTMIN+29 RTMIN+30 ignore; or printf "%s=\n" HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMIN+16 RTMIN+17 RTMIN+18 RTMIN+19 RTMIN+20 RTMIN+21 RTMIN+22 RTMIN+23 RTMIN+24 RTMIN+25 RTMIN+26 RTMIN+27 RTMIN+28 RTMIN+29 RTMIN+30)' -d 'Forward TO instead of FROM; FROM=ignore drops the signal'

# Shutdown
complete -c sexton -n __sexton_own -l stop-signals -x -a '(__sexton_value "^.*," HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMIN+16 RTMIN+17 RTMIN+18 RTMIN+19 RTMIN+20 RTMIN+21 RTMIN+22 RTMIN+23 RTMIN+24 RTMIN+25 RTMIN+26 RTMIN+27 RTMIN+28 RTMIN+29 RTMIN+30)' -d 'Signals that begin a stop'
complete -c sexton -n __sexton_own -l timeout -x -a 'none' -d 'Stop the command after DURATION as if SIGTERM had come, and exit with 124 if it then ends within the grace period'
complete -c sexton -n __sexton_own -l drain -x -d 'Delay the first stop signal by DURATION; a second stop signal ends the delay'
complete -c sexton -n __sexton_own -l grace -x -a 'none' -d 'Grace period: time from the stop signal to SIGKILL for the whole tree'
complete -c sexton -n __sexton_own -l slow-stop-after -x -d 'After DURATION of a stop, log which processes have not ended, and why; 0 turns this off'
complete -c sexton -n __sexton_own -l escalate -x -a '(__sexton_value "^.*," HUP: INT: QUIT: ILL: TRAP: ABRT: BUS: FPE: KILL: USR1: SEGV: USR2: PIPE: ALRM: TERM: STKFLT: CHLD: CONT: STOP: TSTP: TTIN: TTOU: URG: XCPU: XFSZ: VTALRM: PROF: WINCH: IO: PWR: SYS: RTMIN: RTMIN+1: RTMIN+2: RTMIN+3: RTMIN+4: RTMIN+5: RTMIN+6: RTMIN+7: RTMIN+8: RTMIN+9: RTMIN+10: RTMIN+11: RTMIN+12: RTMIN+13: RTMIN+14: RTMIN+15: RTMIN+16: RTMIN+17: RTMIN+18: RTMIN+19: RTMIN+20: RTMIN+21: RTMIN+22: RTMIN+23: RTMIN+24: RTMIN+25: RTMIN+26: RTMIN+27: RTMIN+28: RTMIN+29: RTMIN+30:)' -d 'Send further signals within the grace period, each DURATION after the previous one'
complete -c sexton -n __sexton_own -l linger -x -a 'none' -d 'Time from SIGTERM to SIGKILL for processes that outlive the command'
complete -c sexton -n __sexton_own -l wait-all -f -d 'After the command, wait until all other processes have ended by themselves'
complete -c sexton -n __sexton_own -l pdeathsig -x -a 'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMIN+16 RTMIN+17 RTMIN+18 RTMIN+19 RTMIN+20 RTMIN+21 RTMIN+22 RTMIN+23 RTMIN+24 RTMIN+25 RTMIN+26 RTMIN+27 RTMIN+28 RTMIN+29 RTMIN+30' -d 'Signal to sexton when its parent ends, and to the command when sexton ends'

# Privileges
complete -c sexton -n __sexton_own -l user -x -a '(__fish_complete_users)' -d 'Run the command as this user'
complete -c sexton -n __sexton_own -l groups -x -a '(__sexton_value "^.*," (__fish_complete_groups | string replace -r "\t.*" "") none)' -d 'Set exactly these supplementary groups'
complete -c sexton -n __sexton_own -l cap-drop -x -a '(__sexton_value "^.*," chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore all)' -d 'Drop capabilities from all sets, except those of --cap-keep and --cap-ambient'
complete -c sexton -n __sexton_own -l cap-keep -x -a '(__sexton_value "^.*," chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore all)' -d 'Drop all capabilities except these'
complete -c sexton -n __sexton_own -l cap-ambient -x -a '(__sexton_value "^.*," chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore all)' -d 'Give the command these capabilities even if it does not run as root'
complete -c sexton -n __sexton_own -l no-new-privs -f -d 'Deny privileges from set-user-ID programs and file capabilities'
complete -c sexton -n __sexton_own -l fs-read -x -a '(__fish_complete_path (commandline -ct | string replace -r -- "^--[a-z-]+=" ""))' -d 'Deny reading all other files and directories, by Landlock'
complete -c sexton -n __sexton_own -l fs-write -x -a '(__fish_complete_path (commandline -ct | string replace -r -- "^--[a-z-]+=" ""))' -d 'Deny changing all other files and directories'
complete -c sexton -n __sexton_own -l fs-exec -x -a '(__fish_complete_path (commandline -ct | string replace -r -- "^--[a-z-]+=" ""))' -d 'Deny executing all other files'
complete -c sexton -n __sexton_own -l tcp-bind -x -a 'none' -d 'Deny binding all other TCP ports'
complete -c sexton -n __sexton_own -l tcp-connect -x -a 'none' -d 'Deny connecting to all other TCP ports'
complete -c sexton -n __sexton_own -l scope -x -a '(__sexton_value "^.*," signal unix)' -d 'Deny signals, or connections to abstract Unix sockets, to processes that the command has not started'
complete -c sexton -n __sexton_own -l confine -x -a 'strict best-effort' -d 'If the kernel cannot do all of that: fail, or log a warning'

# Process attributes
complete -c sexton -n __sexton_own -l rlimit -x -a 'cpu= fsize= data= stack= core= rss= nproc= nofile= memlock= as= locks= sigpending= msgqueue= nice= rtprio= rttime=' -d 'Set a resource limit: as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'
complete -c sexton -n __sexton_own -l chdir -x -a '(__fish_complete_directories (commandline -ct | string replace -r -- "^--[a-z-]+=" ""))' -d 'Start the command in this directory'
complete -c sexton -n __sexton_own -l umask -x -d 'Set the file mode creation mask, such as 027'
complete -c sexton -n __sexton_own -l env -x -a '(set -xn)' -d 'Set a variable for the command'
complete -c sexton -n __sexton_own -l unset-env -x -a '(set -xn)' -d 'Unset a variable for the command'
complete -c sexton -n __sexton_own -l env-file -x -a '(__fish_complete_path (commandline -ct | string replace -r -- "^--[a-z-]+=" ""))' -d 'Set variables from a file in the format of docker run --env-file'
complete -c sexton -n __sexton_own -l env-from-file -x -a '(set -xn)' -d 'Set a variable to the contents of a file, such as a secret, without the last newline'
complete -c sexton -n __sexton_own -l expand-env -f -d 'Expand variables of the command in the command line: ${NAME}, ${NAME:-DEFAULT}, ${NAME:?MESSAGE}; $$ is a dollar sign'
complete -c sexton -n __sexton_own -l nice -x -d 'Set the niceness, -20 to 19'
complete -c sexton -n __sexton_own -l cpus -x -d 'Run on these CPUs only, such as 0-3,6'
complete -c sexton -n __sexton_own -l sched -x -a 'other batch idle fifo: rr:' -d 'Set the scheduling policy: other, batch, idle, fifo:1 to fifo:99, rr:1 to rr:99'
complete -c sexton -n __sexton_own -l ionice -x -a 'realtime: best-effort: idle' -d 'Set the I/O scheduling class: realtime:0 to realtime:7, best-effort:0 to best-effort:7, idle'
complete -c sexton -n __sexton_own -l oom-score-adj -x -d 'Set the OOM killer\'s preference for the command, -1000 (never kill) to 1000'
complete -c sexton -n __sexton_own -l setsid -f -d 'Run the command in its own session instead of a process group, with the terminal if sexton is a session leader'
complete -c sexton -n __sexton_own -l stdin -x -a '(__fish_complete_path (commandline -ct | string replace -r -- "^--[a-z-]+=" ""))' -d 'Read standard input from this file, or from an inherited descriptor: /dev/fd/N'
complete -c sexton -n __sexton_own -l stdout -x -a '(__fish_complete_path (commandline -ct | string replace -r -- "^--[a-z-]+=" ""))' -d 'Write standard output to this file, truncated or (>>) appended to, or to an inherited stream: /dev/stderr, /dev/fd/N'
complete -c sexton -n __sexton_own -l stderr -x -a '(__fish_complete_path (commandline -ct | string replace -r -- "^--[a-z-]+=" ""))' -d 'The same for standard error; - is standard output'
complete -c sexton -n __sexton_own -l close-fds -f -d 'Close all descriptors of the command except 0, 1, 2, and those that LISTEN_FDS counts if LISTEN_PID names sexton'

# Reaping, exit status, logging
complete -c sexton -n __sexton_own -l subreaper -x -a 'auto on off' -d 'Adopt orphans: auto (if not PID 1), on, off'
complete -c sexton -n __sexton_own -l notify-access -f -d 'Make systemd accept the command\'s messages, as with NotifyAccess=all: READY=1, WATCHDOG=1'
complete -c sexton -n __sexton_own -l warn-on-reap -f -d 'Log each reaped orphan'
complete -c sexton -n __sexton_own -l map-exit -x -a 'signal:HUP= signal:INT= signal:QUIT= signal:ILL= signal:TRAP= signal:ABRT= signal:BUS= signal:FPE= signal:KILL= signal:USR1= signal:SEGV= signal:USR2= signal:PIPE= signal:ALRM= signal:TERM= signal:STKFLT= signal:CHLD= signal:CONT= signal:STOP= signal:TSTP= signal:TTIN= signal:TTOU= signal:URG= signal:XCPU= signal:XFSZ= signal:VTALRM= signal:PROF= signal:WINCH= signal:IO= signal:PWR= signal:SYS= signal:RTMIN= signal:RTMIN+1= signal:RTMIN+2= signal:RTMIN+3= signal:RTMIN+4= signal:RTMIN+5= signal:RTMIN+6= signal:RTMIN+7= signal:RTMIN+8= signal:RTMIN+9= signal:RTMIN+10= signal:RTMIN+11= signal:RTMIN+12= signal:RTMIN+13= signal:RTMIN+14= signal:RTMIN+15= signal:RTMIN+16= signal:RTMIN+17= signal:RTMIN+18= signal:RTMIN+19= signal:RTMIN+20= signal:RTMIN+21= signal:RTMIN+22= signal:RTMIN+23= signal:RTMIN+24= signal:RTMIN+25= signal:RTMIN+26= signal:RTMIN+27= signal:RTMIN+28= signal:RTMIN+29= signal:RTMIN+30= stop=' -d 'Exit with TO instead of FROM: a status, a range (1-3=1), the signal that killed the command (signal:TERM=0), or stop (any end in time after a stop signal)'
complete -c sexton -n __sexton_own -l log-level -x -a 'error warn info debug trace' -d 'Lowest level to log'
complete -c sexton -n __sexton_own -l verbose -s v -f -d 'Raise the log level by one step; repeatable'
complete -c sexton -n __sexton_own -l log-to -x -a 'stderr syslog udp:// tcp:// none' -d 'Log destination: stderr, syslog (/dev/log), udp://ADDRESS[:PORT], tcp://ADDRESS[:PORT], none'
complete -c sexton -n __sexton_own -l log-format -x -a 'text json' -d 'Format of log lines on standard error'
complete -c sexton -n __sexton_own -l log-time -f -d 'Prefix text lines on standard error with the time: RFC 3339, UTC, milliseconds'
complete -c sexton -n __sexton_own -l report -x -a '(__fish_complete_path (commandline -ct | string replace -r -- "^--[a-z-]+=" ""))' -d 'Write the exit report as JSON to this file, or to an inherited stream: - (standard output), /dev/stderr, /dev/fd/N'
complete -c sexton -n __sexton_own -l termination-log -f -a '(__fish_complete_path (commandline -ct | string replace -r -- "^--[a-z-]+=" ""))' -d 'Write the exit report as text for Kubernetes to this file; without PATH to /dev/termination-log, if that exists'
complete -c sexton -n __sexton_own -l protect -f -d 'Protect sexton from the OOM killer, so that the report survives a kill of all processes of the container'

# Other modes
complete -c sexton -n __sexton_own -l pause -s P -f -d 'Run no command: reap orphans, and exit 0 on SIGTERM or SIGINT, as a pod\'s pause container'
complete -c sexton -n __sexton_own -l status -f -a 'text json' -d 'Show processes, zombies with the parents that do not reap them, limits, memory'
complete -c sexton -n __sexton_own -l check -f -d 'With --status, for health checks: exit 1 with one line if there are stuck zombies or 90% of the cgroup\'s process IDs are in use; otherwise print nothing'
complete -c sexton -n __sexton_own -l exec -f -d 'Replace sexton with the command, with user, limits and so on, as gosu does: nothing is forwarded, reaped or reported'
complete -c sexton -n __sexton_own -l install -x -a '(__fish_complete_path (commandline -ct | string replace -r -- "^--[a-z-]+=" ""))' -d 'Copy this program to PATH, for init containers and build stages without cp'
complete -c sexton -n __sexton_own -l dry-run -f -a 'values' -d 'Print the steps before the command\'s execution without doing them'
complete -c sexton -n __sexton_own -l help -s h -f -d 'Print this text'
complete -c sexton -n __sexton_own -l version -s V -f -d 'Print the version'
