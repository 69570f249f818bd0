//! SPEC 6: `--stdin`, `--stdout`, `--stderr`, `--close-fds`.

use crate::harness::{Folder, Place, Setup, full_pipe, probe, wait_until};
use crate::old_kernels::forget_newer_calls;
use crate::report::{Report, under};
use nix::libc;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// Runs a shell as the command. Nothing may be said anywhere but in files.
fn shell(flags: &[&str], script: &str) {
    let ended = Setup::new(&[flags, &["sh", "-c", script]].concat()).run();
    assert_eq!((ended.status, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
}

#[test]
fn each_stream_is_the_file_that_is_named() {
    let folder = Folder::new("streams");
    let path = |name: &str| format!("{}/{name}", folder.path());
    let input = folder.file("in", "644", "some input\n");
    let flags = [
        format!("--stdin={input}"),
        format!("--stdout={}", path("o")),
        format!("--stderr={}", path("e")),
    ];
    let flags = flags.each_ref().map(String::as_str);
    shell(&flags, "cat; echo an error >&2");
    assert_eq!(fs::read_to_string(path("o")).unwrap(), "some input\n");
    assert_eq!(fs::read_to_string(path("e")).unwrap(), "an error\n");
    // The same by variables.
    let setup = Setup::new(&["sh", "-c", "cat; echo an error >&2"]);
    let setup = setup.variable(format!("SEXTON_STDIN={input}"));
    let setup = setup.variable(format!("SEXTON_STDOUT=>>{}", path("o")));
    let ended = setup.variable(format!("SEXTON_STDERR={}", path("e2"))).run();
    assert_eq!((ended.status, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
    assert_eq!(fs::read_to_string(path("o")).unwrap(), "some input\nsome input\n");
    assert_eq!(fs::read_to_string(path("e2")).unwrap(), "an error\n");
}

#[test]
fn an_output_is_emptied_or_appended_to() {
    let folder = Folder::new("append");
    for (name, flag) in [("out", "--stdout"), ("err", "--stderr")] {
        let script = if name == "out" { "echo new" } else { "echo new >&2" };
        let path = folder.file(name, "644", "a longer text from before\n");
        shell(&[flag, &format!(">>{path}")], script);
        assert_eq!(fs::read_to_string(&path).unwrap(), "a longer text from before\nnew\n");
        shell(&[flag, &path], script);
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
        // Created both ways.
        let (first, second) = (format!("{path}1"), format!("{path}2"));
        shell(&[flag, &first], script);
        shell(&[flag, &format!(">>{second}")], script);
        for created in [first, second] {
            assert_eq!(fs::read_to_string(&created).unwrap(), "new\n");
        }
    }
}

#[test]
fn appending_keeps_to_the_end_whoever_else_writes() {
    let folder = Folder::new("end");
    let log = folder.file("log", "644", "");
    shell(&[&format!("--stdout=>>{log}")], &format!("echo 1; echo 22 >> {log}; echo 3"));
    assert_eq!(fs::read_to_string(&log).unwrap(), "1\n22\n3\n");
}

#[test]
fn a_file_is_created_with_the_umask_of_the_command_as_its_user() {
    let folder = Folder::new("created").open_to_all();
    for (flags, mode, user) in [
        (&["--umask=027"][..], 0o640, 0),
        (&["--umask=000", "--user=1000:7"], 0o666, 1000),
        (&["--umask=777"], 0, 0),
    ] {
        let path = format!("{}/{mode:o}", folder.path());
        shell(&[flags, &["--stdout", &path]].concat(), "echo x");
        let created = fs::metadata(&path).unwrap();
        assert_eq!(created.permissions().mode() & 0o7777, mode, "{flags:?}");
        let group = if user == 1000 { 7 } else { 0 };
        assert_eq!((created.uid(), created.gid()), (user, group), "{flags:?}");
    }
}

#[test]
fn a_path_for_both_outputs_is_one_open_file() {
    let folder = Folder::new("both");
    for append in ["", ">>"] {
        let path = format!("{}/log", folder.path());
        let value = format!("{append}{path}");
        shell(&["--stdout", &value, "--stderr", &value], "echo 1; echo 2 >&2; echo 3");
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n2\n3\n", "{append}");
        fs::write(&path, "").unwrap();
    }
    // Even with descriptor 2, or all of them, closed.
    let path = format!("{}/closed", folder.path());
    for closed in [&[2][..], &[0, 1, 2]] {
        let words =
            ["--stdout", &path, "--stderr", &path, "sh", "-c", "echo 1; echo 2 >&2; echo 3"];
        assert_eq!(Setup::new(&words).closed(closed).run().status, 0);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n2\n3\n", "{closed:?}");
    }
}

#[test]
fn a_path_may_have_any_bytes_and_be_relative_to_the_new_directory() {
    let folder = Folder::new("bytes");
    let name = OsStr::from_bytes(b"\xff \n=>>x");
    let flag = OsString::from_vec([b"--stdout=", name.as_bytes()].concat());
    let chdir = OsString::from(format!("--chdir={}", folder.path()));
    let ended = Setup::new(&[flag, chdir, "echo".into(), "x".into()]).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (0, ""), "{ended:?}");
    let path = std::path::Path::new(folder.path()).join(name);
    assert_eq!(fs::read_to_string(path).unwrap(), "x\n");
}

#[test]
fn files_are_opened_with_the_rights_of_the_command_s_user() {
    let folder = Folder::new("rights");
    let secret = folder.file("secret", "600", "secret\n");
    let new = format!("{}/new", folder.path());
    for (flag, value, action) in [
        ("--stdin", secret.clone(), format!("open '{secret}' as standard input")),
        ("--stdout", secret.clone(), format!("write to '{secret}' as standard output")),
        ("--stderr", format!(">>{secret}"), format!("append to '{secret}' as standard error")),
        ("--stdout", new.clone(), format!("write to '{new}' as standard output")),
    ] {
        let ended = Setup::new(&["--user=1000", flag, &value, "echo", "main was run"]).run();
        assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{flag} {value}");
        let expected = format!(
            "sexton: fatal: unable to {action}: permission denied\n\
             sexton: hint: this step runs as the command's user, with its capabilities\n"
        );
        assert_eq!(ended.stderr, expected);
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret\n");
    assert!(!fs::exists(new).unwrap());
    // Root without the capability is no better off.
    let words = ["--cap-drop=dac_override", "--user=0", "--stdout", &secret, "true"];
    assert_eq!(Setup::new(&words).run().status, 0, "it is root's own");
    let other = folder.file("other", "600", "");
    std::os::unix::fs::chown(&other, Some(1000), None).unwrap();
    for (flags, status) in
        [(&["--cap-drop=dac_override"][..], 125), (&["--cap-keep=dac_override"], 0)]
    {
        let words = [flags, &["--stdout", &other, "true"]].concat();
        assert_eq!(Setup::new(&words).run().status, status, "{flags:?}");
    }
}

#[test]
fn descriptors_that_were_closed_are_opened_where_they_belong_and_no_others() {
    let folder = Folder::new("closed");
    let (probe, input) = (probe(), folder.file("in", "644", ""));
    let output = |name: &str| format!("--{name}={}/{name}", folder.path());
    let flags = [format!("--stdin={input}"), output("stdout"), output("stderr")];
    let open = |text: &str| -> Vec<usize> {
        text.split_whitespace().map(|number| number.parse().unwrap()).collect()
    };
    for closed in [&[0][..], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]] {
        let run = |flags: &[&str]| {
            let setup = Setup::new(&[flags, &[&probe, "descriptors"]].concat());
            let setup = if closed.contains(&1) { setup.output_at(9) } else { setup };
            setup.closed(closed).run()
        };
        let before = open(&run(&[]).stdout);
        // Any of the three is opened, and the others stay as they were.
        for opened in 1..8 {
            let chosen: Vec<usize> = (0..3).filter(|fd| opened >> fd & 1 == 1).collect();
            let flags: Vec<&str> = chosen.iter().map(|&fd| flags[fd].as_str()).collect();
            let ended = run(&flags);
            assert_eq!(ended.status, 0, "{closed:?} {flags:?}: {ended:?}");
            let text = match chosen.contains(&1) {
                true => fs::read_to_string(format!("{}/stdout", folder.path())).unwrap(),
                false => ended.stdout,
            };
            let mut expected = [&before[..], &chosen].concat();
            expected.sort_unstable();
            expected.dedup();
            assert_eq!(open(&text), expected, "{closed:?} {flags:?}");
        }
    }
}

#[test]
fn the_files_are_the_command_s_only_and_open_as_they_should_be() {
    let folder = Folder::new("only-main");
    let input = folder.file("in", "644", "");
    let output = format!("{}/out", folder.path());
    let words = ["--stdin", &input, "--stdout", &output, &probe(), "report"];
    let ended = Setup::new(&words).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (0, ""), "{ended:?}");
    let main = Report::from(&fs::read_to_string(&output).unwrap());
    // The path, descriptor flags, and status flags: reading, and writing.
    let large = libc::O_LARGEFILE | 0o100000;
    let flags = |line: String, path: &str| -> i32 {
        let rest = line.strip_prefix(path).unwrap().trim().to_owned();
        let (descriptor, status) = rest.split_once(' ').unwrap();
        assert_eq!(descriptor, "0", "it stays open at exec");
        i32::from_str_radix(status, 8).unwrap() & !large
    };
    assert_eq!(flags(main.field("descriptor 0"), &input), libc::O_RDONLY);
    assert_eq!(flags(main.field("descriptor 1"), &output), libc::O_WRONLY);

    let mut running =
        Setup::new(&["--stdin", &input, "--stderr", &output, &probe(), "sleep"]).start();
    running.expect("ready");
    running.wait_until_inherited_descriptors_are_closed();
    let is_file = |(_, target): &(i32, String)| target.starts_with(folder.path());
    assert!(!running.descriptors().iter().any(is_file), "{:?}", running.descriptors());
}

#[test]
fn sexton_s_own_messages_stay_on_its_standard_error() {
    let folder = Folder::new("messages");
    let path = format!("{}/err", folder.path());
    let ended = Setup::new(&["-v", "--stderr", &path, "sh", "-c", "echo main >&2"]).run();
    assert!(ended.stderr.contains("info: command exited with status 0"), "{ended:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "main\n");
}

#[test]
fn a_signal_ends_the_wait_for_the_other_end_of_a_fifo() {
    let folder = Folder::new("fifo");
    let fifo = folder.fifo("fifo");
    for place in [Place::Init, Place::Child] {
        for flag in ["--stdin", "--stdout", "--stderr"] {
            let words = ["--grace=none", flag, &fifo, "echo", "main was run"];
            let running = Setup::new(&words).place(place).start();
            wait_until("main opens the FIFO", || {
                let child = running.children().first().copied();
                let call = child.map(|pid| fs::read_to_string(format!("/proc/{pid}/syscall")));
                let call = call.and_then(Result::ok).unwrap_or_default();
                // open(2) and the directory that it starts from: some C libraries use openat(2).
                call.starts_with(&format!("{} ", libc::SYS_openat)) || call.starts_with("2 ")
            });
            running.signal(libc::SIGTERM);
            let ended = running.end();
            assert_eq!((ended.status, ended.stdout.as_str()), (143, ""), "{flag}: {ended:?}");
        }
    }
}

#[test]
fn the_command_is_run_when_a_fifo_gets_its_other_end() {
    let folder = Folder::new("fifo-later");
    let (input, output) = (folder.fifo("in"), folder.fifo("out"));
    let words = ["--stdin", &input, "--stdout", &output, "cat"];
    let running = Setup::new(&words).start();
    let mut writer = File::options().write(true).open(&input).unwrap();
    let mut reader = File::open(&output).unwrap();
    writer.write_all(b"through").unwrap();
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "through");
    assert_eq!(running.end().status, 0);
}

#[test]
fn close_fds_leaves_the_command_the_standard_streams_only() {
    let (read, write) = full_pipe();
    let setup = || under(&[]).inherit(&read).inherit(&write);
    let both = [read.as_raw_fd(), write.as_raw_fd()];
    let without = Report::of(setup()).descriptors();
    assert!(both.iter().all(|fd| without.contains(fd)), "{without:?}");
    assert_eq!(Report::of(setup().variable("SEXTON_CLOSE_FDS=1")).descriptors(), [0, 1, 2]);
    for old in [false, true] {
        for proc_mounted in [true, false] {
            let setup = Setup::new(&["--close-fds", &probe(), "descriptors"]);
            let setup = setup.inherit(&read).inherit(&write);
            let setup = if proc_mounted { setup } else { setup.without_proc() };
            let ended = if old { forget_newer_calls(setup) } else { setup }.run();
            assert_eq!(ended.stdout, "0 1 2\n", "old: {old}, /proc: {proc_mounted}: {ended:?}");
        }
    }
    // What was closed stays closed, and a failed exec is still told.
    let setup = Setup::new(&["--close-fds", &probe(), "descriptors"]).closed(&[0]).inherit(&read);
    assert_eq!(setup.run().stdout, "1 2\n");
    let ended = Setup::new(&["--close-fds", "/no/such"]).inherit(&read).run();
    assert_eq!(ended.status, 127);
    assert!(ended.stderr.contains("unable to execute '/no/such': command not found"), "{ended:?}");
}

#[test]
fn a_lowered_limit_does_not_bound_the_steps_and_a_raised_one_helps_them() {
    const NOFILE: i32 = 7;
    let folder = Folder::new("limited");
    let path = format!("{}/out", folder.path());
    // At that step the lowest free descriptor is 4, and the command's loader needs one.
    shell(&["--rlimit=nofile=4", "--stdout", &path], "ulimit -n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "4\n");
    shell(&["--rlimit=fsize=0", "--stdout", &path], ":");
    assert_eq!(fs::read_to_string(&path).unwrap(), "");

    let words = ["--stdout", &path, "sh", "-c", "ulimit -n"];
    let ended = Setup::new(&words).limit(NOFILE, 4, 100).run();
    let what = format!("sexton: fatal: unable to write to '{path}' as standard output: ");
    // glibc's text, and musl's.
    let expected =
        ["too many open files\n", "no file descriptors available\n"].map(|why| what.clone() + why);
    assert!(ended.status == 125 && expected.contains(&ended.stderr), "{ended:?}");
    let words = [&["--rlimit=nofile=max"], &words[..]].concat();
    assert_eq!(Setup::new(&words).limit(NOFILE, 4, 100).run().status, 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), "100\n");
}
