//! An allocator that puts large arrays on huge pages.
//!
//! A processor remembers where a few thousand pages lie. With pages of 4 KiB that is a few megabytes, less than one array of
//! a convolution's outputs, and every pass over such arrays waits for page tables as much as for numbers. Linux gives pages
//! of 2 MiB to those who ask (`madvise` in `/sys/kernel/mm/transparent_hugepage/enabled`, the usual setting) for memory
//! that is aligned to them. They also are faulted in 512 times less often.

use std::alloc::{GlobalAlloc, Layout, System};

/// The size of a huge page on the machines that we know.
const HUGE: usize = 2 << 20;

/// The system's allocator, with blocks of 2 MiB and more aligned to huge pages and backed by them where Linux has some left.
///
/// What it costs: such a block is copied whenever it grows, and zeros that are asked for are written, so all of it is memory in
/// use. It is for programs whose large arrays live long and are written whole. A program opts in:
///
/// ```standalone_crate
/// #[global_allocator]
/// static ALLOCATOR: autograd::kernels::huge_pages::HugePages = autograd::kernels::huge_pages::HugePages;
/// # fn main() {
/// let large = vec![1.0f32; 1 << 20];
/// assert!(!cfg!(target_os = "linux") || large.as_ptr() as usize % (2 << 20) == 0);
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct HugePages;

/// Whether a block of `size` bytes goes on huge pages.
fn is_large(size: usize) -> bool {
    cfg!(target_os = "linux") && size >= HUGE
}

/// The layout that is really asked for: the alignment of a huge page for what fills one.
fn aligned(layout: Layout) -> Layout {
    if is_large(layout.size()) { layout.align_to(HUGE).unwrap_or(layout) } else { layout }
}

/// Asks for huge pages; that they are refused is no error.
fn advise(block: *mut u8, size: usize) {
    #[cfg(target_os = "linux")]
    if is_large(size) && !block.is_null() {
        // SAFETY: the pages are mapped, since they hold a block of our own; the advice changes how they are backed, not what they
        // hold, the end of the last one included, which may be another's.
        unsafe { libc::madvise(block.cast(), size, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (block, size);
}

// SAFETY: everything is passed on to the system's allocator, with a layout that is a function of the caller's: the same
// when a block is freed as when it was allocated. Its alignment is at least the caller's, its size the same.
unsafe impl GlobalAlloc for HugePages {
    // SAFETY: the caller's promise, a layout whose size is not 0, is all that is needed.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout is not of size 0, nor is ours.
        let block = unsafe { System.alloc(aligned(layout)) };
        advise(block, layout.size());
        block
    }

    // SAFETY: as for `alloc`.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !is_large(layout.size()) {
            // SAFETY: as above.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // Not the system's way, which would write the zeros, and so fault all pages, before the advice.
        // SAFETY: as above; the block has `size` bytes.
        unsafe {
            let block = self.alloc(layout);
            if !block.is_null() {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    // SAFETY: the caller's promise, a block of this allocator and its layout, is all that is needed.
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block was allocated with this layout by `alloc`, `alloc_zeroed` or `realloc`.
        unsafe { System.dealloc(block, aligned(layout)) }
    }

    // SAFETY: the caller's promise, as for `dealloc` and of a new size that is not 0, is all that is needed.
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size fits the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        if !is_large(layout.size()) && !is_large(size) {
            // SAFETY: neither block has another layout than the system was, or is, asked for.
            return unsafe { System.realloc(block, layout, size) };
        }
        // SAFETY: as in `alloc` and `dealloc`; both blocks hold the bytes that are copied, and they do not overlap.
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                block.copy_to_nonoverlapping(moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks below, at and above the size of a huge page: aligned, zeroed where asked for, and kept when they grow or
    /// shrink across it.
    #[test]
    fn blocks_keep_their_numbers() {
        let sizes = [1, 100, HUGE - 1, HUGE, HUGE + 1, 5 * HUGE + 7];
        let is_aligned = |p: *mut u8, size: usize| {
            !cfg!(target_os = "linux") || size < HUGE || (p as usize).is_multiple_of(HUGE)
        };
        for from in sizes {
            for to in sizes {
                let layout = Layout::from_size_align(from, 8).unwrap();
                // SAFETY: no size is 0; every block is read and written inside its size and freed with its layout.
                unsafe {
                    let block = HugePages.alloc_zeroed(layout);
                    assert!(!block.is_null() && is_aligned(block, from));
                    assert!(std::slice::from_raw_parts(block, from).iter().all(|&x| x == 0));
                    (0..from).for_each(|i| block.add(i).write((i % 251) as u8));
                    let block = HugePages.realloc(block, layout, to);
                    assert!(!block.is_null() && is_aligned(block, to));
                    let kept = std::slice::from_raw_parts(block, from.min(to));
                    assert!(kept.iter().enumerate().all(|(i, &x)| x == (i % 251) as u8));
                    HugePages.dealloc(block, Layout::from_size_align(to, 8).unwrap());
                }
            }
        }
    }

    /// Larger alignments than a huge page's are kept, and what no machine has is refused with a null pointer.
    #[test]
    fn unusual_layouts_are_kept_or_refused() {
        for align in [64, 2 * HUGE] {
            let layout = Layout::from_size_align(3 * HUGE, align).unwrap();
            // SAFETY: no size is 0; every block is freed with its layout.
            unsafe {
                let block = HugePages.alloc(layout);
                assert!(!block.is_null() && (block as usize).is_multiple_of(align));
                let block = HugePages.realloc(block, layout, 5 * HUGE);
                assert!(!block.is_null() && (block as usize).is_multiple_of(align));
                HugePages.dealloc(block, Layout::from_size_align(5 * HUGE, align).unwrap());
            }
        }
        let endless = Layout::from_size_align(isize::MAX as usize - 7, 8).unwrap();
        // SAFETY: the size is not 0.
        assert!(unsafe { HugePages.alloc(endless).is_null() && HugePages.alloc_zeroed(endless).is_null() });
    }
}
