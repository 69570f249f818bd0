//! The signal that is handled now. sexton acts on it first; the sender's name is looked up and logged afterwards.

#![forbid(unsafe_code)]

use crate::kernel::processes::Name;
use crate::report::text::Sender;
use crate::values::signal::Received;
use ::log::{Level, info, log_enabled};

/// A signal, and its sender's name once it has been looked up.
pub struct Incoming {
    received: Received,
    name: Option<Name>,
    is_logged: bool,
}

impl Incoming {
    /// Nothing is looked up yet.
    #[must_use]
    pub fn new(received: Received) -> Incoming {
        Incoming { received, name: None, is_logged: false }
    }

    /// Logs the signal, unless it is logged already.
    pub fn log(&mut self) {
        if !std::mem::replace(&mut self.is_logged, true) && log_enabled!(Level::Info) {
            let sender = Sender(self.received.origin, self.name());
            info!("received {} from {sender}", self.received.signal);
        }
    }

    /// The sender's name; empty if the kernel has sent the signal, or the sender cannot be seen.
    pub fn name(&mut self) -> Name {
        let origin = self.received.origin;
        let is_seen = origin.pid > 0 && !origin.is_kernel();
        let look_up = || if is_seen { Name::of(origin.pid) } else { Name::default() };
        *self.name.get_or_insert_with(look_up)
    }
}
