//! The table of all flags. In the functions of an entry `d` is the draft and `v` the value.

use super::flag::Reader::{Bytes, BytesList, Text, TextList};
use super::flag::{Flag, Kind, Page};
#[cfg(feature = "landlock")]
use super::values::{confine, either};
use super::values::{
    dry_run, duration_or_none, escalation, given, input, log_to, output, path, set, status,
    stop_signals, termination_log, timeout, umask, user,
};
use crate::plan::{Grouping, LogFormat, Subreaper, Target};
#[cfg(feature = "landlock")]
use crate::values::confinement;
use crate::values::duration;
use crate::values::environment::Edit;
use crate::values::exit_map;
use crate::values::rewrite;
use crate::values::rlimit;
use crate::values::scheduling::{Cpus, IoPriority, NICENESS, OOM_SCORE_ADJ, Scheduler, integer};
use crate::values::signal::Signal;
use crate::values::user::Groups;
use log::LevelFilter;

/// The one-letter forms: the letter, and the flag.
pub const SHORT: [(u8, &str); 4] =
    [(b'v', "verbose"), (b'P', "pause"), (b'h', "help"), (b'V', "version")];

/// Every flag, in the order of `--help`.
pub static FLAGS: &[Flag] = &[
    Flag {
        long: "forward-to",
        kind: Kind::Value(Text(|d, v| {
            let value = match v {
                "child" => Target::Command,
                "group" => Target::Group,
                "all" => Target::Tree,
                _ => return Err("expected one of child, group, all".into()),
            };
            set(&mut d.plan.policy.forward_to, value)
        })),
    },
    Flag {
        long: "rewrite",
        kind: Kind::Value(TextList(|d, v| d.rewrite(rewrite::Rule::parse(v)?))),
    },
    Flag {
        long: "stop-signals",
        kind: Kind::Value(Text(|d, v| set(&mut d.plan.policy.stop_signals, stop_signals(v)?))),
    },
    Flag {
        long: "timeout",
        kind: Kind::Value(Text(|d, v| set(&mut d.plan.policy.timeout, timeout(v)?))),
    },
    Flag {
        long: "drain",
        kind: Kind::Value(Text(|d, v| set(&mut d.plan.policy.drain, duration::parse(v)?))),
    },
    Flag {
        long: "grace",
        kind: Kind::Value(Text(|d, v| set(&mut d.plan.policy.grace, duration_or_none(v)?))),
    },
    Flag {
        long: "slow-stop-after",
        kind: Kind::Value(Text(|d, v| {
            set(&mut d.plan.policy.slow_stop_after, Some(duration::parse(v)?))
        })),
    },
    Flag {
        long: "escalate",
        kind: Kind::Value(Text(|d, v| set(&mut d.plan.policy.escalation, escalation(v)?))),
    },
    Flag {
        long: "linger",
        kind: Kind::Value(Text(|d, v| set(&mut d.plan.policy.linger, duration_or_none(v)?.into()))),
    },
    Flag { long: "wait-all", kind: Kind::Switch(|d, on| d.plan.policy.wait_all = on) },
    Flag {
        long: "pdeathsig",
        kind: Kind::Value(Text(|d, v| {
            set(&mut d.plan.parent_death_signal, Some(Signal::parse(v)?))
        })),
    },
    Flag { long: "user", kind: Kind::Value(Text(user)) },
    Flag {
        long: "groups",
        kind: Kind::Value(Text(|d, v| {
            let groups = given(Groups::parse(v)?, "groups", v, d);
            set(&mut d.plan.attributes.groups, Some(groups))
        })),
    },
    Flag {
        long: "cap-drop",
        kind: Kind::Value(TextList(|d, v| d.capabilities(|lists| &mut lists.drop, v))),
    },
    Flag {
        long: "cap-keep",
        kind: Kind::Value(TextList(|d, v| d.capabilities(|lists| &mut lists.keep, v))),
    },
    Flag {
        long: "cap-ambient",
        kind: Kind::Value(TextList(|d, v| d.capabilities(|lists| &mut lists.ambient, v))),
    },
    Flag { long: "no-new-privs", kind: Kind::Switch(|d, on| d.plan.attributes.no_new_privs = on) },
    #[cfg(feature = "landlock")]
    Flag {
        long: "fs-read",
        kind: Kind::Value(BytesList(|d, v| confine(d, &confinement::Kind::FS_READ, v))),
    },
    #[cfg(feature = "landlock")]
    Flag {
        long: "fs-write",
        kind: Kind::Value(BytesList(|d, v| confine(d, &confinement::Kind::FS_WRITE, v))),
    },
    #[cfg(feature = "landlock")]
    Flag {
        long: "fs-exec",
        kind: Kind::Value(BytesList(|d, v| confine(d, &confinement::Kind::FS_EXEC, v))),
    },
    #[cfg(feature = "landlock")]
    Flag {
        long: "tcp-bind",
        kind: Kind::Value(BytesList(|d, v| confine(d, &confinement::Kind::TCP_BIND, v))),
    },
    #[cfg(feature = "landlock")]
    Flag {
        long: "tcp-connect",
        kind: Kind::Value(BytesList(|d, v| confine(d, &confinement::Kind::TCP_CONNECT, v))),
    },
    #[cfg(feature = "landlock")]
    Flag {
        long: "scope",
        kind: Kind::Value(BytesList(|d, v| confine(d, &confinement::Kind::SCOPE, v))),
    },
    #[cfg(feature = "landlock")]
    Flag {
        long: "confine",
        kind: Kind::Value(Text(|d, v| {
            let best_effort = either(v, ["strict", "best-effort"])?;
            set(&mut d.plan.attributes.confinement.best_effort, best_effort)
        })),
    },
    Flag { long: "rlimit", kind: Kind::Value(TextList(|d, v| d.limit(rlimit::Spec::parse(v)?))) },
    Flag {
        long: "chdir",
        kind: Kind::Value(Bytes(|d, v| set(&mut d.plan.attributes.directory, Some(path(v)?)))),
    },
    Flag {
        long: "umask",
        kind: Kind::Value(Text(|d, v| set(&mut d.plan.attributes.umask, Some(umask(v)?)))),
    },
    Flag { long: "env", kind: Kind::Value(BytesList(|d, v| d.edit(Edit::set(v)?))) },
    Flag { long: "unset-env", kind: Kind::Value(BytesList(|d, v| d.edit(Edit::unset(v)?))) },
    Flag { long: "env-file", kind: Kind::Value(BytesList(|d, v| d.environment_file(path(v)?))) },
    Flag {
        long: "env-from-file",
        kind: Kind::Value(BytesList(|d, v| d.edit(Edit::from_file(v)?))),
    },
    Flag { long: "expand-env", kind: Kind::Switch(|d, on| d.plan.expands_arguments = on) },
    Flag {
        long: "nice",
        kind: Kind::Value(Text(|d, v| {
            set(&mut d.plan.attributes.nice, Some(integer(v, NICENESS)?))
        })),
    },
    Flag {
        long: "cpus",
        kind: Kind::Value(Text(|d, v| {
            set(&mut d.plan.attributes.cpus, Some(Cpus::parse(v)?.into()))
        })),
    },
    Flag {
        long: "sched",
        kind: Kind::Value(Text(|d, v| {
            set(&mut d.plan.attributes.scheduler, Some(Scheduler::parse(v)?))
        })),
    },
    Flag {
        long: "ionice",
        kind: Kind::Value(Text(|d, v| {
            set(&mut d.plan.attributes.io_priority, Some(IoPriority::parse(v)?))
        })),
    },
    Flag {
        long: "oom-score-adj",
        kind: Kind::Value(Text(|d, v| {
            set(&mut d.plan.attributes.oom_score_adj, Some(integer(v, OOM_SCORE_ADJ)?))
        })),
    },
    Flag {
        long: "setsid",
        kind: Kind::Switch(|d, on| {
            d.plan.attributes.grouping = if on { Grouping::Session } else { Grouping::Group };
        }),
    },
    Flag {
        long: "stdin",
        kind: Kind::Value(Bytes(|d, v| set(&mut d.plan.attributes.stdio[0], Some(input(v)?)))),
    },
    Flag {
        long: "stdout",
        kind: Kind::Value(Bytes(|d, v| set(&mut d.plan.attributes.stdio[1], Some(output(v)?)))),
    },
    Flag {
        long: "stderr",
        kind: Kind::Value(Bytes(|d, v| set(&mut d.plan.attributes.stdio[2], Some(output(v)?)))),
    },
    Flag { long: "close-fds", kind: Kind::Switch(|d, on| d.plan.attributes.close_fds = on) },
    Flag {
        long: "subreaper",
        kind: Kind::Value(Text(|d, v| {
            let value = match v {
                "auto" => Subreaper::Auto,
                "on" => Subreaper::On,
                "off" => Subreaper::Off,
                _ => return Err("expected one of auto, on, off".into()),
            };
            set(&mut d.plan.subreaper, value)
        })),
    },
    Flag { long: "notify-access", kind: Kind::Switch(|d, on| d.plan.notify_access = on) },
    Flag { long: "warn-on-reap", kind: Kind::Switch(|d, on| d.plan.warn_on_reap = on) },
    Flag {
        long: "map-exit",
        kind: Kind::Value(TextList(|d, v| d.map_exit(exit_map::Rule::parse(v)?))),
    },
    Flag {
        long: "log-level",
        kind: Kind::Value(Text(|d, v| {
            let value = match v {
                "error" => LevelFilter::Error,
                "warn" => LevelFilter::Warn,
                "info" => LevelFilter::Info,
                "debug" => LevelFilter::Debug,
                "trace" => LevelFilter::Trace,
                _ => return Err("expected one of error, warn, info, debug, trace".into()),
            };
            set(&mut d.plan.logging.level, value)
        })),
    },
    Flag { long: "verbose", kind: Kind::Count(|d, levels| d.add_verbosity(levels)) },
    Flag {
        long: "log-to",
        kind: Kind::Value(Text(|d, v| set(&mut d.plan.logging.to, log_to(v)?))),
    },
    Flag {
        long: "log-format",
        kind: Kind::Value(Text(|d, v| {
            let value = match v {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err("expected one of text, json".into()),
            };
            set(&mut d.plan.logging.format, value)
        })),
    },
    Flag { long: "log-time", kind: Kind::Switch(|d, on| d.plan.logging.time = on) },
    Flag {
        long: "report",
        kind: Kind::Value(Bytes(|d, v| set(&mut d.plan.report, Some(path(v)?)))),
    },
    Flag {
        long: "termination-log",
        kind: Kind::Optional(|d, v| set(&mut d.plan.termination_log, termination_log(v)?)),
    },
    Flag { long: "protect", kind: Kind::Switch(|d, on| d.plan.protect = on) },
    Flag { long: "pause", kind: Kind::Switch(|d, on| d.pause = on) },
    Flag { long: "status", kind: Kind::Optional(|d, v| set(&mut d.status, status(v)?)) },
    Flag { long: "check", kind: Kind::Switch(|d, on| d.check = on) },
    Flag { long: "exec", kind: Kind::Switch(|d, on| d.plan.in_place = on) },
    Flag { long: "install", kind: Kind::Value(Bytes(|d, v| set(&mut d.install, Some(path(v)?)))) },
    Flag { long: "dry-run", kind: Kind::Optional(|d, v| set(&mut d.dry_run, dry_run(v)?)) },
    Flag { long: "help", kind: Kind::Print(Page::Help) },
    Flag { long: "version", kind: Kind::Print(Page::Version) },
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
            }
        }
    }

    #[test]
    fn each_letter_is_that_of_a_flag() {
        for (index, (letter, long)) in SHORT.iter().enumerate() {
            assert!(FLAGS.iter().any(|flag| flag.long == *long), "{long}");
            assert!(SHORT[..index].iter().all(|(other, _)| other != letter), "{long}");
        }
    }
}
