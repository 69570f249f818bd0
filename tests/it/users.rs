//! SPEC 6: `--user` and `--groups`, and the files that they are looked up in.

use crate::harness::{Ended, Folder, Place, Setup, probe};
use crate::report::{Report, under};

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
                      a broken line\n\
                      app:x:1000:50:An App:/srv/app:/bin/false\n\
                      nohome:x:1001:1001:::\n";
const GROUP: &str = "root:x:0:\n\
                     staff:x:50:\n\
                     web:x:33:other,app\n\
                     audio:x:29:app,other\n\
                     again:x:33:app\n\
                     others:x:70:apple\n";

fn etc(name: &str) -> Folder {
    let etc = Folder::new(name);
    etc.file("passwd", "644", PASSWD);
    etc.file("group", "644", GROUP);
    etc
}

/// The command's real, effective and saved IDs must be one; user, group, supplementary groups.
fn ids(main: &Report) -> [String; 3] {
    let one = |field: &str| {
        let all = main.field(field);
        let first = all.split(' ').next().unwrap().to_owned();
        assert_eq!(all, [first.as_str(); 4].join(" "), "{field}");
        first
    };
    [one("Uid"), one("Gid"), main.field("Groups")]
}

/// What the command finds in `HOME`, `USER` and `LOGNAME`.
fn login(main: &Report) -> [Option<String>; 3] {
    let variables = main.variables();
    ["HOME=", "USER=", "LOGNAME="].map(|name| {
        let mut values = variables.iter().filter_map(|entry| entry.strip_prefix(name.as_bytes()));
        let value = values.next().map(|value| String::from_utf8(value.to_vec()).unwrap());
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    })
}

fn as_root(setup: Setup) -> Setup {
    setup.variable("USER=root").variable("HOME=/root").variable("LOGNAME=root")
}

#[test]
fn users_and_groups_are_looked_up() {
    let etc = etc("users");
    for (flags, expected) in [
        // The kernel shows the list sorted.
        (&["--user=app"][..], ["1000", "50", "29 33 50"]),
        (&["--user=1000"], ["1000", "50", "29 33 50"]),
        (&["--user=2000"], ["2000", "2000", "2000"]),
        (&["--user=app:web"], ["1000", "33", "33"]),
        (&["--user=app:0"], ["1000", "0", "0"]),
        (&["--user=1000:7"], ["1000", "7", "7"]),
        (&["--user=2000:web"], ["2000", "33", "33"]),
        (&["--user=app", "--groups=web,7"], ["1000", "50", "7 33"]),
        (&["--user=app", "--groups=none"], ["1000", "50", ""]),
        (&["--user=2000:0", "--groups=5,6"], ["2000", "0", "5 6"]),
        (&["--groups=audio,8"], ["0", "0", "8 29"]),
        (&["--user=4294967294:4294967294"], ["4294967294"; 3]),
    ] {
        for place in [Place::Init, Place::Child] {
            let main = Report::of(under(flags).bind(etc.path(), "/etc").place(place));
            assert_eq!(ids(&main), expected, "{flags:?}");
        }
    }
}

#[test]
fn home_and_name_are_those_of_the_user() {
    let etc = etc("login");
    let some = |text: &str| Some(text.to_owned());
    let app = [some("/srv/app"), some("app"), some("app")];
    let number = [some("/"), None, None];
    for (flags, expected) in [
        (&["--user=app"][..], app.clone()),
        (&["--user=1000:0"], app.clone()),
        (&["--user=2000"], number),
        (&["--user=nohome"], [some("/"), some("nohome"), some("nohome")]),
        (&["--user=app", "--env=HOME=/data"], [some("/data"), some("app"), some("app")]),
        (&["--user=app", "--unset-env=USER"], [some("/srv/app"), None, some("app")]),
        (&["--user=2000", "--env=USER=x"], [some("/"), some("x"), None]),
        (&["--groups=web"], [some("/root"), some("root"), some("root")]),
    ] {
        let main = Report::of(as_root(under(flags)).bind(etc.path(), "/etc"));
        assert_eq!(login(&main), expected, "{flags:?}");
    }
    // They are set where there was nothing before, too.
    let main = Report::of(under(&["--user=app"]).no_variables().bind(etc.path(), "/etc"));
    assert_eq!(login(&main), app);
}

#[test]
fn variables_give_user_and_groups_and_the_flag_beats_them() {
    let etc = etc("variables");
    let setup = under(&[]).variable("SEXTON_USER=app").variable("SEXTON_GROUPS=web,7");
    assert_eq!(ids(&Report::of(setup.bind(etc.path(), "/etc"))), ["1000", "50", "7 33"]);
    let setup = under(&["--user=2000"]).variable("SEXTON_USER=app");
    assert_eq!(ids(&Report::of(setup.bind(etc.path(), "/etc"))), ["2000", "2000", "2000"]);
}

#[test]
fn numbers_need_no_files() {
    let empty = Folder::new("no-files");
    for (flags, expected) in [
        (&["--user=1000"][..], ["1000", "1000", "1000"]),
        (&["--user=1000:0"], ["1000", "0", "0"]),
        (&["--user=1000:7", "--groups=8"], ["1000", "7", "8"]),
        (&["--user=0"], ["0", "0", "0"]),
    ] {
        let main = Report::of(as_root(under(flags)).bind(empty.path(), "/etc"));
        assert_eq!(ids(&main), expected, "{flags:?}");
        assert_eq!(login(&main), [Some("/".to_owned()), None, None], "{flags:?}");
    }
}

/// That sexton refuses to start the command, and why.
fn assert_refused(ended: &Ended, message: &str) {
    assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{ended:?}");
    assert_eq!(ended.stderr, format!("sexton: fatal: {message}\n"));
}

fn refused(flags: &[&str]) -> Setup {
    Setup::new(&[flags, &["echo", "main was run"]].concat())
}

#[test]
fn a_missing_name_is_an_error_that_names_its_flag_or_variable() {
    let (etc, empty) = (etc("names"), Folder::new("no-names"));
    for (value, flag, reason, without_file) in [
        (
            "nobody",
            "user",
            "/etc/passwd has no user 'nobody'",
            "/etc/passwd does not exist: give user 'nobody' as a number",
        ),
        (
            "1000:wheel",
            "user",
            "/etc/group has no group 'wheel'",
            "/etc/group does not exist: give group 'wheel' as a number",
        ),
        (
            "5,wheel",
            "groups",
            "/etc/group has no group 'wheel'",
            "/etc/group does not exist: give group 'wheel' as a number",
        ),
    ] {
        let variable = format!("SEXTON_{}", flag.to_uppercase());
        let flag = format!("--{flag}");
        for (folder, reason) in [(&etc, reason), (&empty, without_file)] {
            let ended = refused(&[&flag, value]).bind(folder.path(), "/etc").run();
            assert_refused(&ended, &format!("invalid value '{value}' for {flag}: {reason}"));
            let setup = refused(&[]).variable(format!("{variable}={value}"));
            let ended = setup.bind(folder.path(), "/etc").run();
            assert_refused(&ended, &format!("invalid value '{value}' for {variable}: {reason}"));
        }
    }
}

#[test]
fn a_passwd_that_is_no_file_is_an_error_and_does_not_hang() {
    for kind in ["directory", "FIFO"] {
        let etc = Folder::new(kind);
        if kind == "FIFO" {
            etc.fifo("passwd");
        } else {
            etc.file("passwd/x", "644", "");
        }
        for user in ["app", "1000"] {
            let ended = refused(&["--user", user]).bind(etc.path(), "/etc").run();
            let why = "unable to read /etc/passwd: it is not a regular file";
            assert_refused(&ended, &format!("invalid value '{user}' for --user: {why}"));
        }
    }
}

#[test]
fn a_passwd_that_sexton_may_not_read_is_an_error() {
    let etc = Folder::new("unreadable");
    etc.file("passwd", "600", PASSWD);
    etc.file("group", "644", GROUP);
    let ended = refused(&["--user=1000"]).bind(etc.path(), "/etc").user(1000).run();
    assert_refused(
        &ended,
        "invalid value '1000' for --user: unable to read /etc/passwd: permission denied",
    );
    // Root may.
    let main = Report::of(under(&["--user=app"]).bind(etc.path(), "/etc"));
    assert_eq!(ids(&main), ["1000", "50", "29 33 50"]);
}

#[test]
fn odd_files_do_no_harm() {
    let etc = Folder::new("odd");
    let long = "x".repeat(100_000);
    etc.file("passwd", "644", &format!(":::::::\n\n{long}\n{long}:x:9:9::/:\napp:x:5:6::/h:/s"));
    etc.file("group", "644", &format!("g:x:7:{long},app\r\n{long}\0\nh:x:8:,,app,"));
    // A line that ends with CR names "app\r".
    let main = Report::of(under(&["--user=app"]).bind(etc.path(), "/etc"));
    assert_eq!(ids(&main), ["5", "6", "6 8"]);
    assert_eq!(login(&main)[0], Some("/h".to_owned()));
}

#[test]
fn the_command_is_executed_as_the_user() {
    let folder = Folder::new("as-user");
    let program = folder.file("private", "700", "#!/bin/sh\necho main was run\n");
    let ended = Setup::new(&["--user=1000", &program]).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (126, ""), "{ended:?}");
    let message = format!(
        "sexton: fatal: unable to execute '{program}': permission denied\nsexton: hint: check owner \
         and mode of the file and of the directories above it\n"
    );
    assert_eq!(ended.stderr, message);
    assert_eq!(Setup::new(&[&program]).run().stdout, "main was run\n");
    let ended = Setup::new(&["--user=1000", "--cap-ambient=dac_override", &program]).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "main was run\n"));
    // By a name that is looked up, it is found in the next directory that has it.
    let public = Folder::new("as-user-public");
    public.file("private", "755", "#!/bin/sh\necho the other\n");
    let path = format!("--env=PATH={}:{}", folder.path(), public.path());
    assert_eq!(Setup::new(&["--user=1000", &path, "private"]).run().stdout, "the other\n");
}

#[test]
fn a_user_with_too_many_processes_is_an_error() {
    const NPROC: i32 = 6;
    let nobody_else = format!("--user={}", 200_000 + std::process::id());
    let mut other = Setup::new(&[&nobody_else, &probe(), "sleep"]).start();
    other.expect("ready");
    let ended = Setup::new(&[&nobody_else, "/bin/echo", "main was run"]).limit(NPROC, 0, 0).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (126, ""), "{ended:?}");
    let expected = "sexton: fatal: unable to execute '/bin/echo': resource temporarily unavailable: \
                    the limit nproc is 0\n\
                    sexton: hint: the user has more processes than the limit nproc allows\n";
    assert_eq!(ended.stderr, expected);
}

/// docs/privileges.md: a file is only needed if something must be looked up in it.
#[test]
fn files_that_need_not_be_read_may_be_odd() {
    let etc = Folder::new("odd-files");
    etc.file("passwd/x", "644", "");
    etc.file("group/x", "644", "");
    let ended = Setup::new(&["--groups=5", "echo", "x"]).bind(etc.path(), "/etc").run();
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "x\n"), "{ended:?}");
    // HOME is looked up in /etc/passwd if that can be done; nothing in /etc/group.
    let etc = Folder::new("odd-group");
    etc.file("group/x", "644", "");
    let words = ["--user=1000:50", "--groups=7", "echo", "x"];
    let ended = Setup::new(&words).bind(etc.path(), "/etc").run();
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "x\n"), "{ended:?}");
}
