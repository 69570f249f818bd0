//! The look at processes that do not stop: it is under way between other events, and its result is logged at once, or
//! after SIGKILL if that is about to follow.

#![forbid(unsafe_code)]

use crate::kernel::unstopped::{Look, Receivers};
use crate::report::not_stopped::NotStopped;
use crate::supervisor::Search;
use crate::values::reserved::Reserved;
use std::time::Duration;

/// The look.
pub struct SlowStop {
    /// sexton's own process ID.
    own: i32,
    look: Reserved<Look>,
    /// What it is for, as long as its result has not been logged.
    search: Option<Search>,
}

impl SlowStop {
    /// No look, in a sexton with the process ID `own`.
    #[must_use]
    pub fn new(own: i32) -> SlowStop {
        SlowStop { own, look: Reserved::default(), search: None }
    }

    /// Allocates what a look needs.
    pub fn reserve(&mut self) {
        self.look.reserve();
    }

    /// Begins a look. `command` is there unless it has been reaped; `frozen` is the time that the clocks leave out.
    pub fn begin(
        &mut self,
        search: Search,
        command: Option<i32>,
        receivers: Receivers,
        frozen: Duration,
    ) {
        let ago = Duration::from_millis(search.after).saturating_add(frozen);
        if let Some(look) = self.look.get_or_set(|| Look::none(self.own)) {
            look.begin(command, search.signal, receivers, ago);
            self.search = Some(search);
        }
    }

    /// Whether there is more to look at.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.look.get().is_some_and(Look::is_under_way)
    }

    /// Whether the result of a search is still to be logged.
    #[must_use]
    pub fn is_searching(&self) -> bool {
        self.search.is_some()
    }

    /// Goes on with a look that is under way; the result, if it is to be logged now.
    #[must_use]
    pub fn go_on(&mut self) -> Option<NotStopped> {
        let look = self.look.get_mut()?;
        if look.is_under_way() {
            look.go_on();
        }
        let is_ready = self.search.is_some_and(|search| !search.before_kill);
        if is_ready && !look.is_under_way() { self.result() } else { None }
    }

    /// SIGKILL has been sent; the result of the last look, as far as it has come, unless it was logged.
    #[must_use]
    pub fn killed(&mut self) -> Option<NotStopped> {
        self.look.get_mut()?.stop();
        self.result()
    }

    fn result(&mut self) -> Option<NotStopped> {
        Some(NotStopped { search: self.search.take()?, found: *self.look.get()?.found() })
    }
}
