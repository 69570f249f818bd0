//! Suggestions for messages about words that look like typing errors.

use super::flags::{FLAGS, Flag, PREFIX};
use std::ffi::CStr;

/// The name of a flag that may have been meant, without the dashes.
pub fn flag(typed: &str) -> Option<&'static str> {
    FLAGS.iter().map(|flag| flag.long).find(|long| is_near(long, typed))
}

/// The name of a variable that may have been meant.
pub fn variable(typed: &str) -> Option<String> {
    let typed = typed.strip_prefix(PREFIX)?;
    let mut known = FLAGS.iter().filter_map(Flag::variable);
    known.find(|known| known.strip_prefix(PREFIX).is_some_and(|known| is_near(known, typed)))
}

/// A hint for a command that is not found and looks like an option: behind `ENTRYPOINT ["/sexton", "--"]` every
/// argument of `docker run` is part of the command.
pub fn hint_if_not_found(command: &CStr) -> Option<String> {
    let word = command.to_bytes();
    let name = word.strip_prefix(b"-").filter(|name| !name.is_empty())?;
    let name = name.strip_prefix(b"-").unwrap_or(name);
    let name = name.split(|&byte| byte == b'=').next().unwrap_or_default();
    let flag = FLAGS.iter().find(|flag| flag.long.as_bytes() == name);
    Some(match flag.and_then(Flag::variable) {
        Some(variable) => {
            format!("options come before '--'; this one can also be set by {variable}")
        }
        None => "options come before '--'".to_owned(),
    })
}

/// Whether two words differ by one typing error, or one begins with the other.
fn is_near(known: &str, typed: &str) -> bool {
    let (known, typed) = (known.as_bytes(), typed.as_bytes());
    let common = known.iter().zip(typed).take_while(|(a, b)| a == b).count();
    let (a, b) = (known.get(common..).unwrap_or_default(), typed.get(common..).unwrap_or_default());
    match (a, b) {
        ([], rest) | (rest, []) => common >= 3 || rest.len() <= 1,
        ([first, behind @ ..], [other, after @ ..]) => {
            let is_swap = || match (behind, after) {
                ([second, behind @ ..], [another, after @ ..]) => {
                    (first, second) == (another, other) && behind == after
                }
                _ => false,
            };
            behind == after || behind == b || a == after || is_swap()
        }
    }
}
