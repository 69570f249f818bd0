//! The heap. sexton allocates on the way to the command and for the last report, never between: so memory is handed
//! out in order and only large blocks come back, which takes no system call and touches few pages. A C library's heap
//! makes four calls before the first byte.

use nix::libc;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is there from the start: the usual run needs no more.
const FIRST: usize = 64 << 10;

/// Blocks with at least this alignment come from the other end: they are for what is seldom used, and the pages that
/// are in use have none of it.
const APART: usize = 64;

/// What is asked of the kernel at a time, once that is used up. What is larger than this, such as a user
/// database, has a mapping of its own.
const CHUNK: usize = 256 << 10;

/// Memory that is handed out in order. In this order itself: what changes lies beside the first blocks.
#[repr(C)]
pub struct Heap {
    state: UnsafeCell<State>,
    /// sexton has one thread, so it is always free.
    busy: AtomicBool,
    first: UnsafeCell<[u8; FIRST]>,
}

struct State {
    /// What is free: null before the first use.
    next: *mut u8,
    /// How many bytes.
    left: usize,
}

// SAFETY: what is in the cells is used by one thread at a time, the one that has set `busy`.
unsafe impl Sync for Heap {}

impl Heap {
    /// One that has handed out nothing.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is for a static")]
    pub const fn new() -> Heap {
        Heap {
            state: UnsafeCell::new(State { next: ptr::null_mut(), left: 0 }),
            busy: AtomicBool::new(false),
            first: UnsafeCell::new([0; FIRST]),
        }
    }

    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        while self.busy.swap(true, Ordering::Acquire) {
            std::hint::spin_loop();
        }
        // SAFETY: only the thread that has set `busy` comes here, and no action calls this again.
        let state = unsafe { &mut *self.state.get() };
        if state.next.is_null() {
            *state = State { next: self.first.get().cast(), left: FIRST };
        }
        let result = action(state);
        self.busy.store(false, Ordering::Release);
        result
    }
}

impl State {
    fn take(&mut self, layout: Layout) -> *mut u8 {
        if layout.align() >= APART {
            return self.take_from_the_end(layout);
        }
        let padding = self.next.addr().wrapping_neg() & layout.align().wrapping_sub(1); // a power of two
        match padding.checked_add(layout.size()) {
            Some(size) if size <= self.left => {
                let block = self.next.wrapping_add(padding);
                self.next = self.next.wrapping_add(size);
                self.left -= size;
                block
            }
            _ => {
                let chunk = map(CHUNK);
                if chunk.is_null() {
                    return chunk;
                }
                *self = State { next: chunk, left: CHUNK };
                self.take(layout) // it fits: others have a mapping of their own
            }
        }
    }

    fn take_from_the_end(&mut self, layout: Layout) -> *mut u8 {
        let end = self.next.wrapping_add(self.left);
        let padding = end.wrapping_sub(layout.size()).addr() & layout.align().wrapping_sub(1); // a power of two
        match padding.checked_add(layout.size()) {
            Some(size) if size <= self.left => {
                self.left -= size;
                end.wrapping_sub(size)
            }
            _ => map(layout.size()),
        }
    }

    /// Whether a block is the last one that was handed out, and so may grow and shrink.
    fn is_last(&self, block: *mut u8, size: usize) -> bool {
        block.wrapping_add(size) == self.next
    }
}

/// Whether what has this layout has a mapping of its own.
fn is_large(layout: Layout) -> bool {
    layout.size() > CHUNK / 2 || layout.align() > 4096
}

fn map(size: usize) -> *mut u8 {
    let (access, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, wherever the kernel has room.
    let block = unsafe { libc::mmap(ptr::null_mut(), size, access, flags, -1, 0) };
    if block == libc::MAP_FAILED { ptr::null_mut() } else { block.cast() }
}

// SAFETY: blocks lie within memory that is the heap's alone, do not overlap, and have the size and alignment
// that is asked for; a null pointer says that there is no memory.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match is_large(layout) {
            true if layout.align() > 4096 => ptr::null_mut(), // nothing here asks for that
            true => map(layout.size()),
            false => self.with(|state| state.take(layout)),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_large(layout) {
            // SAFETY: the mapping of this block, which nobody uses any more.
            unsafe { libc::munmap(block.cast(), layout.size()) };
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let align = layout.align();
        // SAFETY: the caller's size is valid for this alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, align) };
        if !is_large(layout) && !is_large(wanted) {
            let grown = self.with(|state| {
                let more = size.saturating_sub(layout.size());
                let fits = state.is_last(block, layout.size()) && more <= state.left;
                if fits {
                    state.next = block.wrapping_add(size);
                    state.left = state.left + layout.size() - size;
                }
                fits
            });
            if grown {
                return block;
            }
        }
        // SAFETY: a layout that is not empty, because the caller's is not.
        let new = unsafe { self.alloc(wanted) };
        if !new.is_null() {
            // SAFETY: both blocks have that many bytes, and one of them was handed out just now.
            unsafe { ptr::copy_nonoverlapping(block, new, layout.size().min(size)) };
            // SAFETY: the caller's block and layout.
            unsafe { self.dealloc(block, layout) };
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block that gives itself back.
    struct Block<'a>(&'a Heap, *mut u8, Layout);

    impl Block<'_> {
        fn new(heap: &Heap, size: usize, align: usize) -> Block<'_> {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the layout is not empty.
            let block = unsafe { heap.alloc(layout) };
            assert!(!block.is_null() && block.addr().is_multiple_of(align));
            Block(heap, block, layout)
        }

        fn resize(&mut self, size: usize) {
            // SAFETY: the block is this heap's, with this layout.
            self.1 = unsafe { self.0.realloc(self.1, self.2, size) };
            assert!(!self.1.is_null());
            self.2 = Layout::from_size_align(size, self.2.align()).unwrap();
        }

        fn bytes(&mut self) -> &mut [u8] {
            // SAFETY: the block has that many bytes, and they are only used through this.
            unsafe { std::slice::from_raw_parts_mut(self.1, self.2.size()) }
        }
    }

    impl Drop for Block<'_> {
        fn drop(&mut self) {
            // SAFETY: the block is this heap's, with this layout.
            unsafe { self.0.dealloc(self.1, self.2) };
        }
    }

    #[test]
    fn blocks_are_aligned_and_do_not_overlap() {
        let heap = Heap::new();
        let mut blocks = Vec::new();
        for (index, size) in
            [1, 7, 8, 100, 3000, FIRST, CHUNK / 2, CHUNK, 5 * CHUNK].into_iter().enumerate()
        {
            for align in [1, 2, 8, 64, 4096] {
                let mut block = Block::new(&heap, size, align);
                block.bytes().fill(index as u8);
                blocks.push((index as u8, block));
            }
        }
        for (mark, block) in &mut blocks {
            let marks = vec![*mark; block.2.size()];
            assert!(block.bytes() == marks);
        }
    }

    #[test]
    fn a_block_keeps_its_bytes_as_it_grows_and_shrinks() {
        let heap = Heap::new();
        let mut others = Vec::new();
        let mut block = Block::new(&heap, 3, 1);
        block.bytes().copy_from_slice(b"abc");
        for size in [4, 100, 50, FIRST, CHUNK, 3 * CHUNK, CHUNK, 10, 3] {
            block.resize(size);
            assert_eq!(&block.bytes()[..3], b"abc", "{size}");
            others.push(Block::new(&heap, 16, 16));
            block.resize(size + 5);
            assert_eq!(&block.bytes()[..3], b"abc", "{size}");
        }
    }

    #[test]
    fn the_last_block_grows_in_place() {
        let heap = Heap::new();
        let mut block = Block::new(&heap, 16, 16);
        let place = block.1;
        block.resize(1000);
        assert_eq!(block.1, place);
        block.resize(20);
        assert_eq!(Block::new(&heap, 8, 1).1, place.wrapping_add(20));
    }

    #[test]
    fn what_is_aligned_like_a_cache_line_comes_from_the_other_end() {
        let heap = Heap::new();
        let [first, apart, second] =
            [(100, 1), (3000, APART), (100, 1)].map(|(size, align)| Block::new(&heap, size, align));
        assert_eq!(second.1, first.1.wrapping_add(100));
        assert!(apart.1.addr() - first.1.addr() > FIRST - 4096);
        // Where no room is left there, it has a mapping of its own, and the others go on.
        let large = Block::new(&heap, FIRST - 4096, 1);
        assert_eq!(large.1, second.1.wrapping_add(100));
        let mut another = Block::new(&heap, 3000, APART);
        another.bytes().fill(1);
        assert_eq!(Block::new(&heap, 1, 1).1, large.1.wrapping_add(FIRST - 4096));
    }
}
