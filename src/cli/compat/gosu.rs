//! gosu and su-exec: `gosu USER-SPEC COMMAND [ARGS]`. They are no inits: they change the user and execute the command
//! in their own place.

use super::invocation::{self, Invocation, about};
use crate::cli::draft::Draft;
use crate::cli::flags::{Reader, user};
use crate::plan::request::Printed;
use crate::plan::{ChangesLess, Statuses, Style};
use crate::values::error::Error;
use std::ffi::CStr;
use std::mem::take;

/// The version with the same interface.
const VERSION: &str = concat!("1.14 (sexton ", env!("CARGO_PKG_VERSION"), ")\n");

const STATUSES: Statuses =
    Statuses { fatal: 1, not_found: 1, incomplete: 1, denied: 1, not_executable: 1 };

static GOSU: Style = style("error: ");
static SU_EXEC: Style = style("su-exec: ");

const fn style(prefix: &'static str) -> Style {
    Style { fatal: prefix, levels: [prefix; 5], hint: None, quiet_to_stdout: false }
}

/// What the command line asks for.
#[derive(Default)]
pub struct Options<'a> {
    is_gosu: bool,
    user: &'a [u8],
    argv: Vec<&'a CStr>,
}

impl<'a> invocation::Options<'a> for Options<'a> {
    fn read(&mut self, call: &Invocation<'a, '_>) -> Result<(), Printed> {
        self.is_gosu = !call.program.ends_with(b"su-exec");
        let mut words = call.arguments.iter();
        self.user = words.next().map_or(&b""[..], |word| word.to_bytes());
        self.argv = words.as_slice().to_vec();
        let asked = if self.is_gosu { self.user } else { b"" };
        if matches!(asked, b"--version" | b"-v") {
            return Err(Printed::on_stdout(VERSION.to_owned()));
        }
        let helps = matches!(asked, b"--help" | b"-h" | b"-?");
        if !helps && !self.argv.is_empty() {
            return Ok(());
        }
        let status = if helps { 0 } else { STATUSES.fatal };
        let about = if self.is_gosu { about() } else { String::new() };
        let text = format!("Usage: {} user-spec command [args]\n{about}", call.program());
        Err(Printed { to_stderr: self.is_gosu && status != 0, ..Printed::on_stderr(text, status) })
    }

    fn set_defaults(&self, draft: &mut Draft) {
        draft.plan.in_place = true;
        draft.plan.statuses = STATUSES;
        draft.plan.logging.style = self.style();
        draft.plan.attributes.changes_less = Some(ChangesLess { group_apart: self.is_gosu });
    }

    fn set_options(&mut self, draft: &mut Draft<'a>) -> Result<(), Printed> {
        draft.plan.argv = take(&mut self.argv);
        Reader::Text(user).read(self.user, draft).map_err(|reason| {
            let error = Error::invalid(self.user, "--user", reason);
            let text = format!("{}{}\n", self.style().fatal, error.message());
            Printed::on_stderr(text, STATUSES.fatal)
        })
    }
}

impl Options<'_> {
    /// How messages look.
    fn style(&self) -> &'static Style {
        if self.is_gosu { &GOSU } else { &SU_EXEC }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{printed, replaced, running};

    #[test]
    fn texts_have_the_streams_and_statuses_of_the_programs() {
        for words in [&["--version"][..], &["-v", "x", "y"]] {
            let version = printed("gosu", words, &[], (false, 0));
            assert!(version.starts_with("1.14 (sexton "), "{version}");
        }
        for word in ["--help", "-h", "-?"] {
            let help = printed("/bin/gosu", &[word], &[], (false, 0));
            assert!(help.starts_with("Usage: /bin/gosu user-spec command [args]\n"), "{help}");
        }
        for words in [&[][..], &["app"], &["--"]] {
            printed("gosu", words, &[], (true, 1));
            let usage = printed("/su-exec", words, &[], (false, 1));
            assert_eq!(usage, "Usage: /su-exec user-spec command [args]\n");
        }
        let wrong = printed("gosu", &["a b", "x"], &[], (true, 1));
        assert!(wrong.starts_with("error: invalid value 'a b' for --user: expected"), "{wrong}");
        let wrong = printed("/x/su-exec", &["1:99999999999", "x"], &[], (true, 1));
        assert!(wrong.starts_with("su-exec: invalid value '1:99999999999' for --u"), "{wrong}");
    }

    #[test]
    fn the_command_takes_their_place() {
        for (program, words, group_apart) in [
            ("/usr/sbin/gosu", &["app:web", "cmd", "-v"][..], true),
            ("sexton", &["--as", "gosu", "app:web", "cmd", "-v"], true),
            ("su-exec", &["app:web", "cmd", "-v"], false),
            ("sexton", &["--as=su-exec", "app:web", "cmd", "-v"], false),
        ] {
            replaced(program, words, &["SEXTON_USER=root", "SEXTON_NICE=3"], |plan| {
                assert_eq!(plan.argv, [c"cmd", c"-v"]);
                let user = plan.attributes.user.as_ref().unwrap();
                assert_eq!((user.text.as_str(), user.by.as_str()), ("app:web", "--user"));
                assert_eq!(
                    plan.attributes.changes_less,
                    Some(ChangesLess { group_apart }),
                    "{program}"
                );
                assert_eq!((plan.attributes.nice, plan.statuses), (Some(3), STATUSES));
            });
        }
        running("gosu", &["app", "cmd"], &["SEXTON_EXEC=no"], |plan| assert!(!plan.in_place));
    }
}
