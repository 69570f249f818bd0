//! The text of `--help`.

use super::table::FLAGS;

/// How wide the lines of `--help` may be.
const WIDTH: usize = 80;

/// Room for the whole text, because a text that grows would not fit into sexton's own heap, and the kernel may give none.
const ROOM: usize = 12 << 10;

/// The whole text.
pub fn text() -> String {
    let mut text = String::with_capacity(ROOM);
    text.push_str(
        "An init for containers: starts one command, forwards signals to it, reaps every\n\
         orphan, shuts the whole process tree down in bounded time, and exits with the\n\
         command's status.\n\n\
         Usage: sexton [OPTIONS] [--] COMMAND [ARG...]\n",
    );
    let mut section = "";
    for flag in FLAGS {
        if flag.section != section {
            section = flag.section;
            text += &format!("\n{section}:\n");
        }
        let short = flag.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
        text += &format!("  {short}{}\n", flag.usage());
        let variable = flag.variable().map_or(String::new(), |name| format!(" [{name}]"));
        wrap(&format!("{}{variable}", flag.help), &mut text);
    }
    text += "\nCalled by the name of another program, or as sexton --as\n\
             tini|dumb-init|catatonit|gosu|su-exec, it takes the flags of that program.\n\
             \nDurations: 5s, 500ms, 2m, 1h or bare seconds. The variable of a flag is in brackets;\n\
             lists are comma-separated, empty is unset, and the flag overrides it. Of a\n\
             repeated flag the last one counts; lists add up.\n\n\
             Exit status: that of the command; 128 + N if signal N killed it (not PID 1: sexton dies\n\
             of the same signal); 127 command not found; 126 not executable; 125 error of sexton.\n";
    text
}

/// Appends the words, indented, in lines of at most [`WIDTH`].
fn wrap(words: &str, text: &mut String) {
    let mut column = 0;
    for word in words.split_whitespace() {
        if column > 0 && column + 1 + word.len() <= WIDTH {
            text.push(' ');
            column += 1;
        } else {
            text.push_str(if column > 0 { "\n          " } else { "          " });
            column = 10;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_flag_and_variable_and_fits_the_width() {
        let help = text();
        assert!(help.len() <= ROOM, "{}", help.len());
        for flag in FLAGS {
            assert!(help.contains(&format!("--{}", flag.long)), "{}", flag.long);
            assert!(flag.variable().is_none_or(|name| help.contains(&name)), "{}", flag.long);
        }
        for line in help.lines() {
            assert!(line.len() <= 88, "{line}");
        }
    }
}
