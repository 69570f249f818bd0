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
    // The rest of each word behind the common beginning, and these without their first bytes.
    let (a, b) = (known.get(common..).unwrap_or_default(), typed.get(common..).unwrap_or_default());
    fn skip(word: &[u8], n: usize) -> &[u8] {
        word.get(n..).unwrap_or_default()
    }
    (common >= 3 && (a.is_empty() || b.is_empty()))
        || skip(a, 1) == skip(b, 1)
        || skip(a, 1) == b
        || a == skip(b, 1)
        || (skip(a, 2) == skip(b, 2) && a.first() == b.get(1) && b.first() == a.get(1))
}
