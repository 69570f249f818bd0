//! The command line and the environment, read into a [`Plan`].
//!
//! Called by another init's name, or with `--as NAME`, sexton reads them as that program does: each such
//! personality is a module here that makes settings of them, and nothing else of sexton knows of it.

#![forbid(unsafe_code)]

mod compat;
pub mod flags;
mod native;
mod settings;

use self::settings::Settings;
use crate::plan::{Inspection, LogFormat, Plan};
use crate::values::environment::{self, Values};
use crate::values::error::{Error, printable};
use std::ffi::CStr;

/// What sexton is asked to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request<'a> {
    /// Run a command.
    Run(Box<Plan<'a>>),
    /// Print what would be done to run it, and exit 0.
    DryRun(Box<Plan<'a>>, Values),
    /// Run nothing: reap, and exit when told to.
    Pause(Box<Plan<'a>>),
    /// Show what is in the PID namespace.
    Status(Inspection),
    /// Print a text and exit.
    Print(Printed),
}

/// A text to print instead of running anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Printed {
    /// The text.
    pub text: String,
    /// To standard error instead of standard output.
    pub to_stderr: bool,
    /// The exit status.
    pub status: u8,
    /// That standard output does not take it is an error, which is reported and has a status of its own.
    pub checked: bool,
    /// SIGPIPE does what it did when sexton was started: usually it ends a program whose output nobody reads.
    pub can_break: bool,
}

impl Printed {
    /// What was asked for, usually.
    #[must_use]
    pub fn on_stdout(text: String) -> Printed {
        Printed { text, to_stderr: false, status: 0, checked: true, can_break: true }
    }

    /// What was not, usually.
    #[must_use]
    pub fn on_stderr(text: String, status: u8) -> Printed {
        Printed { text, to_stderr: true, status, checked: false, can_break: true }
    }
}

/// How a personality was called.
struct Call<'a, 'w> {
    /// As `argv[0]` has it.
    program: &'a [u8],
    /// The arguments behind it.
    words: &'w [&'a CStr],
    environment: &'w [&'a CStr],
    /// sexton's own process ID, which some messages have in them.
    pid: i32,
}

impl Call<'_, '_> {
    /// The program, as messages name it.
    fn program(&self) -> String {
        printable(self.program)
    }

    /// The last part of its path.
    fn name(&self) -> String {
        printable(last_component(self.program))
    }

    fn variable(&self, name: &[u8]) -> Option<&[u8]> {
        environment::variable(self.environment, name).map(|(_, value)| value)
    }

    fn has_variable(&self, name: &[u8]) -> bool {
        self.variable(name).is_some()
    }
}

/// What a personality has read.
enum Reading<'a> {
    /// Run a command, or pause. sexton's own variables come behind the flags, and before the defaults.
    Run {
        /// What was said.
        flags: Box<Settings>,
        /// What the other program does without being told.
        defaults: Box<Settings>,
        /// The command.
        argv: Vec<&'a CStr>,
    },
    /// Print a text and exit.
    Print(Printed),
}

/// Reads a call as another program would.
type Mode = for<'a, 'w> fn(&Call<'a, 'w>) -> Reading<'a>;

/// The personality of that name.
fn mode(name: &[u8]) -> Option<Mode> {
    match name {
        b"tini" | b"tini-static" | b"docker-init" => Some(compat::tini::read),
        b"dumb-init" => Some(compat::dumb_init::read),
        b"catatonit" => Some(compat::catatonit::read),
        _ => None,
    }
}

/// The personalities' names, for messages.
const NAMES: &str = "tini, docker-init, dumb-init, catatonit";

/// The settings that inits have in common that know no clock: they kill nobody, and leave what the command leaves
/// behind to the kernel.
fn transient() -> Settings {
    Settings {
        grace: Some(None),
        linger: Some(None),
        and_continue: Some(false),
        warn_of_trouble: Some(false),
        dies_alike: Some(false),
        ..Settings::default()
    }
}

/// What usage texts say of the program that really prints them.
const ABOUT: &str = concat!(
    "This is sexton ",
    env!("CARGO_PKG_VERSION"),
    ", an init for containers, in that program's place.\n\
     What it can do beyond is set by SEXTON_* variables: see sexton --help.\n"
);

fn licence() -> String {
    format!(
        "sexton {}\n\
         The MIT License: use, copy, modify and distribute it freely, with the copyright notice; without\n\
         warranty of any kind. The whole text is in the file LICENSE of its sources.\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// Reads sexton's own argument vector, program name first, and environment. `pid` is sexton's process ID.
///
/// # Errors
/// Anything that cannot be used, with the flag or variable and the value; see [`Error`].
#[inline(never)] // what it takes of the stack is not needed afterwards
pub fn parse<'a>(
    argv: &[&'a CStr],
    environment: &[&'a CStr],
    pid: i32,
) -> Result<Request<'a>, Error> {
    let (program, words) = match argv.split_first() {
        Some((program, words)) => (program.to_bytes(), words),
        None => (&b""[..], argv),
    };
    // catatonit's, under any name: Podman runs the file that a link leads to.
    let pauses = matches!(words, [only] if only.to_bytes() == b"-P");
    // No other init has it, and in a container sexton may lie under the name of one only.
    let looks =
        |word: &&CStr| word.to_bytes() == b"--status" || word.to_bytes().starts_with(b"--status=");
    if pauses || words.first().is_some_and(looks) {
        return native::parse(words, environment);
    }
    let call = |program, words| Call { program, words, environment, pid };
    if let Some(read) = mode(last_component(program)) {
        return carry_on(read(&call(program, words)), environment);
    }
    let (name, words) = match words {
        [first] if first.to_bytes() == b"--as" => {
            return Err(Error::usage(format!("--as needs a value: --as NAME, one of {NAMES}")));
        }
        [first, name, rest @ ..] if first.to_bytes() == b"--as" => (name.to_bytes(), rest),
        [first, rest @ ..] => match first.to_bytes().strip_prefix(b"--as=") {
            Some(name) => (name, rest),
            None => return native::parse(words, environment),
        },
        [] => return native::parse(words, environment),
    };
    match mode(name) {
        Some(read) => carry_on(read(&call(name, words)), environment),
        None => Err(Error::invalid(name, "--as", format_args!("expected one of {NAMES}"))),
    }
}

/// How the line of an error of [`parse`] is to look, as far as that can be told. Other inits' flags have no say in it.
#[must_use]
pub fn log_format(argv: &[&CStr], environment: &[&CStr]) -> LogFormat {
    let (program, words) = argv.split_first().unwrap_or((&c"", argv));
    let is_other = mode(last_component(program.to_bytes())).is_some();
    native::log_format(if is_other { &[] } else { words }, environment).unwrap_or_default()
}

fn carry_on<'a>(reading: Reading<'a>, environment: &[&'a CStr]) -> Result<Request<'a>, Error> {
    match reading {
        Reading::Run { flags, defaults, argv } => {
            native::request(flags, Some(defaults), argv, environment)
        }
        // None of the others looks whether it could be written.
        Reading::Print(printed) => Ok(Request::Print(Printed { checked: false, ..printed })),
    }
}

fn last_component(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    const PID: i32 = 77;

    /// Runs `check` on the result for this program name, these words and variables.
    pub fn with<T>(
        program: &str,
        words: &[&str],
        variables: &[&str],
        check: impl FnOnce(Result<Request, Error>) -> T,
    ) -> T {
        let own =
            |texts: &[&str]| texts.iter().map(|t| CString::new(*t).unwrap()).collect::<Vec<_>>();
        let (argv, variables) = (own(&[&[program], words].concat()), own(variables));
        let argv: Vec<&CStr> = argv.iter().map(CString::as_c_str).collect();
        let variables: Vec<&CStr> = variables.iter().map(CString::as_c_str).collect();
        check(parse(&argv, &variables, PID))
    }

    /// The text that is printed to this stream (standard error, or not) with this status.
    pub fn printed(
        program: &str,
        words: &[&str],
        variables: &[&str],
        expected: (bool, u8),
    ) -> String {
        with(program, words, variables, |result| match result {
            Ok(Request::Print(Printed { text, to_stderr, status, .. })) => {
                assert_eq!((to_stderr, status), expected, "{words:?}: {text}");
                text
            }
            other => panic!("{program} {words:?}: {other:?}"),
        })
    }

    /// Runs `check` on the plan.
    pub fn running<T>(
        program: &str,
        words: &[&str],
        variables: &[&str],
        check: impl FnOnce(&Plan) -> T,
    ) -> T {
        with(program, words, variables, |result| match result {
            Ok(Request::Run(plan)) => check(&plan),
            other => panic!("{program} {words:?}: {other:?}"),
        })
    }

    pub fn paused(program: &str, words: &[&str], variables: &[&str]) {
        with(program, words, variables, |result| {
            assert!(matches!(result, Ok(Request::Pause(_))), "{program} {words:?}: {result:?}");
        });
    }

    fn refused(program: &str, words: &[&str], variables: &[&str]) -> String {
        with(program, words, variables, |result| result.unwrap_err().to_string())
    }

    #[test]
    fn the_name_or_as_choose_the_personality() {
        for (program, words) in [
            ("/sbin/docker-init", &["-g", "--", "cmd"][..]),
            ("tini", &["-g", "cmd"]),
            ("/x/tini-static", &["-g", "cmd"]),
            ("sexton", &["--as", "tini", "-g", "cmd"]),
            ("/anything", &["--as=docker-init", "-g", "--", "cmd"]),
            ("sexton", &["--as", "catatonit", "-g", "cmd"]),
            ("sexton", &["--as=dumb-init", "cmd"]),
        ] {
            running(program, words, &[], |plan| {
                assert_eq!(plan.argv, [c"cmd"]);
                assert_eq!(plan.policy.forward_to, crate::plan::Target::Group, "{program}");
                assert_eq!(plan.policy.grace, None);
            });
        }
        running("sexton", &["cmd"], &[], |plan| {
            assert_eq!(plan.policy, crate::plan::Policy::default());
        });
    }

    #[test]
    fn as_names_one_that_there_is_and_stands_first() {
        assert!(refused("sexton", &["--as", "runit", "x"], &[]).contains("'runit' for --as: "));
        assert!(refused("sexton", &["--as"], &[]).contains("--as NAME"));
        assert!(refused("sexton", &["-v", "--as", "tini"], &[]).contains("first"));
    }

    #[test]
    fn sextons_own_variables_come_behind_flags_and_before_what_is_done_untold() {
        let variables = ["SEXTON_LINGER=2s", "SEXTON_FORWARD_TO=all", "SEXTON_LOG_LEVEL=info"];
        running("tini", &["-g", "cmd"], &variables, |plan| {
            assert_eq!(
                plan.policy.linger,
                crate::plan::Linger::For(std::time::Duration::from_secs(2))
            );
            assert_eq!(plan.policy.forward_to, crate::plan::Target::Group);
            assert!(plan.environment.is_empty() && plan.warn_of_trouble);
            assert_eq!(plan.logging.level, log::LevelFilter::Info);
        });
        assert!(refused("tini", &["cmd"], &["SEXTON_GRACE=x"]).contains("SEXTON_GRACE"));
    }

    #[test]
    fn a_pause_is_known_by_any_name() {
        for program in ["sexton", "tini", "dumb-init", "catatonit", "/x"] {
            paused(program, &["-P"], &[]);
        }
        paused("sexton", &["--pause", "--warn-on-reap"], &["A=1"]);
        paused("sexton", &[], &["SEXTON_PAUSE=1"]);
        assert!(refused("sexton", &["--pause", "cmd"], &[]).contains("no command"));
    }
}
