//! What the child reports before it ends or executes the command.
//!
//! The child adds to a number that sexton reads only after the child has ended: so sexton never waits for a step or an
//! exec that hangs, and handles signals meanwhile. The number is in the memory that they share, or else an eventfd,
//! which an exec closes on the child's side.

#![forbid(unsafe_code)]

use crate::sys::once::Once;
use crate::sys::{Errno, fds};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the child leaves its messages.
#[derive(Default)]
pub struct Letterbox {
    here: AtomicU64,
    /// In place of that, if the child has a copy of the memory.
    across: Once<OwnedFd>,
}

impl Letterbox {
    /// From now on it is for a child with a copy of the memory.
    ///
    /// # Errors
    /// EMFILE, ENFILE, ENOMEM.
    pub fn open(&self) -> Result<(), Errno> {
        let number = fds::shared_number()?;
        self.across.get_or_set(|| number);
        Ok(())
    }

    /// The descriptor that is open for it.
    #[must_use]
    pub fn descriptor(&self) -> Option<&OwnedFd> {
        self.across.get()
    }

    /// Only a seccomp filter can make it fail.
    fn add(&self, number: u64) {
        match self.across.get() {
            Some(across) => fds::add(across, number).unwrap_or_default(),
            None => {
                self.here.fetch_add(number, Ordering::Release);
            }
        }
    }

    /// All messages that were left.
    ///
    /// # Errors
    /// None of the kernel's; what a seccomp filter gives.
    pub(super) fn read(&self) -> Result<Messages, Errno> {
        let number = match self.across.get() {
            Some(across) => fds::take(across)?,
            None => self.here.load(Ordering::Acquire),
        };
        Ok(Messages::from_number(number))
    }
}

/// What the child has reported.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Messages {
    /// A step that failed, without which the command runs as well.
    pub left_out: Option<(usize, Errno)>,
    /// What kept the child from becoming the command; `None` if it became the command.
    pub failure: Option<Failure>,
}

/// One message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Message {
    /// The last one: the child ends.
    Failure(Failure),
    /// The step of this index failed, and the child goes on.
    LeftOut(usize, Errno),
}

/// What kept the child from becoming the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The step of this index failed.
    Step(usize, Errno),
    /// The candidate of this index was found and could not be executed. ENOENT or ENOTDIR says that its interpreter or
    /// its dynamic loader is missing.
    Exec(usize, Errno),
    /// There is no such command.
    NotFound {
        /// A file of that name is in the working directory, where it is not looked for.
        is_here: bool,
    },
}

/// Some bits of the number.
struct Field {
    at: u32,
    width: u32,
}

impl Field {
    // Of a failure:
    const KIND: Field = Field { at: 0, width: 2 };
    const ERRNO: Field = Field { at: 2, width: 12 };
    const INDEX: Field = Field { at: 14, width: 20 };
    // Of a step that was left out, if there is one:
    const IS_LEFT_OUT: Field = Field { at: 34, width: 1 };
    const WHY: Field = Field { at: 35, width: 12 };
    const STEP: Field = Field { at: 47, width: 12 };

    const fn mask(&self) -> u64 {
        (1 << self.width) - 1
    }

    const fn put(&self, value: u64) -> u64 {
        (value & self.mask()) << self.at
    }

    const fn get(&self, number: u64) -> u64 {
        number >> self.at & self.mask()
    }
}

impl Message {
    /// As a number that is not zero. The two kinds of message have no bit in common, so their sum has both.
    fn to_number(self) -> u64 {
        let failure = |kind: u64, index: usize, errno: Errno| {
            Field::KIND.put(kind) | Field::ERRNO.put(errno as u64) | Field::INDEX.put(index as u64)
        };
        match self {
            Message::Failure(Failure::Step(index, errno)) => failure(1, index, errno),
            Message::Failure(Failure::Exec(index, errno)) => failure(2, index, errno),
            Message::Failure(Failure::NotFound { is_here }) => {
                failure(3, is_here.into(), Errno::ENOENT)
            }
            Message::LeftOut(index, errno) => {
                let why = Field::WHY.put(errno as u64);
                Field::IS_LEFT_OUT.put(1) | why | Field::STEP.put(index as u64)
            }
        }
    }

    /// Leaves it for sexton; once for each kind.
    pub(super) fn send(self, letterbox: &Letterbox) {
        letterbox.add(self.to_number());
    }
}

impl Messages {
    fn from_number(number: u64) -> Messages {
        let index = |field: Field| field.get(number) as usize;
        let errno = |field: Field| Errno::from_raw(field.get(number) as i32);
        Messages {
            left_out: (Field::IS_LEFT_OUT.get(number) != 0)
                .then(|| (index(Field::STEP), errno(Field::WHY))),
            failure: match Field::KIND.get(number) {
                0 => None,
                1 => Some(Failure::Step(index(Field::INDEX), errno(Field::ERRNO))),
                2 => Some(Failure::Exec(index(Field::INDEX), errno(Field::ERRNO))),
                _ => Some(Failure::NotFound { is_here: index(Field::INDEX) != 0 }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_has_all_that_the_child_has_reported() {
        let steps = [Failure::Step(0, Errno::EPERM), Failure::Step(300, Errno::EHWPOISON)];
        let exec = Failure::Exec(131_072, Errno::ENOENT);
        let not_found = [false, true].map(|is_here| Failure::NotFound { is_here });
        let failures = steps.into_iter().chain([exec]).chain(not_found).map(Some).chain([None]);
        for failure in failures {
            for left_out in [None, Some((0, Errno::ENOTTY)), Some((4, Errno::EHWPOISON))] {
                let sent = [
                    failure.map(Message::Failure),
                    left_out.map(|(index, errno)| Message::LeftOut(index, errno)),
                ];
                for is_shared in [true, false] {
                    let letterbox = Letterbox::default();
                    if !is_shared {
                        letterbox.open().unwrap();
                    }
                    sent.into_iter().flatten().for_each(|message| message.send(&letterbox));
                    assert_eq!(letterbox.read(), Ok(Messages { left_out, failure }));
                }
            }
        }
    }
}
