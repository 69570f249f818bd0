//! The `SEXTON_*` variables, each of which does what its flag does.

use super::draft::{Draft, Layer};
use super::flags::{Choice, FLAGS, Flag, Kind, PREFIX};
use super::suggest;
use crate::plan::UnknownVariable;
use crate::values::error::Error;
use crate::values::error::Reason;
use std::ffi::CStr;

/// sexton's own variables in the environment, and the others, which the command gets.
pub fn split<'a>(environment: &[&'a CStr]) -> (Vec<&'a CStr>, Vec<&'a CStr>) {
    environment.iter().partition(|entry| entry.to_bytes().starts_with(PREFIX.as_bytes()))
}

/// Reads the layer of the variables. If one cannot be used, the others are read nevertheless: one of them may be the
/// log format, in which the error is printed.
pub fn read(variables: &[&CStr], draft: &mut Draft) {
    if variables.is_empty() {
        return;
    }
    draft.layer = Layer::of_variables();
    for flag in FLAGS {
        let Some(value) = variables.iter().find_map(|entry| flag.value_in(entry)) else { continue };
        // Compose and Kubernetes write `SEXTON_GRACE=` for a variable that is not set.
        if value.is_empty() {
            continue;
        }
        if let Err(reason) = read_one(flag, value, draft) {
            let name = flag.variable().unwrap_or_default();
            draft.variable_error.get_or_insert_with(|| Error::invalid(value, &name, reason));
        }
        // A compatibility mode has switched these warnings off, but now sexton's own logging is asked for.
        if matches!(flag.long, "log-level" | "log-to" | "log-format") {
            draft.plan.warn_of_trouble = true;
        }
    }
}

fn read_one(flag: &Flag, value: &[u8], draft: &mut Draft) -> Result<(), Reason> {
    match flag.kind {
        Kind::Value(reader) if flag.kind.is_list() => {
            value.split(|&byte| byte == b',').try_for_each(|item| reader.read(item, draft))
        }
        Kind::Value(reader) => reader.read(value, draft),
        Kind::Optional(set) => {
            let choice = match yes_or_no(value) {
                Some(true) => Choice::Default,
                Some(false) => Choice::Off,
                None => Choice::Value(value),
            };
            set(draft, choice).map_err(|reason| format!("{reason}, or yes or no").into())
        }
        Kind::Switch(set) => match yes_or_no(value) {
            Some(on) => {
                set(draft, on);
                Ok(())
            }
            None => Err("expected 1, true, yes or on, or 0, false, no or off".into()),
        },
        Kind::Count(add) => match value {
            [digit @ b'0'..=b'9'] => {
                add(draft, (digit - b'0').into());
                Ok(())
            }
            _ => Err("expected a number from 0 to 9".into()),
        },
        Kind::Print(_) => Ok(()),
    }
}

fn yes_or_no(value: &[u8]) -> Option<bool> {
    match value {
        b"1" | b"true" | b"yes" | b"on" => Some(true),
        b"0" | b"false" | b"no" | b"off" => Some(false),
        _ => None,
    }
}

/// Those of sexton's variables that it does not know. Kubernetes sets some for a service with the name "sexton", and an
/// empty variable counts as one that is not set.
pub fn unknown<'a>(own: &[&'a CStr]) -> Vec<UnknownVariable<'a>> {
    let mut unknown = Vec::new();
    for entry in own {
        let bytes = entry.to_bytes();
        let name = bytes.split(|&byte| byte == b'=').next().unwrap_or_default();
        let is_empty = bytes.strip_prefix(name) == Some(b"=");
        let is_known = FLAGS.iter().any(|flag| flag.is_set_by(name))
            || name.starts_with(b"SEXTON_SERVICE_")
            || name.starts_with(b"SEXTON_PORT");
        if !is_empty && !is_known {
            let suggestion = std::str::from_utf8(name).ok().and_then(suggest::variable);
            unknown.push(UnknownVariable { name, suggestion });
        }
    }
    unknown
}
