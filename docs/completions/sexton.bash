# bash completion for sexton, made from src/cli/texts/help.txt by tests/it/pages: just pages

# The words of the command line, where bash has split them at = and : as well, and where each begins for bash.
_sexton_words() {
    local word i glued=
    words=() at=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $glued || $word == [=:]* ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
            at+=("$i")
        fi
        [[ $word == [=:] || $word == [=:][=:] ]] && glued=1 || glued=
    done
}

# _sexton_propose PREFIX WORDS: what begins as the word does, PREFIX being left of it. No space follows = : /
_sexton_propose() {
    local word
    while read -r word; do
        COMPREPLY+=("$word")
        [[ $word == *[=:/] ]] && compopt -o nospace 2>/dev/null
    done < <(compgen -P "$1" -W "$2" -- "${value#"$1"}")
}

# _sexton_value FLAG: what may stand in place of $value.
_sexton_value() {
    local before=${value%"${value##*,}"}
    case $1 in
    --forward-to)
        _sexton_propose "" "child group all"
        ;;
    --rewrite)
        if [[ $value == *=* ]]; then
            _sexton_propose "${value%%=*}=" "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMIN+16 RTMIN+17 RTMIN+18 RTMIN+19 RTMIN+20 RTMIN+21 RTMIN+22 RTMIN+23 RTMIN+24 RTMIN+25 RTMIN+26 RTMIN+27 RTMIN+28 RTMIN+29 RTMIN+30 ignore"
        else
            _sexton_propose "" "HUP= INT= QUIT= ILL= TRAP= ABRT= BUS= FPE= USR1= SEGV= USR2= PIPE= ALRM= TERM= STKFLT= CONT= TSTP= TTIN= TTOU= URG= XCPU= XFSZ= VTALRM= PROF= WINCH= IO= PWR= SYS= RTMIN= RTMIN+1= RTMIN+2= RTMIN+3= RTMIN+4= RTMIN+5= RTMIN+6= RTMIN+7= RTMIN+8= RTMIN+9= RTMIN+10= RTMIN+11= RTMIN+12= RTMIN+13= RTMIN+14= RTMIN+15= RTMIN+16= RTMIN+17= RTMIN+18= RTMIN+19= RTMIN+20= RTMIN+21= RTMIN+22= RTMIN+23= RTMIN+24= RTMIN+25= RTMIN+26= RTMIN+27= RTMIN+28= RTMIN+29= RTMIN+30="
        fi
        ;;
    --stop-signals)
        _sexton_propose "$before" "HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMIN+16 RTMIN+17 RTMIN+18 RTMIN+19 RTMIN+20 RTMIN+21 RTMIN+22 RTMIN+23 RTMIN+24 RTMIN+25 RTMIN+26 RTMIN+27 RTMIN+28 RTMIN+29 RTMIN+30"
        ;;
    --timeout)
        _sexton_propose "" "none"
        ;;
    --drain)
        :
        ;;
    --grace)
        _sexton_propose "" "none"
        ;;
    --slow-stop-after)
        :
        ;;
    --escalate)
        _sexton_propose "$before" "HUP: INT: QUIT: ILL: TRAP: ABRT: BUS: FPE: KILL: USR1: SEGV: USR2: PIPE: ALRM: TERM: STKFLT: CHLD: CONT: STOP: TSTP: TTIN: TTOU: URG: XCPU: XFSZ: VTALRM: PROF: WINCH: IO: PWR: SYS: RTMIN: RTMIN+1: RTMIN+2: RTMIN+3: RTMIN+4: RTMIN+5: RTMIN+6: RTMIN+7: RTMIN+8: RTMIN+9: RTMIN+10: RTMIN+11: RTMIN+12: RTMIN+13: RTMIN+14: RTMIN+15: RTMIN+16: RTMIN+17: RTMIN+18: RTMIN+19: RTMIN+20: RTMIN+21: RTMIN+22: RTMIN+23: RTMIN+24: RTMIN+25: RTMIN+26: RTMIN+27: RTMIN+28: RTMIN+29: RTMIN+30:"
        ;;
    --linger)
        _sexton_propose "" "none"
        ;;
    --pdeathsig)
        _sexton_propose "" "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMIN+16 RTMIN+17 RTMIN+18 RTMIN+19 RTMIN+20 RTMIN+21 RTMIN+22 RTMIN+23 RTMIN+24 RTMIN+25 RTMIN+26 RTMIN+27 RTMIN+28 RTMIN+29 RTMIN+30"
        ;;
    --user)
        mapfile -t COMPREPLY < <(compgen -u -- "$value")
        ;;
    --groups)
        _sexton_propose "$before" "$(compgen -g) none"
        ;;
    --cap-drop)
        _sexton_propose "$before" "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore all"
        ;;
    --cap-keep)
        _sexton_propose "$before" "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore all"
        ;;
    --cap-ambient)
        _sexton_propose "$before" "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore all"
        ;;
    --fs-read)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$value")
        ;;
    --fs-write)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$value")
        ;;
    --fs-exec)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$value")
        ;;
    --tcp-bind)
        _sexton_propose "" "none"
        ;;
    --tcp-connect)
        _sexton_propose "" "none"
        ;;
    --scope)
        _sexton_propose "$before" "signal unix"
        ;;
    --confine)
        _sexton_propose "" "strict best-effort"
        ;;
    --rlimit)
        _sexton_propose "" "cpu= fsize= data= stack= core= rss= nproc= nofile= memlock= as= locks= sigpending= msgqueue= nice= rtprio= rttime="
        ;;
    --chdir)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$value")
        ;;
    --umask)
        :
        ;;
    --env)
        mapfile -t COMPREPLY < <(compgen -e -- "$value")
        ;;
    --unset-env)
        mapfile -t COMPREPLY < <(compgen -e -- "$value")
        ;;
    --env-file)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$value")
        ;;
    --env-from-file)
        mapfile -t COMPREPLY < <(compgen -e -- "$value")
        ;;
    --nice)
        :
        ;;
    --cpus)
        :
        ;;
    --sched)
        _sexton_propose "" "other batch idle fifo: rr:"
        ;;
    --ionice)
        _sexton_propose "" "realtime: best-effort: idle"
        ;;
    --oom-score-adj)
        :
        ;;
    --stdin)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$value")
        ;;
    --stdout)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$value")
        ;;
    --stderr)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$value")
        ;;
    --subreaper)
        _sexton_propose "" "auto on off"
        ;;
    --map-exit)
        _sexton_propose "" "signal:HUP= signal:INT= signal:QUIT= signal:ILL= signal:TRAP= signal:ABRT= signal:BUS= signal:FPE= signal:KILL= signal:USR1= signal:SEGV= signal:USR2= signal:PIPE= signal:ALRM= signal:TERM= signal:STKFLT= signal:CHLD= signal:CONT= signal:STOP= signal:TSTP= signal:TTIN= signal:TTOU= signal:URG= signal:XCPU= signal:XFSZ= signal:VTALRM= signal:PROF= signal:WINCH= signal:IO= signal:PWR= signal:SYS= signal:RTMIN= signal:RTMIN+1= signal:RTMIN+2= signal:RTMIN+3= signal:RTMIN+4= signal:RTMIN+5= signal:RTMIN+6= signal:RTMIN+7= signal:RTMIN+8= signal:RTMIN+9= signal:RTMIN+10= signal:RTMIN+11= signal:RTMIN+12= signal:RTMIN+13= signal:RTMIN+14= signal:RTMIN+15= signal:RTMIN+16= signal:RTMIN+17= signal:RTMIN+18= signal:RTMIN+19= signal:RTMIN+20= signal:RTMIN+21= signal:RTMIN+22= signal:RTMIN+23= signal:RTMIN+24= signal:RTMIN+25= signal:RTMIN+26= signal:RTMIN+27= signal:RTMIN+28= signal:RTMIN+29= signal:RTMIN+30= stop="
        ;;
    --log-level)
        _sexton_propose "" "error warn info debug trace"
        ;;
    --log-to)
        _sexton_propose "" "stderr syslog udp:// tcp:// none"
        ;;
    --log-format)
        _sexton_propose "" "text json"
        ;;
    --report)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$value")
        ;;
    --install)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$value")
        ;;
    --termination-log)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$value")
        ;;
    --status)
        _sexton_propose "" "text json"
        ;;
    --dry-run)
        _sexton_propose "" "values"
        ;;
    --as) _sexton_propose "" "tini docker-init dumb-init catatonit gosu su-exec" ;;
    *) return 1 ;;
    esac
}

_sexton() {
    local words at value flag i command=
    _sexton_words
    local current=$((${#words[@]} - 1))
    COMPREPLY=()
    for ((i = 1; i < current; i++)); do
        case ${words[i]} in
        --) command=$((i + 1)) ;;
        --forward-to | --rewrite | --stop-signals | --timeout | --drain | --grace | --slow-stop-after | --escalate | --linger | --pdeathsig | --user | --groups | --cap-drop | --cap-keep | --cap-ambient | --fs-read | --fs-write | --fs-exec | --tcp-bind | --tcp-connect | --scope | --confine | --rlimit | --chdir | --umask | --env | --unset-env | --env-file | --env-from-file | --nice | --cpus | --sched | --ionice | --oom-score-adj | --stdin | --stdout | --stderr | --subreaper | --map-exit | --log-level | --log-to | --log-format | --report | --install | --as) ((++i)) ;;
        -*) ;;
        *) command=$i ;;
        esac
        [[ $command ]] && break
    done
    value=${words[current]}
    if [[ ! $command && $i -gt $current ]]; then
        _sexton_value "${words[current - 1]}"
    elif [[ ! $command && $value == --*=* ]]; then
        flag=${value%%=*}
        value=${value#*=}
        _sexton_value "$flag"
    elif [[ ! $command && $value == -* ]]; then
        _sexton_propose "" "--forward-to --rewrite --stop-signals --timeout --drain --grace --slow-stop-after --escalate --linger --wait-all --pdeathsig --user --groups --cap-drop --cap-keep --cap-ambient --no-new-privs --fs-read --fs-write --fs-exec --tcp-bind --tcp-connect --scope --confine --rlimit --chdir --umask --env --unset-env --env-file --env-from-file --expand-env --nice --cpus --sched --ionice --oom-score-adj --setsid --stdin --stdout --stderr --close-fds --subreaper --notify-access --warn-on-reap --map-exit --log-level --verbose -v --log-to --log-format --log-time --report --termination-log --protect --pause -P --status --check --exec --install --dry-run --help -h --version -V --as"
    else
        # The command's own completion, if bash-completion is there to find it.
        [[ $command ]] || command=$current
        command=${at[command]}
        if declare -F _comp_command_offset >/dev/null; then
            _comp_command_offset "$command"
            return
        elif declare -F _command_offset >/dev/null; then
            _command_offset "$command"
            return
        elif ((command == COMP_CWORD)); then
            mapfile -t COMPREPLY < <(compgen -c -- "$value")
        else
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$value")
        fi
        return
    fi
    # What bash has split is only completed behind the last of its breaks.
    value=${words[current]}
    local split=${value%"${COMP_WORDS[COMP_CWORD]}"}
    [[ ${COMP_WORDS[COMP_CWORD]} == [=:] ]] && split=$value
    flag=
    [[ $value == --*=* ]] && flag=${value%%=*}=
    for i in "${!COMPREPLY[@]}"; do
        word=$flag${COMPREPLY[i]}
        COMPREPLY[i]=${word#"$split"}
    done
}
complete -F _sexton sexton
