//! SPEC 7.2: logging never blocks and never kills.

use crate::harness::{Folder, Place, Setup, full_pipe, probe, side_by_side, wait_until};
use nix::libc;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

#[test]
fn a_full_pipe_on_standard_error_costs_only_the_lines() {
    for proc_mounted in [true, false] {
        let (read, write) = full_pipe();
        let setup = Setup::new(&["-vvv", &probe(), "signals", "1000000000"]).stderr(&write);
        let setup = if proc_mounted { setup } else { setup.without_proc() };
        let mut running = setup.start();
        drop(write);
        running.expect("ready");
        for value in 0..98 {
            running.queue(34, value);
            running.expect(&format!("signal 34 value {value}"));
        }
        // Once somebody reads again, the next line tells how many were lost.
        let mut lines = BufReader::new(File::from(read)).lines();
        let reader =
            std::thread::spawn(move || lines.find(|l| l.as_ref().unwrap().contains("lost")));
        running.signal(libc::SIGUSR1);
        running.expect("signal 10 value none");
        wait_until("the reader has made room", || {
            reader.is_finished() || {
                running.signal(libc::SIGUSR2);
                false
            }
        });
        let told = reader.join().unwrap().unwrap().unwrap();
        assert!(told.contains(" log lines lost"), "{told}");
    }
}

#[test]
fn the_flags_of_standard_error_are_not_changed_for_the_command() {
    let (_read, write) = full_pipe();
    let mut running = Setup::new(&["-vvv", &probe(), "sleep"]).stderr(&write).start();
    running.expect("ready");
    // SAFETY: takes integers only.
    let flags = unsafe { libc::fcntl(write.as_raw_fd(), libc::F_GETFL) };
    assert_eq!(flags & libc::O_NONBLOCK, 0);
}

#[test]
fn a_broken_pipe_on_standard_error_does_not_reach_the_command() {
    let (read, write) = full_pipe();
    let mut running = Setup::new(&["-vvv", &probe(), "signals", "2"]).stderr(&write).start();
    drop((read, write));
    running.expect("ready");
    for signal in [libc::SIGUSR1, libc::SIGPIPE] {
        running.signal(signal); // each causes lines, and each line SIGPIPE for sexton itself
        running.expect(&format!("signal {signal} value none"));
    }
    assert_eq!(running.end().status, 0);
}

#[test]
fn a_closed_standard_error_does_no_harm() {
    let mut running = Setup::new(&["-vvv", &probe(), "signals", "1"]).closed(&[2]).start();
    running.expect("ready");
    running.signal(libc::SIGUSR1);
    running.expect("signal 10 value none");
    assert_eq!(running.end().status, 0);
}

#[test]
fn a_signal_is_logged_with_its_sender() {
    let mut running =
        Setup::new(&["-v", "sh", "-c", "kill -USR1 1; while :; do sleep 1000; done"]).start();
    running.expect_log("info: received SIGUSR1 from pid 2 (sh), uid 0");
    let mut running = Setup::new(&["-v", &probe(), "sleep"]).start();
    running.expect("ready");
    running.signal(libc::SIGUSR1);
    running.expect_log("info: received SIGUSR1 from outside of the PID namespace, uid 0");
}

#[test]
fn a_death_is_a_warning_only_if_it_was_not_asked_for() {
    let ended = Setup::new(&["sh", "-c", "kill -SEGV $$"]).run();
    assert!(ended.stderr.contains("warning: command killed by SIGSEGV"), "{ended:?}");
    for quiet in ["exit 1", "kill -PIPE $$"] {
        assert_eq!(Setup::new(&["sh", "-c", quiet]).run().stderr, "", "{quiet}");
    }
}

#[test]
fn a_key_s_signal_that_no_key_sent_is_a_warning() {
    for signal in ["INT", "QUIT", "HUP"] {
        let script = format!("kill -{signal} $$");
        let ended = Setup::new(&["--rlimit=core=0", "sh", "-c", &script]).run();
        let told = format!("warning: command killed by SIG{signal}; ran for ");
        assert!(ended.stderr.contains(&told), "{ended:?}");
    }
}

#[test]
fn a_full_socket_on_standard_error_costs_only_the_lines() {
    let (_read, write) = std::os::unix::net::UnixStream::pair().unwrap();
    write.set_nonblocking(true).unwrap();
    while std::io::Write::write(&mut &write, &[b'-'; 4096]).is_ok() {}
    while std::io::Write::write(&mut &write, b"-").is_ok() {}
    write.set_nonblocking(false).unwrap();
    let mut running = Setup::new(&["-vvv", &probe(), "signals", "1"]).stderr(&write).start();
    running.expect("ready");
    running.signal(libc::SIGUSR1);
    running.expect("signal 10 value none");
    assert_eq!(running.end().status, 0);
}

/// Reads a stream to its end.
fn read_all(read: std::os::fd::OwnedFd) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut File::from(read), &mut bytes).unwrap();
    bytes
}

/// A program for python3 that gets this as its standard input; it must succeed.
pub fn check_with_python(program: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut python = std::process::Command::new("/usr/bin/python3")
        .arg("-c")
        .arg(program)
        .args(arguments)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), input).unwrap();
    let output = python.wait_with_output().unwrap();
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{stderr}\n{}", String::from_utf8_lossy(input));
    stdout
}

/// What is wrong with flags and variables is known before there is a logger.
#[test]
fn early_errors_keep_to_the_format_as_far_as_it_is_known() {
    const JSON: &str = "SEXTON_LOG_FORMAT=json";
    let json: &[(&[&str], &[&str], &str)] = &[
        (&["--grace", "x", "true"], &[JSON], "'x' for --grace"),
        (&["true"], &[JSON, "SEXTON_GRACE=x"], "'x' for SEXTON_GRACE"),
        (&[], &[JSON], "no command given"),
        (&["--no-such"], &[JSON], "unknown option"),
        (&["--log-format=json", "--grace=x", "true"], &[], "'x' for --grace"),
        (&["--log-format", "json", "--linger=1s"], &[], "no command given"),
        (&["--log-format=json", "true"], &["SEXTON_GRACE=x"], "'x' for SEXTON_GRACE"),
        (&["--log-format=json", "--status", "true"], &[], "--status takes no command"),
        (&["--as", "tini", "true"], &[JSON, "SEXTON_GRACE=x"], "'x' for SEXTON_GRACE"),
        (&["--as", "nobody"], &[JSON], "'nobody' for --as"),
    ];
    let text: &[(&[&str], &[&str], &str)] = &[
        (&["--log-format=text", "--grace=x", "true"], &[JSON], "'x' for --grace"),
        (&["--grace=x", "--log-format=json", "true"], &[], "'x' for --grace"),
        (&["--grace=x", "true"], &["SEXTON_LOG_FORMAT=xml"], "'x' for --grace"),
        (&["--no-such", "--log-format", "json"], &[], "unknown option"),
    ];
    let cases = json.iter().map(|case| (case, true)).chain(text.iter().map(|case| (case, false)));
    for ((words, variables, part), is_json) in cases {
        let setup = variables.iter().fold(Setup::new(words), |setup, entry| setup.variable(entry));
        let ended = setup.run();
        assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{words:?} {variables:?}");
        let line = &ended.stderr;
        let (start, end) =
            if is_json { (r#"{"time":""#, "\"}\n") } else { ("sexton: fatal: ", "\n") };
        let whole = line.starts_with(start) && line.ends_with(end) && line.lines().count() == 1;
        assert!(whole && line.contains(part), "{words:?} {variables:?}: {line}");
        assert_eq!(line.contains(r#","level":"error","message":""#), is_json, "{line}");
    }
    // In a container SEXTON_LOG_FORMAT is its init's.
    for (words, is_json) in [(&["--status"][..], false), (&["--log-format=json", "--status"], true)]
    {
        let ended = Setup::new(words).variable(JSON).without_proc().run();
        assert!(ended.stderr.contains("unable to read /proc"), "{ended:?}");
        assert_eq!(ended.stderr.starts_with('{'), is_json, "{ended:?}");
    }
}

#[test]
fn every_line_of_json_is_an_object() {
    const CHECK: &str = r#"
import json, re, sys
for line in sys.stdin.buffer.read().decode().splitlines(keepends=True):
    assert line.endswith("\n") and len(line.encode()) <= 1024, line
    entry = json.loads(line)
    assert list(entry) == ["time", "level", "message"], line
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"]), line
    assert entry["level"] in ["error", "warn", "info", "debug", "trace"], line
    print(len(line), entry["level"], entry["message"])
"#;
    let run = |setup: Setup| {
        let (read, write) = crate::harness::pipe();
        let running = setup.variable("SEXTON_LOG_FORMAT=json").stderr(&write).start();
        drop(write);
        let reader = std::thread::spawn(move || read_all(read));
        running.end();
        reader.join().unwrap()
    };
    // A whole run: a stop, an escalation step, the grace period, orphans, processes that are left behind.
    let script =
        "trap : TERM; (sleep 1000 &); (exit 3 &); kill -TERM $PPID; while :; do sleep 1000; done";
    let flags = ["-vvv", "--grace=300ms", "--escalate=USR2:100ms", "--warn-on-reap"];
    let words: Vec<&str> = flags.into_iter().chain(["sh", "-c", script]).collect();
    let mut lines = run(Setup::new(&words));
    // What is cut off, wherever that is, whatever is there.
    let units = [&b"x"[..], b"\"", b"\\", b"\n", "é".as_bytes(), "\u{1f600}".as_bytes(), b"\xff"];
    for length in 0..12 {
        for unit in units {
            let variable =
                [&b"SEXTON_"[..], &b"a".repeat(length), &unit.repeat(1500), b"=1"].concat();
            lines.extend(run(Setup::new(&["true"]).variable(OsStr::from_bytes(&variable))));
        }
    }
    // A fatal error has no other form.
    lines.extend(run(Setup::new(&[format!("/no/such/{}", "\"\\\u{1}".repeat(500))])));
    let told = check_with_python(CHECK, &[], &lines);
    for level in [" warn ", " info ", " debug ", " trace ", " error unable to execute"] {
        assert!(told.contains(level), "{level} in {told}");
    }
    assert_eq!(told.matches(" warn unknown variable SEXTON_").count(), 12 * units.len(), "{told}");
}

#[test]
fn a_log_to_nowhere_is_silent_but_for_what_is_fatal() {
    let script = "trap '' USR1; (sleep 1000 &); (exit 3 &); kill -USR1 $PPID; kill -SEGV $$";
    let words = ["--log-to=none", "-vvv", "--warn-on-reap", "--linger=0", "sh", "-c", script];
    let ended = Setup::new(&words).variable("SEXTON_NO_SUCH=1").run();
    assert_eq!((ended.status, ended.stderr.as_str()), (139, ""));
    let ended = Setup::new(&["--log-to=none", "/no/such"]).run();
    let told = "sexton: fatal: unable to execute '/no/such': command not found\n";
    assert_eq!((ended.status, ended.stderr.as_str()), (127, told));
}

#[test]
fn each_level_logs_the_levels_below_it_too() {
    let markers =
        ["warning: reaped", "info: command exited", "debug: reaped the command", "trace: "];
    // The command ends when its orphan is reaped.
    let probe = probe();
    let command = ["--warn-on-reap", &probe, "orphans", "1", "0", "1"];
    for (flags, most) in [
        (&["--log-level=error"][..], 0),
        (&[], 1),
        (&["--log-level=warn"], 1),
        (&["-v"], 2),
        (&["--log-level=info"], 2),
        (&["-vv"], 3),
        (&["-v", "--log-level=info"], 3),
        (&["-vvv"], 4),
        (&["--log-level=trace"], 4),
    ] {
        let ended = Setup::new(&[flags, &command].concat()).run();
        let told = markers.map(|marker| ended.stderr.contains(marker));
        let expected = [0, 1, 2, 3].map(|level| level < most);
        assert_eq!(told, expected, "{flags:?}: {ended:?}");
    }
}

#[test]
fn a_stop_is_forwarded_as_quickly_with_a_full_pipe_on_standard_error() {
    for proc_mounted in [true, false] {
        let (read, write) = full_pipe();
        let start = |log_to| {
            let words = ["-vvv", "--grace=none", log_to, &probe(), "signals", "1000000000"];
            let setup = Setup::new(&words).stderr(&write);
            let setup = if proc_mounted { setup } else { setup.without_proc() };
            let mut running = setup.start();
            running.expect("ready");
            running
        };
        let what = if proc_mounted { "full pipe" } else { "full pipe, no /proc" };
        let (_, mut logging) = side_by_side(what, start("--log-to=none"), start("--log-to=stderr"));
        for _ in 0..600 {
            logging.signal(libc::SIGUSR1);
            logging.expect("signal 10 value none");
        }
        // The command's status passes, too.
        // SAFETY: takes integers only; a child of the sexton that this test has started.
        assert_eq!(unsafe { libc::kill(logging.children()[0], libc::SIGKILL) }, 0);
        assert_eq!(logging.end().status, 137);
        drop(read);
    }
}

#[test]
fn the_lines_that_were_lost_are_counted() {
    for proc_mounted in [true, false] {
        let (mut read, write) = full_pipe();
        let setup = Setup::new(&["-v", &probe(), "signals", "51", "42"]).stderr(&write);
        let setup = if proc_mounted { setup } else { setup.without_proc() };
        let mut running = setup.start();
        running.expect("ready");
        for _ in 0..50 {
            running.signal(libc::SIGUSR1);
            running.expect("signal 10 value none");
        }
        wait_until("all has been logged", || running.is_idle());
        // The pipe is emptied of what it was filled with, and nothing else is in it.
        let mut length = 0;
        // SAFETY: writes one integer.
        unsafe { libc::ioctl(read.as_raw_fd(), libc::FIONREAD, &raw mut length) };
        let mut filling = vec![0; length as usize];
        let mut file = File::from(read);
        std::io::Read::read_exact(&mut file, &mut filling).unwrap();
        assert!(filling.iter().all(|&byte| byte == b'-'));
        read = file.into();
        running.signal(libc::SIGUSR1);
        running.expect("signal 10 value none");
        assert_eq!(running.end().status, 42);
        drop(write);
        let told = String::from_utf8(read_all(read)).unwrap();
        let mut lines = told.lines();
        // The command's start, and each signal is two lines: received, and sent.
        assert_eq!(lines.next(), Some("sexton: warning: 101 log lines lost"), "{told}");
        assert!(lines.next().unwrap().starts_with("sexton: info: received SIGUSR1"), "{told}");
    }
}

#[test]
fn a_sender_is_named_as_far_as_it_can_be_seen() {
    let script = "kill -USR1 1; while :; do sleep 1000; done";
    let words = ["-v", "sh", "-c", script];
    let mut running = Setup::new(&words).without_proc().start();
    running.expect_log("info: received SIGUSR1 from pid 2, uid 0");
    let mut running = Setup::new(&words).user(1000).start();
    running.expect_log("info: received SIGUSR1 from pid 2 (sh), uid 1000");
    // A name is what a process says it is.
    let folder = Folder::new("sender");
    let shell = folder.copy("a\nb\u{1b}\"é", "755", "/bin/sh");
    let mut running = Setup::new(&["-v", &shell, "-c", script]).start();
    running.expect_log("info: received SIGUSR1 from pid 2 (a?b?\"??), uid 0");
    // Not the command itself, but another of the tree.
    let script = "(setsid sh -c 'kill -USR2 1; exec sleep 1000' &); while :; do sleep 1000; done";
    let mut running = Setup::new(&["-v", "sh", "-c", script]).start();
    running.expect_log("info: received SIGUSR2 from pid ");
    let mut running = Setup::new(&["-v", &probe(), "sleep"]).place(Place::Child).start();
    running.expect("ready");
    running.signal(libc::SIGTERM);
    running.expect_log("received SIGTERM from outside of the PID namespace, uid 0");
}

/// SPEC 7.4: what is asked for is no news.
#[test]
fn what_was_to_be_expected_prints_nothing() {
    for place in [Place::Init, Place::Child] {
        for script in [
            "exit 0",
            "exit 1",
            "exit 255",
            "kill -PIPE $$",
            "(exit 3 &); (setsid sleep 1000 &); exit 0", // orphans that obey
            "kill -TERM $PPID; exec sleep 1000",         // obeys
            "trap 'exit 0' TERM; kill -TERM $PPID; while :; do sleep 0.01; done",
            "kill -USR1 $PPID; exec sleep 1000", // a signal that somebody sent
            "kill -XCPU $PPID; exec sleep 1000",
            "trap '' TERM; kill -TERM $PPID; exec sleep 1000", // ends at the escalation
        ] {
            let words = ["--escalate=INT:200ms", "--rlimit=core=0", "sh", "-c", script];
            let ended = Setup::new(&words).place(place).run();
            assert_eq!(ended.stderr, "", "{script}: {ended:?}");
        }
        let wait_all = ["--wait-all", "sh", "-c", "(sleep 0.1 &); exit 3"];
        let drain = ["--drain=50ms", "sh", "-c", "kill -TERM $PPID; exec sleep 1000"];
        for words in [&wait_all[..], &drain] {
            assert_eq!(Setup::new(words).place(place).run().stderr, "", "{words:?}");
        }
    }
}

#[test]
fn what_was_done_by_force_or_cannot_be_seen_elsewhere_is_a_warning() {
    for place in [Place::Init, Place::Child] {
        for (words, parts) in [
            (
                &["sh", "-c", "trap '' TERM; kill -TERM $PPID; exec sleep 1000"][..],
                &[
                    "command did not end within the grace period",
                    ": it did not end within the grace period; ran for ",
                ][..],
            ),
            (
                &["sh", "-c", "(trap '' TERM; setsid sleep 1000 &) ; exit 4"],
                &["remaining processes did not end", "command exited with status 4; ran for "],
            ),
            (&["sh", "-c", "kill -KILL $$"], &["command killed by SIGKILL; ran for "]),
            (&["sh", "-c", "kill -ABRT $$"], &["command killed by SIGABRT; ran for "]),
            (
                &["--rlimit=fsize=1M", "sh", "-c", "kill -XFSZ $$"],
                &[": it hit RLIMIT_FSIZE; ran for "],
            ),
        ] {
            let flags =
                ["--grace=200ms", "--linger=100ms", "--rlimit=core=0", "--slow-stop-after=0"];
            let words = [&flags[..], words].concat();
            let ended = Setup::new(&words).place(place).run();
            for part in parts {
                assert!(ended.stderr.contains(part), "{part:?}: {ended:?}");
            }
            assert!(
                ended.stderr.lines().all(|line| line.starts_with("sexton: warning: ")),
                "{ended:?}"
            );
            assert_eq!(ended.stderr.lines().count(), parts.len(), "{ended:?}");
        }
    }
}

#[test]
fn text_lines_begin_with_the_time_if_they_are_to() {
    /// The line behind its time, which must be one.
    fn timed(line: &str) -> &str {
        let (time, rest) = line.split_once(' ').unwrap();
        let digits = time.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
        assert_eq!(digits.collect::<Vec<u8>>(), b"0000-00-00T00:00:00.000Z", "{line}");
        rest
    }
    let lines = |setup: Setup| {
        let ended = setup.run();
        ended.stderr.lines().map(|line| timed(line).to_owned()).collect::<Vec<String>>()
    };
    let warning = "sexton: warning: command killed by SIGUSR1; ";
    let killed = ["sh", "-c", "kill -USR1 $$"];
    let flag = Setup::new(&[&["--log-time"], &killed[..]].concat());
    let variable = Setup::new(&killed).variable("SEXTON_LOG_TIME=yes");
    for setup in [flag, variable] {
        assert!(lines(setup)[0].starts_with(warning));
    }
    // Errors in flags, and their hints, too.
    let invalid = lines(Setup::new(&["--log-time", "--grace=x", "true"]));
    assert!(invalid[0].starts_with("sexton: fatal: invalid value 'x' for --grace"), "{invalid:?}");
    let failed = lines(Setup::new(&["--log-time", "--", "-v"]));
    assert_eq!(failed[1], "sexton: hint: options come before '--'");
    let tini = Setup::new(&["-vvv", "true"]).called("tini").variable("SEXTON_LOG_TIME=yes");
    assert!(tini.run().stdout.lines().all(|line| timed(line).starts_with("[")));
    // JSON has it as a member.
    let json = Setup::new(&[&["--log-time", "--log-format=json"], &killed[..]].concat()).run();
    assert!(json.stderr.starts_with(r#"{"time":"#), "{json:?}");
}
