//! Room for a value that may come later.

use std::mem::MaybeUninit;

/// A value, or none yet. With [`Reserved::reserve`] nothing is allocated when it comes, and no memory is touched before.
#[derive(Debug)]
pub struct Reserved<T> {
    value: Option<Box<T>>,
    room: Option<Box<MaybeUninit<T>>>,
}

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
        self.value.as_deref()
    }

    /// The value, to be changed.
    #[must_use]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.as_deref_mut()
    }

    /// Sets the value; in the room, if there is any.
    pub fn set(&mut self, value: T) {
        if let Some(old) = self.get_mut() {
            *old = value;
        } else {
            let room = self.room.take().unwrap_or_else(Box::new_uninit);
            self.value = Some(Box::write(room, value));
        }
    }

    /// The value, to be changed; first set, if there is none.
    pub fn get_or_set(&mut self, value: impl FnOnce() -> T) -> &mut T {
        let room = &mut self.room;
        self.value
            .get_or_insert_with(|| Box::write(room.take().unwrap_or_else(Box::new_uninit), value()))
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
        let room = reserved.room.as_deref().map(MaybeUninit::as_ptr);
        reserved.set(1);
        assert_eq!(reserved.get().map(std::ptr::from_ref), room);
        *reserved.get_or_set(|| 2) += 10;
        assert_eq!(reserved.get(), Some(&11));
        reserved.set(3);
        assert_eq!(reserved.get().map(std::ptr::from_ref), room);
        assert_eq!(reserved.get_mut(), Some(&mut 3));
    }

    #[test]
    fn a_value_without_room_finds_some() {
        let mut reserved = Reserved::default();
        assert_eq!(*reserved.get_or_set(|| 5), 5);
    }
}
