//! SPEC 6 and 7.5: a stream by its name (`-`, `/dev/stdout`, `/dev/fd/N`, `/proc/self/fd/N`) is the stream that sexton
//! was started with, not a second open file: nothing is emptied, nothing is overwritten, and no right is needed.

use crate::harness::{Ended, Folder, Place, Setup, full_pipe, pipe, probe, sexton, wait_until};
use nix::libc;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;

/// What each run adds to what was there.
const ADDED: &str = "a line of the command, which is long enough to be overwritten in part";

/// A shell in the folder that becomes sexton, with its streams redirected there.
fn in_shell(folder: &Folder, script: &str) -> Ended {
    let script = script.replace("SEXTON", sexton().to_str().unwrap());
    let setup = Setup::program("/bin/sh".as_ref(), &["-c", &script]);
    setup.directory(folder.path()).run()
}

fn is_report(line: &str, status: i32) -> bool {
    line.starts_with(r#"{"version":1,"#)
        && line.ends_with('}')
        && line.contains(&format!(r#","exit_status":{status},"#))
}

#[test]
fn a_report_to_a_stream_that_is_a_file_is_added_to_it() {
    let folder = Folder::new("added");
    symlink("/dev/stdout", folder.at("to-stdout")).unwrap();
    symlink("log", folder.at("to-log")).unwrap();
    let mut failed = Vec::new();
    for (path, streams) in [
        ("-", ">>log"),
        ("-", "1<>log"), // at its beginning, and neither emptied nor to be added to
        ("/dev/stdout", ">>log"),
        ("/dev/stderr", "2>>log"),
        ("/dev/fd/1", ">>log"),
        ("//dev/./fd/2", "2>>log"),
        ("/proc/self/fd/1", ">>log"),
        ("/proc/thread-self/fd/2", "2>>log"),
        ("/proc/1/fd/1", ">>log"), // sexton's own process ID
        ("/dev/fd/7", "7>>log"),
        ("./to-stdout", ">>log"),
        ("log", ">>log"),
        ("to-log", "2>>log"),
    ] {
        fs::write(folder.at("log"), "an earlier line\n").unwrap();
        let fd = if streams.starts_with('2') {
            "2"
        } else if streams.starts_with('7') {
            "7"
        } else {
            "1"
        };
        let command = format!("sh -c 'echo {ADDED} >&{fd}; exit 3'");
        let ended =
            in_shell(&folder, &format!("exec SEXTON --report {path} -- {command} {streams}"));
        let text = fs::read_to_string(folder.at("log")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let first = if streams.contains("<>") { ADDED } else { "an earlier line" };
        let is_right = ended.status == 3
            && lines.first() == Some(&first)
            && lines.contains(&ADDED)
            && lines.last().is_some_and(|line| is_report(line, 3))
            && lines.len() == if streams.contains("<>") { 2 } else { 3 };
        if !is_right {
            failed.push(format!("{path} {streams}: {ended:?}\n{text}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A stream that another process has, such as that of PID 1 for what an engine's exec starts.
#[test]
fn a_file_behind_another_process_s_descriptor_is_not_emptied() {
    let folder = Folder::new("foreign");
    let log = folder.file("log", "644", "an earlier line\n");
    let file = File::options().append(true).open(&log).unwrap();
    let mut holder = Setup::new(&[&probe(), "sleep"]).inherit(&file).start();
    holder.expect("ready");
    let main = holder.children()[0];
    let path = format!("/proc/{main}/fd/{}", file.as_raw_fd());
    // The process IDs of the test's own namespace.
    let run = |flag: &str| {
        let words = [flag, &path, "sh", "-c", "echo output; echo error >&2"];
        std::process::Command::new(sexton()).args(words).output().unwrap()
    };
    for (flag, added) in [("--report", "{"), ("--stdout", "output"), ("--stderr", "error")] {
        let before = fs::read_to_string(&log).unwrap();
        let ended = run(flag);
        assert!(ended.status.success(), "{ended:?}");
        let after = fs::read_to_string(&log).unwrap();
        let new = after.strip_prefix(&before).unwrap_or_else(|| panic!("{flag}: {after}"));
        assert!(new.starts_with(added) && new.lines().count() == 1, "{flag}: {after}");
    }
}

#[test]
fn a_report_goes_to_a_pipe_or_socket_that_sexton_could_not_open() {
    let (read, write) = pipe();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let as_pipe = |setup: Setup| setup.inherit(&write);
    for (place, proc) in [(Place::Init, true), (Place::Child, true), (Place::Init, false)] {
        for (reader, fd) in [
            (read.try_clone().unwrap(), write.as_raw_fd()),
            (ours.try_clone().unwrap().into(), theirs.as_raw_fd()),
        ] {
            let path = format!("/dev/fd/{fd}");
            // Root's pipe, and another user's sexton.
            let setup = as_pipe(Setup::new(&["--report", &path, "--", "sh", "-c", "exit 3"]));
            let setup = setup.inherit(&theirs).user(1000).place(place);
            let ended = if proc { setup } else { setup.without_proc() }.run();
            assert_eq!((ended.status, ended.stderr.as_str()), (3, ""), "{path}");
            let mut text = [0; 4096];
            let length = File::from(reader).read(&mut text).unwrap();
            let text = std::str::from_utf8(&text[..length]).unwrap();
            assert!(is_report(text.trim_end(), 3), "{text}");
        }
    }
    // Standard output is a pipe of the harness.
    let ended = Setup::new(&["--report=-", "--", "echo", "x"]).user(1000).run();
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines.len() == 2 && lines[0] == "x" && is_report(lines[1], 0), "{ended:?}");
}

#[test]
fn a_full_stream_costs_the_report_only() {
    for user in [0, 1000] {
        let (_read, write) = full_pipe();
        let path = format!("/dev/fd/{}", write.as_raw_fd());
        for proc in [true, false] {
            let setup = Setup::new(&["--report", &path, "--", "sh", "-c", "exit 42"]);
            let setup = setup.inherit(&write).user(user);
            let ended = if proc { setup } else { setup.without_proc() }.run();
            assert_eq!(ended.status, 42, "{ended:?}");
            let told = "warning: unable to write the report: resource temporarily unavailable\n";
            assert!(ended.stderr.ends_with(told), "{ended:?}");
        }
        // SAFETY: takes integers only.
        let flags = unsafe { libc::fcntl(write.as_raw_fd(), libc::F_GETFL) };
        assert_eq!(flags & libc::O_NONBLOCK, 0);
    }
}

#[test]
fn a_stream_that_is_closed_or_open_the_other_way_is_an_error_that_says_so() {
    let folder = Folder::new("unfit");
    for (words, streams, told) in [
        ("--report -", ">&-", "write the report '-': standard output is closed"),
        (
            "--report /dev/stdout",
            ">&-",
            "write the report '/dev/stdout': standard output is closed",
        ),
        ("--report /dev/fd/7", "", "write the report '/dev/fd/7': descriptor 7 is closed"),
        (
            "--report /dev/stdin",
            "<in",
            "write the report '/dev/stdin': standard input is not open for writing",
        ),
        ("--termination-log=-", ">&-", "write the termination log '-': standard output is closed"),
        (
            "--stdout /dev/stdout",
            ">&-",
            "write to '/dev/stdout' as standard output: standard output is closed",
        ),
        ("--stderr -", ">&-", "write to '-' as standard error: standard output is closed"),
        (
            "--stderr '>>/dev/fd/9'",
            "",
            "append to '/dev/fd/9' as standard error: descriptor 9 is closed",
        ),
        (
            "--stdout /dev/fd/9",
            "9<in",
            "write to '/dev/fd/9' as standard output: descriptor 9 is not open for writing",
        ),
        (
            "--stdin /dev/fd/9",
            "9>out",
            "open '/dev/fd/9' as standard input: descriptor 9 is not open for reading",
        ),
    ] {
        folder.file("in", "644", "");
        // Its own descriptors, which would be the next numbers, are not meant.
        let ended = in_shell(&folder, &format!("exec SEXTON -vv {words} -- echo run {streams}"));
        assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{words}: {ended:?}");
        assert!(ended.stderr.contains(&format!("sexton: fatal: unable to {told}\n")), "{ended:?}");
    }
    // Standard error itself.
    for words in ["--report /dev/stderr", "--stdout /dev/stderr"] {
        let ended = in_shell(&folder, &format!("exec SEXTON {words} -- echo run 2>&-"));
        assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{words}: {ended:?}");
    }
}

#[test]
fn a_descriptor_for_the_report_reaches_the_command_as_any_other_and_stays_with_sexton() {
    let (read, write) = pipe();
    let path = format!("/proc/self/fd/{}", write.as_raw_fd());
    let words = ["--report", &path, &probe(), "descriptors"];
    let run = |words: &[&str]| Setup::new(words).inherit(&write).inherit(&read).run().stdout;
    assert_eq!(run(&words), run(&words[2..]));
    let mut running =
        Setup::new(&["--report", &path, &probe(), "sleep"]).inherit(&write).inherit(&read).start();
    running.expect("ready");
    wait_until("sexton waits", || running.is_idle());
    let held: Vec<i32> = running.descriptors().into_iter().map(|(fd, _)| fd).collect();
    assert!(held.contains(&write.as_raw_fd()) && !held.contains(&read.as_raw_fd()), "{held:?}");
}

#[test]
fn the_termination_log_is_written_to_a_stream_whatever_is_in_it() {
    let folder = Folder::new("text");
    for (path, streams) in [("-", ">>log"), ("/dev/stderr", "2>>log"), ("/dev/fd/5", "5>>log")] {
        let long = "x".repeat(9000) + "\n";
        fs::write(folder.at("log"), &long).unwrap();
        let script = format!("exec SEXTON --termination-log={path} -- sh -c 'exit 3' {streams}");
        assert_eq!(in_shell(&folder, &script).status, 3);
        let text = fs::read_to_string(folder.at("log")).unwrap();
        let new = text.strip_prefix(&long).unwrap();
        assert!(new.starts_with("sexton: command exited with status 3; ran for "), "{new}");
    }
}

#[test]
fn what_the_command_writes_to_the_report_s_file_stays() {
    let folder = Folder::new("together");
    for stream in ["--stdout", "--stderr"] {
        for append in ["", ">>"] {
            fs::write(folder.at("log"), "an earlier line\n").unwrap();
            let command = format!("sh -c 'echo {ADDED}; echo {ADDED} >&2'");
            let flags = format!("--report log {stream} '{append}log'");
            let ended = in_shell(&folder, &format!("exec SEXTON {flags} -- {command}"));
            assert_eq!(ended.status, 0, "{ended:?}");
            let text = fs::read_to_string(folder.at("log")).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            let earlier = usize::from(!append.is_empty());
            assert_eq!(lines.len(), 2 + earlier, "{stream} {append}: {text}");
            assert!(lines[earlier] == ADDED && is_report(lines[earlier + 1], 0), "{text}");
        }
    }
}

/// Two with one file: what is there at the end is one of the two, whole.
#[test]
fn reports_of_two_sextons_never_mix() {
    let folder = Folder::new("two");
    let path = folder.at("report");
    // The one has more to tell than the other.
    let long = folder.copy(&"long".repeat(50), "755", &probe());
    let start = |command: &str| {
        let mut running = Setup::new(&["--report", &path, command, "signals", "1"]).start();
        running.expect("ready");
        running
    };
    let report = |what: &str| {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with('\n') && text.lines().count() == 1, "{what}: {text}");
        assert!(is_report(text.trim_end(), 0), "{what}: {text}");
        text
    };
    for (first, second) in [(&long, &probe()), (&probe(), &long)] {
        let (one, other) = (start(first), start(second));
        for (running, command) in [(one, first), (other, second)] {
            running.signal(libc::SIGUSR1);
            assert_eq!(running.end().status, 0);
            assert!(report("one after the other").contains(&format!("{command:?}")));
        }
    }
    for _ in 0..20 {
        let both = [start(&long), start(&probe()), start(&long), start(&probe())];
        both.iter().for_each(|running| running.signal(libc::SIGUSR1));
        both.into_iter().for_each(|running| assert_eq!(running.end().status, 0));
        report("at the same time");
    }
}

/// Somebody who locks the file does not keep the report away, nor hold sexton up.
#[test]
fn a_file_that_is_locked_is_written_to_all_the_same() {
    let folder = Folder::new("locked");
    let path = folder.at("report");
    let mut running = Setup::new(&["--report", &path, &probe(), "signals", "1"]).start();
    running.expect("ready");
    let file = File::options().read(true).write(true).open(&path).unwrap();
    let whole = libc::flock {
        l_type: libc::F_WRLCK as _,
        l_whence: libc::SEEK_SET as _,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    // SAFETY: reads one structure.
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const whole) }, 0);
    running.signal(libc::SIGUSR1);
    let begin = std::time::Instant::now();
    assert_eq!(running.end().status, 0);
    assert!(begin.elapsed().as_secs() < 5);
    assert!(is_report(fs::read_to_string(&path).unwrap().trim_end(), 0));
}

#[test]
fn the_command_s_streams_can_be_those_that_sexton_was_started_with() {
    let folder = Folder::new("duplicated");
    const BOTH: &str = "sh -c 'echo output; echo error >&2'";
    folder.file("in", "644", "from elsewhere\n");
    for (flags, command, streams, output, error) in [
        ("--stdout /dev/stderr", BOTH, "", "", "output\nerror\n"),
        ("--stderr /dev/stdout", BOTH, "", "output\nerror\n", ""),
        ("--stderr -", BOTH, "", "output\nerror\n", ""),
        ("--stdout - --stderr /proc/self/fd/2", BOTH, "", "output\n", "error\n"),
        // Each is what it was at the start, whatever becomes of the other.
        ("--stdout /dev/stderr --stderr /dev/stdout", BOTH, "", "error\n", "output\n"),
        ("--stdout /dev/null --stderr /dev/stdout", BOTH, "", "error\n", ""),
        ("--stderr /dev/null --stdout /dev/stderr", BOTH, "", "", "output\n"),
        ("--stdout '>>/dev/stderr' --stderr '>>/dev/stderr'", BOTH, "", "", "output\nerror\n"),
        ("--stdout /dev/fd/8 --stderr /dev/fd/8", BOTH, "8>&1", "output\nerror\n", ""),
        ("--close-fds --stdout /dev/fd/8", BOTH, "8>&2", "", "output\nerror\n"),
        ("--stdin /dev/fd/8", "cat", "8<in", "from elsewhere\n", ""),
        ("--stdin -", "cat", "<in", "from elsewhere\n", ""),
        ("--stdin /dev/stdin", "cat", "<in", "from elsewhere\n", ""),
        ("--user 1000 --stderr /dev/stdout", BOTH, "", "output\nerror\n", ""),
        ("--user 1000 --stdout /dev/stderr", "sh -c 'echo x >/dev/stdout'", "", "", "x\n"),
    ] {
        let ended = in_shell(&folder, &format!("exec SEXTON {flags} -- {command} {streams}"));
        let found = (ended.status, ended.stdout.as_str(), ended.stderr.as_str());
        assert_eq!(found, (0, output, error), "{flags}");
    }
}

#[test]
fn a_stream_of_the_command_that_is_a_file_of_sexton_s_is_not_emptied() {
    let folder = Folder::new("kept");
    symlink("/dev/stdout", folder.at("to-stdout")).unwrap();
    for (flags, streams) in [
        ("--stderr /dev/stdout", ">>log"),
        ("--stderr /dev/stdout", "1<>log"),
        ("--stdout /dev/stderr", "2>>log"),
        ("--stdout /proc/self/fd/1", ">>log"),
        ("--stdout /proc/1/fd/1", ">>log"), // the child is not PID 1
        ("--stderr /dev/fd/6", "6>>log"),
        ("--stderr to-stdout", ">>log"),
        ("--stderr log", ">>log"),
        ("--stderr ./log --stdout log", "2>>log"),
    ] {
        let fixed = if streams.contains("<>") { "" } else { "an earlier line\n" };
        fs::write(folder.at("log"), fixed).unwrap();
        let lines = format!("echo {ADDED}; echo error >&2; echo {ADDED}");
        let ended = in_shell(&folder, &format!("exec SEXTON {flags} -- sh -c '{lines}' {streams}"));
        assert_eq!(ended.status, 0, "{flags}: {ended:?}");
        let text = fs::read_to_string(folder.at("log")).unwrap();
        assert!(text.starts_with(fixed), "{flags} {streams}: {text}");
        // Nothing is overwritten: what is not in the file is on the other stream.
        for line in [ADDED, "error"] {
            let count = |text: &str| text.lines().filter(|found| *found == line).count();
            let there = [&text, &ended.stdout, &ended.stderr].map(|text| count(text));
            let expected = if line == ADDED { 2 } else { 1 };
            assert_eq!(there.iter().sum::<usize>(), expected, "{flags} {streams}: {line}: {text}");
        }
        assert!(!text.contains('\0'), "{flags} {streams}: {text:?}");
    }
}

/// A file that is nobody's yet is emptied as ever, and a name with a dash is one.
#[test]
fn other_files_are_emptied_and_made() {
    let folder = Folder::new("other");
    for name in ["./-", "other"] {
        fs::write(folder.at("other"), "earlier\n").unwrap();
        let flags = format!("--stdout {name} --stdin /dev/null");
        let ended = in_shell(&folder, &format!("exec SEXTON {flags} -- echo new >>log 2>>log"));
        assert_eq!(ended.status, 0, "{ended:?}");
        assert_eq!(fs::read_to_string(folder.at(name)).unwrap(), "new\n");
    }
    // Where descriptor 1 is closed the file may land there by itself.
    let ended =
        in_shell(&folder, "exec SEXTON --stdout other --stderr other2 -- echo closed >&- 2>&-");
    assert_eq!(ended.status, 0, "{ended:?}");
    assert_eq!(fs::read_to_string(folder.at("other")).unwrap(), "closed\n");
}

/// Nothing of what is duplicated is left over.
#[test]
fn the_command_has_no_other_descriptors_than_before() {
    let (_read, write) = pipe();
    let probe = probe();
    let descriptors = |flags: &[&str]| {
        let ended = Setup::new(&[flags, &[&probe, "report"]].concat()).inherit(&write).run();
        let text = ended.stdout + &ended.stderr;
        let lines = text.lines().filter(|line| line.starts_with("descriptor "));
        lines.map(|line| line.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let before = descriptors(&[]);
    assert!(before.len() >= 4, "{before:?}");
    for flags in [
        &["--stdout=/dev/stderr", "--stderr=/dev/stdout"][..],
        &["--stdin=/dev/stdin", "--stdout=-"],
        &["--stdout", &format!("/dev/fd/{}", write.as_raw_fd()), "--stdout=-"],
    ] {
        assert_eq!(descriptors(flags), before, "{flags:?}");
    }
}
