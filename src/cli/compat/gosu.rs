//! gosu and su-exec: `gosu USER-SPEC COMMAND [ARGS]`. They are no inits: they change the user and execute the command in
//! their own place.

use super::invocation::{self, Invocation, about};
use crate::cli::draft::Draft;
use crate::cli::flags::{Reader, user};
use crate::plan::request::Printed;
use crate::plan::{ChangesLess, Statuses, Style};
use crate::values::error::Error;
use std::ffi::CStr;

/// The version with the same interface.
const VERSION: &str = concat!("1.14 (sexton ", env!("CARGO_PKG_VERSION"), ")\n");

const STATUSES: Statuses =
    Statuses { fatal: 1, not_found: 1, incomplete: 1, denied: 1, not_executable: 1 };

/// What the command line asks for.
pub struct Options<'a> {
    is_gosu: bool,
    user: &'a [u8],
    argv: Vec<&'a CStr>,
}

impl<'a> invocation::Options<'a> for Options<'a> {
    fn read(call: &Invocation<'a, '_>) -> Result<Options<'a>, Printed> {
        let is_gosu = !call.program.ends_with(b"su-exec");
        let mut words = call.arguments.iter();
        let user = words.next().map_or(&b""[..], |word| word.to_bytes());
        let argv = words.as_slice().to_vec();
        let asks = |words: &[&str]| is_gosu && words.iter().any(|word| word.as_bytes() == user);
        if asks(&["--version", "-v"]) {
            return Err(Printed::on_stdout(VERSION.to_owned()));
        }
        let helps = asks(&["--help", "-h", "-?"]);
        if !helps && !argv.is_empty() {
            return Ok(Options { is_gosu, user, argv });
        }
        let status = if helps { 0 } else { STATUSES.fatal };
        let about = if is_gosu { about() } else { String::new() };
        let text = format!("Usage: {} user-spec command [args]\n{about}", call.program());
        Err(Printed { to_stderr: is_gosu && status != 0, ..Printed::on_stderr(text, status) })
    }

    fn set_defaults(&self, draft: &mut Draft) {
        draft.plan.in_place = true;
        draft.plan.statuses = STATUSES;
        let prefix = self.prefix();
        draft.plan.logging.style =
            Style { fatal: prefix, levels: [prefix; 5], hint: None, quiet_to_stdout: false };
        draft.plan.attributes.changes_less = Some(ChangesLess { group_apart: self.is_gosu });
    }

    fn set_options(self, draft: &mut Draft<'a>) -> Result<(), Printed> {
        let set = Reader::Text(user).read(self.user, draft);
        set.map_err(|reason| {
            let error = Error::invalid(self.user, "--user", reason);
            let text = format!("{}{}\n", self.prefix(), error.message());
            Printed::on_stderr(text, STATUSES.fatal)
        })?;
        draft.plan.argv = self.argv;
        Ok(())
    }
}

impl Options<'_> {
    /// How messages begin.
    fn prefix(&self) -> &'static str {
        if self.is_gosu { "error: " } else { "su-exec: " }
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
