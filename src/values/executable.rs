//! What a file is to execve(2), by its first bytes: an ELF file (elf(5)), a script, or neither.

#![forbid(unsafe_code)]

use std::fmt;

/// How much of a file the kernel looks at for a `#!` line, since Linux 5.1. A shell judges by no more.
pub const LOOKED_AT: usize = 256;

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind<'a> {
    /// An ELF file.
    Elf(Elf),
    /// A script, with the name of its interpreter.
    Script(&'a [u8]),
    /// A script that the kernel does not know as one, because a byte order mark stands before its `#!`.
    MarkedScript,
    /// No text: a null byte stands before the end of the first line.
    Binary,
    /// Text, which a shell can try to run.
    Text,
}

impl Kind<'_> {
    /// What a file with this beginning is.
    #[must_use]
    pub fn of(beginning: &[u8]) -> Kind<'_> {
        let beginning = beginning.get(..LOOKED_AT).unwrap_or(beginning);
        let line = beginning.split(|&byte| byte == b'\n').next().unwrap_or_default();
        match beginning {
            [0x7f, b'E', b'L', b'F', ..] => {
                beginning.first_chunk().map_or(Kind::Binary, |header| Kind::Elf(Elf::parse(header)))
            }
            [0xef, 0xbb, 0xbf, b'#', b'!', ..] => Kind::MarkedScript,
            [b'#', b'!', ..] => {
                let mut words =
                    line.get(2..).unwrap_or_default().split(|byte| b" \t\0".contains(byte));
                words.find(|word| !word.is_empty()).map_or(Kind::Text, Kind::Script)
            }
            _ if line.contains(&0) => Kind::Binary,
            _ => Kind::Text,
        }
    }
}

/// The size of the larger of the two headers that an ELF file can have.
const HEADER: usize = 64;

/// The header of an ELF file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Elf {
    is_64_bit: bool,
    is_big_endian: bool,
    kind: u16,
    machine: u16,
    /// The place and the number of the program headers; only known for this machine's order.
    headers: (u64, u16),
}

/// Names of machines by their numbers in ELF files, as uname(2) has them.
const MACHINES: [(u16, &str); 8] = [
    (3, "i386"),
    (21, "ppc64"),
    (22, "s390x"),
    (40, "arm"),
    (62, "x86_64"),
    (183, "aarch64"),
    (243, "riscv"),
    (258, "loongarch64"),
];

/// The machines whose programs run on this one: its own, and the one of 32 bits that most kernels support beside it.
const OWN: (u16, u16) = if cfg!(target_arch = "x86_64") {
    (62, 3)
} else if cfg!(target_arch = "aarch64") {
    (183, 40)
} else {
    (0, 0)
};

impl Elf {
    fn parse(bytes: &[u8; HEADER]) -> Elf {
        let is_64_bit = byte(bytes, 4) == 2;
        let is_big_endian = byte(bytes, 5) == 2;
        let half = |at| {
            let (low, high) = if is_big_endian { (at + 1, at) } else { (at, at + 1) };
            u16::from(byte(bytes, low)) | u16::from(byte(bytes, high)) << 8
        };
        let (place, count) = if is_64_bit { (32, 56) } else { (28, 44) };
        Elf {
            is_64_bit,
            is_big_endian,
            kind: half(16),
            machine: half(18),
            headers: (word(bytes, place, is_64_bit), half(count)),
        }
    }

    /// Whether it is a program, and no object file or core dump.
    #[must_use]
    pub fn is_program(&self) -> bool {
        matches!(self.kind, 2 | 3)
    }

    /// Whether the machine that sexton was built for takes such files.
    #[must_use]
    pub fn is_for_this_machine(&self) -> bool {
        let (own, other) = OWN;
        let is_64_bit = size_of::<usize>() == 8;
        let is_own = self.machine == own && self.is_64_bit == is_64_bit;
        let is_other = self.machine == other && !self.is_64_bit;
        self.is_big_endian == cfg!(target_endian = "big") && (is_own || is_other || own == 0)
    }

    /// The name of the machine that it is for; empty if that machine is not in the list here.
    #[must_use]
    pub fn machine(&self) -> &'static str {
        MACHINES.iter().find(|&&(number, _)| number == self.machine).map_or("", |&(_, name)| name)
    }

    /// The places of the program headers, no more than the kernel takes.
    pub fn headers(&self) -> impl Iterator<Item = u64> {
        const MOST: u16 = 1170; // 64 KiB
        let (place, count) = self.headers;
        let size = if self.is_64_bit { 56 } else { 32 };
        (0..count.min(MOST)).map(move |index| place.saturating_add(u64::from(index) * size))
    }

    /// The place of the dynamic loader's name, if this program header says so (PT_INTERP).
    #[must_use]
    pub fn loader(&self, header: &[u8]) -> Option<u64> {
        const INTERPRETER: u64 = 3;
        let is_loader = word(header, 0, false) == INTERPRETER;
        is_loader.then(|| word(header, if self.is_64_bit { 8 } else { 4 }, self.is_64_bit))
    }
}

fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// A number of 64 or 32 bits in this machine's order; 0 behind the end.
fn word(bytes: &[u8], at: usize, is_64_bit: bool) -> u64 {
    let bytes = bytes.get(at..).unwrap_or_default();
    let half = |at| {
        bytes
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .map_or(0, |half| u64::from(u32::from_ne_bytes(*half)))
    };
    match (is_64_bit, cfg!(target_endian = "big")) {
        (false, _) => half(0),
        (true, false) => half(0) | half(4) << 32,
        (true, true) => half(4) | half(0) << 32,
    }
}

/// The machine: `aarch64 (64-bit, little-endian)`.
impl fmt::Display for Elf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.machine() {
            "" => write!(f, "ELF machine {}", u32::from(self.machine))?,
            name => f.write_str(name)?,
        }
        f.write_str(match (self.is_64_bit, self.is_big_endian) {
            (true, false) => " (64-bit, little-endian)",
            (true, true) => " (64-bit, big-endian)",
            (false, false) => " (32-bit, little-endian)",
            (false, true) => " (32-bit, big-endian)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of 64 bits and little-endian, or not.
    fn header(class: u8, order: u8, machine: u16) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, order, 1]);
        let half =
            |number: u16| if order == 2 { number.to_be_bytes() } else { number.to_le_bytes() };
        bytes[16..18].copy_from_slice(&half(2));
        bytes[18..20].copy_from_slice(&half(machine));
        bytes
    }

    fn elf(bytes: &[u8]) -> Elf {
        match Kind::of(bytes) {
            Kind::Elf(elf) => elf,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_elf_file_names_machine_class_and_order() {
        for (class, order, machine, expected) in [
            (2, 1, 183, "aarch64 (64-bit, little-endian)"),
            (2, 2, 22, "s390x (64-bit, big-endian)"),
            (1, 1, 40, "arm (32-bit, little-endian)"),
            (1, 1, 62, "x86_64 (32-bit, little-endian)"),
            (2, 1, 999, "ELF machine 999 (64-bit, little-endian)"),
        ] {
            let elf = elf(&header(class, order, machine));
            assert_eq!(elf.to_string(), expected);
            assert!(elf.is_program());
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn machine_class_and_order_must_be_those_of_this_machine() {
        let fits =
            |class, order, machine| elf(&header(class, order, machine)).is_for_this_machine();
        assert!(fits(2, 1, 62) && fits(1, 1, 3));
        assert!(!fits(2, 1, 183) && !fits(1, 1, 62) && !fits(2, 2, 62) && !fits(2, 1, 3));
    }

    #[test]
    fn the_loader_is_where_a_program_header_says() {
        let mut bytes = header(2, 1, 62);
        bytes[32] = 64;
        bytes[56] = 2;
        let elf = elf(&bytes);
        assert_eq!(elf.headers().collect::<Vec<_>>(), [64, 120]);
        let mut program = [0; 56];
        assert_eq!(elf.loader(&program), None);
        (program[0], program[8]) = (3, 200);
        assert_eq!(elf.loader(&program), Some(200));
        assert_eq!(elf.loader(&program[..3]), None);
    }

    #[test]
    fn a_header_that_is_cut_off_is_no_fault() {
        let whole = header(2, 1, 62);
        for length in 0..=whole.len() {
            let kind = Kind::of(&whole[..length]);
            assert_eq!(matches!(kind, Kind::Elf(_)), length == HEADER, "{length}: {kind:?}");
        }
        let mut many = whole;
        many[32..40].fill(0xff);
        many[56..58].fill(0xff);
        assert_eq!(elf(&many).headers().last(), Some(u64::MAX));
        assert!(elf(&many).headers().count() < 1200);
    }

    #[test]
    fn a_script_is_told_from_text_and_from_other_files() {
        for (beginning, expected) in [
            (&b"#!/bin/sh\n"[..], Kind::Script(b"/bin/sh")),
            (b"#! \t/usr/bin/env  python\n\0", Kind::Script(b"/usr/bin/env")),
            (b"#!/bin/sh\r\n", Kind::Script(b"/bin/sh\r")),
            (b"#!/bin/sh", Kind::Script(b"/bin/sh")),
            (b"#!\nx", Kind::Text),
            (b"#! ", Kind::Text),
            (b"\xef\xbb\xbf#!/bin/sh\n", Kind::MarkedScript),
            (b"\xef\xbb\xbfecho\n", Kind::Text),
            (b"echo\n\0", Kind::Text),
            (b"", Kind::Text),
            (b"MZ is a word\n", Kind::Text),
            (b"MZ\x90\0\x03", Kind::Binary),           // Windows
            (b"\xcf\xfa\xed\xfe\x07\0", Kind::Binary), // macOS
            (b"\x1f\x8b\x08\0", Kind::Binary),
            (b"\0", Kind::Binary),
        ] {
            assert_eq!(Kind::of(beginning), expected, "{beginning:?}");
        }
        let mut long = vec![b'x'; LOOKED_AT];
        long.push(0);
        assert_eq!(Kind::of(&long), Kind::Text, "the kernel and shells look no further");
    }
}
