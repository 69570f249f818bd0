//! Landlock: `--fs-read`, `--fs-write`, `--fs-exec`, `--tcp-bind`, `--tcp-connect`, `--scope` and `--confine`, as
//! docs/confinement.md has them. It takes a kernel with Landlock of version 6 (Linux 6.12).

use crate::harness::{Ended, Folder, Place, Running, Setup, reserve_port, sexton, wait_until};
use nix::libc;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

const HINT: &str = "sexton: hint: --confine best-effort goes on without\n";

fn run(words: &[&str]) -> Ended {
    Setup::new(words).run()
}

fn shell(flags: &[&str], script: &str) -> Ended {
    run(&[flags, &["--", "sh", "-c", script]].concat())
}

/// What a shell does to the files of a folder, and what flags it takes.
struct Files(Folder);

impl Files {
    /// `in/file`, `in/tool`, `in/deep/file` and the same in `out`.
    fn new(name: &str) -> Files {
        let folder = Folder::new(&format!("confine-{name}"));
        for place in ["in", "out"] {
            folder.file(&format!("{place}/file"), "644", "text\n");
            folder.file(&format!("{place}/deep/file"), "644", "text\n");
            folder.copy(&format!("{place}/tool"), "755", "/usr/bin/true");
        }
        Files(folder)
    }

    fn at(&self, name: &str) -> String {
        self.0.at(name)
    }

    /// The script's status, where `IN` and `OUT` are the two folders, in the flags as well.
    fn status(&self, flags: &[&str], script: &str) -> i32 {
        let here = |word: &str| word.replace("IN", &self.at("in")).replace("OUT", &self.at("out"));
        let flags: Vec<String> = flags.iter().map(|flag| here(flag)).collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        shell(&flags, &here(script)).status
    }
}

/// What the system's own programs need.
const SYSTEM: &str = "/usr,/lib,/lib64,/bin,/etc";

#[test]
fn what_a_flag_does_not_list_is_denied_and_all_else_is_not() {
    let files = Files::new("flags");
    const READ: &[&str] = &["--fs-read", "IN", "--fs-read", SYSTEM];
    const WRITE: &[&str] = &["--fs-write", "IN,/dev/null"];
    const EXEC: &[&str] = &["--fs-exec", "IN", "--fs-exec", SYSTEM];
    // A script that works in IN, and the flags with which it does not in OUT. To execute takes reading.
    for (script, denied_by) in [
        ("cat DIR/file", &READ[..1]),
        ("cat DIR/deep/file", &READ[..1]),
        ("ls DIR", &READ[..1]),
        ("echo more >>DIR/file", &WRITE[..1]),
        ("truncate -s 1 DIR/file", &WRITE[..1]),
        ("touch DIR/new && rm DIR/new", &WRITE[..1]),
        ("mkdir DIR/new && rmdir DIR/new", &WRITE[..1]),
        ("mkfifo DIR/new && rm DIR/new", &WRITE[..1]),
        ("ln -s x DIR/new && rm DIR/new", &WRITE[..1]),
        ("mknod DIR/new c 1 3 && rm DIR/new", &WRITE[..1]),
        ("mv DIR/file DIR/new && mv DIR/new DIR/file", &WRITE[..1]),
        ("mv DIR/file DIR/deep/new && mv DIR/deep/new DIR/file", &WRITE[..1]),
        ("ln DIR/file DIR/deep/new && rm DIR/deep/new", &WRITE[..1]),
        ("DIR/tool", &["--fs-exec", "--fs-read"]),
    ] {
        for flags in [READ, WRITE, EXEC, &[READ, WRITE, EXEC].concat()] {
            assert_eq!(files.status(flags, &script.replace("DIR", "IN")), 0, "{flags:?} {script}");
            let concerns = flags.iter().any(|word| denied_by.contains(word));
            let status = files.status(flags, &script.replace("DIR", "OUT"));
            assert_eq!(status != 0, concerns, "{flags:?} {script}");
        }
    }
    // To read is not to write, and the other way round; to execute is to read.
    assert_ne!(files.status(&["--fs-write", "IN", "--fs-read", SYSTEM], "cat IN/file"), 0);
    assert_eq!(
        files.status(&["--fs-exec", "IN", "--fs-exec", SYSTEM, "--fs-read", "none"], "cat IN/file"),
        0
    );
    // `none` takes it all, and nothing is taken without a flag.
    for (flag, script) in
        [("--fs-read", "cat IN/file"), ("--fs-write", "echo >>IN/file"), ("--fs-exec", "IN/tool")]
    {
        let allowed = ["--fs-exec", SYSTEM];
        let flags = if flag == "--fs-exec" { &allowed[..] } else { &[] };
        assert_ne!(files.status(&[&[flag, "none"], flags].concat(), script), 0, "{flag}");
        assert_eq!(files.status(&[], script), 0);
    }
}

#[test]
fn a_file_a_link_and_a_stream_can_be_listed() {
    let files = Files::new("places");
    symlink(files.at("in/file"), files.at("link")).unwrap();
    let (file, link) = (files.at("in/file"), files.at("link"));
    for listed in [&file, &link] {
        for flag in ["--fs-write", "--fs-read"] {
            let system = if flag == "--fs-read" { SYSTEM } else { "/dev/null" };
            let flags = [flag, listed, flag, system];
            let script = if flag == "--fs-read" { "cat" } else { "echo x >>" };
            assert_eq!(shell(&flags, &format!("{script} {file}")).status, 0, "{flags:?}");
            assert_ne!(shell(&flags, &format!("{script} {}", files.at("out/file"))).status, 0);
        }
    }
    // Only that very file: another of its name is another.
    assert_ne!(shell(&["--fs-write", &file], &format!("rm {file}")).status, 0);
    // Pipes and sockets are on no file system: they are not restricted, and to list them is no error.
    for flags in [&["--fs-write", "none"][..], &["--fs-write", "/dev/stdout,/dev/stderr"]] {
        let ended = shell(flags, "echo a >/dev/stdout; echo b >/proc/self/fd/2");
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("a\n", "b\n"), "{flags:?}");
    }
}

#[test]
fn files_move_between_directories_unless_writing_is_restricted() {
    let files = Files::new("moves");
    let script = "mv IN/file OUT/moved && mv OUT/moved IN/file";
    for flags in [
        &["--fs-read", "/"][..],
        &["--fs-exec", "/"],
        &["--tcp-bind", "none"],
        &["--scope", "unix"],
    ] {
        assert_eq!(files.status(flags, script), 0, "{flags:?}");
    }
    assert_ne!(files.status(&["--fs-write", "IN"], script), 0);
}

/// Binds, or connects to, a port of this machine: 0, or 13 for EACCES.
fn tcp(flags: &[&str], call: &str, port: u16) -> Ended {
    let script = format!(
        "import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try: s.{call}(('127.0.0.1', {port}))
except OSError as e: sys.exit(e.errno)"
    );
    run(&[flags, &["--", "/usr/bin/python3", "-c", &script]].concat())
}

#[test]
fn ports_that_are_not_listed_are_denied() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().port();
    let reserved = reserve_port();
    let free = reserved.local_addr().unwrap().port();
    let (listed, bind) = (open.to_string(), free.to_string());
    for (flags, call, port, status) in [
        (&["--tcp-connect", &listed][..], "connect", open, 0),
        (&["--tcp-connect", &bind], "connect", open, libc::EACCES),
        (&["--tcp-connect", "none"], "connect", open, libc::EACCES),
        (&["--tcp-bind", "none"], "connect", open, 0),
        (&["--tcp-bind", &bind], "bind", free, 0),
        (&["--tcp-bind", "1,0"], "bind", 0, 0),
        (&["--tcp-bind", "1"], "bind", 0, libc::EACCES),
        (&["--tcp-bind", &listed], "bind", free, libc::EACCES),
        (&["--tcp-bind", "none"], "bind", free, libc::EACCES),
        (&["--tcp-connect", "none"], "bind", free, 0),
        (&[], "bind", free, 0),
    ] {
        let ended = tcp(flags, call, port);
        assert_eq!(ended.status, status, "{flags:?} {call}: {ended:?}");
    }
}

#[test]
fn scopes_keep_signals_and_abstract_sockets_within() {
    let signal = "kill -0 $PPID";
    for (flags, refused) in [
        (&["--scope", "signal"][..], true),
        (&["--scope", "unix,signal"], true),
        (&["--scope", "unix"], false),
        (&["--scope", "none"], false),
    ] {
        let ended =
            Setup::new(&[flags, &["--", "sh", "-c", signal]].concat()).place(Place::Child).run();
        assert_eq!(ended.status != 0, refused, "{flags:?} {ended:?}");
        // Its own processes are within.
        assert_eq!(shell(flags, "sleep 9 & kill $!; wait $!").status, 143, "{flags:?}");
    }
    let name = format!("sexton-confine-{}", std::process::id());
    let server = format!(
        "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.bind(chr(0) + '{name}')\n\
         s.listen()\nprint('ready', flush=True)\nsys.stdin.read()"
    );
    let mut server = Command::new("/usr/bin/python3")
        .args(["-c", &server])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    server.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
    let client = format!(
        "import socket, sys\ntry: socket.socket(socket.AF_UNIX).connect(chr(0) + '{name}')\n\
         except OSError as e: sys.exit(e.errno)"
    );
    for (scope, status) in [("unix", libc::EPERM), ("signal", 0)] {
        let ended = run(&["--scope", scope, "--", "/usr/bin/python3", "-c", &client]);
        assert_eq!(ended.status, status, "{scope} {ended:?}");
    }
    drop(server.stdin.take());
    server.wait().unwrap();
}

#[test]
fn sexton_itself_is_not_confined() {
    let folder = Folder::new("confine-itself");
    let report = folder.at("report");
    for place in [Place::Init, Place::Child] {
        let flags = [
            "--scope=signal,unix",
            "--fs-write=none",
            "--tcp-bind=none",
            "--report",
            &report,
            "--forward-to=all",
        ];
        let script =
            "trap 'echo usr1' USR1; trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done";
        let words = [&flags[..], &["--", "sh", "-c", script]].concat();
        let mut running = Setup::new(&words).place(place).start();
        running.expect("ready");
        running.signal(libc::SIGUSR1);
        running.expect("usr1");
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().status, 3);
        assert!(
            fs::read_to_string(&report).unwrap().contains("\"status\":3"),
            "the report is written"
        );
        fs::remove_file(&report).unwrap();
    }
    // One that does not obey is killed.
    let words = [
        "--scope=signal",
        "--grace=100ms",
        "--",
        "sh",
        "-c",
        "trap '' TERM; echo ready; while :; do sleep 0.1; done",
    ];
    let mut running = Setup::new(&words).start();
    running.expect("ready");
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 137);
}

#[test]
fn a_confined_command_cannot_look_into_sexton() {
    for place in [Place::Init, Place::Child] {
        let look = |flags: &[&str]| {
            let script = "readlink /proc/$PPID/exe; : </proc/$PPID/mem";
            Setup::new(&[flags, &["--", "sh", "-c", script]].concat()).place(place).run()
        };
        assert_eq!(look(&[]).status, 0, "as the same user");
        for flag in ["--fs-read=/", "--tcp-connect=none", "--scope=unix"] {
            let ended = look(&[flag]);
            assert_eq!((ended.status, ended.stdout.as_str()), (2, ""), "{flag} {ended:?}");
        }
    }
}

#[test]
fn the_command_s_streams_are_opened_before_it_is_confined() {
    let folder = Folder::new("confine-streams");
    let input = folder.file("input", "644", "from a file\n");
    let output = folder.at("output");
    let words = [
        "--fs-write",
        "none",
        "--fs-read",
        SYSTEM,
        "--fs-exec",
        SYSTEM,
        "--close-fds",
        "--stdin",
        &input,
        "--stdout",
        &output,
        "--stderr",
        &output,
        "--chdir",
        folder.path(),
        "--",
        "sh",
        "-c",
        "cat; echo x >&2; echo y >new",
    ];
    let ended = run(&words);
    assert_eq!(ended.status, 2, "{ended:?}");
    let written = fs::read_to_string(&output).unwrap();
    assert!(
        written.starts_with("from a file\nx\n") && written.contains("cannot create new"),
        "{written}"
    );
}

#[test]
fn no_new_privs_is_set_where_cap_sys_admin_is_missing() {
    for (flags, set) in [
        (&["--fs-read=/"][..], "0"),
        (&["--fs-read=/", "--no-new-privs"], "1"),
        (&["--fs-read=/", "--cap-drop=sys_admin"], "1"),
        (&["--fs-read=/", "--user=nobody"], "1"),
        (&["--user=nobody"], "0"),
    ] {
        let ended = run(&[flags, &["--", "grep", "NoNewPrivs", "/proc/self/status"]].concat());
        assert_eq!(ended.stdout, format!("NoNewPrivs:\t{set}\n"), "{flags:?}");
    }
}

#[test]
fn it_works_in_sexton_s_place_and_by_variables_and_in_layers() {
    let files = Files::new("layers");
    let (inside, outside) = (files.at("in/file"), files.at("out/file"));
    for more in [&[][..], &["--exec"]] {
        let script = format!("echo a >>{inside}; echo b >>{outside}");
        let words = [more, &["--fs-write", &inside, "--", "sh", "-c", &script]].concat();
        assert_eq!(run(&words).status, 2, "{more:?}");
        let variable = format!("SEXTON_FS_WRITE={inside},/dev/null");
        let write = |path: &str| {
            Setup::new(
                &[more, &["--fs-write=/dev/zero", "--", "sh", "-c", &format!("echo a >>{path}")]]
                    .concat(),
            )
            .variable(&variable)
            .run()
        };
        assert_eq!(
            (
                write(&inside).status,
                write("/dev/null").status,
                write("/dev/zero").status,
                write(&outside).status
            ),
            (0, 0, 0, 2)
        );
    }
    // A list of a higher layer may have what a lower one has.
    let ended = Setup::new(&["--tcp-bind=80", "--dry-run", "--", "true"])
        .variable("SEXTON_TCP_BIND=80,81")
        .variable("SEXTON_SCOPE=unix")
        .variable("SEXTON_TCP_CONNECT=none")
        .variable("SEXTON_CONFINE=best-effort")
        .run();
    let step = "confine the command: --tcp-bind 80 --tcp-bind 81 --tcp-connect none --scope unix --tcp-bind 80\n";
    assert!(ended.stdout.contains(step), "{ended:?}");
    assert_eq!(
        run(&["--confine=best-effort", "--dry-run", "--", "true"]).stdout.lines().count(),
        3
    );
}

#[test]
fn a_command_that_may_not_be_executed_is_explained() {
    let hint = "sexton: hint: --fs-exec and --fs-read must allow it, and its interpreter or dynamic loader\n";
    for flags in
        [&["--fs-exec", "/usr/bin/true"][..], &["--fs-exec", "none"], &["--fs-read", "/etc"]]
    {
        let ended = run(&[flags, &["--", "/usr/bin/id"]].concat());
        assert_eq!(ended.status, 126, "{flags:?}");
        assert_eq!(
            ended.stderr,
            format!("sexton: fatal: unable to execute '/usr/bin/id': permission denied\n{hint}")
        );
    }
    // The loader is executed, too. What it loads is read.
    let ended = run(&["--fs-exec", "/usr/bin/id", "--", "/usr/bin/id"]);
    assert!(ended.status == 126 && ended.stderr.ends_with(hint), "{ended:?}");
    let loader = ["--fs-exec", "/usr/bin/id,/usr/lib", "--", "/usr/bin/id"];
    assert_eq!(run(&loader).status, 0);
}

#[test]
fn what_cannot_be_used_is_an_error() {
    for (words, line) in [
        (&["--fs-read"][..], "--fs-read needs a value: --fs-read PATH,...|none"),
        (&["--fs-write"], "--fs-write needs a value: --fs-write PATH,...|none"),
        (&["--fs-exec"], "--fs-exec needs a value: --fs-exec PATH,...|none"),
        (&["--tcp-bind"], "--tcp-bind needs a value: --tcp-bind PORT,...|none"),
        (&["--tcp-connect"], "--tcp-connect needs a value: --tcp-connect PORT,...|none"),
        (&["--scope"], "--scope needs a value: --scope signal,unix"),
        (&["--confine"], "--confine needs a value: --confine strict|best-effort"),
        (
            &["--confine", "x", "true"],
            "invalid value 'x' for --confine: expected one of strict, best-effort",
        ),
        (&["--scope", "x", "true"], "invalid value 'x' for --scope: expected one of signal, unix"),
        (
            &["--scope", "signal,", "true"],
            "invalid value 'signal,' for --scope: expected one of signal, unix",
        ),
        (
            &["--scope", "unix,unix", "true"],
            "invalid value 'unix,unix' for --scope: it is given twice",
        ),
        (
            &["--scope", "unix", "--scope", "unix", "true"],
            "invalid value 'unix' for --scope: it is given twice",
        ),
    ] {
        let ended = run(words);
        assert_eq!(
            (ended.status, ended.stderr),
            (125, format!("sexton: fatal: {line}\n")),
            "{words:?}"
        );
    }
    for flag in ["tcp-bind", "tcp-connect"] {
        for port in ["", "x", "-1", "65536", "80,", "1,2x", "99999999999", "http"] {
            let ended = run(&[&format!("--{flag}={port}"), "true"]);
            let line = format!(
                "invalid value '{port}' for --{flag}: expected a whole number from 0 to 65535\n"
            );
            assert_eq!((ended.status, ended.stderr), (125, format!("sexton: fatal: {line}")));
        }
        let ended = run(&[&format!("--{flag}=80,443,80"), "true"]);
        let line = format!("invalid value '80,443,80' for --{flag}: it is given twice\n");
        assert_eq!((ended.status, ended.stderr), (125, format!("sexton: fatal: {line}")));
    }
    for flag in ["fs-read", "fs-write", "fs-exec"] {
        for (value, reason) in
            [("", "expected a path"), ("/a,", "expected a path"), ("/a,/a", "it is given twice")]
        {
            let ended = run(&[&format!("--{flag}={value}"), "true"]);
            let line = format!("invalid value '{value}' for --{flag}: {reason}\n");
            assert_eq!((ended.status, ended.stderr), (125, format!("sexton: fatal: {line}")));
        }
        // A path is looked up before the command is started, and by a dry run.
        for (path, reason) in
            [("/no/such", "no such file or directory"), ("/etc/passwd/x", "not a directory")]
        {
            for more in [&[][..], &["--dry-run"], &["--exec"], &["--confine=best-effort"]] {
                let list = format!("--{flag}=/,{path}");
                let words = [more, &[&list, "--", "sh", "-c", "echo ran"]].concat();
                let ended = run(&words);
                let line =
                    format!("sexton: fatal: unable to confine the command: '{path}': {reason}\n");
                assert_eq!(
                    (ended.status, ended.stdout.as_str(), ended.stderr),
                    (125, "", line),
                    "{words:?}"
                );
            }
        }
    }
    let ended = Setup::new(&["true"]).variable("SEXTON_TCP_BIND=80,x").run();
    let line = "sexton: fatal: invalid value '80,x' for SEXTON_TCP_BIND: expected a whole number from 0 to 65535\n";
    assert_eq!((ended.status, ended.stderr.as_str()), (125, line));
}

/// All that can be restricted.
const ALL: [&str; 6] = [
    "--fs-read=/",
    "--fs-write=none",
    "--fs-exec=/",
    "--tcp-bind=none",
    "--tcp-connect=none",
    "--scope=signal,unix",
];

#[test]
fn a_kernel_without_landlock_is_an_error_or_a_warning() {
    for (errno, reason) in [
        (libc::ENOSYS, "not implemented"),
        (libc::EOPNOTSUPP, "not supported"),
        (libc::EPERM, "not permitted"),
    ] {
        let run = |words: &[&str]| {
            Setup::new(words).failing(libc::SYS_landlock_create_ruleset, None, errno).run()
        };
        // The kernel's reason may have more words.
        let (_, reason) = run(&["--scope=unix", "--", "true"])
            .stderr
            .split_once("(Landlock: ")
            .and_then(|(_, rest)| Some((rest.find(reason)?, rest.split_once(')')?.0.to_owned())))
            .expect(reason);
        let text = format!(
            "this kernel does not restrict files, TCP ports, scopes (Landlock: {reason})\n"
        );
        for more in [&[][..], &["--dry-run"], &["--exec"], &["--confine=strict"]] {
            let ended = run(&[more, &ALL, &["--", "echo", "ran"]].concat());
            let expected = format!("sexton: fatal: unable to confine the command: {text}{HINT}");
            assert_eq!(
                (ended.status, ended.stdout.as_str(), ended.stderr),
                (125, "", expected),
                "{more:?}"
            );
        }
        for more in [&[][..], &["--exec"]] {
            let ended =
                run(&[more, &["--confine=best-effort"], &ALL, &["--", "echo", "ran"]].concat());
            assert_eq!(
                (ended.status, ended.stdout.as_str(), ended.stderr),
                (0, "ran\n", format!("sexton: warning: {text}"))
            );
        }
        // Who asks for nothing notices nothing.
        let ended = run(&["--confine=strict", "--", "echo", "ran"]);
        assert_eq!((ended.status, ended.stdout.as_str(), ended.stderr.as_str()), (0, "ran\n", ""));
    }
}

/// With strace(1) in front, which answers that the kernel's Landlock has this version.
fn with_version(version: u32, words: &[&str]) -> (i32, String, String) {
    let inject = format!("inject=landlock_create_ruleset:retval={version}:when=1");
    let output = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e", "trace=landlock_create_ruleset", "-e", &inject])
        .arg(sexton())
        .args(words)
        .output()
        .expect("strace is installed");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_an_older_kernel_lacks_is_named() {
    for (version, flags, lacks) in [
        (1, &["--fs-read=/"][..], "moves to other directories"),
        (1, &["--fs-write=/"], "moves to other directories, truncation, ioctl on devices"),
        (2, &["--fs-write=/"], "truncation, ioctl on devices"),
        (2, &["--fs-read=/", "--fs-exec=/"], ""),
        (3, &["--fs-write=/", "--tcp-bind=1"], "TCP ports, ioctl on devices"),
        (3, &["--tcp-connect=1"], "TCP ports"),
        (4, &["--fs-write=/", "--tcp-bind=1"], "ioctl on devices"),
        (5, &ALL, "scopes"),
        (6, &ALL, ""),
        (7, &ALL, ""),
        (99, &ALL, ""),
    ] {
        let text = format!("this kernel does not restrict {lacks} (Landlock: {version})\n");
        let (status, _, stderr) = with_version(version, &[flags, &["--", "echo", "ran"]].concat());
        let (strict, warning) = match lacks {
            "" => ((0, String::new()), String::new()),
            _ => (
                (125, format!("sexton: fatal: unable to confine the command: {text}{HINT}")),
                format!("sexton: warning: {text}"),
            ),
        };
        assert_eq!((status, stderr), strict, "{version} {flags:?}");
        let words = [flags, &["--confine=best-effort", "--", "echo", "ran"]].concat();
        assert_eq!(
            with_version(version, &words),
            (0, "ran\n".to_owned(), warning),
            "{version} {flags:?}"
        );
    }
    // And the rest is restricted.
    let files = Files::new("older");
    let words =
        ["--confine=best-effort", "--fs-write", &files.at("in"), "--tcp-bind=1", "--", "sh", "-c"];
    for (place, status) in [("in/new", 0), ("out/new", 2)] {
        let script = format!("echo x >{}", files.at(place));
        assert_eq!(with_version(1, &[&words[..], &[&script]].concat()).0, status, "{place}");
    }
}

#[test]
fn a_refused_step_is_named() {
    let run =
        |call, errno| Setup::new(&["--tcp-bind=1", "--", "true"]).failing(call, None, errno).run();
    let ended = run(libc::SYS_landlock_restrict_self, libc::EPERM);
    let line =
        "sexton: fatal: unable to confine the command: --tcp-bind 1: operation not permitted\n";
    assert_eq!((ended.status, ended.stderr.as_str()), (125, line));
    let ended = run(libc::SYS_landlock_add_rule, libc::ENOMEM);
    assert_eq!(ended.status, 125, "{ended:?}");
}

/// A real nginx, with the folders `site`, `run`, `cache` and `other`.
struct Nginx {
    folder: Folder,
    port: u16,
    _reserved: TcpListener,
}

impl Nginx {
    fn new(name: &str) -> Nginx {
        let folder = Folder::new(&format!("confine-nginx-{name}"));
        let reserved = reserve_port();
        let port = reserved.local_addr().unwrap().port();
        for (place, mode) in [("site", 0o755), ("run", 0o755), ("cache", 0o777), ("other", 0o777)] {
            fs::create_dir(folder.at(place)).unwrap();
            fs::set_permissions(folder.at(place), fs::Permissions::from_mode(mode)).unwrap();
        }
        folder.file("site/index.html", "644", "the site\n");
        Nginx { folder, port, _reserved: reserved }
    }

    /// The flags that a site needs, and no more.
    fn flags(&self) -> Vec<String> {
        let at = |place: &str| self.folder.at(place);
        let (site, cache, run, conf) = (at("site"), at("cache"), at("run"), at("conf"));
        vec![
            format!("--fs-read=/usr,/etc,/lib,/lib64,/dev/null,{site},{cache},{run},{conf}"),
            "--fs-exec=/usr/sbin/nginx,/lib,/lib64".to_owned(),
            format!("--fs-write={run},{cache}"),
            format!("--tcp-bind={}", self.port),
            "--tcp-connect=none".to_owned(),
            "--scope=signal,unix".to_owned(),
        ]
    }

    fn start(&self, flags: &[String], listen: u16) -> Running {
        let here = self.folder.path();
        let port = self.port;
        let conf = self.folder.file("conf", "644", &format!("
            daemon off; pid {here}/run/pid; error_log stderr notice; events {{}}
            http {{
                access_log off; client_body_temp_path {here}/cache/body; proxy_temp_path {here}/cache/proxy;
                fastcgi_temp_path {here}/cache/f; uwsgi_temp_path {here}/cache/u; scgi_temp_path {here}/cache/s;
                server {{
                    listen 127.0.0.1:{listen};
                    location / {{ root {here}/site; }}
                    location /cache/ {{ root {here}; dav_methods PUT; }}
                    location /other/ {{ root {here}; dav_methods PUT; }}
                    location /passwd {{ alias {here}/other/secret; }}
                    location /proxy {{ proxy_pass http://127.0.0.1:{port}/; }}
                }}
            }}"));
        let words: Vec<&str> = flags.iter().map(String::as_str).collect();
        Setup::new(&[&words[..], &["--", "/usr/sbin/nginx", "-e", "stderr", "-c", &conf]].concat())
            .start()
    }

    /// The status of a request.
    fn request(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "{method} {path} HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_whitespace().nth(1).unwrap_or_default().to_owned()
    }
}

#[test]
fn nginx_can_write_to_its_directories_and_listen_on_its_port_and_nothing_else() {
    assert!(Path::new("/usr/sbin/nginx").exists(), "nginx is missing: tests/run.sh installs it");
    for confined in [true, false] {
        let nginx = Nginx::new(if confined { "confined" } else { "free" });
        nginx.folder.file("other/secret", "644", "secret\n");
        let flags = if confined { nginx.flags() } else { Vec::new() };
        let mut running = nginx.start(&flags, nginx.port);
        running.expect_log("start worker process ");
        let answers =
            |list: [&str; 2]| if confined { list[0].to_owned() } else { list[1].to_owned() };
        assert_eq!(nginx.request("GET", "/"), "200");
        assert_eq!(nginx.request("PUT", "/cache/new"), "201");
        assert_eq!(
            nginx.request("PUT", "/other/new"),
            answers(["500", "201"]),
            "confined: {confined}"
        );
        assert_eq!(
            nginx.request("GET", "/passwd"),
            answers(["403", "200"]),
            "confined: {confined}"
        );
        assert_eq!(nginx.request("GET", "/proxy"), answers(["502", "200"]), "confined: {confined}");
        assert_eq!(fs::read_to_string(nginx.folder.at("cache/new")).unwrap(), "abc");
        assert_eq!(Path::new(&nginx.folder.at("other/new")).exists(), !confined);
        // A signal reaches the master, and those of the master reach the workers.
        running.signal(libc::SIGHUP);
        running.expect_log("reconfiguring");
        wait_until("a new worker answers", || nginx.request("GET", "/") == "200");
        running.signal(libc::SIGQUIT);
        let ended = running.end();
        assert_eq!(ended.status, 0, "{ended:?}");
    }
    let nginx = Nginx::new("port");
    let other = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ended = nginx.start(&nginx.flags(), other).end();
    assert_eq!(ended.status, 1, "{ended:?}");
    assert!(
        ended
            .stderr
            .contains(&format!("bind() to 127.0.0.1:{other} failed (13: Permission denied)")),
        "{ended:?}"
    );
}
