//! `docs/options.md`.

use super::by_section;

pub fn page() -> String {
    let mut text = "\
# Options

`sexton [OPTIONS] [--] COMMAND [ARG...]`. Options end at `--` or at the first other word. Generated from
`sexton --help`, like the man page ([sexton.1](sexton.1)).

Repeatable options add up. Of any other option that is given twice the last one counts.

Each option has a variable, for images that are built already; the flag overrides it. In the variable a repeatable
option is a list with commas, an option without a value is `yes` or `no`, and `SEXTON_VERBOSE` is a number. The command
does not get variables named `SEXTON_...`. An unknown one is a warning, a bad value an error (125). An empty one counts
as not set (`SEXTON_GRACE=`, as Compose writes it).

Durations: `5s`, `500ms`, `2m`, `1h` or bare seconds, also with a fraction. Signals: `TERM`, `SIGTERM`, `15`,
`RTMIN+3`, `RTMAX-1`.
"
    .to_owned();
    for (section, flag) in by_section() {
        if let Some(section) = section {
            text += &format!("\n## {section}\n\n| option | variable | |\n| --- | --- | --- |\n");
        }
        let short = flag.short.map_or(String::new(), |short| format!("`-{short}`, "));
        let again = if flag.kind.is_list() { " Repeatable." } else { "" };
        let variable = flag.variable.as_ref().map_or(String::new(), |name| format!("`{name}`"));
        let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
        text += &format!(
            "| {short}`{}` | {variable} | {}{again} |\n",
            flag.usage.replace('|', "\\|"),
            cell(&flag.help)
        );
    }
    text += "
## Compatibility modes

Called by the name tini, docker-init, dumb-init, catatonit, gosu or su-exec, or as `sexton --as NAME ...`, it has the
flags of that program: [drop-in.md](drop-in.md).
";
    text
}
