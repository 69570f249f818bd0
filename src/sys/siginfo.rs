//! `siginfo_t`, of which this has what is received and passed on with a signal (sigaction(2)).

use crate::values::signal::{Origin, Received, Signal};
use nix::libc;
use std::mem::MaybeUninit;

/// Padded to the 128 bytes of the kernel's or more: the fields are 24 bytes where pointers have 32 bits, 32 elsewhere.
#[repr(C)]
pub struct SigInfo {
    signal: libc::c_int,
    error: libc::c_int,
    code: libc::c_int,
    sender: Sender,
    padding: MaybeUninit<[u64; 13]>,
}

/// These fields overlap with others for some codes.
#[repr(C)]
struct Sender {
    pid: libc::pid_t,
    uid: libc::uid_t,
    value: usize,
}

const _: () = assert!(size_of::<SigInfo>() >= size_of::<libc::siginfo_t>());

impl SigInfo {
    /// To be filled by the kernel. The padding is not cleared: that takes as long as what else is done for a signal.
    pub const fn none() -> SigInfo {
        let sender = Sender { pid: 0, uid: 0, value: 0 };
        SigInfo { signal: 0, error: 0, code: 0, sender, padding: MaybeUninit::uninit() }
    }

    /// To pass a queued signal on with, the original sender included.
    pub fn of(received: Received) -> SigInfo {
        let Origin { code, pid, uid, value } = received.origin;
        SigInfo {
            signal: received.signal.number(),
            error: 0,
            code,
            sender: Sender { pid, uid, value },
            padding: MaybeUninit::zeroed(), // the kernel refuses what it does not know
        }
    }

    /// The origin of `signal`, which came with this.
    pub fn origin(&self, signal: Signal) -> Origin {
        let SigInfo { code, sender: Sender { pid, uid, value }, .. } = *self;
        // The kernel's own signals have other fields in that place, but for a child's end.
        let has_sender = code <= 0 || signal == Signal::CHLD;
        let (pid, uid) = if has_sender { (pid, uid) } else { (0, 0) };
        Origin { code, pid, uid, value }
    }
}
