//! Why a command does not start: the cause is in the error, and `--dry-run` finds the same.

use crate::harness::{Ended, Folder, Setup, probe};
use std::fs;

const NPROC: i32 = 6;

/// A file that is a program for this machine or another one, as far as its header says so.
fn elf(class: u8, order: u8, machine: u16) -> Vec<u8> {
    let mut bytes = vec![0; 256];
    bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, order, 1]);
    let half = |number: u16| if order == 2 { number.to_be_bytes() } else { number.to_le_bytes() };
    let (place, counts) = if class == 2 { (32, 54) } else { (28, 42) };
    bytes[16..18].copy_from_slice(&half(2));
    bytes[18..20].copy_from_slice(&half(machine));
    bytes[place] = 64;
    bytes[counts..counts + 2].copy_from_slice(&half(if class == 2 { 56 } else { 32 }));
    bytes[counts + 2..counts + 4].copy_from_slice(&half(1));
    bytes
}

/// A program for this machine that asks for this dynamic loader.
fn dynamic(loader: &str) -> Vec<u8> {
    let mut bytes = fs::read(probe()).unwrap();
    let number = |bytes: &[u8], at: usize| {
        u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
    };
    let (headers, count) = (number(&bytes, 32), u16::from_ne_bytes([bytes[56], bytes[57]]));
    let header = (0..count as usize).map(|index| headers + index * 56).find(|&at| bytes[at] == 3);
    let header = header.expect("the probe has a dynamic loader");
    // The name is put behind the end, where no beginning of the file shows it.
    let end = bytes.len();
    bytes[header + 8..header + 16].copy_from_slice(&end.to_ne_bytes());
    for at in [32, 40] {
        bytes[header + at..header + at + 8].copy_from_slice(&(loader.len() + 1).to_ne_bytes());
    }
    bytes.extend(loader.as_bytes());
    bytes.push(0);
    bytes
}

fn other_machine() -> (u16, &'static str) {
    if cfg!(target_arch = "x86_64") { (183, "aarch64") } else { (62, "x86_64") }
}

/// The statuses of each init: not found, incomplete, denied, not executable.
const MODES: [(&str, [i32; 4]); 4] = [
    ("sexton", [127, 126, 126, 126]),
    ("tini", [127, 127, 126, 1]),
    ("dumb-init", [2, 2, 2, 2]),
    ("catatonit", [1, 1, 1, 1]),
];

#[derive(Clone, Copy)]
enum Fails {
    NotFound,
    Incomplete,
    Denied,
    NotExecutable,
}

/// Runs it as sexton, as the other inits, and as a dry run: message and hint are the same in all of them.
fn fails(setup: impl Fn(&[&str]) -> Setup, how: Fails, message: &str, hint: &str) {
    for (name, statuses) in MODES {
        let status = statuses[how as usize];
        let run = setup(&[]).called(name).run();
        check(name, &run, status, message, hint, name == "sexton");
    }
    let dry = setup(&["--dry-run"]).run();
    check("--dry-run", &dry, MODES[0].1[how as usize], message, hint, true);
}

fn check(what: &str, ended: &Ended, status: i32, message: &str, hint: &str, native: bool) {
    assert_eq!((ended.status, ended.stdout.as_str()), (status, ""), "{what}: {ended:?}");
    let expected = match (native, hint) {
        (true, "") => format!("sexton: fatal: unable to {message}\n"),
        (true, hint) => format!("sexton: fatal: unable to {message}\nsexton: hint: {hint}\n"),
        (false, "") => format!("unable to {message}\n"),
        (false, hint) => format!("unable to {message} ({hint})\n"),
    };
    let said = ended.stderr.as_str();
    assert!(
        if native { said == expected } else { said.ends_with(&expected) },
        "{what}: {said:?} {expected:?}"
    );
}

/// The command alone.
fn of(command: &str) -> impl Fn(&[&str]) -> Setup {
    move |flags| Setup::new(&[flags, &[command]].concat())
}

#[test]
fn a_program_for_another_machine_class_or_byte_order_names_both() {
    const HINT: &str = "use an image for this machine: see --platform of docker build and run";
    let folder = Folder::new("foreign");
    let (machine, name) = other_machine();
    let (own, own_name) =
        if cfg!(target_arch = "x86_64") { (62, "x86_64") } else { (183, "aarch64") };
    for (index, (bytes, machine)) in [
        (elf(2, 1, machine), format!("{name} (64-bit, little-endian)")),
        (elf(2, 2, 22), "s390x (64-bit, big-endian)".to_owned()),
        (elf(2, 2, own), format!("{own_name} (64-bit, big-endian)")),
        (elf(1, 1, own), format!("{own_name} (32-bit, little-endian)")),
        (elf(2, 1, 4711), "ELF machine 4711 (64-bit, little-endian)".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let program = folder.program(&format!("program{index}"), &bytes);
        let cause = format!("it is built for {machine}, and this machine is {own_name}");
        let message = format!("execute '{program}': exec format error: {cause}");
        fails(of(&program), Fails::NotExecutable, &message, HINT);
        // As the interpreter of a script, which no shell runs either.
        let script = folder.program("script", format!("#!{program}\necho run\n").as_bytes());
        let cause = cause.replace("it is", &format!("its interpreter '{program}' is"));
        let message = format!("execute '{script}': exec format error: {cause}");
        fails(of(&script), Fails::NotExecutable, &message, HINT);
    }
}

#[test]
fn a_file_that_is_neither_program_nor_text_is_not_given_to_a_shell() {
    let folder = Folder::new("binary");
    let (own, _) = if cfg!(target_arch = "x86_64") { (62, "x86_64") } else { (183, "aarch64") };
    let mut object = elf(2, 1, own);
    object[16] = 1;
    let no_program = "it is an ELF file, but not a program";
    let binary = "it is neither an ELF file nor a script";
    let hint = "";
    let marked = "it has a byte order mark before its #!";
    for (name, contents, cause, hint) in [
        ("object", &object[..], no_program, ""),
        ("cut-off", &elf(2, 1, own)[..64], no_program, ""),
        ("stub", &elf(2, 1, own)[..63], binary, hint),
        ("macho", b"\xcf\xfa\xed\xfe\x07\0\0\x01echo run\n", binary, hint),
        ("null", b"echo run; exit 3 # \0\n", binary, hint),
        (
            "marked",
            b"\xef\xbb\xbf#!/bin/sh\necho run\n",
            marked,
            "save it as UTF-8 without a byte order mark",
        ),
    ] {
        let file = folder.program(name, contents);
        let message = format!("execute '{file}': exec format error: {cause}");
        fails(of(&file), Fails::NotExecutable, &message, hint);
    }
    // A null byte in a later line is the script's own business: a shell may have ended by then.
    let file = folder.program("text", b"echo run\nexit 3\n\0");
    let ended = Setup::new(&[&file]).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (3, "run\n"), "{ended:?}");
    assert_eq!(Setup::new(&["--dry-run", &file]).run().status, 0);
    // So is the mark without a #! line.
    let file = folder.program("mark", b"\xef\xbb\xbf\nexit 3\n");
    assert_eq!(Setup::new(&[&file]).run().status, 3);
}

#[test]
fn a_missing_interpreter_is_named_and_so_are_windows_line_endings() {
    const INSTALL: &str = "install it in the image, or change the first line of the script";
    const WINDOWS: &str =
        "the script has Windows line endings: run dos2unix, and set eol=lf in .gitattributes";
    let folder = Folder::new("no-interpreter");
    for (line, interpreter, hint) in [
        ("#!/no/such/bash", "/no/such/bash", INSTALL),
        ("#! /no/such/env python3", "/no/such/env", INSTALL),
        ("#!/bin/sh\r", r"/bin/sh\r", WINDOWS),
        ("#!/etc/passwd/x", "/etc/passwd/x", INSTALL),
    ] {
        let script = folder.program("script", format!("{line}\necho run\n").as_bytes());
        let message = format!(
            "execute '{script}': no such file or directory: its interpreter '{interpreter}' is missing"
        );
        fails(of(&script), Fails::Incomplete, &message, hint);
    }
    // The interpreter's own interpreter.
    let inner = folder.program("inner", b"#!/no/such/inner\n");
    let outer = folder.program("outer", format!("#!{inner}\n").as_bytes());
    let message = format!(
        "execute '{outer}': no such file or directory: its interpreter '/no/such/inner' is missing"
    );
    fails(of(&outer), Fails::Incomplete, &message, INSTALL);
    // One that is there, and cannot be executed.
    let plain = folder.file("plain", "644", "");
    let script = folder.program("script", format!("#!{plain}\n").as_bytes());
    let message = format!(
        "execute '{script}': permission denied: its interpreter '{plain}' is not executable"
    );
    fails(of(&script), Fails::Denied, &message, CHMOD);
}

const CHMOD: &str = "chmod +x makes it executable, or COPY --chmod=755 in the Dockerfile";

#[test]
fn a_missing_dynamic_loader_is_named() {
    let folder = Folder::new("no-loader");
    for loader in ["/lib64/no-ld-linux.so.2", "/lib/no-ld-musl.so.1"] {
        let program = folder.program("program", &dynamic(loader));
        let message = format!(
            "execute '{program}': no such file or directory: its dynamic loader '{loader}' is missing"
        );
        let hint =
            "the image lacks that C library: use one that has it, or link the program statically";
        fails(of(&program), Fails::Incomplete, &message, hint);
    }
}

#[test]
fn a_file_that_may_not_be_executed_says_why() {
    let folder = Folder::new("denied");
    let plain = folder.file("plain", "644", "#!/bin/sh\necho run\n");
    let message = format!("execute '{plain}': permission denied: it is not executable");
    fails(of(&plain), Fails::Denied, &message, CHMOD);
    let directory = folder.path();
    let message = format!("execute '{directory}': permission denied: it is a directory");
    fails(of(directory), Fails::Denied, &message, "");
    // Found in PATH.
    let path = format!("PATH={directory}");
    let message = format!("execute '{plain}': permission denied: it is not executable");
    let setup =
        |flags: &[&str]| Setup::new(&[flags, &["plain"]].concat()).no_variables().variable(&path);
    fails(setup, Fails::Denied, &message, CHMOD);
    // Nothing is opened that could block or do something.
    let fifo = folder.fifo("fifo");
    assert_eq!(Setup::new(&["--dry-run", &fifo]).run().status, 126);
    assert_eq!(Setup::new(&[&fifo]).run().status, 126);
}

#[test]
fn a_file_system_mounted_noexec_is_named() {
    let folder = Folder::new("noexec");
    let script = folder.program("script", b"#!/bin/sh\necho run\n");
    let ended = |words: &str| {
        let mount = format!(
            "mount -t tmpfs -o noexec none {0} && cp /bin/true {0}/true && exec {1} {words} {0}/true",
            folder.path(),
            crate::harness::sexton().display()
        );
        Setup::program("/bin/sh".as_ref(), &["-c", &mount]).run()
    };
    let message = format!(
        "execute '{}/true': permission denied: it is on a file system mounted noexec",
        folder.path()
    );
    let hint = "mount it with the option exec, or move the program";
    for words in ["--", "--dry-run --"] {
        check(words, &ended(words), 126, &message, hint, true);
    }
    assert_eq!(Setup::new(&[&script]).run().stdout, "run\n");
}

#[test]
fn another_user_s_file_is_no_mystery() {
    let folder = Folder::new("other-user").open_to_all();
    let script = folder.file("script", "750", "#!/bin/sh\necho run\n");
    let ended = Setup::new(&["--user=1000", &script]).run();
    let message = format!("execute '{script}': permission denied");
    let hint = "check owner and mode of the file and of the directories above it";
    check("run", &ended, 126, &message, hint, true);
}

#[test]
fn one_word_with_blanks_is_no_command_line() {
    let hint = "it is one word with blanks in it: write each argument as a separate word";
    for (word, path) in [
        ("nginx -g daemon", " in PATH=/usr/bin:/bin"),
        ("/bin/echo run", ""),
        (" true", " in PATH=/usr/bin:/bin"),
    ] {
        let message = format!("execute '{word}': command not found{path}");
        fails(of(word), Fails::NotFound, &message, hint);
    }
}

#[test]
fn a_command_that_is_not_found_says_where_it_was_looked_for() {
    let folder = Folder::new("not-found");
    let message = "execute 'no-such': command not found in PATH=/usr/bin:/bin";
    fails(of("no-such"), Fails::NotFound, message, "");
    let message = "execute 'no-such': command not found, and PATH is not set: /bin:/usr/bin";
    let without = |flags: &[&str]| Setup::new(&[flags, &["no-such"]].concat()).no_variables();
    fails(without, Fails::NotFound, message, "");
    fails(of("/no/such"), Fails::NotFound, "execute '/no/such': command not found", "");
    folder.file("server", "755", "#!/bin/sh\necho run\n");
    let message = "execute 'server': command not found in PATH=/usr/bin:/bin";
    let here = |flags: &[&str]| Setup::new(&[flags, &["server"]].concat()).directory(folder.path());
    fails(
        here,
        Fails::NotFound,
        message,
        "it is in the working directory: write ./ before the name",
    );
    // With --chdir it is that directory.
    let chdir = format!("--chdir={}", folder.path());
    for flags in [&["--dry-run", &chdir][..], &[&chdir]] {
        let ended = Setup::new(&[flags, &["server"]].concat()).run();
        assert!(ended.status == 127 && ended.stderr.contains("write ./ before"), "{ended:?}");
    }
}

/// sexton leaves the directory when it has started the command, and gives up rights.
#[test]
fn relative_names_are_explained_as_well() {
    let folder = Folder::new("relative");
    folder.file("sub/script", "755", "#!/no/such\n");
    let message =
        "execute './script': no such file or directory: its interpreter '/no/such' is missing";
    let hint = "install it in the image, or change the first line of the script";
    let sub = folder.at("sub");
    let own = |flags: &[&str]| Setup::new(&[flags, &["./script"]].concat()).directory(&sub);
    fails(own, Fails::Incomplete, message, hint);
    for chdir in [format!("--chdir={sub}"), "--chdir=sub".to_owned()] {
        for flags in [&["--dry-run", &chdir][..], &[&chdir]] {
            let setup = Setup::new(&[flags, &["./script"]].concat()).directory(folder.path());
            check(&chdir, &setup.run(), 126, message, hint, true);
        }
    }
}

#[test]
fn a_limit_that_is_reached_is_named() {
    let user = format!("--user={}", 300_000 + std::process::id());
    let mut other = Setup::new(&[&user, &probe(), "sleep"]).start();
    other.expect("ready");
    let ended = Setup::new(&[&user, "/bin/echo", "run"]).limit(NPROC, 0, 0).run();
    let hint = "the user has more processes than the limit nproc allows";
    let message = "execute '/bin/echo': resource temporarily unavailable: the limit nproc is 0";
    check("nproc", &ended, 126, message, hint, true);
}

#[test]
fn an_engine_s_user_beside_sexton_s_is_named() {
    let hint = "sexton is not root: set the user in the engine (USER, --user, runAsUser) or in sexton, not in both";
    for (flag, step) in [
        ("--user=1234", "set the supplementary groups to"),
        ("--groups=5", "set the supplementary groups to 5"),
        ("--cap-drop=all", "drop from the bounding set:"),
    ] {
        let setup = |flags: &[&str]| Setup::new(&[flags, &[flag, "true"]].concat()).user(1000);
        for flags in [&[][..], &["--dry-run"]] {
            let ended = setup(flags).run();
            assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{flag} {ended:?}");
            assert!(ended.stderr.contains(step), "{flag} {ended:?}");
            let end = format!(": operation not permitted\nsexton: hint: {hint}\n");
            assert!(ended.stderr.ends_with(&end), "{flag} {ended:?}");
        }
    }
    // What changes nothing needs no privilege.
    for flags in [&["--dry-run", "--user=1000", "true"][..], &["--user=1000", "true"]] {
        let ended = Setup::new(flags).user(1000).run();
        assert_eq!(ended.status, 0, "{ended:?}");
    }
}

/// ENTRYPOINT as a string: the shell is PID 1, and sexton its child.
#[test]
fn a_shell_as_pid_1_is_named() {
    let advice = "write ENTRYPOINT as a list, [\"/sexton\", ...]";
    for (flag, logs) in [("-v", true), ("--", false)] {
        let sexton = crate::harness::sexton();
        let script = format!("{} {flag} {} exit 4; exit 3", sexton.display(), probe());
        let ended = Setup::program("/bin/sh".as_ref(), &["-c", &script]).run();
        assert_eq!(ended.status, 3, "{ended:?}");
        let logged = format!("sexton: info: PID 1 is a shell (sh): {advice}\n");
        assert_eq!(ended.stderr.contains(&logged), logs, "{ended:?}");
    }
    let script = format!("{0} -- {0} --status; exit 3", crate::harness::sexton().display());
    let ended = Setup::program("/bin/sh".as_ref(), &["-c", &script]).run();
    assert!(ended.stdout.contains("sh, a shell, with sexton below it"), "{ended:?}");
    assert!(ended.stdout.contains(advice), "{ended:?}");
}

#[test]
fn the_cause_stands_in_the_report_the_termination_log_and_json() {
    let folder = Folder::new("reported-cause");
    let script = folder.program("script", b"#!/no/such\n");
    let (report, log) = (folder.at("report"), folder.at("log"));
    let words = [
        "--log-format=json",
        &format!("--report={report}"),
        &format!("--termination-log={log}"),
        &script,
    ]
    .map(str::to_owned);
    let ended = Setup::new(&words).run();
    let cause = format!(
        "unable to execute '{script}': no such file or directory: its interpreter '/no/such' is missing"
    );
    assert_eq!(ended.status, 126);
    assert!(ended.stderr.contains(&format!("\"message\":\"{cause}\"")), "{ended:?}");
    let report = fs::read_to_string(report).unwrap();
    assert!(report.contains(&format!("\"error\":\"{cause}\"")), "{report}");
    assert_eq!(fs::read_to_string(log).unwrap(), format!("sexton: {cause}\n"));
}
