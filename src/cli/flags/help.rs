//! The text of `--help`: `texts/help.txt`.

use crate::cli::texts::HELP;
use std::fmt::Write;

/// Room for the whole text, because a text that grows would not fit into sexton's own heap, and the kernel may give
/// none.
const ROOM: usize = 12 << 10;

/// The whole text.
pub fn text() -> String {
    let mut text = String::with_capacity(ROOM);
    write!(text, "{HELP}").ok(); // writing to a string never fails
    text
}

/// The value that a flag needs, as the text has it: `DURATION|none`; empty if it needs none.
pub fn value(long: &str) -> String {
    let usage = format!("      --{long} ");
    let text = text();
    let value = text.split('\n').find_map(|line| line.strip_prefix(&usage));
    value.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flags::{FLAGS, Flag, Kind, SHORT};

    /// How the flag is written, up to the name of its value, which the text has to say.
    fn usage(flag: &Flag) -> String {
        let short = SHORT.iter().find(|(_, long)| *long == flag.long);
        let short =
            short.map_or("    ".to_owned(), |(letter, _)| format!("-{}, ", char::from(*letter)));
        let long = flag.long;
        match flag.kind {
            Kind::Value(_) => format!("  {short}--{long} "),
            Kind::Optional(_) => format!("  {short}--{long}[="),
            Kind::Switch(_) | Kind::Count(_) | Kind::Print(_) => format!("  {short}--{long}"),
        }
    }

    #[test]
    fn each_flag_has_its_paragraph_in_the_order_of_the_table() {
        let help = text();
        let usages: Vec<&str> = help
            .lines()
            .filter(|line| line.starts_with("  ") && !line.starts_with("       "))
            .collect();
        assert_eq!(usages.len(), FLAGS.len());
        for (flag, line) in FLAGS.iter().zip(usages) {
            let value = line
                .strip_prefix(&usage(flag))
                .unwrap_or_else(|| panic!("{line} for --{}", flag.long));
            let takes_value = matches!(flag.kind, Kind::Value(_) | Kind::Optional(_));
            assert_eq!(value.is_empty(), !takes_value, "{line}");
            let (_, paragraph) = help.split_once(&format!("{line}\n          ")).unwrap();
            let end = paragraph
                .find("\n\n")
                .into_iter()
                .chain(paragraph.find("\n  -"))
                .chain(paragraph.find("\n      -"))
                .min()
                .unwrap();
            let words = paragraph[..end].split_whitespace().collect::<Vec<_>>().join(" ");
            match flag.variable() {
                Some(name) => assert!(words.ends_with(&format!(". [{name}]")), "{words}"),
                None => assert!(words.ends_with('.'), "{words}"),
            }
        }
    }

    #[test]
    fn the_text_fits_its_room_and_the_width_of_a_terminal() {
        let help = text();
        assert!(help.len() <= ROOM, "{}", help.len());
        for line in help.lines() {
            let width = if line.starts_with(' ') { 80 } else { 88 };
            assert!(line.len() <= width && !line.ends_with(' '), "{line}");
        }
    }

    #[test]
    fn the_value_of_a_flag_is_found() {
        assert_eq!(value("grace"), "DURATION|none");
        assert_eq!(value("log-to"), "WHERE");
        assert_eq!(value("help"), "");
    }
}
