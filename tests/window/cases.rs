//! The cases, and what has to be said of them.
//!
//! sexton is held before its first count of OOM kills, or behind it. Somebody kills the command or a child of it, in a
//! group that is new or in one that has had an OOM kill (old):
//!
//! | killed | by | group | before the count | after it |
//! | --- | --- | --- | --- | --- |
//! | the command | the OOM killer | either | reported, 1 kill | the same |
//! | the command | the OOM killer, limit of an outer group | either | nothing is known | reported, 1 kill |
//! | the command | somebody else | either | no OOM kill | the same |
//! | the command, with half of the memory | somebody else | new | no OOM kill | the same |
//! | the command, with half of the memory | somebody else | old | taken for an OOM kill | no OOM kill |
//! | a child | the OOM killer | either | nothing is known | 1 kill, not the command's |
//! | a child | somebody else | either | no OOM kill | the same |
//! | a child, then the command | the OOM killer | either | the command's, 1 kill | the command's, 2 kills |
//! | a child, and the command after the count | the OOM killer | either | | the command's, 1 kill |
//! | a child; then the command | the OOM killer; somebody else | either | taken for an OOM kill | |
//! | a child; the command after the count | the OOM killer; somebody else | either | | no OOM kill |
//! | the whole group, by the command (v2) | the OOM killer | either | the command's | the command's, all kills |
//! | the whole group, by a child (v2) | the OOM killer | either | nothing is known | the command's, all kills |
//!
//! Two cases before the count are not distinguished from an OOM kill of the command: the group has had a kill, and the
//! command, or a child that it has waited for, most of the memory. The kernel has nothing that tells them apart.

use nix::libc::{SIGHUP, SIGTERM, SIGUSR1};

/// What happens in a case. The letters are those of `command.rs`.
pub enum Act {
    /// The command does this, and answers.
    Do(u8),
    /// It begins to do this.
    Ask(u8),
    /// It answers that it has done this.
    Answer(u8),
    /// It ends by this.
    End(u8),
    /// The OOM killer counts a kill because of this. The process may not have ended.
    Dying(u8),
    /// sexton gets this signal.
    Send(i32),
    /// The command has got so many of each signal.
    Counted([u8; 4]),
    /// Nothing but sexton is left in the group.
    Alone,
    /// The pipe that sexton and the command have inherited comes to its end.
    EndOfFile,
}
use Act::{Alone, Answer, Ask, Counted, Do, Dying, End, EndOfFile, Send};

pub struct Case {
    pub name: &'static str,
    /// Nobody is held up.
    pub is_race: bool,
    /// The group has had an OOM kill.
    pub had_kills: bool,
    /// The OOM killer kills the group as a whole, but sexton.
    pub whole: bool,
    /// The limit is that of an outer group.
    pub outer: bool,
    /// What the command does first.
    pub at_once: &'static str,
    /// While sexton is held before the count; behind it; and then.
    pub before: &'static [Act],
    pub after: &'static [Act],
    pub released: &'static [Act],
    /// What sexton says at the end.
    pub status: i32,
    pub cause: &'static str,
    /// The OOM killer has killed the command, because of this.
    pub word: Option<&'static str>,
    /// How many OOM kills are reported: one of these. If the kernel kills a whole group, it may count the first process
    /// twice.
    pub counts: &'static [u64],
}

impl Case {
    /// How many processes the kernel is made to kill, one by one.
    pub fn kernel_kills(&self) -> u64 {
        let takes_all = |letter: &u8| b"hcC".contains(letter);
        let acts = [self.before, self.after, self.released].into_iter().flatten();
        let of_acts = acts.filter(|act| {
            matches!(act, Do(letter) | Ask(letter) | End(letter) | Dying(letter) if takes_all(letter))
        });
        (of_acts.count() + self.at_once.bytes().filter(takes_all).count()) as u64
    }
}

/// The command exits, and there is nothing else to say.
const EXITS: Case = Case {
    name: "",
    is_race: false,
    had_kills: false,
    whole: false,
    outer: false,
    at_once: "",
    before: &[],
    after: &[],
    released: &[],
    status: 5,
    cause: "exit",
    word: None,
    counts: &[0],
};
const KILLED: Case = Case { status: 137, cause: "signal", ..EXITS };
const BLAMED: Case =
    Case { status: 137, cause: "oom", word: Some("own-limit"), counts: &[1], ..EXITS };
const NEW: bool = false;
const OLD: bool = true;

macro_rules! in_both {
    ($($name:literal: $case:expr,)*) => {
        &[$(
            Case { name: concat!("new group: ", $name), had_kills: NEW, ..$case },
            Case { name: concat!("old group: ", $name), had_kills: OLD, ..$case },
        )*]
    };
}

pub const CASES: &[&[Case]] = &[
    in_both! {
        "OOM kill of the command, before": Case { before: &[End(b'h')], ..BLAMED },
        "OOM kill of the command, counted before": Case { before: &[Dying(b'h')], ..BLAMED },
        "OOM kill of the command, after": Case { after: &[End(b'h')], ..BLAMED },
        "outer OOM kill of the command, before": Case { outer: true, before: &[End(b'h')], ..KILLED },
        "outer OOM kill of the command, after":
            Case { outer: true, after: &[End(b'h')], word: Some("limit-above-or-machine"), ..BLAMED },
        "foreign kill of the command, before": Case { before: &[End(b'd')], ..KILLED },
        "foreign kill of the command, after": Case { after: &[End(b'd')], ..KILLED },
        "foreign kill of a large command, after": Case { after: &[Do(b'f'), End(b'd')], ..KILLED },
        "foreign kill of a command that was large before, after":
            Case { before: &[Do(b'f')], after: &[End(b'd')], ..KILLED },
        "OOM kill of a child, before": Case { before: &[Do(b'c')], ..EXITS },
        "OOM kill of a child, after": Case { after: &[Do(b'c')], counts: &[1], ..EXITS },
        "foreign kill of a child, before": Case { before: &[Do(b'k')], ..EXITS },
        "foreign kill of a child, after": Case { after: &[Do(b'k')], ..EXITS },
        "OOM kill of a child and of the command, before":
            Case { before: &[Do(b'c'), End(b'h')], ..BLAMED },
        "OOM kill of a child before, of the command after":
            Case { before: &[Do(b'c')], after: &[End(b'h')], ..BLAMED },
        "OOM kill of a child and of the command, after":
            Case { after: &[Do(b'c'), End(b'h')], counts: &[2], ..BLAMED },
        "OOM kill of a child, foreign kill of the command, before: taken for an OOM kill":
            Case { before: &[Do(b'c'), End(b'd')], ..BLAMED },
        "OOM kill of a child before, foreign kill of the command after":
            Case { before: &[Do(b'c')], after: &[End(b'd')], ..KILLED },
        "OOM kill of the whole group by the command, before":
            Case { whole: true, before: &[End(b'h')], ..BLAMED },
        "OOM kill of the whole group by the command, after":
            Case { whole: true, after: &[Do(b'p'), End(b'h')], counts: &[2, 3], ..BLAMED },
        "OOM kill of the whole group by a child, before":
            Case { whole: true, before: &[End(b'C'), Alone], ..KILLED },
        "OOM kill of the whole group by a child, after":
            Case { whole: true, after: &[End(b'C')], counts: &[2, 3], ..BLAMED },
        "race: OOM kill of the command": Case { is_race: true, at_once: "h", ..BLAMED },
        "race: OOM kill of a child":
            Case { is_race: true, at_once: "c", released: &[Answer(b'c')], counts: &[0, 1], ..EXITS },
        "race: foreign kill of the command": Case { is_race: true, at_once: "d", ..KILLED },
    },
    &[
        Case {
            name: "new group: foreign kill of a large command, before",
            before: &[Do(b'f'), End(b'd')],
            ..KILLED
        },
        Case {
            name: "old group: foreign kill of a large command, before: taken for an OOM kill",
            had_kills: OLD,
            before: &[Do(b'f'), End(b'd')],
            ..BLAMED
        },
        Case {
            name: "signals before the count",
            before: &[Do(b'b'), Send(SIGTERM), Send(SIGUSR1), Send(SIGHUP), Send(40), Send(40)],
            released: &[Counted([1, 1, 1, 2])],
            cause: "stop",
            ..EXITS
        },
        Case {
            name: "signals after the count",
            after: &[Do(b'b'), Send(SIGTERM), Send(SIGUSR1), Send(SIGHUP), Send(40), Send(40)],
            released: &[Counted([1, 1, 1, 2])],
            cause: "stop",
            ..EXITS
        },
        Case {
            name: "a signal on each side of the count",
            before: &[Do(b'b'), Send(SIGTERM)],
            after: &[Send(SIGUSR1)],
            released: &[Counted([0, 1, 1, 0])],
            cause: "stop",
            ..EXITS
        },
        Case {
            name: "a signal of the command, before",
            before: &[Do(b'b'), Do(b't')],
            released: &[Counted([0, 0, 1, 0])],
            cause: "stop",
            ..EXITS
        },
        Case {
            name: "a signal of the command, after",
            after: &[Do(b'b'), Do(b't')],
            released: &[Counted([0, 0, 1, 0])],
            cause: "stop",
            ..EXITS
        },
        Case {
            name: "the command dies of a signal from before",
            before: &[Send(SIGTERM)],
            status: 143,
            cause: "stop",
            ..EXITS
        },
        Case {
            name: "the command dies of a signal from after",
            after: &[Send(SIGTERM)],
            status: 143,
            cause: "stop",
            ..EXITS
        },
        Case {
            name: "a signal, and the end of the command, before",
            before: &[Send(SIGTERM), End(b'x')],
            ..EXITS
        },
        Case {
            name: "a signal, and the end of the command, after",
            after: &[Send(SIGTERM), End(b'x')],
            cause: "stop",
            ..EXITS
        },
        Case {
            name: "race: a signal of the command",
            is_race: true,
            at_once: "bt",
            released: &[Answer(b'b'), Answer(b't'), Counted([0, 0, 1, 0])],
            cause: "stop",
            ..EXITS
        },
        Case { name: "end of a pipe", before: &[Do(b'q')], released: &[EndOfFile], ..EXITS },
        Case {
            name: "unmounted directory",
            before: &[Ask(b'm')],
            released: &[Answer(b'm')],
            ..EXITS
        },
        Case {
            name: "race: end of a pipe",
            is_race: true,
            at_once: "q",
            released: &[Answer(b'q'), EndOfFile],
            ..EXITS
        },
        Case {
            name: "race: unmounted directory",
            is_race: true,
            at_once: "m",
            released: &[Answer(b'm')],
            ..EXITS
        },
    ],
];
