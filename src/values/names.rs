//! Names of the kernel's numbers.

#![forbid(unsafe_code)]

/// Names in the order of their numbers, with blanks between them. A table of references would be larger than the names.
pub struct Names(pub &'static str);

/// As a set of characters: a character alone is searched by code that could panic, and the loop may not.
const BLANK: [char; 1] = [' '];

impl Names {
    /// The name at this place, from 0 on.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&'static str> {
        self.0.split(BLANK).nth(place)
    }

    /// The place of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.0.split(BLANK).position(|known| known == name)
    }
}
