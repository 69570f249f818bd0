//! A static's value that is set once.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A place for a value, which is set once and then stays. Unlike `OnceLock`, an empty one is all zeros: so the binary's
/// file holds no data that is written to (docs/decisions/start.md).
pub struct Once<T>(AtomicPtr<T>);

impl<T: Send + Sync> Default for Once<T> {
    fn default() -> Once<T> {
        Once::new()
    }
}

impl<T: Send + Sync> Once<T> {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Once<T> {
        Once(AtomicPtr::new(ptr::null_mut()))
    }

    /// The value, if it is set.
    #[must_use]
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: null, or a value that is never changed and never freed.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Sets the value, unless that has been done. The value that is set.
    pub fn get_or_set(&self, value: impl FnOnce() -> T) -> &'static T {
        if let Some(value) = self.get() {
            return value;
        }
        let value = Box::leak(Box::new(value()));
        let new = ptr::from_mut(value);
        match self.0.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => value,
            // SAFETY: another thread's value, which stays.
            Err(other) => unsafe { &*other },
        }
    }
}
