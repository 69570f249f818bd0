//! A child that shares this process's memory until it has executed a program or ended, on a stack of its own (clone(2)
//! with CLONE_VM). Nobody waits for it, unlike vfork(2). docs/decisions/fork.md says what makes that right.

use nix::libc;
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

/// What a child does in place of its parent's program: system calls, and then it executes a program or ends.
pub trait Task {
    /// Executes a program, or ends the child.
    fn run(&mut self) -> !;
}

const SIZE: usize = 16 << 10;
const WORDS: usize = SIZE / size_of::<usize>();

/// What musl has of a thread, its `errno` above all, is within so many words on either side of where the thread pointer
/// points to.
const BESIDE: usize = 64;

/// The child's stack, above it the child's task, and at the upper end what the C library takes for its thread.
#[repr(align(16))]
struct Area(UnsafeCell<[usize; WORDS]>);

// SAFETY: only the child uses it, once it is there.
unsafe impl Sync for Area {}

#[unsafe(link_section = ".sbss.child")] // release.ld
static AREA: Area = Area(UnsafeCell::new([0; WORDS]));

/// Not zero as long as the child uses the memory: the kernel clears it.
static IS_THERE: AtomicI32 = AtomicI32::new(0);

unsafe extern "C" {
    /// The C library's own way to clone(2). musl's `clone` refuses these flags, because it cannot know that the child
    /// has a thread area.
    fn __clone(
        start: extern "C" fn(*mut c_void) -> c_int,
        stack: *mut c_void,
        flags: c_int,
        task: *mut c_void,
        parent_id: *mut c_int,
        thread: *mut c_void,
        child_id: *mut c_int,
    ) -> c_int;
}

/// Whether [`spawn`] may be used: with the C library and on the machines whose thread area is known, and not before
/// Linux 5.16, where a signal that dumps the core of one process ends all that share the memory.
#[must_use]
pub fn is_safe() -> bool {
    let is_known = cfg!(target_env = "musl")
        && (cfg!(target_arch = "x86_64") || cfg!(target_arch = "aarch64"));
    is_known && kernel_version() >= (5, 16)
}

/// The kernel's version; zero if it is not known.
fn kernel_version() -> (u32, u32) {
    let Ok(name) = nix::sys::utsname::uname() else { return (0, 0) };
    let mut numbers = name.release().as_encoded_bytes().split(|byte| !byte.is_ascii_digit());
    let mut next = || {
        let digits = numbers.next().unwrap_or_default().iter().take(4);
        digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    };
    (next(), next())
}

extern "C" fn start<T: Task>(task: *mut c_void) -> c_int {
    // SAFETY: the task that was given to `spawn`, which nobody else has.
    let task = unsafe { &mut *task.cast::<T>() };
    task.run()
}

/// Makes the child, which has the task from then on; its process ID. This process goes on at once. It must leave all
/// that the task borrows as it is for ever, and make no second child like this.
///
/// # Errors
/// The task, if there is no child: a limit on processes or memory, a seccomp filter, an emulator that cannot do this.
pub fn spawn<T: Task>(task: T) -> Result<i32, T> {
    let flags = libc::CLONE_VM | libc::CLONE_SETTLS | libc::CLONE_CHILD_CLEARTID | libc::SIGCHLD;
    let thread = AREA.0.get().cast::<usize>().wrapping_add(WORDS - BESIDE);
    // SAFETY: within the area, which no child uses yet. On x86_64 the C library finds its thread by this word.
    unsafe { thread.write(thread.addr()) };
    // The task lies below the thread area, and the stack begins below the task, at an address that all machines accept.
    let place = thread.wrapping_sub(BESIDE).cast::<T>().wrapping_sub(1).map_addr(|at| at & !15);
    const { assert!(align_of::<T>() <= 16 && size_of::<T>() <= SIZE / 16) };
    // SAFETY: within the area, and aligned.
    unsafe { place.write(task) };
    IS_THERE.store(1, Ordering::Relaxed);
    // SAFETY: the child has a stack and a thread area of its own, and no signal handlers. It makes system calls, writes
    // to nothing but its task, and does not return.
    let pid = unsafe {
        __clone(
            start::<T>,
            place.cast(),
            flags,
            place.cast(),
            ptr::null_mut(),
            thread.cast(),
            IS_THERE.as_ptr(),
        )
    };
    if pid < 0 {
        // SAFETY: it was written above, and there is no child that has it.
        return Err(unsafe { place.read() });
    }
    Ok(pid)
}

/// Whether the child, if one was made, does not use this memory any more.
#[must_use]
pub fn has_left() -> bool {
    IS_THERE.load(Ordering::Acquire) == 0
}

/// Gives the child's stack back, if the child has left it.
pub fn release() {
    if !has_left() {
        return;
    }
    // SAFETY: takes an integer.
    let within = (unsafe { libc::getauxval(libc::AT_PAGESZ) } as usize).wrapping_sub(1);
    let area = AREA.0.get().cast::<u8>();
    let first = area.map_addr(|address| address.wrapping_add(within) & !within);
    let size = area.addr().wrapping_add(SIZE).saturating_sub(first.addr()) & !within;
    // SAFETY: no child uses the area any more, and these are its whole pages.
    unsafe { libc::madvise(first.cast(), size, libc::MADV_DONTNEED) };
}
