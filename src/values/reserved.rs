//! Room for a value that may come later.

use std::mem::MaybeUninit;

/// A value, or none yet. Nothing is allocated when it comes, and no memory is touched before.
#[derive(Debug)]
pub struct Reserved<T> {
    value: Option<Box<Apart<T>>>,
    room: Option<Box<MaybeUninit<Apart<T>>>>,
}

/// The heap of the binary keeps what is aligned like this apart from the rest: `sys::heap`.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Apart<T>(T);

/// No value, and no room for one.
impl<T> Default for Reserved<T> {
    fn default() -> Reserved<T> {
        Reserved { value: None, room: None }
    }
}

/// The copy of none has no room.
impl<T: Clone> Clone for Reserved<T> {
    fn clone(&self) -> Reserved<T> {
        Reserved { value: self.value.clone(), room: None }
    }
}

impl<T> Reserved<T> {
    /// Allocates the room.
    pub fn reserve(&mut self) {
        self.room = Some(Box::new_uninit());
    }

    /// The value.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.value.as_deref().map(|Apart(value)| value)
    }

    /// The value, to be changed.
    #[must_use]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.as_deref_mut().map(|Apart(value)| value)
    }

    /// The value, to be changed; first set, if there is none. `None` without room.
    pub fn get_or_set(&mut self, value: impl FnOnce() -> T) -> Option<&mut T> {
        if self.value.is_none() {
            self.fill(value);
        }
        self.get_mut()
    }

    #[cold]
    #[inline(never)] // the value is on the stack
    fn fill(&mut self, value: impl FnOnce() -> T) {
        if let Some(room) = self.room.take() {
            self.value = Some(Box::write(room, Apart(value())));
        }
    }

    /// Sets the value, if there is one or room for it.
    pub fn set(&mut self, value: T) {
        if let Some(room) = self.room.take() {
            self.value = Some(Box::write(room, Apart(value)));
        } else if let Some(old) = self.get_mut() {
            *old = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_into_the_room_and_is_replaced_there() {
        let mut reserved = Reserved::default();
        reserved.reserve();
        assert_eq!(reserved.get(), None);
        let room = reserved.room.as_deref().map(|room| room.as_ptr().addr());
        reserved.set(1);
        let place =
            |reserved: &Reserved<i32>| reserved.get().map(|value| (&raw const *value).addr());
        assert_eq!(place(&reserved), room);
        *reserved.get_or_set(|| 2).unwrap() += 10;
        assert_eq!(reserved.get(), Some(&11));
        reserved.set(3);
        assert_eq!((reserved.get(), place(&reserved)), (Some(&3), room));
    }

    #[test]
    fn without_room_there_is_no_value() {
        let mut reserved = Reserved::default();
        reserved.set(1);
        assert_eq!(reserved.get_or_set(|| 2), None);
        assert_eq!(reserved.get(), None);
    }
}
