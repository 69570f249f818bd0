//! Texts that are printed on demand: `--help`, and the texts of other programs' options. Each is a file of this folder,
//! and a constant here. `build.rs` packs them (`pack`), to half of their size; nothing else of them is in the binary.

use std::fmt::{self, Write};

#[cfg(test)]
mod pack;

/// A packed text. It displays as the text.
#[derive(Clone, Copy)]
pub struct Text(&'static [u8]);

// PAIRS, and the texts: HELP is help.txt.
include!(concat!(env!("OUT_DIR"), "/texts.rs"));

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&byte| unpack(byte, f))
    }
}

/// Writes what a byte of a packed text stands for.
fn unpack(byte: u8, f: &mut fmt::Formatter) -> fmt::Result {
    match PAIRS.get(usize::from(byte)) {
        Some(&[first, second]) if second != 0 => {
            unpack(first, f)?;
            unpack(second, f)
        }
        _ => f.write_char(char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_text_is_the_file() {
        for (text, file) in [
            (HELP, include_str!("help.txt")),
            (TINI, include_str!("tini.txt")),
            (DUMB_INIT, include_str!("dumb-init.txt")),
            (CATATONIT, include_str!("catatonit.txt")),
            (ABOUT, include_str!("about.txt")),
            (LICENCE, include_str!("licence.txt")),
        ] {
            let is_whole = cfg!(all(feature = "gosu", feature = "landlock")); // build.rs shortens it otherwise
            assert!(text.to_string() == file || !is_whole && file.contains("--help"), "{text}");
            assert!(text.0.len() * 2 < file.len() + 50, "{} for {file}", text.0.len());
        }
    }

    #[test]
    fn pairs_are_replaced_until_no_byte_is_left() {
        let pack::Packed { pairs, texts } = pack::pack(vec![b"abababab".to_vec(), b"ab".to_vec()]);
        assert_eq!(texts[1], [1]); // the first byte that neither text has stands for "ab"
        assert_eq!((pairs[1], pairs[2]), ([b'a', b'b'], [1, 1]));
        assert_eq!(texts[0], [2, 2]); // which come once only
    }
}
