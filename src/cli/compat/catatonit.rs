//! catatonit: `catatonit [-ghLPV] [--] <progname> [<arguments>...]`.

use super::getopt::{Getopt, Item, Long};
use super::invocation::{self, Invocation, licence, set_common_defaults, usage};
use crate::cli::draft::Draft;
use crate::cli::texts::CATATONIT;
use crate::plan::request::Printed;
use crate::plan::{Statuses, Style, Target};
use crate::values::rewrite::Rule;
use crate::values::signal::Signal;
use log::LevelFilter;
use std::ffi::CStr;
use std::mem::take;

/// The version with the same interface, in the form that container engines parse.
const VERSION: &str = "tini version 0.1.7_catatonit";

const USAGE: &str = "usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]\n";

static STYLE: Style = Style {
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

/// What catatonit's command line and variables ask for.
#[derive(Default)]
pub struct Options<'a> {
    /// Empty for a pause.
    argv: Vec<&'a CStr>,
    /// `-g`
    to_group: bool,
    /// `-P`
    pause: bool,
    /// The variable CATATONIT_DEBUG.
    debug: bool,
}

impl<'a> invocation::Options<'a> for Options<'a> {
    fn read(&mut self, call: &Invocation<'a, '_>) -> Result<(), Printed> {
        // catatonit has blocked all signals, SIGPIPE among them, before it prints.
        read(self, call).map_err(|text| Printed { can_break: false, ..text })
    }

    fn set_defaults(&self, draft: &mut Draft) {
        set_common_defaults(draft);
        draft.plan.statuses = STATUSES;
        draft.plan.logging.style = &STYLE;
        for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
            draft.rewrite(Rule::new(signal, None)).ok(); // no rewrite is in conflict with another
        }
    }

    fn set_options(&mut self, draft: &mut Draft<'a>) -> Result<(), Printed> {
        draft.plan.argv = take(&mut self.argv);
        if self.to_group {
            draft.plan.policy.forward_to = Target::Group;
        }
        if self.pause {
            draft.pause = true;
        }
        if self.debug {
            draft.plan.logging.level = LevelFilter::Debug;
        }
        Ok(())
    }
}

fn read<'a>(options: &mut Options<'a>, call: &Invocation<'a, '_>) -> Result<(), Printed> {
    let mut words = Getopt::new("ghLPV", LONG, call.arguments);
    let fatal = |text: &str| call.fatal(&STYLE, text, STATUSES.fatal);
    if call.has_variable(b"CATATONIT_LOG") {
        return Err(fatal("CATATONIT_LOG is reserved for future use\n"));
    }
    for word in words.by_ref() {
        match word {
            Item::Option(b'h', _) => {
                return Err(Printed::on_stderr(usage(format_args!("{USAGE}"), CATATONIT), 0));
            }
            Item::Option(b'L', _) => return Err(Printed::on_stdout(licence())),
            Item::Option(b'V', _) => return Err(Printed::on_stdout(format!("{VERSION}\n"))),
            Item::Option(b'g', _) => options.to_group = true,
            Item::Option(b'P', _) => options.pause = true,
            Item::Option(..) => {}
            Item::Wrong(reason) => {
                let text = format!("{}: {reason}\n{USAGE}", call.program());
                return Err(Printed::on_stderr(text, STATUSES.fatal));
            }
        }
    }
    options.debug = call.has_variable(b"CATATONIT_DEBUG");
    // A pause takes no program, and ignores one.
    if !options.pause {
        options.argv = words.rest().to_vec();
        if options.argv.is_empty() {
            return Err(fatal(&format!("missing program name\n{USAGE}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{paused, printed, running};

    #[test]
    fn each_text_has_the_stream_and_the_status_of_catatonit() {
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
