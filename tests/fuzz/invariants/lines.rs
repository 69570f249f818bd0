//! Log lines.

use super::assert_shows;
use super::json::Value;
use log::Level;
use sexton::internals::error::Error;
use sexton::internals::log::line::Line;
use sexton::internals::log::syslog;
use sexton::internals::plan::{Prefix, Style};
use std::fmt;

/// No line and no packet is longer.
const CAPACITY: usize = 1024;

const STYLES: [Style; 2] = [
    Style {
        fatal: "sexton: fatal: ",
        levels: ["e: ", "w: ", "i: ", "sexton: debug: ", "t: "],
        hint: Some("sexton: hint: "),
        quiet_to_stdout: false,
    },
    Style {
        fatal: "[FATAL x (PID)] ",
        levels: ["[x (PID)] "; 5],
        hint: None,
        quiet_to_stdout: true,
    },
];

/// The first byte: level and style. The second: how many times the text behind it is repeated. A `|` ends what is
/// written at once.
pub fn log(bytes: &[u8]) {
    let [kind, times, text @ ..] = bytes else { return };
    let level = Level::iter().nth(usize::from(kind % 5)).unwrap();
    let style = &STYLES[usize::from(kind / 5 % 2)];
    let text = String::from_utf8_lossy(text);
    let most = text.chars().count() * usize::from(*times);
    let text: String = text.chars().cycle().take(most.min(CAPACITY + 64)).collect();
    let pid = 1 + i32::from(kind / 10) * 1_000_000;
    let display =
        || fmt::from_fn(|f| text.split_inclusive('|').try_for_each(|piece| f.write_str(piece)));

    let line = Line::text("", style, pid, level, display());
    let prefix = Prefix(style.levels[level as usize - 1], pid).to_string();
    assert_is_beginning(shown(line.as_bytes()), &(prefix + &text), CAPACITY - 1);

    for hint in [None, Some("try")] {
        let error = Error::invalid(text.as_bytes(), "--x", display()).with_hint(hint);
        let line = Line::fatal("", style, pid, &error);
        let shown = shown(line.as_bytes());
        shown.lines().for_each(assert_shows);
        assert_eq!(shown.lines().count(), if is_below(shown, hint, style) { 2 } else { 1 });
        assert!(shown.starts_with(&Prefix(style.fatal, pid).to_string()), "{shown}");
        assert_shows(error.to_string().lines().next().unwrap());
    }

    let line = Line::json("T", level, display());
    let object = shown(line.as_bytes());
    assert!(object.len() <= CAPACITY);
    assert_shows(object.strip_suffix('\n').unwrap());
    let object = Value::read(&object[..object.len() - 1]);
    assert_eq!(object.member("level"), Some(&Value::Text(level.to_string().to_lowercase())));
    let Some(Value::Text(message)) = object.member("message") else { panic!("{object:?}") };
    assert!(text.starts_with(message.as_str()), "{message:?}");
    assert!(message.len() == text.len() || line.as_bytes().len() > CAPACITY - 8, "{message:?}");

    let local = (None, format!("sexton[{pid}]: "));
    let far = (Some("host".to_owned()), format!(" host sexton {pid} - - "));
    for (host, header) in [local, far] {
        let packet = syslog::packet(pid, host, level, &display());
        let shown = str::from_utf8(&packet).unwrap_or_else(|e| panic!("{e}: {packet:?}"));
        assert!(packet.len() <= CAPACITY && !shown.contains(|c: char| c.is_ascii_control()));
        let (_, beginning) = shown.split_once(&header).unwrap();
        let said = text.replace(|c: char| c.is_ascii_control(), " ");
        assert!(said.starts_with(beginning), "{shown:?}");
        assert!(beginning.len() == said.len() || packet.len() > CAPACITY - 4, "{shown:?}");
    }
}

/// Whether the advice has a line of its own, and that was not cut off.
fn is_below(shown: &str, hint: Option<&str>, style: &Style) -> bool {
    hint.is_some() && style.hint.is_some() && shown[..shown.len() - 1].contains('\n')
}

fn shown(line: &[u8]) -> &str {
    let shown = str::from_utf8(line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
    assert!(shown.ends_with('\n') && shown.len() <= CAPACITY, "{shown:?}");
    shown
}

/// The line is the text, or as much of its beginning as there is room for. An escape sequence is never split.
fn assert_is_beginning(line: &str, text: &str, room: usize) {
    let line = &line[..line.len() - 1];
    assert!(text.starts_with(line), "{line:?}");
    assert!(line.len() == text.len() || line.len() > room - 4 || text.contains('\\'), "{line:?}");
}
