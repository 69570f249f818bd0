//! gosu, beside the real one; and su-exec, which Debian has not.

use super::{Pair, a_look_inside, case, how_command_ends};
use crate::harness::{Ended, Folder, Place, Setup, probe, sexton};
use nix::libc;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const STREAMS: &str = "The standard streams become the user's, as far as they are pipes";
const NOFILE: &str = "gosu 1.14 raises the soft limit of open files to the hard one";
const SIGNALS: &str =
    "gosu resets ignored signals but SIGHUP and SIGINT, and unblocks the signal 34";
const PARENT: &str = "A parent-death signal is kept for the command";
const PATH: &str = "gosu looks for no command in the working directory, nor without PATH";
const SCRIPT: &str = "A script without a `#!` line is run by /bin/sh";
const GROUP: &str = "A second colon is an error";
const LARGE: &str = "IDs from 2147483648 on are allowed";
const SIGN: &str = "A sign before a number is an error";

#[test]
fn command_lines_of_gosu_have_the_same_effect() {
    let mut pair = Pair::new("gosu", 0);
    pair.left_out = Some("parent death signal:"); // `under_gosu_the_command_finds_the_same` looks at it
    for words in [&["--version"][..], &["-v"], &["-v", "x", "y"], &["--version", "--help"]] {
        pair.run(&[case(words)]);
    }
    for words in [&["--help"][..], &["-h", "x"], &["-?", "x", "y"], &[], &["nobody"], &["--"]] {
        pair.run(&[case(words).first_lines(1)]);
    }
    for user in [
        "nobody",
        "root",
        "65534",
        "4242",
        "0",
        "nobody:root",
        "nobody:0",
        "4242:4242",
        "4242:root",
        "games:audio",
        "root:",
        ":root",
        ":4242",
        ":",
        "",
        "www-data:www-data",
        "mail",
        "8",
        // What is no user:
        "nouser",
        "nobody:nogroup-at-all",
        "-x",
        "--help=x",
        "99999999999",
        "1:99999999999",
        "-1",
        "a b",
        "4294967295",
    ] {
        for place in [Place::Init, Place::Child] {
            let mut case = case(&[user, "PROBE", "report", "", "a b", "--"]);
            case.place = place;
            pair.run(&[case]);
        }
    }
    pair.run(&[
        case(&["root:root:x", "id"]).differs(GROUP),
        case(&["4294967294", "id", "-u"]).differs(LARGE),
        case(&["+5", "id", "-u"]).differs(SIGN),
    ]);
    for command in ["nonexistent", "", "/etc/passwd", "/", "./nonexistent", "/etc", "/etc/passwd/x"]
    {
        pair.run(&[case(&["nobody", command]), case(&["root", command]).child()]);
    }
    a_look_inside(&mut pair);
    how_command_ends(&mut pair, &["nobody"]);
    pair.finish(110);
}

#[test]
fn under_gosu_the_command_finds_the_same() {
    let mut pair = Pair::new("gosu", 0);
    let report = |user: &str| case(&[user, "PROBE", "report"]);
    pair.run(&[report("nobody").differs(PARENT)]); // the harness has set one
    pair.left_out = Some("parent death signal:");
    pair.run(&[
        report("nobody").variable("A=1").variable("LAST=").variable("HOME=/root"),
        report("4242").variable("USER=root").variable("LOGNAME=root").variable("HOME="),
        report("nobody").with(|setup| setup.directory("/usr")),
        report("nobody").with(|setup| setup.mask(1 << 9 | 1 << 39)),
        report("nobody").with(|setup| setup.mask(1 << 33)).differs(SIGNALS),
        report("nobody").with(|setup| setup.ignored(&[libc::SIGHUP, libc::SIGINT])),
        report("nobody").with(|setup| setup.ignored(&[libc::SIGUSR1])).differs(SIGNALS),
        report("nobody").with(|setup| setup.limit(libc::RLIMIT_NOFILE as i32, 900, 900)),
        report("nobody")
            .with(|setup| setup.limit(libc::RLIMIT_NOFILE as i32, 900, 950))
            .differs(NOFILE),
        report("nobody").with(|setup| setup.closed(&[0])),
        report("nobody").with(|setup| setup.closed(&[2])),
        report("nobody").child().with(|setup| setup.user(1000)),
    ]);
    let shell = |line: &str| case(&["nobody", "sh", "-c", line]);
    pair.run(&[
        shell("echo x >/proc/self/fd/1").differs(STREAMS),
        shell("echo x").with(|setup| setup.no_variables()).differs(PATH),
        shell("echo x")
            .with(|s| s.no_variables().variable("PATH=:/bin").directory("/bin"))
            .differs(PATH),
        shell("echo x").with(|s| s.no_variables().variable("PATH=/none:/bin")),
    ]);
    let folder = Folder::new("gosu-script");
    let script = folder.file("script", "755", "echo works\n");
    pair.run(&[case(&["nobody", &script]).differs(SCRIPT)]);
    pair.finish(18);
}

fn called(name: &str, words: &[&str]) -> Setup {
    Setup::new(words).called(name)
}

fn field<'a>(ended: &'a Ended, name: &str) -> Vec<&'a str> {
    let line = ended.stdout.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name}: {ended:?}")).split_whitespace().collect()
}

/// As the source of su-exec 0.2 has it: HOME is set, the rest of the environment is kept, a number without an entry
/// keeps the present group, and the group itself is a supplementary one.
#[test]
fn su_exec_changes_user_groups_and_home() {
    for (user, ids, groups, home) in [
        ("nobody", ["65534", "65534"], &["65534"][..], "/nonexistent"),
        ("4242", ["4242", "0"], &["0"], "/"),
        ("4242:audio", ["4242", "29"], &["29"], "/"),
        ("games:0", ["5", "0"], &["0"], "/usr/games"),
        (":audio", ["0", "29"], &["29"], "/root"),
        ("root:", ["0", "0"], &["0"], "/root"),
        ("", ["0", "0"], &["0"], "/root"),
    ] {
        let words = [user, &probe(), "report", "a b"];
        for setup in
            [called("/sbin/su-exec", &words), Setup::new(&[&["--as=su-exec"], &words[..]].concat())]
        {
            let ended = setup.variable("HOME=/x").variable("USER=me").run();
            assert_eq!(field(&ended, "Uid:"), [ids[0]; 4], "{user}");
            assert_eq!(field(&ended, "Gid:"), [ids[1]; 4], "{user}");
            assert_eq!(field(&ended, "Groups:"), groups, "{user}");
            assert_eq!(field(&ended, "pid:"), ["1"]);
            let hex =
                |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
            for expected in [format!("HOME={home}"), "USER=me".to_owned()] {
                assert!(
                    ended.stdout.contains(&format!("variable: {}\n", hex(&expected))),
                    "{ended:?}"
                );
            }
        }
    }
}

#[test]
fn what_su_exec_cannot_do_has_its_prefix_and_status_1() {
    for words in [&[][..], &["nobody"], &["-h"], &["--version"]] {
        let ended = called("su-exec", words).run();
        let usage = "Usage: su-exec user-spec command [args]\n";
        assert_eq!((ended.status, ended.stdout.as_str(), ended.stderr.as_str()), (1, usage, ""));
    }
    for words in [
        ["nouser", "id"],
        ["nobody:nogroup-at-all", "id"],
        ["-1", "id"],
        ["1:99999999999", "id"],
        ["nobody", "nonexistent"],
        ["nobody", "/etc/passwd"],
        ["nobody", "/etc"],
        ["nobody", ""],
    ] {
        let ended = called("/sbin/su-exec", &words).run();
        assert_eq!((ended.status, ended.stdout.as_str()), (1, ""), "{words:?}");
        assert!(ended.stderr.starts_with("su-exec: "), "{words:?}: {ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
    let ended = called("su-exec", &["root", "sh", "-c", "exit 7"]).run();
    assert_eq!((ended.status, ended.stdout.as_str(), ended.stderr.as_str()), (7, "", ""));
}

#[test]
fn both_names_have_the_additions_of_sexton() {
    for name in ["gosu", "su-exec"] {
        let ended = called(name, &["nobody", "sh", "-c", "ulimit -Sn; umask; env"])
            .variable("SEXTON_RLIMIT=nofile=77")
            .variable("SEXTON_UMASK=027")
            .variable("SEXTON_USER=root")
            .run();
        assert!(ended.stdout.starts_with("77\n0027\n"), "{ended:?}");
        assert!(!ended.stdout.contains("SEXTON"), "{ended:?}");
        let ended = called(name, &["nobody", "id"]).variable("SEXTON_DRY_RUN=1").run();
        assert!(ended.stdout.contains("set the user ID to 65534\n"), "{ended:?}");
        assert!(ended.stdout.contains(" 1. set variable 'HOME' ("), "{ended:?}");
        // What needs a process that stays, and what is no value.
        for wrong in ["SEXTON_TIMEOUT=5s", "SEXTON_GRACE=x"] {
            let ended = called(name, &["nobody", "id"]).variable(wrong).run();
            assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{ended:?}");
        }
        // As an init it is the same with a child.
        let ended = called(name, &["nobody", "sh", "-c", "echo $$; id -u"])
            .variable("SEXTON_EXEC=no")
            .run();
        assert_eq!(ended.stdout, "2\n65534\n", "{ended:?}");
    }
}

#[test]
fn a_file_with_the_bit_set_user_id_makes_nobody_root() {
    let folder = Folder::new("set-user-id");
    let path = PathBuf::from(folder.copy("gosu", "755", sexton().to_str().unwrap()));
    for (mode, refused) in [(0o4755, true), (0o2755, true), (0o755, false)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let ended = Setup::program(&path, &["root", "id"]).user(1000).run();
        assert_eq!((ended.status, ended.stdout.as_str()), (1, ""), "{ended:?}");
        assert_eq!(ended.stderr.contains("set-user-ID or set-group-ID"), refused, "{ended:?}");
        assert!(ended.stderr.starts_with("error: "), "{ended:?}");
        // root gains nothing by it.
        assert_eq!(Setup::program(&path, &["nobody", "id", "-u"]).run().stdout, "65534\n");
    }
}
