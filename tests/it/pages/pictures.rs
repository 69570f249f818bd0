//! The pictures of the README: what sexton prints on a terminal, as SVG. The text is from a real run; numbers that
//! differ from run to run are no difference.

use super::repository;
use crate::harness::{Folder, Running, Setup, children_of, sexton, status_field, wait_until};
use crate::status::on_a_terminal;
use nix::libc;
use std::fs;

/// Text on a terminal: some characters with the SGR parameter (ECMA-48) that was in force.
struct Span {
    text: String,
    style: &'static str,
}

/// The lines of a terminal, by their colours.
fn spans(line: &str) -> Vec<Span> {
    let mut parts = line.split("\x1b[");
    let first = Span { text: parts.next().unwrap().to_owned(), style: "" };
    let rest = parts.map(|part| {
        let (code, text) = part.split_once('m').unwrap();
        let style = match code {
            "0" | "" => "",
            "1" => " font-weight=\"bold\"",
            "31" => " fill=\"#ff7b72\"",
            "33" => " fill=\"#e3b341\"",
            other => panic!("the picture knows no {other:?}"),
        };
        Span { text: text.to_owned(), style }
    });
    [first].into_iter().chain(rest).filter(|span| !span.text.is_empty()).collect()
}

/// Lines as a picture of a terminal.
fn svg(lines: &[String]) -> String {
    const CHARACTER: f64 = 7.8;
    const LINE: usize = 18;
    const MARGIN: usize = 14;
    let plain = |line: &String| spans(line).iter().map(|span| span.text.chars().count()).sum();
    let columns: usize = lines.iter().map(plain).max().unwrap();
    let width = (columns as f64 * CHARACTER) as usize + 2 * MARGIN;
    let height = lines.len() * LINE + 2 * MARGIN;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace,Menlo,Consolas,monospace\" font-size=\"13\" fill=\"#e6edf3\" \
         xml:space=\"preserve\" style=\"white-space:pre\">\n"
    );
    for (index, line) in lines.iter().enumerate() {
        let y = MARGIN + index * LINE + LINE * 3 / 4;
        text += &format!("<text x=\"{MARGIN}\" y=\"{y}\">");
        for Span { text: part, style } in spans(line) {
            let part = part.replace('&', "&amp;").replace('<', "&lt;");
            text += &match style {
                "" => part,
                style => format!("<tspan{style}>{part}</tspan>"),
            };
        }
        text += "</text>\n";
    }
    text + "</g>\n</svg>\n"
}

/// Numbers, their units, and the spaces beside them made the same.
fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' | '.' | '#' if plain.ends_with('#') => {}
            '0'..='9' => plain.push('#'),
            ' ' if plain.ends_with(' ') => {}
            'K' | 'M' | 's' if plain.ends_with('#') => {}
            c => plain.push(c),
        }
    }
    plain.replace(" #", "#").replace("# ", "#")
}

/// The picture is of what is shown now; widths and heights apart, which follow from it.
fn assert_is_picture(path: &str, lines: &[String]) {
    let made = svg(lines);
    if std::env::var_os("WRITE_PAGES").is_some() {
        fs::write(repository(path), &made).unwrap();
    }
    let committed = fs::read_to_string(repository(path)).unwrap_or_default();
    let texts = |svg: &str| -> Vec<String> {
        let lines = svg.lines().filter(|line| line.starts_with("<text"));
        let texts = lines.map(|line| line.split_once('>').unwrap().1.trim_end_matches("</text>"));
        // Which phases took any time, and who reaped whom, is not the same each time.
        let all = texts.collect::<Vec<_>>().join(" ");
        let (before, rest) = all.split_once("phases:").unwrap_or((&all, ""));
        let after = rest.split_once("exit status").map_or(rest, |(_, after)| after);
        [before, after].map(without_numbers).to_vec()
    };
    assert_eq!(texts(&committed), texts(&made), "{path} is out of date: run `just pages`");
}

/// sexton as /sexton of a container, so to speak: PID 1, by that name, with this the command.
fn start(words: &[&str], folder: &Folder) -> Running {
    std::os::unix::fs::symlink(sexton(), folder.at("sexton")).unwrap();
    let script = format!("PATH={}:$PATH; exec sexton \"$@\"", folder.path());
    let words = [&["-c", &script, "sh"], words].concat();
    Setup::program("/bin/sh".as_ref(), &words).directory(folder.path()).start()
}

/// Whether below sexton there is a process with that name, or command line, in that state.
fn below(pid: i32, name: &str, state: char) -> bool {
    children_of(pid).into_iter().any(|child| {
        let line = fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap_or_default();
        let named =
            status_field(child, "Name") == name || line.replace('\0', " ").trim_end() == name;
        (named && status_field(child, "State").starts_with(state)) || below(child, name, state)
    })
}

#[test]
fn the_picture_of_status_is_what_a_terminal_shows() {
    let folder = Folder::new("picture-status");
    let main = "trap 'exit 0' TERM; (sh -c : & exec sleep 1000) & sleep 2000 & wait\n";
    folder.file("server.sh", "0755", main);
    let running = start(&["--", "sh", "server.sh"], &folder);
    wait_until("a zombie, and all the others asleep", || {
        let sleeps = |what: &str| below(running.pid, what, 'S');
        below(running.pid, "sh", 'Z')
            && sleeps("sleep 1000")
            && sleeps("sleep 2000")
            && running.is_idle()
    });
    let shown = on_a_terminal(&running, 84, None);
    let mut lines = vec!["$ docker exec app /sexton --status".to_owned()];
    // Limits and what the cgroup counts are the machine's.
    lines.extend(shown.lines().map(str::to_owned).take_while(|line| !line.starts_with("limits:")));
    lines.push("...".to_owned());
    assert_is_picture("docs/images/status.svg", &lines);
}

#[test]
fn the_picture_of_an_end_is_what_is_logged() {
    let folder = Folder::new("picture-exit");
    let main = "trap '' TERM; sleep 1000; :";
    let running = start(&["--grace", "2s", "--", "sh", "-c", main], &folder);
    wait_until("main sleeps", || below(running.pid, "sleep", 'S'));
    running.signal(libc::SIGTERM);
    let ended = running.end();
    assert_eq!((ended.status, ended.stdout.as_str()), (137, ""));
    let mut lines = vec![format!("$ sexton --grace 2s -- sh -c \"{main}\"")];
    for line in ended.stderr.lines() {
        let filled = super::fill(line, 84);
        lines
            .extend(filled.lines().map(|line| line.replace("warning:", "\x1b[33mwarning:\x1b[0m")));
    }
    lines.extend(["$ echo $?".to_owned(), ended.status.to_string()]);
    assert_is_picture("docs/images/exit.svg", &lines);
}
