//! The C library's getopt(3), by which the inits whose place sexton takes read their options.

use sexton::internals::error::{Error, printable};
use sexton::internals::plan::Target;
use sexton::internals::plan::request::Request;
use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::sync::Mutex;

/// `struct option` (getopt_long(3)).
#[repr(C)]
struct LongOption {
    name: *const c_char,
    has_value: c_int,
    flag: *const c_int,
    letter: c_int,
}

unsafe extern "C" {
    static mut optind: c_int;
    static mut opterr: c_int;
    fn getopt_long(
        count: c_int,
        words: *const *const c_char,
        short: *const c_char,
        long: *const LongOption,
        index: *mut c_int,
    ) -> c_int;
    fn getopt(count: c_int, words: *const *const c_char, short: *const c_char) -> c_int;
}

/// Another init's options; the plus has getopt stop at the first word that is none.
struct Options {
    short: &'static CStr,
    long: &'static [(&'static CStr, bool, u8)],
    /// Those that print a text.
    print: &'static [u8],
}

const TINI: Options = Options { short: c"+p:hvwgle:s", long: &[], print: b"hl" };
const DUMB_INIT: Options = Options {
    short: c"+hvVcr:",
    long: &[
        (c"help", false, b'h'),
        (c"single-child", false, b'c'),
        (c"rewrite", true, b'r'),
        (c"verbose", false, b'v'),
        (c"version", false, b'V'),
    ],
    print: b"hV",
};
const CATATONIT: Options =
    Options { short: c"+ghLPV", long: &[(c"version", false, b'V')], print: b"hLV" };

/// What getopt gives: letters, up to the first `?`; and how many words they are, the name included.
fn read(options: &Options, words: &[&CStr]) -> (Vec<u8>, usize) {
    /// The C library has one state for all threads.
    static STATE: Mutex<()> = Mutex::new(());
    let _alone = STATE.lock();
    let mut argv: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).collect();
    argv.push(ptr::null());
    let option = |name: *const c_char, has_value: bool, letter: u8| LongOption {
        name,
        has_value: has_value.into(),
        flag: ptr::null(),
        letter: letter.into(),
    };
    let named =
        options.long.iter().map(|&(name, value, letter)| option(name.as_ptr(), value, letter));
    let long: Vec<LongOption> = named.chain([option(ptr::null(), false, 0)]).collect();
    // SAFETY: nobody else uses them in this process; 0 has it begin anew.
    unsafe { (optind, opterr) = (0, 0) };
    let (count, short) = (words.len() as c_int, options.short.as_ptr());
    let mut letters = Vec::new();
    while letters.last() != Some(&b'?') {
        let letter = if options.long.is_empty() {
            // SAFETY: all texts are live, and the array ends with a null.
            unsafe { getopt(count, argv.as_ptr(), short) }
        } else {
            // SAFETY: as above, the options' array too.
            unsafe { getopt_long(count, argv.as_ptr(), short, long.as_ptr(), ptr::null_mut()) }
        };
        match u8::try_from(letter) {
            Ok(letter) => letters.push(letter),
            Err(_) => break,
        }
    }
    // SAFETY: as above.
    (letters, unsafe { optind } as usize)
}

/// Another init's options are those that getopt finds.
pub fn agrees(words: &[&CStr], environment: &[&CStr], result: &Result<Request, Error>) {
    let Some(program) = words.first() else { return };
    let name = program.to_bytes().rsplit(|&byte| byte == b'/').next().unwrap();
    let options = match name {
        b"tini" | b"tini-static" | b"docker-init" => TINI,
        b"dumb-init" => DUMB_INIT,
        b"catatonit" => CATATONIT,
        _ => return,
    };
    let has = |start: &[u8]| environment.iter().any(|entry| entry.to_bytes().starts_with(start));
    let reserved = name == b"catatonit" && has(b"CATATONIT_LOG=");
    let sextons = words.len() == 2 && matches!(words[1].to_bytes(), b"-P" | b"--version");
    if sextons || words.get(1).is_some_and(|word| word.to_bytes().starts_with(b"--status")) {
        return;
    }
    let start = printable(program.to_bytes()) + ": ";
    let complains = |text: &str| text.starts_with(&start); // as getopt does
    let (letters, end) = read(&options, words);
    let first = letters.iter().find(|letter| **letter == b'?' || options.print.contains(letter));
    let rest = &words[end.min(words.len())..];
    match result {
        Ok(Request::Print(printed)) if complains(&printed.text) => {
            assert_eq!(first, Some(&b'?'), "{words:?}");
            assert!(printed.status == 1 && printed.to_stderr, "{words:?}");
        }
        // Values are checked as they come.
        Ok(Request::Print(_)) if letters.iter().any(|letter| b"per".contains(letter)) => {}
        Ok(Request::Print(printed)) => match first {
            Some(b'?') => assert!(reserved, "{words:?}"),
            Some(_) => assert_eq!(printed.status, u8::from(reserved), "{words:?}"),
            None => assert!(rest.is_empty() || reserved, "{words:?}"),
        },
        Ok(Request::Pause(_)) => assert!(letters.contains(&b'P') || has(b"SEXTON_PAUSE=")),
        Ok(Request::Run(plan) | Request::Replace(plan) | Request::DryRun(plan, _)) => {
            assert_eq!(first, None, "{words:?}");
            let without_dashes = || match rest {
                [command, dashes, rest @ ..] if dashes.to_bytes() == b"--" => {
                    plan.argv == [&[*command], rest].concat()
                }
                _ => false,
            };
            assert!(plan.argv == rest || name != b"dumb-init" && without_dashes(), "{words:?}");
            if letters.contains(&b'g') {
                assert_eq!(plan.policy.forward_to, Target::Group, "{words:?}");
            }
            if letters.contains(&b'c') {
                assert_eq!(plan.policy.forward_to, Target::Command, "{words:?}");
            }
        }
        Ok(Request::Status(_) | Request::Install(_)) => assert!(has(b"SEXTON_")),
        Err(_) => assert!(has(b"SEXTON_"), "{words:?}"),
    }
}
