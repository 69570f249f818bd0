//! catatonit: `catatonit [-ghLPV] [--] <progname> [<arguments>...]`.

use super::getopt::{Getopt, Item, Long};
use crate::cli::settings::Settings;
use crate::cli::{Call, Printed, Reading};
use crate::plan::{Prefix, Statuses, Style, Target};
use crate::values::rewrite::Rule;
use crate::values::signal::Signal;
use log::LevelFilter;

/// The version whose interface this is, in the form that engines read.
const VERSION: &str = "tini version 0.1.7_catatonit";

const USAGE: &str = "usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]\n";

const STYLE: Style = Style {
    fatal: "ERROR (catatonit:PID): ",
    levels: [
        "ERROR (catatonit:PID): ",
        "WARN (catatonit:PID): ",
        "INFO (catatonit:PID): ",
        "DEBUG (catatonit:PID): ",
        "TRACE (catatonit:PID): ",
    ],
    hint: None,
    quiet_to_stdout: false,
};

const STATUSES: Statuses =
    Statuses { fatal: 1, not_found: 1, incomplete: 1, denied: 1, not_executable: 1 };

const LONG: &[Long] = &[("version", false, b'V')];

/// Reads catatonit's command line and variables.
pub fn read<'a>(call: &Call<'a, '_>) -> Reading<'a> {
    match read_words(call) {
        // It blocks its signals first, SIGPIPE among them.
        Reading::Print(printed) => Reading::Print(Printed { can_break: false, ..printed }),
        run => run,
    }
}

fn read_words<'a>(call: &Call<'a, '_>) -> Reading<'a> {
    let mut flags = Settings::default();
    let mut options = Getopt::new("ghLPV", LONG, call.words);
    if call.has_variable(b"CATATONIT_LOG") {
        return refusal(call, "CATATONIT_LOG is reserved for future use", "");
    }
    for option in options.by_ref() {
        match option {
            Item::Option(b'h', _) => return Reading::Print(Printed::on_stderr(usage(), 0)),
            Item::Option(b'L', _) => {
                return Reading::Print(Printed::on_stdout(crate::cli::licence()));
            }
            Item::Option(b'V', _) => {
                return Reading::Print(Printed::on_stdout(format!("{VERSION}\n")));
            }
            Item::Option(b'g', _) => flags.forward_to = Some(Target::Group),
            Item::Option(b'P', _) => flags.pause = Some(true),
            Item::Option(..) => {}
            Item::Wrong(what) => {
                let text = format!("{}: {what}\n{USAGE}", call.program());
                return Reading::Print(Printed::on_stderr(text, STATUSES.fatal));
            }
        }
    }
    if call.has_variable(b"CATATONIT_DEBUG") {
        flags.log_level = Some(LevelFilter::Debug);
    }
    let mut defaults = crate::cli::transient();
    defaults.statuses = Some(STATUSES);
    defaults.style = Some(STYLE);
    for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
        // They are not in the list yet.
        defaults.rewrites.add(Rule::new(signal, None)).ok();
    }
    let argv = match flags.pause {
        // A program's name is of no interest then.
        Some(true) => Vec::new(),
        _ => options.rest().to_vec(),
    };
    if argv.is_empty() && flags.pause.is_none() {
        return refusal(call, "missing program name", USAGE);
    }
    Reading::Run { flags: flags.into(), defaults: defaults.into(), argv }
}

fn refusal<'a>(call: &Call, what: &str, more: &str) -> Reading<'a> {
    let prefix = Prefix(STYLE.fatal, call.pid);
    Reading::Print(Printed::on_stderr(format!("{prefix}{what}\n{more}"), STATUSES.fatal))
}

fn usage() -> String {
    format!(
        "{USAGE}\n\
         {}\
         \n\
         Options, up to the program or to --:\n\
         \x20 -g              signals go to the program's process group\n\
         \x20 -h              print this text\n\
         \x20 -L              print the licence\n\
         \x20 -P              pause: run no program, reap, and exit on SIGTERM or SIGINT\n\
         \x20 -V, --version   print the version\n\
         \n\
         Variables: CATATONIT_DEBUG, if present, has it print what is done.\n",
        crate::cli::ABOUT,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{paused, printed, running};

    #[test]
    fn each_text_has_its_stream_and_status() {
        for word in ["-V", "--version", "--vers"] {
            assert_eq!(
                printed("catatonit", &[word, "x"], &[], (false, 0)),
                "tini version 0.1.7_catatonit\n"
            );
        }
        assert!(printed("catatonit", &["-h"], &[], (true, 0)).starts_with(USAGE));
        printed("catatonit", &["-L"], &[], (false, 0));
        let none = printed("/catatonit", &[], &[], (true, 1));
        assert_eq!(none, format!("ERROR (catatonit:77): missing program name\n{USAGE}"));
        let wrong = printed("/catatonit", &["-gx"], &[], (true, 1));
        assert_eq!(wrong, format!("/catatonit: invalid option -- 'x'\n{USAGE}"));
        printed("catatonit", &["x"], &["CATATONIT_LOG="], (true, 1));
    }

    #[test]
    fn options_make_the_plan() {
        running("catatonit", &["-g", "--", "cmd", "-P"], &["CATATONIT_DEBUG="], |plan| {
            assert_eq!(plan.argv, [c"cmd", c"-P"]);
            assert_eq!(plan.policy.forward_to, Target::Group);
            assert_eq!(plan.logging.level, LevelFilter::Debug);
            assert_eq!(plan.statuses, STATUSES);
        });
        running("catatonit", &["cmd"], &[], |plan| {
            assert_eq!(plan.policy.forward_to, Target::Command);
            assert_eq!(plan.logging.level, LevelFilter::Warn);
        });
    }

    #[test]
    fn a_pause_needs_no_program_and_takes_none() {
        for words in [&["-P"][..], &["-gP", "cmd"], &["-P", "--"]] {
            paused("catatonit", words, &[]);
        }
    }
}
