//! How values are read that only flags have. Other values are read in `crate::values`.

use super::flag::{Choice, variable};
use crate::cli::draft::Draft;
use crate::plan::request::StatusFormat;
use crate::plan::{EscalationStep, Given, LogTo, TerminationLog};
use crate::text::escape::Shortened;
use crate::values::address::{SyslogAddress, socket_address};
#[cfg(feature = "landlock")]
use crate::values::confinement::{Kind, Rights, Rule};
use crate::values::duration;
use crate::values::environment::Values;
use crate::values::error::Reason;
#[cfg(feature = "landlock")]
use crate::values::error::printable;
use crate::values::rewrite::forwardable;
#[cfg(feature = "landlock")]
use crate::values::scheduling::integer;
use crate::values::signal::{Signal, SignalSet};
use crate::values::stdio::Redirection;
use crate::values::user::Spec;
use std::ffi::CString;
use std::net::SocketAddr;
use std::time::Duration;

/// Sets a single value.
///
/// # Errors
/// None; the result is that of the functions that end with this one.
pub fn set<T>(field: &mut T, value: T) -> Result<(), Reason> {
    *field = value;
    Ok(())
}

/// A value that is looked up later, with the name of the flag, or of the variable if the layer is that of the
/// variables.
pub fn given<T>(value: T, flag: &str, text: &str, draft: &Draft) -> Given<T> {
    let by = if draft.layer.is_variables { variable(flag) } else { format!("--{flag}") };
    Given { value, text: text.to_owned(), by }
}

/// `--user`
///
/// # Errors
/// As for [`Spec::parse`].
pub fn user(draft: &mut Draft, text: &str) -> Result<(), Reason> {
    let spec = Spec::parse(text, draft.plan.attributes.changes_less.is_some())?;
    let user = given(spec, "user", text, draft);
    set(&mut draft.plan.attributes.user, Some(user))
}

/// A duration, or `none`.
///
/// # Errors
/// Anything else.
pub fn duration_or_none(text: &str) -> Result<Option<Duration>, Reason> {
    if text == "none" {
        return Ok(None);
    }
    Ok(Some(duration::parse(text).map_err(|reason| format!("{reason}, or 'none'"))?))
}

/// `--timeout`
///
/// # Errors
/// 0, which would be no time at all, and for timeout(1) means no limit.
pub fn timeout(text: &str) -> Result<Option<Duration>, Reason> {
    match duration_or_none(text)? {
        Some(Duration::ZERO) => Err("it must be more than 0; 'none' means no limit".into()),
        timeout => Ok(timeout),
    }
}

/// Where to log.
///
/// # Errors
/// Anything that is not in the list, and addresses that are not numeric.
pub fn log_to(text: &str) -> Result<LogTo, Reason> {
    let syslog = |address: &str, make: fn(SocketAddr) -> SyslogAddress| {
        socket_address(address).map(make).map(LogTo::Syslog).ok_or_else(|| {
            let address = Shortened(address);
            format!(
                "'{address}' is not a numeric address, such as 192.0.2.1:514 or [2001:db8::1]:514; \
                 names are not looked up"
            )
            .into()
        })
    };
    match (text, text.strip_prefix("udp://"), text.strip_prefix("tcp://")) {
        ("stderr", ..) => Ok(LogTo::Stderr),
        ("syslog", ..) => Ok(LogTo::Syslog(SyslogAddress::Local)),
        ("none", ..) => Ok(LogTo::None),
        (_, Some(address), _) => syslog(address, SyslogAddress::Udp),
        (_, _, Some(address)) => syslog(address, SyslogAddress::Tcp),
        _ => Err("expected stderr, syslog, udp://ADDRESS, tcp://ADDRESS or none".into()),
    }
}

/// A path.
///
/// # Errors
/// An empty one.
pub fn path(bytes: &[u8]) -> Result<CString, Reason> {
    match CString::new(bytes) {
        Ok(path) if !path.is_empty() => Ok(path),
        _ => Err("expected a path".into()),
    }
}

/// `--fs-read` and the like: keeps the command from something, but for what the list has.
///
/// # Errors
/// An item that cannot be used, or that this layer has already.
#[cfg(feature = "landlock")]
pub fn confine(draft: &mut Draft, kind: &Kind, list: &[u8]) -> Result<(), Reason> {
    let confinement = &mut draft.plan.attributes.confinement;
    let Kind { flag, taken, given } = *kind;
    confinement.taken = confinement.taken.with(taken);
    confinement.text += &format!(" --{flag} {}", printable(list));
    if list == b"none" {
        return Ok(());
    }
    for item in list.split(|&byte| byte == b',') {
        let rule = rule(given, item)?;
        let rules = &mut confinement.rules;
        if rules.iter().rev().take(draft.layer.confined).any(|other| *other == rule) {
            return Err("it is given twice".into());
        }
        confinement.taken = confinement.taken.with(rule.given.and(Rights::OUTSIDE));
        rules.push(rule);
        draft.layer.confined += 1;
    }
    Ok(())
}

/// A path, a port, or without `given` a scope.
///
/// # Errors
/// An empty path; anything but a number from 0 to 65535; any other word.
#[cfg(feature = "landlock")]
fn rule(mut given: Rights, item: &[u8]) -> Result<Rule, Reason> {
    let text = std::str::from_utf8(item).unwrap_or_default();
    let mut port = 0;
    if given.is_empty() {
        given = if either(text, ["signal", "unix"])? { Rights::UNIX } else { Rights::SIGNAL };
    } else if given.and(Rights::OF_PORT) == given {
        port = integer(text, 0..=u16::MAX.into())? as u16;
    }
    Ok(Rule { given, path: path(item)?, port })
}

/// Whether it is the second of two words.
///
/// # Errors
/// Any other word.
#[cfg(feature = "landlock")]
#[inline(never)]
pub fn either(text: &str, [first, second]: [&str; 2]) -> Result<bool, Reason> {
    match text == second {
        false if text != first => Err(format!("expected one of {first}, {second}").into()),
        is_second => Ok(is_second),
    }
}

/// A file to read.
///
/// # Errors
/// As for [`path`].
pub fn input(value: &[u8]) -> Result<Redirection, Reason> {
    Ok(Redirection { path: path(value)?, append: false })
}

/// A file to write: `PATH`, or `>>PATH` to append to it.
///
/// # Errors
/// As for [`path`].
pub fn output(value: &[u8]) -> Result<Redirection, Reason> {
    let append = value.strip_prefix(b">>");
    Ok(Redirection { path: path(append.unwrap_or(value))?, append: append.is_some() })
}

/// A file mode creation mask.
///
/// # Errors
/// Anything but octal digits, and a mask above 0o777.
pub fn umask(text: &str) -> Result<u32, Reason> {
    let digit = |byte| matches!(byte, b'0'..=b'7').then(|| u32::from(byte - b'0'));
    let mask = text
        .bytes()
        .try_fold(0, |mask, byte| Some(mask << 3 | digit(byte)?).filter(|&mask| mask <= 0o777));
    let mask = mask.filter(|_| !text.is_empty());
    mask.ok_or_else(|| "expected an octal number from 0 to 777".into())
}

/// `SIGNAL,...`: signals that can reach sexton.
///
/// # Errors
/// As for [`forwardable`].
pub fn stop_signals(text: &str) -> Result<SignalSet, Reason> {
    let mut signals = SignalSet::EMPTY;
    for signal in text.split(',') {
        signals = signals.with(forwardable(signal)?);
    }
    Ok(signals)
}

/// `SIGNAL:DURATION,...`
///
/// # Errors
/// Anything else, and a duration of 0.
pub fn escalation(text: &str) -> Result<Vec<EscalationStep>, Reason> {
    let mut steps = Vec::new();
    for one in text.split(',') {
        steps.push(step(one)?);
    }
    Ok(steps)
}

fn step(text: &str) -> Result<EscalationStep, Reason> {
    let (signal, after) =
        text.split_once(':').ok_or("expected SIGNAL:DURATION, such as INT:5s,QUIT:5s")?;
    let step = EscalationStep { signal: Signal::parse(signal)?, after: duration::parse(after)? };
    if step.after == Duration::ZERO {
        return Err("each duration must be more than 0".into());
    }
    Ok(step)
}

/// `--termination-log`
///
/// # Errors
/// A path that is neither absolute nor `-`: most likely a mistyped `yes` of the variable.
pub fn termination_log(choice: Choice) -> Result<Option<TerminationLog>, Reason> {
    Ok(match choice {
        Choice::Off => None,
        Choice::Default => {
            let path = c"/dev/termination-log".to_owned();
            Some(TerminationLog { path, by_default: true })
        }
        Choice::Value(value) if value.starts_with(b"/") || value == b"-" => {
            Some(TerminationLog { path: path(value)?, by_default: false })
        }
        Choice::Value(_) => return Err("expected an absolute path or -".into()),
    })
}

/// `--status`
///
/// # Errors
/// An unknown format.
pub fn status(format: Choice) -> Result<Option<StatusFormat>, Reason> {
    match format {
        Choice::Off => Ok(None),
        Choice::Default | Choice::Value(b"text") => Ok(Some(StatusFormat::Text)),
        Choice::Value(b"json") => Ok(Some(StatusFormat::Json)),
        Choice::Value(_) => Err("expected one of text, json".into()),
    }
}

/// `--dry-run`
///
/// # Errors
/// Any value but `values`.
pub fn dry_run(choice: Choice) -> Result<Option<Values>, Reason> {
    match choice {
        Choice::Off => Ok(None),
        Choice::Default => Ok(Some(Values::Hidden)),
        Choice::Value(b"values") => Ok(Some(Values::Shown)),
        Choice::Value(_) => Err("expected 'values'".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syslog_addresses_are_numeric() {
        for (text, address) in [
            ("udp://192.0.2.1", "192.0.2.1:514"),
            ("udp://192.0.2.1:5514", "192.0.2.1:5514"),
            ("udp://[2001:db8::1]:9", "[2001:db8::1]:9"),
            ("udp://[2001:db8::1]", "[2001:db8::1]:514"),
            ("udp://::1", "[::1]:514"),
        ] {
            let expected = SyslogAddress::Udp(address.parse().unwrap());
            assert_eq!(log_to(text), Ok(LogTo::Syslog(expected)), "{text}");
        }
        let tcp = SyslogAddress::Tcp("127.0.0.1:6514".parse().unwrap());
        assert_eq!(log_to("tcp://127.0.0.1:6514"), Ok(LogTo::Syslog(tcp)));
        assert_eq!(log_to("syslog"), Ok(LogTo::Syslog(SyslogAddress::Local)));
        for text in [
            "",
            "udp",
            "udp://",
            "udp://host",
            "tcp://1.2.3.4:0",
            "tcp://1.2.3.4:65536",
            "http://1.2.3.4",
        ] {
            assert!(log_to(text).is_err(), "{text}");
        }
    }
}
