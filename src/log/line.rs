//! Log lines, made on the stack.

use crate::plan::{Prefix, Style};
use crate::text::fixed::FixedText;
use crate::text::json::Escaping;
use crate::values::error::Error;
use log::Level;
use std::fmt::{self, Write};

/// A line. A long one is cut: writes of up to PIPE_BUF bytes (4096) do not mix with those of other processes (pipe(7)).
pub struct Line(FixedText<1024>);

impl Line {
    /// A text that says itself what it is.
    #[must_use]
    pub fn plain(text: impl fmt::Display) -> Line {
        const END: &str = "\n";
        let mut line = FixedText::with_reserve(END.len());
        write!(line, "{text}").ok(); // an error says that the text was cut
        Line(line.end(END))
    }

    /// `sexton: warning: TEXT`, or as the style has it, behind a time that may be empty.
    #[must_use]
    pub fn text(
        time: impl fmt::Display,
        style: &Style,
        pid: i32,
        level: Level,
        text: impl fmt::Display,
    ) -> Line {
        let template = style.levels.get(level as usize - 1).copied().unwrap_or_default();
        Line::plain(format_args!("{time}{}{text}", Prefix(template, pid)))
    }

    /// `sexton: fatal: TEXT`, and `sexton: hint: ADVICE` below, or as the style has it.
    #[must_use]
    pub fn fatal(time: impl fmt::Display, style: &Style, pid: i32, error: &Error) -> Line {
        let prefix = Prefix(style.fatal, pid);
        let prefix = format_args!("{time}{prefix}");
        let message = error.message();
        match (error.hint(), style.hint) {
            (None, _) => Line::plain(format_args!("{prefix}{message}")),
            (Some(hint), None) => Line::plain(format_args!("{prefix}{message} ({hint})")),
            (Some(hint), Some(start)) => {
                let start = Prefix(start, pid);
                Line::plain(format_args!("{prefix}{message}\n{time}{start}{hint}"))
            }
        }
    }

    /// `{"time":"TIME","level":"warn","message":"TEXT"}`
    #[must_use]
    pub fn json(time: impl fmt::Display, level: Level, text: impl fmt::Display) -> Line {
        const END: &str = "\"}\n";
        let mut line = FixedText::with_reserve(END.len());
        let level = lower_case(level);
        write!(line, r#"{{"time":"{time}","level":"{level}","message":""#).ok();
        write!(Escaping(&mut line), "{text}").ok();
        Line(line.end(END))
    }

    /// The whole line, with its end.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn lower_case(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &Line) -> &str {
        std::str::from_utf8(line.as_bytes()).unwrap()
    }

    #[test]
    fn a_line_ends_once() {
        assert_eq!(shown(&Line::plain("hello")), "hello\n");
        let text = |level| Line::text("", &Style::SEXTON, 1, level, "x");
        assert_eq!(shown(&text(Level::Warn)), "sexton: warning: x\n");
        assert_eq!(shown(&text(Level::Error)), "sexton: error: x\n");
        assert_eq!(shown(&text(Level::Trace)), "sexton: trace: x\n");
    }

    #[test]
    fn a_style_sets_the_beginning_and_the_place_of_a_hint() {
        let error = Error::usage("no").with_hint(Some("try"));
        let usual = Line::fatal("", &Style::SEXTON, 7, &error);
        assert_eq!(shown(&usual), "sexton: fatal: no\nsexton: hint: try\n");
        let style = Style { fatal: "[FATAL x (PID)] ", hint: None, ..Style::SEXTON };
        assert_eq!(shown(&Line::fatal("T ", &style, 7, &error)), "T [FATAL x (7)] no (try)\n");
        let timed = Line::fatal("T ", &Style::SEXTON, 7, &error);
        assert_eq!(shown(&timed), "T sexton: fatal: no\nT sexton: hint: try\n");
    }

    #[test]
    fn a_json_line_is_one_object() {
        let line = Line::json("T", Level::Warn, "it said \"no\"\nthen");
        let expected = r#"{"time":"T","level":"warn","message":"it said \"no\"\nthen"}"#;
        assert_eq!(shown(&line), format!("{expected}\n"));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        assert_eq!(Line::plain("x".repeat(2000)).as_bytes().len(), 1024);
        let cut = Line::plain("é".repeat(2000));
        assert!(cut.as_bytes().len() >= 1023 && shown(&cut).ends_with("é\n"));
    }

    #[test]
    fn a_long_json_line_is_cut_and_still_an_object() {
        for filler in 0..8 {
            let text = "x".repeat(900 + filler) + &"\"\u{1}".repeat(200);
            let line = Line::json("T", Level::Info, text);
            let shown = shown(&line);
            assert!(
                shown.len() > 1000 && shown.len() <= 1024 && shown.ends_with("\"}\n"),
                "{shown}"
            );
            let inside = &shown[..shown.len() - 3];
            assert!(inside.ends_with("\\\"") || inside.ends_with("\\u0001"), "{shown}");
        }
    }
}
