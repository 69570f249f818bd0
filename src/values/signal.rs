//! Signals as numbers, names and sets: all 64 of them, with the realtime signals.
//!
//! The C library hides some realtime signals (glibc 32 and 33, musl also 34), and `nix` has none of them. So sexton has
//! its own type, which holds the kernel's number.

#![forbid(unsafe_code)]

use crate::values::decimal::decimal;
use crate::values::error::Reason;
use crate::values::names::Names;
use std::fmt;

/// A signal number, 1 to 64 (signal(7)).
///
/// The numbers are those of the kernel's generic table, shared by x86, ARM and RISC-V.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(u8);

/// The names of the standard signals, from 1 on.
const NAMES: Names = Names(
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG \
     XCPU XFSZ VTALRM PROF WINCH IO PWR SYS",
);

/// Other names of standard signals.
const ALIASES: [(&str, Signal); 3] =
    [("IOT", Signal(6)), ("CLD", Signal(17)), ("POLL", Signal(29))];

/// The number of `SIGRTMIN` for programs. The kernel's first realtime signal is 32, but glibc keeps 32 and 33 for
/// itself, so Docker, systemd and `kill -l` count from 34.
const RTMIN: u8 = 34;

#[expect(missing_docs, reason = "each is the signal of that name")]
impl Signal {
    pub const HUP: Signal = Signal(1);
    pub const INT: Signal = Signal(2);
    pub const QUIT: Signal = Signal(3);
    pub const ILL: Signal = Signal(4);
    pub const TRAP: Signal = Signal(5);
    pub const ABRT: Signal = Signal(6);
    pub const BUS: Signal = Signal(7);
    pub const FPE: Signal = Signal(8);
    pub const KILL: Signal = Signal(9);
    pub const USR1: Signal = Signal(10);
    pub const SEGV: Signal = Signal(11);
    pub const USR2: Signal = Signal(12);
    pub const PIPE: Signal = Signal(13);
    pub const TERM: Signal = Signal(15);
    pub const CHLD: Signal = Signal(17);
    pub const CONT: Signal = Signal(18);
    pub const STOP: Signal = Signal(19);
    pub const TSTP: Signal = Signal(20);
    pub const TTIN: Signal = Signal(21);
    pub const TTOU: Signal = Signal(22);
    pub const URG: Signal = Signal(23);
    pub const XCPU: Signal = Signal(24);
    pub const XFSZ: Signal = Signal(25);
    pub const WINCH: Signal = Signal(28);
    pub const SYS: Signal = Signal(31);
    pub const MAX: Signal = Signal(64);
}

impl Signal {
    /// The signal with this number; `None` outside of 1 to 64.
    #[must_use]
    pub const fn new(number: i32) -> Option<Signal> {
        if 1 <= number && number <= Signal::MAX.0 as i32 {
            Some(Signal(number as u8))
        } else {
            None
        }
    }

    /// The kernel's number, 1 to 64.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0 as i32
    }

    /// Whether its default action is to end a process (signal(7)).
    #[must_use]
    pub const fn is_deadly(self) -> bool {
        const NOT_DEADLY: SignalSet = SignalSet::EMPTY
            .with(Signal::CHLD)
            .with(Signal::CONT)
            .with(Signal::STOP)
            .with(Signal::TSTP)
            .with(Signal::TTIN)
            .with(Signal::TTOU)
            .with(Signal::URG)
            .with(Signal::WINCH);
        !NOT_DEADLY.contains(self)
    }

    /// Whether its default action is to end a process with a core dump (signal(7)).
    #[must_use]
    pub const fn dumps_core(self) -> bool {
        const DUMPS_CORE: SignalSet = SignalSet::EMPTY
            .with(Signal::QUIT)
            .with(Signal::ILL)
            .with(Signal::TRAP)
            .with(Signal::ABRT)
            .with(Signal::BUS)
            .with(Signal::FPE)
            .with(Signal::SEGV)
            .with(Signal::XCPU)
            .with(Signal::XFSZ)
            .with(Signal::SYS);
        DUMPS_CORE.contains(self)
    }

    /// All signals, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Signal> {
        (1..=Signal::MAX.0).map(Signal)
    }

    /// Reads `TERM`, `SIGTERM`, `15`, `RTMIN+3` or `RTMAX-1`, in upper or lower case.
    ///
    /// # Errors
    /// Anything else; the reason says what is allowed.
    pub fn parse(text: &str) -> Result<Signal, Reason> {
        Signal::lookup(text).ok_or_else(|| {
            "expected a signal: a name such as TERM or SIGTERM, a number from 1 to 64, or RTMIN+N, RTMAX-N".into()
        })
    }

    fn lookup(text: &str) -> Option<Signal> {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return decimal(text.as_bytes()).and_then(Signal::new);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some(rest) = name.strip_prefix("RTMIN") {
            return realtime(RTMIN, rest, '+');
        }
        if let Some(rest) = name.strip_prefix("RTMAX") {
            return realtime(Signal::MAX.0, rest, '-');
        }
        let named = NAMES.find(name).and_then(|place| Signal::all().nth(place));
        let alias = || ALIASES.iter().find(|(known, _)| *known == name);
        named.or_else(|| alias().map(|&(_, signal)| signal))
    }
}

/// Reads what follows RTMIN or RTMAX: nothing, or the sign and a distance within the range.
fn realtime(base: u8, rest: &str, sign: char) -> Option<Signal> {
    let distance: i32 = match rest.strip_prefix(sign) {
        Some(digits) => decimal(digits.as_bytes())?,
        None if rest.is_empty() => 0,
        None => return None,
    };
    let room = i32::from(Signal::MAX.0 - RTMIN);
    let offset = if sign == '+' { distance } else { -distance };
    (distance <= room).then(|| Signal::new(i32::from(base) + offset)).flatten()
}

/// `SIGTERM`, `SIGRTMIN+3`. The two signals that glibc hides are `SIG32` and `SIG33`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (NAMES.get(usize::from(self.0) - 1), self.0) {
            (Some(name), _) => write!(f, "SIG{name}"),
            (None, RTMIN) => f.write_str("SIGRTMIN"),
            (None, number) if number > RTMIN => write!(f, "SIGRTMIN+{}", number - RTMIN),
            (None, number) => write!(f, "SIG{number}"),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A set of signals in the kernel's layout: bit N-1 is signal N.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignalSet(u64);

impl SignalSet {
    /// No signal.
    pub const EMPTY: SignalSet = SignalSet(0);
    /// All 64 signals.
    pub const FULL: SignalSet = SignalSet(u64::MAX);

    /// The set with the kernel's bit pattern.
    #[must_use]
    pub const fn from_bits(bits: u64) -> SignalSet {
        SignalSet(bits)
    }

    /// The kernel's bit pattern.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether the signal is in the set.
    #[must_use]
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << (signal.0 - 1)) != 0
    }

    /// This set and the signal.
    #[must_use]
    pub const fn with(self, signal: Signal) -> SignalSet {
        SignalSet(self.0 | (1 << (signal.0 - 1)))
    }

    /// The signals that are in both sets.
    #[must_use]
    pub const fn and(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & other.0)
    }

    /// The signals that are in either set.
    #[must_use]
    pub const fn or(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 | other.0)
    }

    /// The signals of this set that are not in the other.
    #[must_use]
    pub const fn except(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & !other.0)
    }

    /// This set without the signal.
    #[must_use]
    pub const fn without(self, signal: Signal) -> SignalSet {
        SignalSet(self.0 & !(1 << (signal.0 - 1)))
    }
}

/// The origin of a signal: the fields of `siginfo_t` that sexton uses (sigaction(2)).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// `si_code`: 0 for kill(2), negative for other calls of a process, positive for the kernel.
    pub code: i32,
    /// The process ID of the sender; 0 if it is outside of this PID namespace.
    pub pid: i32,
    /// The real user ID of the sender.
    pub uid: u32,
    /// `si_value` as a bit pattern. It has a meaning only if [`Origin::carries_value`].
    pub value: usize,
}

impl Origin {
    /// `si_code` of kill(2).
    #[cfg(test)]
    pub const USER: i32 = 0;
    const TKILL: i32 = -6;
    /// `si_code` of a signal that the kernel itself sends.
    pub(crate) const KERNEL: i32 = 0x80;

    /// Whether the signal was queued with a value (sigqueue(3)), which is to be forwarded with it.
    #[must_use]
    pub const fn carries_value(self) -> bool {
        self.code < 0 && self.code != Self::TKILL
    }

    /// Whether the kernel raised `signal` because an instruction of sexton's failed.
    #[must_use]
    pub fn is_fault(self, signal: Signal) -> bool {
        const FAULTS: [Signal; 6] =
            [Signal::ILL, Signal::TRAP, Signal::BUS, Signal::FPE, Signal::SEGV, Signal::SYS];
        self.code > 0 && self.code != Self::KERNEL && FAULTS.contains(&signal)
    }

    /// Whether the kernel itself sent the signal, for a terminal's key say.
    #[must_use]
    pub const fn is_kernel(self) -> bool {
        self.code > 0
    }
}

/// A received signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// The signal.
    pub signal: Signal,
    /// Its origin.
    pub origin: Origin,
}

impl Received {
    /// A signal that sexton sends of its own accord.
    #[must_use]
    pub fn own(signal: Signal) -> Received {
        Received { signal, origin: Origin::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_reads_back_its_own_name_and_number() {
        for signal in Signal::all() {
            let number = signal.number().to_string();
            assert_eq!(Signal::parse(&number), Ok(signal));
            let name = signal.to_string();
            if name != "SIG32" && name != "SIG33" {
                assert_eq!(Signal::parse(&name), Ok(signal), "{name}");
                assert_eq!(Signal::parse(&name[3..].to_lowercase()), Ok(signal), "{name}");
            }
        }
    }

    #[test]
    fn numbers_are_those_of_the_c_library() {
        for signal in nix::sys::signal::Signal::iterator() {
            let ours = Signal::new(signal as i32).unwrap();
            assert_eq!(ours.to_string(), signal.as_str());
        }
    }

    #[test]
    fn realtime_names_count_from_34_as_docker_and_systemd_do() {
        let number = |text| Signal::parse(text).map(Signal::number);
        assert_eq!(number("RTMIN"), Ok(34));
        assert_eq!(number("SIGRTMIN+3"), Ok(37));
        assert_eq!(number("rtmax-1"), Ok(63));
        assert_eq!(number("RTMIN+30"), Ok(64));
        assert_eq!(number("RTMAX-30"), Ok(34));
    }

    #[test]
    fn other_words_are_refused() {
        for text in [
            "",
            "0",
            "65",
            "-1",
            "+5",
            "SIG",
            "TERMX",
            "SIGSIGTERM",
            "RTMIN+31",
            "RTMAX-31",
            "RTMIN-1",
            "RTMIN+",
            "RTMIN++1",
            "RTMIN3",
            "SIG15",
            "1.5",
            "15 ",
            "99999999999",
        ] {
            assert!(Signal::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_set_has_the_kernels_bits() {
        let set = SignalSet::EMPTY.with(Signal::HUP).with(Signal::MAX);
        assert_eq!(set.bits(), 1 | 1 << 63);
        assert!(set.contains(Signal::HUP) && !set.contains(Signal::INT));
        assert_eq!(set.without(Signal::MAX).bits(), 1);
    }

    #[test]
    fn a_fault_is_distinguished_from_a_kill() {
        let kill = Origin { code: Origin::USER, ..Origin::default() };
        let segv_maperr = Origin { code: 1, ..Origin::default() };
        let terminal = Origin { code: Origin::KERNEL, ..Origin::default() };
        assert!(!kill.is_fault(Signal::SEGV));
        assert!(segv_maperr.is_fault(Signal::SEGV));
        assert!(!segv_maperr.is_fault(Signal::TERM));
        assert!(!terminal.is_fault(Signal::SEGV));
    }

    #[test]
    fn only_a_queued_signal_carries_a_value() {
        let code = |code| Origin { code, ..Origin::default() }.carries_value();
        assert!(code(-1) && !code(Origin::USER) && !code(Origin::TKILL) && !code(Origin::KERNEL));
    }
}
