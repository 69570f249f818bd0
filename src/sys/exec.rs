//! Executing a program (execve(2)).

use super::Errno;
use nix::libc;
use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::ptr;

/// The arguments or the environment of a program, as execve(2) takes them: pointers to strings, and a null pointer.
pub struct Strings<'a> {
    pointers: Vec<*const c_char>,
    strings: PhantomData<&'a CStr>,
}

impl<'a> Strings<'a> {
    /// Lays the vector out. The strings are borrowed for as long as it is there.
    #[must_use]
    pub fn new(strings: &mut dyn Iterator<Item = &'a CStr>) -> Strings<'a> {
        let mut pointers = Vec::new();
        for string in strings {
            pointers.push(string.as_ptr());
        }
        pointers.push(ptr::null());
        Strings { pointers, strings: PhantomData }
    }

    /// Puts another string in the place of one that is there. Does not allocate.
    pub fn replace(&mut self, place: usize, string: &'a CStr) {
        if let Some(slot) = self.pointers.get_mut(place)
            && !slot.is_null()
        {
            *slot = string.as_ptr();
        }
    }

    /// Keeps the strings of these places only. Does not allocate.
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut places = 0..;
        self.pointers.retain(|slot| slot.is_null() || places.next().is_some_and(&mut keep));
    }
}

/// Executes a program in this one's place. Only returns if it could not; why.
pub fn execve(path: &CStr, arguments: &Strings, environment: &Strings) -> Errno {
    // SAFETY: both vectors end with a null pointer, and their strings are borrowed.
    unsafe {
        libc::execve(path.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr())
    };
    Errno::last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_always_ends_with_a_null_pointer() {
        let mut strings = Strings::new(&mut [c"a", c"b", c"c"].into_iter());
        strings.retain(|place| place != 1);
        strings.replace(1, c"d");
        strings.replace(2, c"e"); // the end
        let [a, d, end] = strings.pointers[..] else { panic!("{}", strings.pointers.len()) };
        assert_eq!([a, d], [c"a".as_ptr(), c"d".as_ptr()]);
        assert!(end.is_null());
    }
}
