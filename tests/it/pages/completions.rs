//! `docs/completions`: what bash, zsh and fish propose. Behind the first word that is no option it is the
//! command's own completion.

use super::help::{Flag, flags};
use super::{Values, by_section, repeats, summary, values};

const MADE: &str = "made from src/cli/texts/help.txt by tests/it/pages: just pages";

/// The flags that take a value of their own, which may be the next word.
fn with_value() -> impl Iterator<Item = (&'static Flag, Values)> {
    flags().iter().filter_map(|flag| match &flag.metavar {
        Some((metavar, false)) => Some((flag, values(flag, metavar))),
        _ => None,
    })
}

fn with_optional_value() -> impl Iterator<Item = (&'static Flag, Values)> {
    flags().iter().filter_map(|flag| match &flag.metavar {
        Some((metavar, true)) => Some((flag, values(flag, metavar))),
        _ => None,
    })
}

/// The words of each flag: `--name`, `-n`.
fn words(flag: &Flag) -> Vec<String> {
    let short = flag.short.map(|short| format!("-{short}"));
    [format!("--{}", flag.long)].into_iter().chain(short).collect()
}

fn all_words() -> String {
    flags().iter().flat_map(words).chain(["--as".to_owned()]).collect::<Vec<_>>().join(" ")
}

const NAMES: &str = "tini docker-init dumb-init catatonit gosu su-exec";

const BASH: &str = r#"
# The words of the command line, where bash has split them at = and : as well, and where each begins for bash.
_sexton_words() {
    local word i glued=
    words=() at=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $glued || $word == [=:]* ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
            at+=("$i")
        fi
        [[ $word == [=:] || $word == [=:][=:] ]] && glued=1 || glued=
    done
}

# _sexton_propose PREFIX WORDS: what begins as the word does, PREFIX being left of it. No space follows = : /
_sexton_propose() {
    local word
    while read -r word; do
        COMPREPLY+=("$word")
        [[ $word == *[=:/] ]] && compopt -o nospace 2>/dev/null
    done < <(compgen -P "$1" -W "$2" -- "${value#"$1"}")
}

# _sexton_value FLAG: what may stand in place of $value.
_sexton_value() {
    local before=${value%"${value##*,}"}
    case $1 in
@VALUES@    --as) _sexton_propose "" "@NAMES@" ;;
    *) return 1 ;;
    esac
}

_sexton() {
    local words at value flag i command=
    _sexton_words
    local current=$((${#words[@]} - 1))
    COMPREPLY=()
    for ((i = 1; i < current; i++)); do
        case ${words[i]} in
        --) command=$((i + 1)) ;;
        @WITH_VALUE@) ((++i)) ;;
        -*) ;;
        *) command=$i ;;
        esac
        [[ $command ]] && break
    done
    value=${words[current]}
    if [[ ! $command && $i -gt $current ]]; then
        _sexton_value "${words[current - 1]}"
    elif [[ ! $command && $value == --*=* ]]; then
        flag=${value%%=*}
        value=${value#*=}
        _sexton_value "$flag"
    elif [[ ! $command && $value == -* ]]; then
        _sexton_propose "" "@ALL@"
    else
        # The command's own completion, if bash-completion is there to find it.
        [[ $command ]] || command=$current
        command=${at[command]}
        if declare -F _comp_command_offset >/dev/null; then
            _comp_command_offset "$command"
            return
        elif declare -F _command_offset >/dev/null; then
            _command_offset "$command"
            return
        elif ((command == COMP_CWORD)); then
            mapfile -t COMPREPLY < <(compgen -c -- "$value")
        else
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$value")
        fi
        return
    fi
    # What bash has split is only completed behind the last of its breaks.
    value=${words[current]}
    local split=${value%"${COMP_WORDS[COMP_CWORD]}"}
    [[ ${COMP_WORDS[COMP_CWORD]} == [=:] ]] && split=$value
    flag=
    [[ $value == --*=* ]] && flag=${value%%=*}=
    for i in "${!COMPREPLY[@]}"; do
        word=$flag${COMPREPLY[i]}
        COMPREPLY[i]=${word#"$split"}
    done
}
complete -F _sexton sexton
"#;

fn bash_value(values: &Values) -> String {
    match values {
        Values::Free => ":".to_owned(),
        Values::One(words) => format!("_sexton_propose \"\" \"{}\"", words.join(" ")),
        Values::List(words) => format!("_sexton_propose \"$before\" \"{}\"", words.join(" ")),
        Values::Pair(from, to) => format!(
            "if [[ $value == *=* ]]; then\n            \
             _sexton_propose \"${{value%%=*}}=\" \"{}\"\n        else\n            \
             _sexton_propose \"\" \"{}\"\n        fi",
            to.join(" "),
            from.iter().map(|word| word.clone() + "=").collect::<Vec<_>>().join(" ")
        ),
        Values::Files => {
            "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$value\")"
                .to_owned()
        }
        Values::Folders => {
            "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$value\")"
                .to_owned()
        }
        Values::Users => "mapfile -t COMPREPLY < <(compgen -u -- \"$value\")".to_owned(),
        Values::Groups => "_sexton_propose \"$before\" \"$(compgen -g) none\"".to_owned(),
        Values::Variables => "mapfile -t COMPREPLY < <(compgen -e -- \"$value\")".to_owned(),
    }
}

pub fn bash() -> String {
    let case = |(flag, values): (&Flag, Values)| {
        format!("    --{})\n        {}\n        ;;\n", flag.long, bash_value(&values))
    };
    let cases: String = with_value().chain(with_optional_value()).map(case).collect();
    let with_value: Vec<String> =
        with_value().flat_map(|(flag, _)| words(flag)).chain(["--as".to_owned()]).collect();
    let text = BASH
        .replace("@VALUES@", &cases)
        .replace("@NAMES@", NAMES)
        .replace("@WITH_VALUE@", &with_value.join(" | "))
        .replace("@ALL@", &all_words());
    format!("# bash completion for sexton, {MADE}\n{text}")
}

const ZSH: &str = r#"
# _sexton_propose WORD...: no space follows = : /
_sexton_propose() {
    compadd -S '' -- ${(M)@:#*[=:/]}
    compadd -- ${@:#*[=:/]}
}

_sexton_value() {
    case $1 in
@VALUES@    esac
}

_sexton() {
    local -a state
    _arguments -S -s -A '-*' \
@OPTIONS@        '(- :)--as[Be in the place of that program]:program:(@NAMES@)' \
        '(-)1:command: _command_names -e' \
        '*::arguments: _normal'
}

# Found by compinit on the way of functions, or sourced.
if [ "$funcstack[1]" = _sexton ]; then
    _sexton "$@"
else
    compdef _sexton sexton
fi
"#;

fn zsh_value(values: &Values) -> String {
    match values {
        Values::Free => "_message 'a value'".to_owned(),
        Values::One(words) => format!("_sexton_propose {}", words.join(" ")),
        Values::List(words) => {
            format!("compset -P '*,'; compset -S ',*'; _sexton_propose {}", words.join(" "))
        }
        Values::Pair(from, to) => format!(
            "if compset -P '*='; then\n            \
             _sexton_propose {}\n        else\n            \
             _sexton_propose {}\n        fi",
            to.join(" "),
            from.iter().map(|word| word.clone() + "=").collect::<Vec<_>>().join(" ")
        ),
        Values::Files => "_files".to_owned(),
        Values::Folders => "_files -/".to_owned(),
        Values::Users => "_users".to_owned(),
        Values::Groups => "compset -P '*,'; _groups; _sexton_propose none".to_owned(),
        Values::Variables => "_parameters -g '*export*'".to_owned(),
    }
}

pub fn zsh() -> String {
    let case = |(flag, values): (&Flag, Values)| {
        format!("    {})\n        {}\n        ;;\n", flag.long, zsh_value(&values))
    };
    let cases: String = with_value().chain(with_optional_value()).map(case).collect();
    let mut options = String::new();
    for flag in flags() {
        let help: String =
            summary(flag).replace('\'', "'\\''").replace('[', "\\[").replace(']', "\\]");
        let again = if repeats(flag) { "*" } else { "" };
        for word in words(flag) {
            let value = match &flag.metavar {
                Some((_, false)) => format!("=[{help}]:value: _sexton_value {}", flag.long),
                Some((_, true)) => format!("=-[{help}]::value: _sexton_value {}", flag.long),
                None => format!("[{help}]"),
            };
            options += &format!("        '{again}{word}{value}' \\\n");
        }
    }
    let text =
        ZSH.replace("@VALUES@", &cases).replace("@OPTIONS@", &options).replace("@NAMES@", NAMES);
    format!("#compdef sexton\n# zsh completion for sexton, {MADE}\n{text}")
}

const FISH: &str = r#"
# The command and its arguments, behind sexton's own options.
function __sexton_command
    set -l words (commandline -opc) (commandline -ct)
    set -e words[1]
    while set -q words[2]
        switch $words[1]
            case --
                set -e words[1]
                break
            case @WITH_VALUE@
                set -e words[1]
                set -q words[2]; or return 1
            case '-*'
            case '*'
                break
        end
        set -e words[1]
    end
    string match -q -- '-*' "$words[1]"; and return 1
    string join \n -- $words
end

function __sexton_own
    not __sexton_command >/dev/null
end

# __sexton_value PATTERN WORD...: WORDs behind what the value has already, as far as PATTERN fits.
function __sexton_value
    set -l value (commandline -ct | string replace -r -- '^--[a-z-]+=' '')
    set -l before (string match -r -- $argv[1] $value)
    printf '%s\n' $before$argv[2..-1]
end

function __sexton_pair
    if commandline -ct | string replace -r -- '^--[a-z-]+=' '' | string match -q '*=*'
        __sexton_value '^[^=]*=' $argv
    else
        return 1
    end
end

complete -c sexton -f -n 'not __sexton_own' -a '(__fish_complete_subcommand --commandline (__sexton_command))'
complete -c sexton -f -n __sexton_own -a '(__fish_complete_command)'
complete -c sexton -n __sexton_own -l as -x -a '@NAMES@' -d 'Be in the place of that program'
"#;

fn fish_value(values: &Values) -> String {
    let quote = |text: &str| format!("'{text}'");
    let paths = |function: &str| {
        format!("'({function} (commandline -ct | string replace -r -- \"^--[a-z-]+=\" \"\"))'")
    };
    match values {
        Values::Free => String::new(),
        Values::One(words) => quote(&words.join(" ")),
        Values::List(words) => quote(&format!("(__sexton_value \"^.*,\" {})", words.join(" "))),
        Values::Pair(from, to) => quote(&format!(
            "(__sexton_pair {}; or printf \"%s=\\n\" {})",
            to.join(" "),
            from.join(" ")
        )),
        Values::Files => paths("__fish_complete_path"),
        Values::Folders => paths("__fish_complete_directories"),
        Values::Users => "'(__fish_complete_users)'".to_owned(),
        Values::Groups => {
            "'(__sexton_value \"^.*,\" (__fish_complete_groups | string replace -r \"\\t.*\" \"\") none)'".to_owned()
        }
        Values::Variables => "'(set -xn)'".to_owned(),
    }
}

pub fn fish() -> String {
    let with_value: Vec<String> =
        with_value().flat_map(|(flag, _)| words(flag)).chain(["--as".to_owned()]).collect();
    let mut text = FISH.replace("@WITH_VALUE@", &with_value.join(" ")).replace("@NAMES@", NAMES);
    for (section, flag) in by_section() {
        if let Some(section) = section {
            text += &format!("\n# {section}\n");
        }
        let short = flag.short.map_or(String::new(), |short| format!(" -s {short}"));
        let value = match &flag.metavar {
            Some((metavar, optional)) => {
                let proposed = fish_value(&values(flag, metavar));
                let proposed =
                    if proposed.is_empty() { proposed } else { format!(" -a {proposed}") };
                format!("{}{proposed}", if *optional { " -f" } else { " -x" })
            }
            None => " -f".to_owned(),
        };
        let help = summary(flag).replace('\'', "\\'");
        text += &format!(
            "complete -c sexton -n __sexton_own -l {}{short}{value} -d '{help}'\n",
            flag.long
        );
    }
    format!("# fish completion for sexton, {MADE}\n{text}")
}
