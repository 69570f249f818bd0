//! The tree of a subreaper: every descendant, and nothing else.
//!
//! PID 1 has it easy: its tree is the PID namespace, and `kill(-1)` is atomic. A subreaper has to
//! look for its descendants in /proc, while they fork, end, and have their process IDs reused. So
//! that no other process is ever hit:
//!
//! - a child of sexton cannot be mistaken, as only sexton reaps it: its ID is its own until then;
//! - any other descendant is pinned by a pidfd first. Then its line of parents up to sexton is read
//!   twice. A link can only change if a process of the line ends, which its parent's ID or its
//!   starting time would show; two equal readings mean that the whole line stood between them. The
//!   signal goes to the pidfd, that is to the very process whose line was read, or to nobody.
//!
//! Without pidfds (before Linux 5.3) only children are signalled. Every descendant becomes a child
//! when those between have ended: the caller repeats SIGKILL until nothing is left.

use super::{Errno, proc, send};
use crate::procfs::Stat;
use crate::signal::{Received, Signal};

/// Signals to send one after the other.
pub type Signals = [Option<Received>; 2];

/// Sends signals to the children of this process. Quick, however many other processes there are.
///
/// # Errors
/// They are not known: see [`proc::for_each_child`].
pub fn signal_children(signals: &Signals) -> Result<(), Errno> {
    proc::for_each_child(|pid| send_to_child(pid, signals, &mut Tally::default()))
}

fn send_to_child(pid: i32, signals: &Signals, tally: &mut Tally) {
    for &signal in signals.iter().flatten() {
        tally.note(send::whole_or_alone(signal, |signal| send::to_process(pid, signal)));
    }
}

/// Signals on their way to all descendants, as far as [`DEEPEST`].
///
/// Every process is looked at once, so that each descendant gets the signals once, whether its parent
/// ends meanwhile or not. That takes milliseconds for a hundred: so it is done some at a time, and
/// sexton is not kept from its duties.
pub struct Scan {
    root: i32,
    signals: Signals,
    processes: proc::Numbers,
    tally: Tally,
}

/// What became of the signals.
#[derive(Default)]
struct Tally {
    /// Somebody has got them.
    sent: bool,
    /// Why somebody has not who is still there.
    failed: Option<Errno>,
}

impl Tally {
    fn note(&mut self, result: Result<(), Errno>) {
        match result {
            Ok(()) => self.sent = true,
            Err(Errno::ESRCH) => {}
            Err(errno) => self.failed = Some(errno),
        }
    }
}

/// What [`Scan::go_on`] has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// There are more processes to look at.
    More,
    /// All descendants were signalled.
    Done,
    /// All but those that /proc hides (`hidepid`) and that are no children.
    DoneButHidden,
}

impl Scan {
    /// To the descendants of the process `root`, which is the caller.
    ///
    /// # Errors
    /// /proc cannot be read, so that the descendants are not known.
    pub fn begin(root: i32, signals: Signals) -> Result<Scan, Errno> {
        Ok(Scan {
            root,
            signals,
            processes: proc::Numbers::of_processes()?,
            tally: Tally::default(),
        })
    }

    /// The signals, if nobody has got them.
    #[must_use]
    pub fn unsent(&self) -> Option<Signals> {
        (!self.tally.sent).then_some(self.signals)
    }

    /// Why somebody has not got them, if that is known of anybody.
    #[must_use]
    pub fn failed(&self) -> Option<Errno> {
        self.tally.failed
    }

    /// Looks at some more processes, and sends the signals to those that are descendants.
    ///
    /// # Errors
    /// /proc cannot be read, or nothing in it, so that nobody has got them.
    pub fn go_on(&mut self) -> Result<Progress, Errno> {
        let Scan { root, signals, processes, tally } = self;
        let more = processes.visit_some(&mut |pid| {
            if let Some(stat) = proc::stat(pid).filter(|stat| !stat.is_zombie()) {
                send_to_descendant(pid, stat, *root, signals, tally);
            }
        })?;
        if more {
            return Ok(Progress::More);
        }
        match send_to_hidden_children(signals, tally) {
            Ok(true) => Ok(Progress::DoneButHidden),
            // Some kernels have no list of children. But here not even one was found otherwise.
            Err(errno) if !tally.sent && tally.failed.is_none() => Err(errno),
            Ok(false) | Err(_) => Ok(Progress::Done),
        }
    }
}

/// Sends signals to children that /proc does not show, and says whether there are any. A child that
/// has ended is shown until it is reaped.
fn send_to_hidden_children(signals: &Signals, tally: &mut Tally) -> Result<bool, Errno> {
    let mut hidden = false;
    proc::for_each_child(|pid| {
        if proc::stat(pid).is_none() {
            hidden = true;
            send_to_child(pid, signals, tally);
        }
    })?;
    Ok(hidden)
}

/// Sends signals to a process if it is a descendant, whatever happens to its parents meanwhile.
fn send_to_descendant(pid: i32, stat: Stat, root: i32, signals: &Signals, tally: &mut Tally) {
    /// Each further try takes the end of one more process between the two.
    const TRIES: usize = DEEPEST + 2;
    let mut found = climb(stat, root);
    for _ in 0..TRIES {
        match found {
            Descent::None => return,
            Descent::Changing => {}
            Descent::Child => return send_to_child(pid, signals, tally),
            Descent::Further(line) => {
                let pinned = match send::pidfd_open(pid) {
                    Ok(pinned) => pinned,
                    Err(Errno::ENOSYS) => return, // known, and done otherwise
                    Err(errno) => return tally.note(Err(errno)),
                };
                let same = || descent(pid, root) == Descent::Further(line);
                if same() && same() {
                    for &signal in signals.iter().flatten() {
                        let send = |signal| send::pidfd_send(&pinned, signal, 0);
                        tally.note(send::whole_or_alone(signal, send));
                    }
                    return;
                }
            }
        }
        found = descent(pid, root);
    }
}

/// Who is in the PID namespace besides PID 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Others {
    /// This one, and perhaps others.
    Living(i32),
    /// Processes that have ended and are not reaped.
    Ended,
    /// The kernel's threads and nobody else: it is the initial namespace.
    Kernel,
    /// Nobody that /proc shows.
    Unseen,
}

/// Looks for others than PID 1.
///
/// # Errors
/// /proc cannot be read; ENOENT if it is not there, or that of another PID namespace.
pub fn others() -> Result<Others, Errno> {
    let mut found = Others::Unseen;
    proc::Numbers::of_processes()?.visit_while(|pid| {
        if let Some(stat) = proc::stat(pid).filter(|_| pid != super::process::INIT) {
            found = match found {
                _ if !stat.is_kernel && !stat.is_zombie() => Others::Living(pid),
                Others::Unseen if stat.is_kernel => Others::Kernel,
                found if stat.is_kernel => found,
                _ => Others::Ended,
            };
        }
        !matches!(found, Others::Living(_))
    })?;
    Ok(found)
}

/// Calls `visit` with each process of the tree that is left: the living, and zombies that are
/// children of `root` and yet cannot be reaped, as a debugger holds them. If `root` is PID 1 the tree
/// is all of the namespace.
///
/// # Errors
/// /proc cannot be read.
pub fn for_each_survivor(root: i32, mut visit: impl FnMut(i32, char)) -> Result<(), Errno> {
    proc::Numbers::of_processes()?.visit_all(|pid| {
        if let Some((stat, descent)) = member(pid, root)
            && (!stat.is_zombie() || descent == Descent::Child)
        {
            visit(pid, stat.state);
        }
    })
}

/// A process of the tree below `root`, without `root` itself.
fn member(pid: i32, root: i32) -> Option<(Stat, Descent)> {
    let stat = proc::stat(pid).filter(|stat| pid != root && !stat.is_kernel)?;
    let descent = climb(stat, root);
    let namespace = root == super::process::INIT;
    (namespace || descent != Descent::None).then_some((stat, descent))
}

/// Whether every living process of the tree below `root` ignores SIGTERM. False if there is none, if there are more than
/// `most`, so that the look takes a bounded time, or if one cannot be read.
///
/// # Errors
/// /proc cannot be read.
pub fn ignores_term(root: i32, most: usize) -> Result<bool, Errno> {
    let (mut seen, mut all) = (0, true);
    proc::Numbers::of_processes()?.visit_while(|pid| {
        if let Some((stat, _)) = member(pid, root)
            && !stat.is_zombie()
        {
            let ignores = proc::status(pid).is_some_and(|it| it.ignored.contains(Signal::TERM));
            seen += 1;
            all = ignores && seen <= most;
        }
        all
    })?;
    Ok(all && seen > 0)
}

/// SIGHUP and SIGCONT on their way to those that a terminal sends them when it goes away: the session leaders and
/// foreground process groups, below `root`, that have a terminal. Some processes are looked at at a time.
pub struct HangUp {
    root: i32,
    processes: proc::Numbers,
}

impl HangUp {
    /// To the tree of the process `root`, which is the caller.
    ///
    /// # Errors
    /// /proc cannot be read.
    pub fn begin(root: i32) -> Result<HangUp, Errno> {
        Ok(HangUp { root, processes: proc::Numbers::of_processes()? })
    }

    /// Looks at some more processes; whether there may be more.
    ///
    /// # Errors
    /// /proc cannot be read.
    pub fn go_on(&mut self) -> Result<bool, Errno> {
        let HangUp { root, processes } = self;
        processes.visit_some(&mut |pid| {
            if hangs_up(pid, *root) {
                hang_up(pid, *root);
            }
        })
    }
}

fn hangs_up(pid: i32, root: i32) -> bool {
    member(pid, root).is_some_and(|(stat, _)| stat.is_hung_up_with_terminal(pid))
}

/// The process is looked at again once it cannot be mistaken for a later one any more.
fn hang_up(pid: i32, root: i32) {
    let signals = [Signal::HUP, Signal::CONT].map(Received::own);
    match send::pidfd_open(pid) {
        Ok(pinned) if hangs_up(pid, root) => {
            for signal in signals {
                send::pidfd_send(&pinned, signal, 0).ok();
            }
        }
        // Before Linux 5.3. Everything in the namespace of PID 1 is to end, and a child's ID is its own.
        Err(_) if root == super::process::INIT || descent(pid, root) == Descent::Child => {
            for signal in signals {
                send::to_process(pid, signal).ok();
            }
        }
        _ => {}
    }
}

/// How long a line of parents may be. Each process costs as many readings as its line is long, and
/// sexton must not be kept busy by a tree that is one long line.
pub const DEEPEST: usize = 32;

/// How a process descends from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Descent {
    None,
    Child,
    /// As a grandchild or further, by the line of parents that has this digest.
    Further(u64),
    /// A parent ended while the line was read: its children have another one now.
    Changing,
}

fn descent(pid: i32, root: i32) -> Descent {
    proc::stat(pid).map_or(Descent::None, |stat| climb(stat, root))
}

/// Follows the line of parents.
fn climb(mut stat: Stat, root: i32) -> Descent {
    let mut line = Fnv::default();
    for depth in 0..DEEPEST {
        let Stat { parent, started, .. } = stat;
        line.add(parent as u64);
        line.add(started);
        if parent == root {
            return if depth == 0 { Descent::Child } else { Descent::Further(line.0) };
        }
        if parent <= super::process::INIT {
            return Descent::None;
        }
        match proc::stat(parent) {
            Some(next) => stat = next,
            None => return Descent::Changing,
        }
    }
    Descent::None
}

/// The FNV-1a hash: a line of parents in 64 bits, so that none has to be stored.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, value: u64) {
        for byte in value.to_ne_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
