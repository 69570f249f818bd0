//! What an entry point's shell script does, without a shell: docs/entrypoint.md.

use crate::harness::{Ended, Folder, Place, Setup, probe, sexton};
use nix::libc;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const PLACES: [Place; 2] = [Place::Init, Place::Child];

fn run(words: &[&str]) -> Ended {
    Setup::new(words).run()
}

fn assert_refused(words: &[&str], line: &str) {
    for dry in [&[][..], &["--dry-run"]] {
        let ended = run(&[dry, words].concat());
        let expected = format!("sexton: fatal: {line}\n");
        assert_eq!((ended.status, ended.stderr), (125, expected), "{words:?}");
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn arguments_are_expanded_from_the_command_s_own_environment() {
    let words =
        ["sh", "-c", "printf '[%s]' \"$0\" \"$@\"", "${A}", "$${A}", "$A", "${B:-x y}", "${C:?c}"];
    for place in PLACES {
        let setup = |flags: &[&str]| {
            let setup = Setup::new(&[flags, &words].concat()).place(place);
            setup.variable("A=1 2").variable("B=").variable("C=3")
        };
        let ended = setup(&["--expand-env", "--env=C=4"]).run();
        assert_eq!(ended.stdout, "[1 2][${A}][$A][x y][4]", "{ended:?}");
        let ended = setup(&[]).variable("SEXTON_EXPAND_ENV=yes").run();
        assert_eq!(ended.stdout, "[1 2][${A}][$A][x y][3]", "{ended:?}");
        let ended = setup(&[]).run();
        assert_eq!(ended.stdout, "[${A}][$${A}][$A][${B:-x y}][${C:?c}]", "it is asked for");
    }
    // The command is a word, too, and looked up afterwards.
    let ended = run(&["--expand-env", "--env=TOOL=ec", "${TOOL}ho", "$$"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "$\n"));
    let ended = run(&["--expand-env", "--env=TOOL=no-such", "${TOOL}"]);
    let expected = "sexton: fatal: unable to execute 'no-such': command not found in PATH=";
    assert!(ended.status == 127 && ended.stderr.starts_with(expected), "{ended:?}");
    // A script without a `#!` line gets the same arguments.
    let folder = Folder::new("expanded");
    let script = folder.file("script", "755", "printf '[%s]' \"$@\"\n");
    let ended = run(&["--expand-env", "--env=A=1", &script, "${A}"]);
    assert_eq!(ended.stdout, "[1]", "{ended:?}");
}

#[test]
fn bytes_of_arguments_and_values_pass_unharmed() {
    let words = [&b"--expand-env"[..], b"printf", b"%s", b"\xff${A}\xfd"];
    let setup = Setup::new(&words.map(OsStr::from_bytes));
    let ended = setup.variable(OsString::from_vec(b"A=\xfe".to_vec())).run();
    assert_eq!(ended.stdout.chars().filter(|&c| c == '\u{fffd}').count(), 3, "{ended:?}");
}

#[test]
fn what_cannot_be_expanded_is_an_error_that_has_no_value() {
    for (word, reason) in [
        ("a${NONE}", "variable 'NONE' is not set"),
        ("${NONE:?set it}", "variable 'NONE' is not set, or empty: set it"),
        ("${EMPTY:?}", "variable 'EMPTY' is not set, or empty"),
        ("${SECRET", "${ is not closed by }"),
    ] {
        let words =
            ["--expand-env", "--env=SECRET=s3cr3t", "--env=EMPTY=", "echo", "${SECRET}", word];
        assert_refused(&words, &format!("unable to expand argument 2: {reason}"));
    }
    const EXPECTED: &str =
        "expected ${NAME}, ${NAME:-DEFAULT} or ${NAME:?MESSAGE}; $$ stands for a dollar sign";
    for word in ["${}", "${1}", "${A-b}", "${A B}"] {
        let line = format!("unable to expand argument 1: {EXPECTED}");
        assert_refused(&["--expand-env", "echo", word], &line);
        assert_refused(
            &["--expand-env", word],
            &format!("unable to expand the command: {EXPECTED}"),
        );
    }
}

#[test]
fn variables_come_from_files() {
    let folder = Folder::new("env-files");
    let one = folder.file("one", "600", "A=1\n# no\nB='x y'\nC=\"\"\r\nD=1");
    let two = folder.file("two", "600", "A=2\nHOME=/two\n");
    let secret = folder.file("secret", "600", "s3cr3t \n\n");
    let files = [format!("--env-file={one}"), format!("--env-file={two}")];
    let from_file = format!("--env-from-file=D={secret}");
    let print = ["sh", "-c", "printf '[%s]' \"$A\" \"$B\" \"$C\" \"$D\" \"$HOME\" \"$E\""];
    for place in PLACES {
        let flags = [&files[0], &files[1], &from_file, "--user=33", "--env=E=e"];
        let setup = Setup::new(&[&flags[..], &print].concat()).variable("A=0").place(place);
        let ended = setup.variable("C=0").run();
        assert_eq!(ended.stdout, "[2][x y][][s3cr3t \n][/two][e]", "{ended:?}");
        // A flag's file comes after a variable's, and a variable that is set after both.
        let flags = [&files[0], "--env=B=flag", "--env-from-file=E=/dev/null"];
        let flags = [&flags[..2], &print].concat();
        let setup = Setup::new(&flags).variable(format!("SEXTON_ENV_FILE={two}")).place(place);
        let ended = setup.variable(format!("SEXTON_ENV_FROM_FILE=E={secret}")).run();
        assert_eq!(ended.stdout, "[1][flag][][1][/two][s3cr3t \n]", "{ended:?}");
    }
    // The command is looked up in the new PATH, and its arguments have the new values.
    folder.file("bin/tool", "755", "#!/bin/sh\necho tool \"$@\"\n");
    let path = folder.file("path", "600", &format!("PATH={}\n", folder.at("bin")));
    let ended = run(&["--env-file", &path, "--expand-env", &from_file, "tool", "${D}"]);
    assert_eq!(ended.stdout, "tool s3cr3t \n\n", "{ended:?}");
}

#[test]
fn a_file_that_has_no_variables_is_an_error_that_has_none_of_it() {
    let folder = Folder::new("bad-env-files");
    let large = folder.file("large", "600", &format!("A={}", "s3cr3t".repeat(174_763)));
    let null = folder.file("null", "600", "A=s3cr3t\0");
    let quotes = folder.file("quotes", "600", "B=1\nA=\"s3cr3t\\n\"\n");
    let name = folder.file("name", "600", "s3cr3t name=\n");
    let bare = folder.file("bare", "600", "=s3cr3t");
    let (missing, fifo, directory) = (folder.at("missing"), folder.fifo("fifo"), folder.path());
    let zero = "a variable cannot contain a zero byte";
    for (file, reason) in [
        (&*large, "it is larger than 1 MiB".to_owned()),
        (&missing, "no such file or directory".to_owned()),
        (&fifo, "it is not a regular file".to_owned()),
        (directory, "it is not a regular file".to_owned()),
        ("/dev/zero", "it is not a regular file".to_owned()),
        (&null, format!("line 1: {zero}")),
        (&name, "line 1: blanks in the name".to_owned()),
        (&bare, "line 1: no name before '='".to_owned()),
        (
            &quotes,
            "line 2: Docker and Compose read these quotes differently: enclose the whole value, \
             without \\, $ or \" in double quotes, without ' in single quotes"
                .to_owned(),
        ),
    ] {
        let line = format!("unable to set variables from '{file}': {reason}");
        assert_refused(&["--env-file", file, "true"], &line);
        if !reason.starts_with("line") {
            assert_refused(&["--env-from-file", &format!("A={file}"), "true"], &line);
        }
    }
    let line = format!("unable to set variables from '{null}': {zero}");
    assert_refused(&[&format!("--env-from-file=A={null}"), "true"], &line);
    let empty = folder.file("empty", "600", "");
    let words = [
        "--env-file",
        &empty,
        &format!("--env-from-file=A={empty}"),
        "sh",
        "-c",
        "echo ${A-unset}",
    ];
    assert_eq!(run(&words).stdout, "\n");
    // Another user cannot read it.
    let folder = folder.open_to_all();
    let file = folder.file("private", "600", "A=1\n");
    let ended = Setup::new(&["--env-file", &file, "true"]).user(33).run();
    let line = format!("sexton: fatal: unable to set variables from '{file}': permission denied\n");
    assert_eq!((ended.status, ended.stderr), (125, line));
}

#[test]
fn values_from_files_are_not_shown() {
    let folder = Folder::new("hidden");
    let secret = folder.file("secret", "600", "s3cr3t\n");
    let file = folder.file("file", "600", "A=s3cr3t\n");
    let flags =
        [&format!("--env-from-file=B={secret}"), &format!("--env-file={file}"), "--expand-env"];
    let command = ["true", "${A}", "${B}"];
    let dry = run(&[&["--dry-run"], &flags[..], &command].concat());
    let hidden = "1. set variable 'B' (value not shown)\n 2. set variable 'A' (value not shown)\n";
    assert!(dry.stdout.trim_start().starts_with(hidden), "{dry:?}");
    assert!(dry.stdout.ends_with("execute '/usr/bin/true' '${A}' '${B}'\n"), "{dry:?}");
    let shown = run(&[&["--dry-run=values"], &flags[..], &command].concat());
    assert!(shown.stdout.contains("'B=s3cr3t'") && shown.stdout.contains("true' 's3cr3t'"));
    let report = format!("--report={}", folder.at("report"));
    for command in [&command[..], &["no-such", "${A}"], &["/etc/passwd", "${A}"]] {
        let ended = run(&[&["-vvv", &report], &flags[..], command].concat());
        let written = std::fs::read_to_string(folder.at("report")).unwrap();
        assert!(!ended.stderr.contains("s3cr3t") && !written.contains("s3cr3t"), "{ended:?}");
    }
}

#[test]
fn sexton_copies_itself() {
    const OTHERS: &str = "old";
    fn umask() {
        // SAFETY: takes an integer.
        unsafe { libc::umask(0o077) };
    }
    let folder = Folder::new("install");
    let other = folder.file("other", "644", OTHERS);
    let expected = std::fs::read(sexton()).unwrap();
    let installed = |path: &str| {
        let file = std::fs::symlink_metadata(path).unwrap();
        assert!(file.is_file() && file.permissions().mode() & 0o7777 == 0o755, "{file:?}");
        assert!(std::fs::read(path).unwrap() == expected);
    };
    for (place, name) in PLACES.into_iter().zip(["init", "child"]) {
        let path = folder.at(name);
        let setup = Setup::new(&["--install", &path]).place(place).prepare(umask);
        for setup in [setup.clone(), setup.clone(), setup.without_proc()] {
            let ended = setup.run();
            assert_eq!((ended.status, ended.stdout + &ended.stderr), (0, String::new()));
            installed(&path);
        }
    }
    // An older one that is running is replaced; so is a link, and not what it leads to.
    let (old, link) = (folder.at("init"), folder.at("link"));
    let running = Setup::program(Path::new(&old), &[&probe(), "sleep"]);
    let mut running = running.start();
    running.line();
    assert_eq!(run(&["--install", &old]).status, 0);
    installed(&old);
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 143);
    std::os::unix::fs::symlink(&other, &link).unwrap();
    let ended = Setup::new::<&str>(&[]).variable(format!("SEXTON_INSTALL={link}")).run();
    assert_eq!(ended.status, 0, "{ended:?}");
    installed(&link);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), OTHERS);
    // A dry run does nothing.
    let dry = run(&["--dry-run", "--install", &folder.at("dry")]);
    assert_eq!(dry.stdout, format!(" 1. install sexton as '{}'\n", folder.at("dry")));
    let mut names = Vec::from_iter(std::fs::read_dir(folder.path()).unwrap());
    names.retain(|name| !name.as_ref().unwrap().file_name().is_empty());
    assert_eq!(names.len(), 4, "nothing else is left: {names:?}");
}

#[test]
fn what_cannot_be_installed_leaves_nothing() {
    let folder = Folder::new("no-install");
    std::fs::create_dir(folder.at("directory")).unwrap();
    for (name, reason) in [
        ("missing/sexton", "no such file or directory"),
        ("directory", "is a directory"),
        ("directory/", "not a directory"),
    ] {
        let path = folder.at(name);
        let ended = run(&["--install", &path]);
        let line = format!("sexton: fatal: unable to install sexton as '{path}': {reason}\n");
        assert_eq!((ended.status, ended.stderr), (125, line));
    }
    let path = folder.at("sexton");
    let ended = Setup::new(&["--install", &path]).user(33).run();
    assert!(ended.status == 125 && ended.stderr.contains("permission denied"), "{ended:?}");
    let ended = run(&["--install", &path, "true"]);
    let line = "sexton: fatal: --install takes no command\n";
    assert_eq!((ended.status, ended.stderr.as_str()), (125, line));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(folder.at("directory")).unwrap().count(), 0);
}

#[test]
fn the_command_takes_sexton_s_place() {
    const ATTRIBUTES: &str = "echo $$ $PPID $(id -u) $(id -g) $(ulimit -n) $(umask) $HOME; pwd";
    let flags = ["--exec", "--user=33:33", "--rlimit=nofile=50", "--umask=027", "--chdir=/usr"];
    let words = [&flags[..], &["--env=HOME=/x", "sh", "-c", ATTRIBUTES]].concat();
    let ended = Setup::new(&words).run();
    assert_eq!(ended.stdout, "1 0 33 33 50 0027 /x\n/usr\n", "{ended:?}");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    for place in PLACES {
        let running = Setup::new(&["--exec", &probe(), "sleep"]).place(place);
        let mut running = running.variable("SEXTON_GRACE=5s").start();
        running.line();
        assert!(running.children().is_empty(), "it is sexton's own process");
        assert!(
            std::fs::read_link(format!("/proc/{}/exe", running.pid)).unwrap().ends_with("probe")
        );
        let died = [128 + libc::SIGKILL, 1000 + libc::SIGKILL]; // as unshare and as the harness have it
        running.signal(libc::SIGKILL);
        assert!(died.contains(&running.end().status));
    }
    // What sexton was given, it passes on.
    const BITS: u64 = 1 << (libc::SIGUSR1 - 1);
    let ignored = [libc::SIGPIPE, libc::SIGCHLD];
    let print = ["grep", "-E", "^Sig(Blk|Ign)|^NoNewPrivs", "/proc/self/status"];
    let setup = |flags: &[&str]| {
        let words = [flags, &print].concat();
        Setup::new(&words).mask(BITS).ignored(&ignored).run().stdout
    };
    let kept = setup(&["--exec"]);
    assert!(kept.contains("SigBlk:\t0000000000000200\nSigIgn:\t0000000000011000\n"), "{kept}");
    assert_eq!(kept, setup(&[]), "as from a sexton that stays");
    assert!(setup(&["--exec", "--no-new-privs"]).ends_with("NoNewPrivs:\t1\n"));
    let ended = run(&["--exec", "--expand-env", "--env=A=1 2", "printf", "[%s]", "${A}"]);
    assert_eq!(ended.stdout, "[1 2]");
}

#[test]
fn a_command_that_cannot_take_sexton_s_place_has_the_usual_statuses() {
    for (words, status, part) in [
        (&["no-such"][..], 127, "unable to execute 'no-such': command not found"),
        (&["/etc/passwd"], 126, "unable to execute '/etc/passwd': permission denied"),
        (&["--chdir=/no", "true"], 125, "unable to change the working directory to '/no'"),
        (&["--user=no-such-user", "true"], 125, "'no-such-user' for --user"),
        (&["--env-file=/no", "true"], 125, "unable to set variables from '/no'"),
    ] {
        let ended = run(&[&["--exec"], words].concat());
        assert!(ended.status == status && ended.stderr.contains(part), "{words:?}: {ended:?}");
        assert_eq!(ended.stderr, run(words).stderr, "as from a sexton that stays");
    }
    let flags =
        ["--timeout=1s", "--map-exit=1=0", "--report=/r", "--termination-log=/t", "--setsid"];
    for flag in flags {
        let name = flag.split('=').next().unwrap();
        let line = format!("{name} cannot be combined with --exec");
        assert_refused(&["--exec", flag, "true"], &line);
    }
    let dry = run(&["--dry-run", "--exec", "--user=33", "true"]);
    assert!(!dry.stdout.contains("process group") && dry.stdout.contains("set the user ID to 33"));
}
