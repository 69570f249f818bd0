//! The search in `PATH`: which files are tried for a command.

#![forbid(unsafe_code)]

use crate::values::environment::variable;
use std::ffi::{CStr, CString};

/// The directories to look for commands in, if the environment names any.
#[must_use]
pub fn path<S: AsRef<CStr>>(environment: &[S]) -> Option<&[u8]> {
    variable(environment, b"PATH").map(|(_, path)| path)
}

/// Where to look for commands if `PATH` is not set: what confstr(3) gives for `_CS_PATH` on glibc.
pub const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// The files to try for a command, in order, as execvp(3) does: the command itself if it has a
/// slash, otherwise one in each directory of `PATH`, where an empty element is the current directory.
#[must_use]
pub fn candidates<S: AsRef<CStr>>(command: &CStr, environment: &[S]) -> Vec<CString> {
    let name = command.to_bytes();
    if name.is_empty() || name.contains(&b'/') {
        return vec![command.to_owned()];
    }
    let path = path(environment).unwrap_or(DEFAULT_PATH);
    let file = |directory: &[u8]| {
        let separator: &[u8] = if directory.is_empty() { b"" } else { b"/" };
        CString::new([directory, separator, name].concat()).ok()
    };
    path.split(|&byte| byte == b':').filter_map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(command: &CStr, environment: &[&CStr]) -> Vec<String> {
        candidates(command, environment).into_iter().map(|c| c.into_string().unwrap()).collect()
    }

    #[test]
    fn a_command_is_looked_up_in_path() {
        assert_eq!(tried(c"ls", &[c"A=1", c"PATH=/a:/b/"]), ["/a/ls", "/b//ls"]);
        assert_eq!(tried(c"ls", &[c"PATH=:/a:"]), ["ls", "/a/ls", "ls"]);
        assert_eq!(tried(c"ls", &[c"PATH="]), ["ls"]);
        assert_eq!(tried(c"ls", &[c"XPATH=/x"]), ["/bin/ls", "/usr/bin/ls"]);
    }

    #[test]
    fn a_command_with_a_slash_or_without_a_name_is_not() {
        assert_eq!(tried(c"./ls", &[c"PATH=/a"]), ["./ls"]);
        assert_eq!(tried(c"", &[c"PATH=/a"]), [""]);
    }
}
