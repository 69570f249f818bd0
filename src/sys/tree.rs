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
//! Without pidfds (before Linux 5.3) only children are signalled. The others become children when
//! their parents have ended: the caller repeats SIGKILL until nothing is left.

use super::{Errno, proc, send};
use crate::signal::Received;

/// Sends a signal to every descendant of the process `root`, which is the caller, and says whether
/// /proc hides some of them (`hidepid`). Those are signalled if they are children, which
/// `/proc/self/task/TID/children` tells.
///
/// # Errors
/// /proc cannot be read, so that the descendants are not known.
pub fn signal(root: i32, received: Received) -> Result<Hidden, Errno> {
    proc::for_each_process(|pid| {
        match living(pid).map_or(Descent::None, |stat| climb(stat, root)) {
            Descent::Child => {
                send::to_process(pid, received).ok();
            }
            Descent::Further(line) => {
                if let Ok(pinned) = send::pidfd_open(pid)
                    && descent(pid, root) == Descent::Further(line)
                    && descent(pid, root) == Descent::Further(line)
                {
                    send::pidfd_send(&pinned, received, 0).ok();
                }
            }
            Descent::None => {}
        }
    })?;
    let mut hidden = Hidden(false);
    proc::for_each_child(|pid| {
        if proc::stat(pid).is_none() {
            hidden = Hidden(true);
            send::to_process(pid, received).ok();
        }
    });
    Ok(hidden)
}

/// Whether /proc hides some of the descendants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hidden(pub bool);

/// Calls `visit` with each process of the tree that is left: the living, and zombies that are
/// children of `root` and yet cannot be reaped, as a debugger holds them. If `root` is PID 1 the tree
/// is all of the namespace.
///
/// # Errors
/// /proc cannot be read.
pub fn for_each_survivor(root: i32, mut visit: impl FnMut(i32, char)) -> Result<(), Errno> {
    let namespace = root == super::process::INIT;
    proc::for_each_process(|pid| {
        let Some(stat) = proc::stat(pid).filter(|_| pid != root) else {
            return;
        };
        let left = match climb(stat, root) {
            Descent::Child => true,
            Descent::Further(_) => !stat.is_zombie(),
            Descent::None => namespace && !stat.is_zombie(),
        };
        if left {
            visit(pid, stat.state);
        }
    })
}

/// What /proc says of a process, unless it has ended.
fn living(pid: i32) -> Option<proc::Stat> {
    proc::stat(pid).filter(|stat| !stat.is_zombie())
}

/// How a process descends from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Descent {
    None,
    Child,
    /// As a grandchild or further, by the line of parents that has this digest.
    Further(u64),
}

fn descent(pid: i32, root: i32) -> Descent {
    proc::stat(pid).map_or(Descent::None, |stat| climb(stat, root))
}

/// Follows the line of parents. A line that changes while it is read gives a digest of its own, or
/// ends at a process that is gone.
fn climb(mut stat: proc::Stat, root: i32) -> Descent {
    const DEEPEST: usize = 100_000;
    let mut line = Fnv::default();
    for depth in 0..DEEPEST {
        let proc::Parentage { parent, started } = stat.parentage;
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
            None => return Descent::None,
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
