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
const PRIVILEGES: &str = "Privileges";
const ATTRIBUTES: &str = "Process attributes";
const LOGGING: &str = "Reaping, exit status, logging";
const INSTEAD: &str = "Other modes";

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
        help: "Target of forwarded signals: the command, its process group, or every process in the tree. Default: \
               child.",
    },
    Flag {
        long: "rewrite",
        short: None,
        section: SIGNALS,
        kind: Kind::List("FROM=TO", Text(|d, v| d.rewrite(rewrite::Rule::parse(v)?))),
        help: "Forward TO instead of FROM; FROM=ignore drops the signal. Names or numbers, realtime signals as \
               RTMIN+N.",
    },
    Flag {
        long: "stop-signals",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "SIGNAL,...",
            Text(|d, v| set(&mut d.plan.policy.stop_signals, stop_signals(v)?)),
        ),
        help: "Signals that begin a stop. Default: TERM.",
    },
    Flag {
        long: "timeout",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "DURATION|none",
            Text(|d, v| set(&mut d.plan.policy.timeout, timeout(v)?)),
        ),
        help: "Stop the command after DURATION as if SIGTERM had come, and exit with 124 if it then ends within the \
               grace period. Default: none.",
    },
    Flag {
        long: "drain",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "DURATION",
            Text(|d, v| set(&mut d.plan.policy.drain, duration::parse(v)?)),
        ),
        help: "Delay the first stop signal by DURATION; a second stop signal ends the delay. Default: 0.",
    },
    Flag {
        long: "grace",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "DURATION|none",
            Text(|d, v| set(&mut d.plan.policy.grace, duration_or_none(v)?)),
        ),
        help: "Grace period: time from the stop signal to SIGKILL for the whole tree. 0 kills immediately, none \
               never. Default: 30s.",
    },
    Flag {
        long: "slow-stop-after",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "DURATION",
            Text(|d, v| set(&mut d.plan.policy.slow_stop_after, Some(duration::parse(v)?))),
        ),
        help: "After DURATION of a stop, log which processes have not ended, and why; 0 turns this off. Default: \
               5s, or half of the grace period if that is less.",
    },
    Flag {
        long: "escalate",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "SIGNAL:DURATION,...",
            Text(|d, v| set(&mut d.plan.policy.escalation, escalation(v)?)),
        ),
        help: "Send further signals within the grace period, each DURATION after the previous one.",
    },
    Flag {
        long: "linger",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "DURATION|none",
            Text(|d, v| set(&mut d.plan.policy.linger, duration_or_none(v)?.into())),
        ),
        help: "Time from SIGTERM to SIGKILL for processes that outlive the command. 0 kills immediately; none exits \
               without killing. Default: 5s; during a stop the rest of the grace period, or 5s if all of them \
               ignore SIGTERM.",
    },
    Flag {
        long: "wait-all",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Switch(|d, on| d.plan.policy.wait_all = on),
        help: "After the command, wait until all other processes have ended by themselves.",
    },
    Flag {
        long: "pdeathsig",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "SIGNAL",
            Text(|d, v| set(&mut d.plan.parent_death_signal, Some(Signal::parse(v)?))),
        ),
        help: "Signal to sexton when its parent ends, and to the command when sexton ends.",
    },
    Flag {
        long: "user",
        short: None,
        section: PRIVILEGES,
        kind: Kind::Value("NAME|UID[:GROUP|GID]", Text(user)),
        help: "Run the command as this user. Numbers need no /etc/passwd. Without a group, the user's supplementary \
               groups are set. Sets HOME, USER and LOGNAME.",
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
        help: "Drop capabilities from all sets, except those of --cap-keep and --cap-ambient.",
    },
    Flag {
        long: "cap-keep",
        short: None,
        section: PRIVILEGES,
        kind: Kind::List(
            "CAPABILITY,...|all",
            Text(|d, v| d.capabilities(|lists| &mut lists.keep, v)),
        ),
        help: "Drop all capabilities except these.",
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
        help: "Deny privileges from set-user-ID programs and file capabilities.",
    },
    Flag {
        long: "rlimit",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::List("NAME=SOFT[:HARD]", Text(|d, v| d.limit(rlimit::Spec::parse(v)?))),
        help: "Set a resource limit: as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio \
               rttime sigpending stack. Values: numbers, sizes (64k 1M 2G), times (30s), unlimited, or max for the \
               current hard limit. One value sets both limits.",
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
        help: "Set variables from a file in the format of docker run --env-file. A later file overrides an earlier \
               one; --env and --env-from-file override files.",
    },
    Flag {
        long: "env-from-file",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::List("NAME=PATH", Bytes(|d, v| d.edit(Edit::from_file(v)?))),
        help: "Set a variable to the contents of a file, such as a secret, without the last newline.",
    },
    Flag {
        long: "expand-env",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Switch(|d, on| d.plan.expands_arguments = on),
        help: "Expand variables of the command in the command line: ${NAME}, ${NAME:-DEFAULT}, ${NAME:?MESSAGE}; $$ \
               is a dollar sign.",
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
        help: "Set the OOM killer's preference for the command, -1000 (never kill) to 1000.",
    },
    Flag {
        long: "setsid",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Switch(|d, on| {
            d.plan.attributes.grouping = if on { Grouping::Session } else { Grouping::Group };
        }),
        help: "Run the command in its own session instead of a process group, with the terminal if sexton is a \
               session leader.",
    },
    Flag {
        long: "stdin",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "PATH",
            Bytes(|d, v| set(&mut d.plan.attributes.stdio[0], Some(input(v)?))),
        ),
        help: "Read standard input from this file, or from an inherited descriptor: /dev/fd/N.",
    },
    Flag {
        long: "stdout",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "PATH|>>PATH",
            Bytes(|d, v| set(&mut d.plan.attributes.stdio[1], Some(output(v)?))),
        ),
        help: "Write standard output to this file, truncated or (>>) appended to, or to an inherited stream: \
               /dev/stderr, /dev/fd/N.",
    },
    Flag {
        long: "stderr",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "PATH|>>PATH",
            Bytes(|d, v| set(&mut d.plan.attributes.stdio[2], Some(output(v)?))),
        ),
        help: "The same for standard error; - is standard output. sexton's own messages are not redirected.",
    },
    Flag {
        long: "close-fds",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Switch(|d, on| d.plan.attributes.close_fds = on),
        help: "Close all descriptors of the command except 0, 1, 2, and those that LISTEN_FDS counts if LISTEN_PID \
               names sexton.",
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
        help: "Adopt orphans: auto (if not PID 1), on, off. Default: auto.",
    },
    Flag {
        long: "warn-on-reap",
        short: None,
        section: LOGGING,
        kind: Kind::Switch(|d, on| d.plan.warn_on_reap = on),
        help: "Log each reaped orphan.",
    },
    Flag {
        long: "map-exit",
        short: None,
        section: LOGGING,
        kind: Kind::List("FROM=TO", Text(|d, v| d.map_exit(exit_map::Rule::parse(v)?))),
        help: "Exit with TO instead of FROM: a status, a range (1-3=1), the signal that killed the command \
               (signal:TERM=0), or stop (any end in time after a stop signal).",
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
        help: "Lowest level to log. Default: warn.",
    },
    Flag {
        long: "verbose",
        short: Some('v'),
        section: LOGGING,
        kind: Kind::Count(|d, levels| d.add_verbosity(levels)),
        help: "Raise the log level by one step; repeatable.",
    },
    Flag {
        long: "log-to",
        short: None,
        section: LOGGING,
        kind: Kind::Value("WHERE", Text(|d, v| set(&mut d.plan.logging.to, log_to(v)?))),
        help: "Log destination: stderr, syslog (/dev/log), udp://ADDRESS[:PORT], tcp://ADDRESS[:PORT], none. \
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
        help: "Format of log lines on standard error. Default: text.",
    },
    Flag {
        long: "log-time",
        short: None,
        section: LOGGING,
        kind: Kind::Switch(|d, on| d.plan.logging.time = on),
        help: "Prefix text lines on standard error with the time: RFC 3339, UTC, milliseconds.",
    },
    Flag {
        long: "report",
        short: None,
        section: LOGGING,
        kind: Kind::Value("PATH", Bytes(|d, v| set(&mut d.plan.report, Some(path(v)?)))),
        help: "Write the exit report as JSON to this file, or to an inherited stream: - (standard output), \
               /dev/stderr, /dev/fd/N.",
    },
    Flag {
        long: "termination-log",
        short: None,
        section: LOGGING,
        kind: Kind::Optional("PATH", |d, v| set(&mut d.plan.termination_log, termination_log(v)?)),
        help: "Write the exit report as text for Kubernetes to this file; without PATH to /dev/termination-log, if \
               that exists.",
    },
    Flag {
        long: "protect",
        short: None,
        section: LOGGING,
        kind: Kind::Switch(|d, on| d.plan.protect = on),
        help: "Protect sexton from the OOM killer, so that the report survives a kill of all processes of the \
               container. Needs CAP_SYS_RESOURCE.",
    },
    Flag {
        long: "pause",
        short: Some('P'),
        section: INSTEAD,
        kind: Kind::Switch(|d, on| d.pause = on),
        help: "Run no command: reap orphans, and exit 0 on SIGTERM or SIGINT, as a pod's pause container.",
    },
    Flag {
        long: "status",
        short: None,
        section: INSTEAD,
        kind: Kind::Optional("text|json", |d, v| set(&mut d.status, status(v)?)),
        help: "Show processes, zombies with the parents that do not reap them, limits, memory.",
    },
    Flag {
        long: "check",
        short: None,
        section: INSTEAD,
        kind: Kind::Switch(|d, on| d.check = on),
        help: "With --status, for health checks: exit 1 with one line if there are stuck zombies or 90% of the \
               cgroup's process IDs are in use; otherwise print nothing.",
    },
    Flag {
        long: "exec",
        short: None,
        section: INSTEAD,
        kind: Kind::Switch(|d, on| d.plan.in_place = on),
        help: "Replace sexton with the command, with user, limits and so on, as gosu does: nothing is forwarded, \
               reaped or reported.",
    },
    Flag {
        long: "install",
        short: None,
        section: INSTEAD,
        kind: Kind::Value("PATH", Bytes(|d, v| set(&mut d.install, Some(path(v)?)))),
        help: "Copy this program to PATH, for init containers and build stages without cp. Replaces an existing \
               file.",
    },
    Flag {
        long: "dry-run",
        short: None,
        section: INSTEAD,
        kind: Kind::Optional("values", |d, v| set(&mut d.dry_run, dry_run(v)?)),
        help: "Print the steps before the command's execution without doing them. Values of variables, which may be \
               secret, need --dry-run=values.",
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
