//! The table of all flags. In the functions of an entry `d` is the draft and `v` the value.

use super::flag::Reader::{Bytes, Text};
use super::flag::{Flag, Kind, Page};
use super::values::{
    choice, dry_run, duration_or_none, escalation, given, input, log_to, output, path, set, status,
    stop_signals, termination_log, timeout, umask, user,
};
use crate::plan::{Grouping, LogFormat, Subreaper, Target};
use crate::values::duration;
use crate::values::environment::Edit;
use crate::values::exit_map;
use crate::values::rewrite;
use crate::values::rlimit;
use crate::values::scheduling::{Cpus, IoPriority, NICENESS, OOM_SCORE_ADJ, Scheduler, integer};
use crate::values::signal::Signal;
use crate::values::user::Groups;
use log::LevelFilter;

const SIGNALS: &str = "Signals";
const SHUTDOWN: &str = "Shutdown";
const PRIVILEGES: &str = "The command's privileges";
const ATTRIBUTES: &str = "The command's surroundings";
const LOGGING: &str = "Reaping and telling";
const INSTEAD: &str = "Instead of running a command";

/// Every flag, in the order of `--help`.
pub static FLAGS: &[Flag] = &[
    Flag {
        long: "forward-to",
        short: None,
        section: SIGNALS,
        kind: Kind::Value(
            "child|group|all",
            Text(|d, v| {
                let targets =
                    [("child", Target::Command), ("group", Target::Group), ("all", Target::Tree)];
                set(&mut d.plan.policy.forward_to, choice(v, &targets)?)
            }),
        ),
        help: "Who gets the signals that sexton receives: the command, its process group, or every \
               process in the tree. Default: child.",
    },
    Flag {
        long: "rewrite",
        short: None,
        section: SIGNALS,
        kind: Kind::List("FROM=TO", Text(|d, v| d.rewrite(rewrite::Rule::parse(v)?))),
        help: "Forward the signal TO where FROM is received; FROM=ignore drops it. By name or \
               number, realtime signals as RTMIN+N.",
    },
    Flag {
        long: "stop-signals",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "SIGNAL,...",
            Text(|d, v| set(&mut d.plan.policy.stop_signals, stop_signals(v)?)),
        ),
        help: "The signals that begin a stop. Default: TERM.",
    },
    Flag {
        long: "timeout",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "DURATION|none",
            Text(|d, v| set(&mut d.plan.policy.timeout, timeout(v)?)),
        ),
        help: "Begin a stop as if SIGTERM had come when the run has taken so long, and exit with 124 if the \
               command then ends within the grace. Default: none.",
    },
    Flag {
        long: "drain",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "DURATION",
            Text(|d, v| set(&mut d.plan.policy.drain, duration::parse(v)?)),
        ),
        help: "Hold the first stop signal back for so long; a second one ends that. Default: 0.",
    },
    Flag {
        long: "grace",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "DURATION|none",
            Text(|d, v| set(&mut d.plan.policy.grace, duration_or_none(v)?)),
        ),
        help: "How long the command may take to end after the stop signal; then the whole tree gets \
               SIGKILL. 0 kills at once, none never. Default: 30s.",
    },
    Flag {
        long: "slow-stop-after",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "DURATION",
            Text(|d, v| set(&mut d.plan.policy.slow_stop_after, Some(duration::parse(v)?))),
        ),
        help: "When a stop has lasted so long, log which processes have not ended, and why; 0 never \
               does. Default: 5s, or half of the grace if that is less.",
    },
    Flag {
        long: "escalate",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "SIGNAL:DURATION,...",
            Text(|d, v| set(&mut d.plan.policy.escalation, escalation(v)?)),
        ),
        help: "Send further signals within the grace, each so long after the one before it.",
    },
    Flag {
        long: "linger",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "DURATION|none",
            Text(|d, v| set(&mut d.plan.policy.linger, duration_or_none(v)?.into())),
        ),
        help: "How long the processes that the command leaves behind may take to end after SIGTERM, \
               before SIGKILL. 0 kills at once; none leaves them alone and exits. Default: 5s; during a \
               stop the rest of the grace period, or 5s if all that is left ignores SIGTERM.",
    },
    Flag {
        long: "wait-all",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Switch(|d, on| d.plan.policy.wait_all = on),
        help: "When the command has ended, let the processes that it leaves behind end by themselves.",
    },
    Flag {
        long: "pdeathsig",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "SIGNAL",
            Text(|d, v| set(&mut d.plan.parent_death_signal, Some(Signal::parse(v)?))),
        ),
        help: "The signal that sexton gets when its parent ends, and the command when sexton ends.",
    },
    Flag {
        long: "user",
        short: None,
        section: PRIVILEGES,
        kind: Kind::Value("NAME|UID[:GROUP|GID]", Text(user)),
        help: "Run the command as this user. Numbers need no /etc/passwd. The supplementary groups are \
               the user's if no group is given; HOME, USER and LOGNAME are set.",
    },
    Flag {
        long: "groups",
        short: None,
        section: PRIVILEGES,
        kind: Kind::Value(
            "GROUP|GID,...|none",
            Text(|d, v| {
                let groups = given(Groups::parse(v)?, "groups", v, d);
                set(&mut d.plan.attributes.groups, Some(groups))
            }),
        ),
        help: "Set exactly these supplementary groups.",
    },
    Flag {
        long: "cap-drop",
        short: None,
        section: PRIVILEGES,
        kind: Kind::List(
            "CAPABILITY,...|all",
            Text(|d, v| d.capabilities(|lists| &mut lists.drop, v)),
        ),
        help: "Drop capabilities from all sets, for good. What --cap-keep and --cap-ambient name stays.",
    },
    Flag {
        long: "cap-keep",
        short: None,
        section: PRIVILEGES,
        kind: Kind::List(
            "CAPABILITY,...|all",
            Text(|d, v| d.capabilities(|lists| &mut lists.keep, v)),
        ),
        help: "Drop all capabilities but these.",
    },
    Flag {
        long: "cap-ambient",
        short: None,
        section: PRIVILEGES,
        kind: Kind::List(
            "CAPABILITY,...|all",
            Text(|d, v| d.capabilities(|lists| &mut lists.ambient, v)),
        ),
        help: "Give the command these capabilities even if it does not run as root.",
    },
    Flag {
        long: "no-new-privs",
        short: None,
        section: PRIVILEGES,
        kind: Kind::Switch(|d, on| d.plan.attributes.no_new_privs = on),
        help: "Never gain privileges by executing a set-user-ID program or one with file capabilities.",
    },
    Flag {
        long: "rlimit",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::List("NAME=SOFT[:HARD]", Text(|d, v| d.limit(rlimit::Spec::parse(v)?))),
        help: "Set a resource limit: as core cpu data fsize locks memlock msgqueue nice nofile nproc \
               rss rtprio rttime sigpending stack. Values: numbers, sizes (64k 1M 2G), times (30s), \
               unlimited, or max for the present hard limit. One value sets both limits.",
    },
    Flag {
        long: "chdir",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "DIR",
            Bytes(|d, v| set(&mut d.plan.attributes.directory, Some(path(v)?))),
        ),
        help: "Start the command in this directory.",
    },
    Flag {
        long: "umask",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value("OCTAL", Text(|d, v| set(&mut d.plan.attributes.umask, Some(umask(v)?)))),
        help: "Set the file mode creation mask, such as 027.",
    },
    Flag {
        long: "env",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::List("NAME=VALUE", Bytes(|d, v| d.edit(Edit::set(v)?))),
        help: "Set a variable for the command.",
    },
    Flag {
        long: "unset-env",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::List("NAME", Bytes(|d, v| d.edit(Edit::unset(v)?))),
        help: "Unset a variable for the command.",
    },
    Flag {
        long: "env-file",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::List("PATH", Bytes(|d, v| d.environment_file(path(v)?))),
        help: "Set the variables of this file, which has the format of docker run --env-file. Of several \
               files the last one counts; --env and --env-from-file come first.",
    },
    Flag {
        long: "env-from-file",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::List("NAME=PATH", Bytes(|d, v| d.edit(Edit::from_file(v)?))),
        help: "Set a variable to what this file holds, without its last end of line: a secret's file.",
    },
    Flag {
        long: "expand-env",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Switch(|d, on| d.plan.expands_arguments = on),
        help: "Replace ${NAME}, ${NAME:-DEFAULT} and ${NAME:?MESSAGE} in the command and its arguments by the \
               command's variables, and $$ by a dollar sign.",
    },
    Flag {
        long: "nice",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "N",
            Text(|d, v| set(&mut d.plan.attributes.nice, Some(integer(v, NICENESS)?))),
        ),
        help: "Set the niceness, -20 to 19.",
    },
    Flag {
        long: "cpus",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "LIST",
            Text(|d, v| set(&mut d.plan.attributes.cpus, Some(Cpus::parse(v)?.into()))),
        ),
        help: "Run on these CPUs only, such as 0-3,6.",
    },
    Flag {
        long: "sched",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "POLICY[:PRIORITY]",
            Text(|d, v| set(&mut d.plan.attributes.scheduler, Some(Scheduler::parse(v)?))),
        ),
        help: "Set the scheduling policy: other, batch, idle, fifo:1 to fifo:99, rr:1 to rr:99.",
    },
    Flag {
        long: "ionice",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "CLASS[:LEVEL]",
            Text(|d, v| set(&mut d.plan.attributes.io_priority, Some(IoPriority::parse(v)?))),
        ),
        help: "Set the I/O scheduling class: realtime:0 to realtime:7, best-effort:0 to best-effort:7, \
               idle.",
    },
    Flag {
        long: "oom-score-adj",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "N",
            Text(|d, v| {
                set(&mut d.plan.attributes.oom_score_adj, Some(integer(v, OOM_SCORE_ADJ)?))
            }),
        ),
        help: "Set how soon the kernel kills the command when memory runs out, -1000 (never) to 1000.",
    },
    Flag {
        long: "setsid",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Switch(|d, on| {
            d.plan.attributes.grouping = if on { Grouping::Session } else { Grouping::Group };
        }),
        help: "Give the command a session of its own instead of a process group, with the terminal if \
               sexton leads its session.",
    },
    Flag {
        long: "stdin",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "PATH",
            Bytes(|d, v| set(&mut d.plan.attributes.stdio[0], Some(input(v)?))),
        ),
        help: "Read standard input from this file, or from a descriptor that sexton was started with: \
               /dev/fd/N.",
    },
    Flag {
        long: "stdout",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "PATH|>>PATH",
            Bytes(|d, v| set(&mut d.plan.attributes.stdio[1], Some(output(v)?))),
        ),
        help: "Write standard output to this file, after emptying it, or at its end; or to a stream that \
               sexton was started with: /dev/stderr, /dev/fd/N.",
    },
    Flag {
        long: "stderr",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "PATH|>>PATH",
            Bytes(|d, v| set(&mut d.plan.attributes.stdio[2], Some(output(v)?))),
        ),
        help: "The same for standard error; - is standard output. sexton's own messages stay where they are.",
    },
    Flag {
        long: "close-fds",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Switch(|d, on| d.plan.attributes.close_fds = on),
        help: "Give the command no descriptor but standard input, output and error, and those that \
               LISTEN_FDS counts if LISTEN_PID names sexton.",
    },
    Flag {
        long: "subreaper",
        short: None,
        section: LOGGING,
        kind: Kind::Value(
            "auto|on|off",
            Text(|d, v| {
                let modes =
                    [("auto", Subreaper::Auto), ("on", Subreaper::On), ("off", Subreaper::Off)];
                set(&mut d.plan.subreaper, choice(v, &modes)?)
            }),
        ),
        help: "Whether to adopt orphans when sexton is not PID 1. Default: auto (it does).",
    },
    Flag {
        long: "warn-on-reap",
        short: None,
        section: LOGGING,
        kind: Kind::Switch(|d, on| d.plan.warn_on_reap = on),
        help: "Log each orphan that is reaped.",
    },
    Flag {
        long: "map-exit",
        short: None,
        section: LOGGING,
        kind: Kind::List("FROM=TO", Text(|d, v| d.map_exit(exit_map::Rule::parse(v)?))),
        help: "Exit with the status TO where it would be FROM: a status, a range (1-3=1), the \
               signal that killed the command (signal:TERM=0), or stop, any end in time because of a stop.",
    },
    Flag {
        long: "log-level",
        short: None,
        section: LOGGING,
        kind: Kind::Value(
            "error|warn|info|debug|trace",
            Text(|d, v| {
                let levels = [
                    ("error", LevelFilter::Error),
                    ("warn", LevelFilter::Warn),
                    ("info", LevelFilter::Info),
                    ("debug", LevelFilter::Debug),
                    ("trace", LevelFilter::Trace),
                ];
                set(&mut d.plan.logging.level, choice(v, &levels)?)
            }),
        ),
        help: "How much to log to standard error. Default: warn.",
    },
    Flag {
        long: "verbose",
        short: Some('v'),
        section: LOGGING,
        kind: Kind::Count(|d, levels| d.add_verbosity(levels)),
        help: "Log one level more; repeat for more.",
    },
    Flag {
        long: "log-to",
        short: None,
        section: LOGGING,
        kind: Kind::Value("WHERE", Text(|d, v| set(&mut d.plan.logging.to, log_to(v)?))),
        help: "Where to log: stderr, syslog (/dev/log), udp://ADDRESS[:PORT], tcp://ADDRESS[:PORT], none. \
               Default: stderr.",
    },
    Flag {
        long: "log-format",
        short: None,
        section: LOGGING,
        kind: Kind::Value(
            "text|json",
            Text(|d, v| {
                let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
                set(&mut d.plan.logging.format, choice(v, &formats)?)
            }),
        ),
        help: "How lines on standard error look. Default: text.",
    },
    Flag {
        long: "log-time",
        short: None,
        section: LOGGING,
        kind: Kind::Switch(|d, on| d.plan.logging.time = on),
        help: "Begin text lines on standard error with the time: RFC 3339, UTC, milliseconds.",
    },
    Flag {
        long: "report",
        short: None,
        section: LOGGING,
        kind: Kind::Value("PATH", Bytes(|d, v| set(&mut d.plan.report, Some(path(v)?)))),
        help: "Write a report of the end, as JSON, to this file; or to a stream that sexton was started \
               with: - (standard output), /dev/stderr, /dev/fd/N.",
    },
    Flag {
        long: "termination-log",
        short: None,
        section: LOGGING,
        kind: Kind::Optional("PATH", |d, v| set(&mut d.plan.termination_log, termination_log(v)?)),
        help: "Write it as a short text for Kubernetes to /dev/termination-log, if that is there, or to \
               this file.",
    },
    Flag {
        long: "protect",
        short: None,
        section: LOGGING,
        kind: Kind::Switch(|d, on| d.plan.protect = on),
        help: "Keep sexton itself from the kernel's OOM killer, so that the report survives when all \
               processes of the container are killed. Takes CAP_SYS_RESOURCE.",
    },
    Flag {
        long: "pause",
        short: Some('P'),
        section: INSTEAD,
        kind: Kind::Switch(|d, on| d.pause = on),
        help: "Run no command: reap orphans, and exit 0 on SIGTERM or SIGINT. For a pod's pause container.",
    },
    Flag {
        long: "status",
        short: None,
        section: INSTEAD,
        kind: Kind::Optional("text|json", |d, v| set(&mut d.status, status(v)?)),
        help: "Show the processes of this container, zombies and who neglects them, limits, memory.",
    },
    Flag {
        long: "check",
        short: None,
        section: INSTEAD,
        kind: Kind::Switch(|d, on| d.check = on),
        help: "With --status, for health checks: print one line and exit 1 if there are stuck zombies, or \
               if 90% of the process IDs that the cgroup allows are in use; otherwise print nothing.",
    },
    Flag {
        long: "exec",
        short: None,
        section: INSTEAD,
        kind: Kind::Switch(|d, on| d.plan.in_place = on),
        help: "Execute the command in sexton's place, with its user, limits and so on, as gosu does: no init stays, \
               and nothing is forwarded, reaped or reported.",
    },
    Flag {
        long: "install",
        short: None,
        section: INSTEAD,
        kind: Kind::Value("PATH", Bytes(|d, v| set(&mut d.install, Some(path(v)?)))),
        help: "Copy this program to PATH, in place of what is there: for an init container or a build stage \
               without cp.",
    },
    Flag {
        long: "dry-run",
        short: None,
        section: INSTEAD,
        kind: Kind::Optional("values", |d, v| set(&mut d.dry_run, dry_run(v)?)),
        help: "Print what would be done before the command is executed, and do nothing. Values of variables, \
               which may be secret, are shown by --dry-run=values only.",
    },
    Flag {
        long: "help",
        short: Some('h'),
        section: INSTEAD,
        kind: Kind::Print(Page::Help),
        help: "Print this text.",
    },
    Flag {
        long: "version",
        short: Some('V'),
        section: INSTEAD,
        kind: Kind::Print(Page::Version),
        help: "Print the version.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_well_formed() {
        for (index, flag) in FLAGS.iter().enumerate() {
            assert!(
                flag.long.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{}",
                flag.long
            );
            for other in &FLAGS[index + 1..] {
                assert_ne!(flag.long, other.long);
                assert!(flag.short.is_none() || flag.short != other.short, "-{:?}", flag.short);
            }
        }
    }

    #[test]
    fn every_flag_explains_itself() {
        for flag in FLAGS {
            assert!(flag.help.ends_with('.'), "{}", flag.long);
            assert!(!flag.usage().ends_with([' ', '=']), "{}", flag.long);
        }
    }

    #[test]
    fn sections_stand_together() {
        let mut sections: Vec<&str> = FLAGS.iter().map(|flag| flag.section).collect();
        sections.dedup();
        let mut unique = sections.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(sections.len(), unique.len());
    }
}
