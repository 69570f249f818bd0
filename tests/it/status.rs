//! SPEC 8: `--status`.

use crate::harness::{
    Folder, Place, Running, Setup, Terminal, children_of, probe, sexton, wait_until,
};
use crate::logging::check_with_python;
use nix::libc;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A command that runs in the namespaces of a started sexton, as `docker exec` does it.
fn inside(running: &Running, words: &[&str]) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--target", &running.pid.to_string(), "--pid", "--mount", "--"]).args(words);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// What `sexton --status...` says in there.
fn look(running: &Running, flags: &[&str]) -> String {
    let sexton = sexton();
    let output = inside(running, &[&[sexton.to_str().unwrap()], flags].concat()).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{output:?}");
    text(&output.stdout).to_owned()
}

/// The same as another user, without any capability.
fn look_as_user(running: &Running, sexton: &str, flag: &str) -> String {
    let user = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", sexton, flag];
    let output = inside(running, &user).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).to_owned()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The cells of the last row that has this in it; the tenth and what follows are the command.
fn row<'a>(table: &'a str, part: &str) -> Vec<&'a str> {
    let rows = table.lines().take_while(|line| !line.is_empty());
    let row = rows.filter(|line| line.contains(part)).last();
    row.unwrap_or_else(|| panic!("{part:?} is not in\n{table}")).split_whitespace().collect()
}

/// What a line under the table says about something.
fn about<'a>(table: &'a str, what: &str) -> &'a str {
    let line = table.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("nothing about {what} in\n{table}")).trim()
}

/// A member of the JSON object, by an expression of Python's, after a comparison with the schema, which must
/// describe every member there is.
fn member(json: &str, expression: &str) -> String {
    const CHECK: &str = r#"
import json, jsonschema, sys
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
text = sys.stdin.buffer.read().decode()
assert text.endswith("}\n") and text.count("\n") == 1, text
status = json.loads(text)
jsonschema.validate(status, schema, cls=jsonschema.Draft202012Validator)
by_name = {process["name"]: process for process in status["processes"]}
print(eval(sys.argv[2]))
"#;
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/status.schema.json");
    check_with_python(CHECK, &[schema, expression], json.as_bytes()).trim_end().to_owned()
}

#[test]
fn each_process_is_shown_with_what_sigterm_does_to_it() {
    let probe = probe();
    let script =
        format!("trap : TERM; {probe} tell & {probe} ignore 15 & ({probe} sleep; :) & wait");
    let mut running = Setup::new(&["sh", "-c", &script]).limit(7, 800, 900).start();
    let mut ready = [running.line(), running.line(), running.line()];
    ready.sort();
    assert_eq!(ready, ["main ready", "ready", "ready"]);
    let table = look(&running, &["--status"]);
    let titles = ["PID", "USER", "STATE", "AGE", "CPU", "MEM", "THR", "FDS", "TERM", "COMMAND"];
    assert_eq!(table.lines().next().unwrap().split_whitespace().collect::<Vec<_>>(), titles);
    for (part, term, branch) in [
        ("sexton sh -c", "blocked", "/"),
        (" \\_ sh -c", "handled", "\\_"),
        ("probe tell\n", "blocked", "\\_"),
        ("probe ignore 15\n", "ignored", "\\_"),
        ("probe sleep\n", "fatal", "\\_"),
    ] {
        let row = match part.strip_suffix('\n') {
            Some(end) => table.lines().find(|line| line.ends_with(end)).unwrap(),
            None => table.lines().find(|line| line.contains(part)).unwrap(),
        };
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert!(cells[1] == "root" && ["sleeping", "running"].contains(&cells[2]), "{row}");
        assert!(cells[3].ends_with('s') && cells[4].ends_with('s'), "{row}");
        assert!(cells[5].ends_with(['K', 'M']), "{row}");
        assert!(cells[6] == "1" && cells[7].parse::<u32>().unwrap() >= 2, "{row}");
        assert_eq!(cells[8], term, "{row}");
        assert!(cells[9].starts_with(branch), "{row}");
    }
    // Children stand under their parents, deeper by one step.
    let column = |end: &str| {
        let line = table.lines().find(|line| line.ends_with(end)).unwrap();
        line.find("\\_").unwrap()
    };
    let sh = table.lines().find(|line| line.contains(" \\_ sh -c")).unwrap().find("\\_").unwrap();
    assert_eq!(column("probe tell"), sh + 2, "{table}");
    assert_eq!(column("probe sleep"), sh + 4, "{table}");
    assert_eq!(about(&table, "PID 1"), "sexton");
    assert!(about(&table, "command").ends_with(" (sh)"), "{table}");
    assert!(about(&table, "limits").contains("nofile=800:900 ("), "{table}");
    assert!(!table.contains("zombie"), "{table}");
    assert_eq!(look(&running, &["--status", "--check"]), "");
}

#[test]
fn a_zombie_is_shown_with_the_parent_that_does_not_wait() {
    let mut running = Setup::new(&[&probe(), "neglect", "11"]).start();
    running.expect("ready");
    let main = {
        let json = look(&running, &["--status=json"]);
        assert_eq!(member(&json, "len(status['stuck_zombies'][0]['pids'])"), "11");
        assert_eq!(
            member(&json, "status['problems']"),
            format!(
                "['11 zombies not reaped by process {0} (probe)']",
                member(&json, "status['main']")
            )
        );
        member(&json, "status['stuck_zombies'][0]['parent']")
    };
    let table = look(&running, &["--status"]);
    let zombie = row(&table, "zombie");
    assert_eq!(zombie[1..3], ["root", "zombie"], "{table}");
    assert_eq!(zombie[5..], ["-", "-", "-", "-", "\\_", "[probe]"], "{table}");
    let told = about(&table, "zombies");
    assert!(told.starts_with(&format!("11 of process {main} (probe): ")), "{told}");
    assert!(told.ends_with(" and 3 more") && told.matches("(probe)").count() == 9, "{told}");
    assert!(about(&table, "  hint").contains("waitpid()"), "{table}");

    let sexton = sexton();
    let check = [sexton.to_str().unwrap(), "--status", "--check"];
    let expected = format!("sexton: unhealthy: 11 zombies not reaped by process {main} (probe)\n");
    let output = inside(&running, &check).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), expected.as_str()));
    let output = inside(&running, &[check[0], "--status=json", "--check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(member(text(&output.stdout), "len(status['problems'])"), "1");
}

/// A parent that has nothing but a tick of a second to wait for its children by leaves a zombie at any time.
#[test]
fn a_parent_that_reaps_once_a_second_is_healthy() {
    const PARENT: &str = "
import os, time
while True:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    print('zombie', flush=True)
    time.sleep(1)
    os.waitpid(child, 0)
";
    let mut running = Setup::new(&["python3", "-c", PARENT]).start();
    running.expect("zombie");
    assert_eq!(look(&running, &["--status", "--check"]), "");
    running.expect("zombie");
    assert_eq!(member(&look(&running, &["--status=json"]), "status['stuck_zombies']"), "[]");
}

/// Nothing of a process but its state, and of those alone that there are; and no time is spent in waiting.
#[test]
fn a_health_check_reads_no_more_than_it_needs() {
    let folder = Folder::new("status-check");
    let (sexton, log) = (sexton(), folder.at("strace"));
    let mut running = Setup::new(&[&probe(), "many", "20", "obey"]).start();
    running.expect("ready");
    let strace = ["strace", "-qq", "-o", &log, "-e", "trace=%file,%desc,nanosleep,clock_nanosleep"];
    let check = [&strace[..], &[sexton.to_str().unwrap(), "--status", "--check"]].concat();
    let output = inside(&running, &check).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), ""), "{output:?}");
    let calls = std::fs::read_to_string(&log).unwrap();
    let named = calls.lines().filter_map(|call| call.split_once("\"/proc/")?.1.split('"').next());
    let of_processes = named.filter(|path| path.starts_with(|c: char| c.is_ascii_digit()));
    let of_others: Vec<&str> = of_processes.collect();
    assert!(of_others.len() >= 20, "{calls}");
    assert!(of_others.iter().all(|path| path.ends_with("/stat")), "{of_others:?}");
    assert!(!calls.contains("nanosleep"), "{calls}");
}

#[test]
fn the_advice_fits_the_parent() {
    // PID 1 is the application itself.
    let mut running = Setup::program(probe().as_ref(), &["neglect", "1"]).start();
    running.expect("ready");
    let table = look(&running, &["--status"]);
    assert!(about(&table, "  hint").contains("run it under an init"), "{table}");
    assert!(about(&table, "PID 1").contains("without a handler for SIGTERM"), "{table}");
    assert_eq!(row(&table, "probe neglect 1")[8], "ignored", "the kernel spares it: {table}");
    assert!(about(&table, "command").starts_with("process 1 "), "{table}");

    let mut running = Setup::new(&[&probe(), "neglect", "1"]).start();
    running.expect("ready");
    let main = running.children()[0];
    // SAFETY: takes integers only; the command is a child of a sexton that is there.
    assert_eq!(unsafe { libc::kill(main, libc::SIGSTOP) }, 0);
    crate::drop_in::wait_for_state(main, "T");
    let table = look(&running, &["--status"]);
    assert!(about(&table, "  hint").contains("SIGCONT"), "{table}");
    assert_eq!(row(&table, "probe neglect")[2], "stopped", "{table}");
}

#[test]
fn a_process_without_its_first_thread_is_no_zombie() {
    let mut running = Setup::new(&[&probe(), "leaderless"]).start();
    running.expect("ready");
    let table = look(&running, &["--status"]);
    let rows: Vec<_> = table.lines().filter(|line| line.contains(" leaderless ")).collect();
    assert_eq!(rows.len(), 1, "{table}");
    assert!(!table.contains("zombie"), "{table}");
    assert_eq!(look(&running, &["--status", "--check"]), "");
}

#[test]
fn the_program_that_is_pid_1_is_named() {
    for (init, expected) in
        [("tini", "tini, another init"), ("catatonit", "catatonit, another init")]
    {
        let init = Path::new("/usr/bin").join(init);
        let mut running = Setup::program(&init, &[&probe(), "sleep"]).start();
        running.expect("ready");
        let table = look(&running, &["--status"]);
        assert_eq!(about(&table, "PID 1"), expected);
        assert!(about(&table, "command").ends_with(" (probe)"), "{table}");
    }
    // Under another name, too.
    let folder = Folder::new("status-names");
    symlink(sexton(), folder.at("docker-init")).unwrap();
    let program = folder.at("docker-init");
    let mut running = Setup::program(program.as_ref(), &["--", &probe(), "sleep"]).start();
    running.expect("ready");
    let output = inside(&running, &[&program, "--status"]).output().unwrap();
    assert_eq!(about(text(&output.stdout), "PID 1"), "sexton", "{output:?}");
    // As a child it is not PID 1, and the command is found under it all the same.
    let mut running = Setup::new(&[&probe(), "sleep"]).place(Place::Child).start();
    running.expect("ready");
    let json = look(&running, &["--status=json"]);
    assert_eq!(member(&json, "status['init']['kind']"), "application");
}

#[test]
fn without_privilege_what_cannot_be_read_is_a_question_mark() {
    let folder = Folder::new("status-user").open_to_all();
    let program = folder.copy("sexton", "755", sexton().to_str().unwrap());
    let mut running = Setup::new(&[&probe(), "sleep"]).start();
    running.expect("ready");
    let table = look_as_user(&running, &program, "--status");
    let main = row(&table, "probe sleep");
    // Neither its open files nor what it waits for are for others to see.
    assert_eq!((main[1], main[7], main[8]), ("root", "?", "?"), "{table}");
    // Known by its name: /proc/1/exe is not for others.
    assert_eq!(about(&table, "PID 1"), "sexton", "{table}");
    let json = look_as_user(&running, &program, "--status=json");
    assert_eq!(member(&json, "by_name['sexton']['sigterm']"), "blocked");
    assert_eq!(member(&json, "by_name['sexton']['open_files']"), "None");
    assert_eq!(member(&json, "len(status['limits'])"), "16");

    let mut running = Setup::new(&[&probe(), "sleep"]).with_hidepid().start();
    running.expect("ready");
    let table = look_as_user(&running, &program, "--status");
    assert!(about(&table, "PID 1").starts_with("hidden"), "{table}");
    assert!(!table.contains("probe"), "{table}");
    let json = look_as_user(&running, &program, "--status=json");
    assert_eq!(member(&json, "(status['init'], status['main'])"), "({'kind': 'hidden'}, None)");
    let table = look(&running, &["--status"]);
    assert_eq!(about(&table, "PID 1"), "sexton", "root sees all: {table}");
}

#[test]
fn users_have_numbers_where_there_is_no_passwd() {
    let empty = Folder::new("status-etc");
    let mut running = Setup::new(&[&probe(), "sleep"]).bind(empty.path(), "/etc").start();
    running.expect("ready");
    let table = look(&running, &["--status"]);
    assert_eq!(row(&table, "probe sleep")[1], "0", "{table}");
    let json = look(&running, &["--status=json"]);
    assert_eq!(member(&json, "by_name['probe']['uid'], by_name['probe']['user']"), "(0, '0')");
}

#[test]
fn thousands_of_processes_are_all_shown() {
    const CHILDREN: usize = 3000; // every third has one of its own
    let mut running = Setup::new(&[&probe(), "many", &CHILDREN.to_string(), "obey"]).start();
    running.expect("ready");
    let table = look(&running, &["--status"]);
    let shown = table.lines().filter(|line| line.contains("probe many")).count();
    // sexton and the command; a child may not have forked yet.
    assert!((CHILDREN + 2..=CHILDREN / 3 * 4 + 2).contains(&shown), "{shown}");
    let main = running.children()[0];
    wait_until("all have forked", || {
        let grandchildren = children_of(main).into_iter().map(|pid| children_of(pid).len());
        grandchildren.sum::<usize>() == CHILDREN / 3
    });
    let json = look(&running, &["--status=json"]);
    let read: usize = member(&json, "len(status['processes'])").parse().unwrap();
    assert_eq!(read, CHILDREN / 3 * 4 + 2);
}

#[test]
fn processes_may_vanish_while_they_are_read() {
    let mut running = Setup::new(&[&probe(), "churn"]).start();
    running.expect("ready");
    let mut most = 0;
    for _ in 0..60 {
        let json = look(&running, &["--status=json"]);
        most = most.max(json.matches("\"pid\":").count());
        assert!(json.contains("\"init\":{\"kind\":\"sexton\"}"), "{json}");
    }
    assert!(most > 2, "none of those that come and go was seen");
}

/// What a terminal of so many columns shows.
pub fn on_a_terminal(running: &Running, columns: u16, variable: Option<(&str, &str)>) -> String {
    let mut terminal = Terminal::new();
    terminal.resize(24, columns);
    let sexton = sexton();
    let mut command = inside(running, &[sexton.to_str().unwrap(), "--status"]);
    command.envs(variable).stdout(terminal.program.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    // The table is larger than a terminal takes that nobody reads: read to its last line.
    let mut shown = terminal.expect("memory:");
    shown += &terminal.expect("OOM kills");
    assert!(child.wait().unwrap().success());
    shown
}

#[test]
pub fn on_a_terminal_lines_fit_and_what_is_wrong_has_a_colour() {
    let long = "x".repeat(300);
    let mut running = Setup::new(&[&probe(), "neglect", "2", &long, "h\u{e9}\x1b[2J"]).start();
    running.expect("ready");
    for columns in [20, 40, 60, 80, 132] {
        let shown = on_a_terminal(&running, columns, Some(("NO_COLOR", "1")));
        assert!(!shown.contains('\x1b'), "{shown:?}");
        for line in shown.lines() {
            assert!(line.chars().count() <= columns.into(), "{columns}: {line:?}");
        }
        assert!(columns == 20 || shown.contains("COMMAND"), "{columns}: {shown}");
    }
    let shown = on_a_terminal(&running, 80, None);
    let zombie = shown.lines().find(|line| line.contains("[probe]")).unwrap();
    assert!(zombie.starts_with("\x1b[31m") && zombie.trim_end().ends_with("\x1b[0m"), "{zombie:?}");
    let is_command = |line: &&str| line.contains("\\_ ") && !line.contains("[probe]");
    let main = shown.lines().find(is_command).unwrap();
    assert!(!main.contains('\x1b'), "{main:?}");
    let shown = on_a_terminal(&running, 80, Some(("TERM", "dumb")));
    assert!(!shown.contains('\x1b'), "{shown:?}");
    // Nowhere else: no colours, whole lines, and nothing that moves a cursor.
    let table = look(&running, &["--status"]);
    assert!(table.contains(&long) && table.contains("h\u{e9}\\u{1b}[2J"), "{table}");
    assert!(!table.contains('\x1b'), "{table:?}");
}

#[test]
fn it_ends_quietly_when_its_reader_is_gone() {
    let mut running = Setup::new(&[&probe(), "many", "1000", "obey"]).start();
    running.expect("ready");
    let sexton = sexton();
    let mut command = inside(&running, &[sexton.to_str().unwrap(), "--status"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert_eq!(text(&stderr), "");
    // nsenter ends as what it ran did.
    assert_eq!(status.signal(), Some(libc::SIGPIPE), "{status}");
}

#[test]
fn it_looks_without_regard_to_what_is_set_for_the_init() {
    let run = |words: &[&str], variables: &[&str]| {
        let setup = Setup::new(words);
        variables.iter().fold(setup, |setup, variable| setup.variable(variable)).run()
    };
    for (words, variables) in [
        (&["--status"][..], &["SEXTON_GRACE=bad", "SEXTON_PAUSE=1"][..]),
        (&[], &["SEXTON_STATUS=yes"]),
        (&["--status=text"], &[]),
    ] {
        let ended = run(words, variables);
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{ended:?}");
        assert!(ended.stdout.starts_with("PID USER"), "{ended:?}");
    }
    for (words, variables, message) in [
        (&["--status", "true"][..], &[][..], "--status takes no command"),
        (&["true"], &["SEXTON_STATUS=json"], "--status takes no command"),
        (&["--check", "true"], &[], "--check needs --status"),
        (&["--status=xml"], &[], "invalid value 'xml' for --status: expected one of text, json"),
    ] {
        let ended = run(words, variables);
        assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{words:?}");
        assert_eq!(ended.stderr, format!("sexton: fatal: {message}\n"));
    }
    let ended = Setup::new(&["--status"]).without_proc().run();
    assert_eq!((ended.status, ended.stdout.as_str()), (125, ""));
    let why = "it is not mounted or of another PID namespace";
    assert_eq!(ended.stderr, format!("sexton: fatal: unable to read /proc: {why}\n"));
}
