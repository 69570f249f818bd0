//! SPEC 1.4 and 5: how the command is found and executed, and what is said when it cannot be.

use crate::harness::{Ended, Folder, Setup};

fn assert_fails(ended: &Ended, status: i32, parts: &[&str]) {
    assert_eq!(ended.status, status, "{ended:?}");
    assert!(ended.stderr.starts_with("sexton: fatal: unable to execute "), "{ended:?}");
    for part in parts {
        assert!(ended.stderr.contains(part), "{part:?} is not in {:?}", ended.stderr);
    }
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_command_that_is_not_there_is_127() {
    assert_fails(&Setup::new(&["nosuch"]).run(), 127, &["'nosuch': command not found"]);
    assert_fails(&Setup::new(&["/no/such"]).run(), 127, &["'/no/such': command not found"]);
    assert_fails(&Setup::new(&["/etc/passwd/x"]).run(), 127, &["'/etc/passwd/x'"]);
    assert_fails(&Setup::new(&[""]).run(), 127, &["''"]);
    assert_fails(&Setup::new(&["two\nlines"]).run(), 127, &[r"'two\nlines'"]);
}

#[test]
fn a_file_that_cannot_be_executed_is_126() {
    let folder = Folder::new("not-executable");
    let plain = folder.file("plain", "644", "#!/bin/sh\nexit 3\n");
    assert_fails(&Setup::new(&[&plain]).run(), 126, &[&plain, "permission denied"]);
    assert_fails(&Setup::new(&[folder.path()]).run(), 126, &[folder.path(), "permission denied"]);
    let path = format!("PATH={}", folder.path());
    let ended = Setup::new(&["plain"]).no_variables().variable(path).run();
    assert_fails(&ended, 126, &[&plain, "permission denied"]);
}

#[test]
fn a_missing_interpreter_is_distinguished_from_a_missing_command() {
    let folder = Folder::new("interpreter");
    let script = folder.file("script", "755", "#!/no/such/interpreter\n");
    assert_fails(&Setup::new(&[&script]).run(), 126, &[&script, "hint:", "interpreter"]);
    // Told by the child: sexton itself has left the working directory by then.
    let script =
        format!("cd {} && exec {} ./script", folder.path(), crate::harness::sexton().display());
    let ended = Setup::program("/bin/sh".as_ref(), &["-c", &script]).run();
    assert_fails(&ended, 126, &["./script", "hint:", "interpreter"]);
}

#[test]
fn the_path_is_searched_past_a_file_that_is_denied() {
    let folder = Folder::new("path");
    folder.file("denied/tool", "644", "#!/bin/sh\nexit 1\n");
    folder.file("good/tool", "755", "#!/bin/sh\nexit 33\n");
    let path = format!("PATH=/no/such:{0}/denied:/etc/passwd:{0}/good", folder.path());
    let ended = Setup::new(&["tool"]).no_variables().variable(path).run();
    assert_eq!(ended.status, 33, "{ended:?}");
}

#[test]
fn an_empty_path_element_is_the_working_directory() {
    let folder = Folder::new("empty-element");
    folder.file("tool", "755", "#!/bin/sh\nexit 34\n");
    let script =
        format!("cd {} && exec {} tool", folder.path(), crate::harness::sexton().display());
    for path in ["PATH=", "PATH=:/bin", "PATH=/no/such:", "PATH=/no/such::/bin"] {
        let setup = Setup::program("/bin/sh".as_ref(), &["-c", &script]);
        assert_eq!(setup.no_variables().variable(path).run().status, 34, "{path}");
    }
    let setup = Setup::program("/bin/sh".as_ref(), &["-c", &script]);
    assert_eq!(setup.no_variables().variable("PATH=/bin").run().status, 127);
}

#[test]
fn without_path_the_system_directories_are_searched() {
    let ended = Setup::new(&["sh", "-c", "exit 35"]).no_variables().run();
    assert_eq!(ended.status, 35, "{ended:?}");
}

#[test]
fn a_script_without_a_first_line_is_run_by_the_shell() {
    let folder = Folder::new("enoexec");
    let script = folder.file("script", "755", "echo \"$0 $1 $#\"\nexit 36\n");
    let ended = Setup::new(&[&script, "one", "two"]).run();
    assert_eq!((ended.status, ended.stdout), (36, format!("{script} one 2\n")));
    let path = format!("PATH={}", folder.path());
    let ended = Setup::new(&["script", "x"]).no_variables().variable(path).run();
    assert_eq!((ended.status, ended.stdout), (36, format!("{script} x 1\n")));
}

#[test]
fn the_command_keeps_the_name_it_was_called_by() {
    let ended = Setup::new(&["sh", "-c", "tr '\\0' ' ' < /proc/$$/cmdline"]).run();
    assert!(ended.stdout.starts_with("sh -c "), "{ended:?}");
}

#[test]
fn a_failed_exec_is_the_status_whatever_is_mapped() {
    assert_eq!(Setup::new(&["--map-exit=0-255=0", "nosuch"]).run().status, 127);
}

/// The smaller stack limit that the command gets also bounds its arguments, so that only sexton's exec fails.
#[test]
fn arguments_that_are_too_long_for_the_command_are_126_and_named() {
    let long = "x".repeat(100_000);
    let ended = Setup::new(&["--rlimit=stack=256k", "true", &long, &long, &long]).run();
    assert_eq!(ended.status, 126, "{ended:?}");
    let told = "sexton: fatal: unable to execute '/usr/bin/true': argument list too long\n";
    assert_eq!(ended.stderr, told);
}

#[test]
fn a_command_whose_name_is_no_text_is_executed_and_logged() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new("bytes");
    let plain = folder.file("plain", "755", "#!/bin/sh\nexit 37\n");
    let odd = std::path::Path::new(folder.path()).join(std::ffi::OsStr::from_bytes(b"\xff\xfe"));
    std::fs::rename(plain, &odd).unwrap();
    assert_eq!(Setup::new(&[odd.as_os_str()]).run().status, 37);
    std::fs::remove_file(&odd).unwrap();
    assert_fails(&Setup::new(&[odd.as_os_str()]).run(), 127, &["command not found"]);
}
