//! Names of the kernel's numbers.

#![forbid(unsafe_code)]

/// Names in the order of their numbers, with blanks between them. A table of references would be larger than the names.
pub struct Names(pub &'static str);

impl Names {
    /// The name at this place, from 0 on.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&'static str> {
        self.0.split(' ').nth(place)
    }

    /// The place of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.0.split(' ').position(|known| known == name)
    }
}
