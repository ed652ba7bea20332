//! Memory for packed weights: aligned to cache lines, and in large pages where the system has them (a decoding step
//! reads all of it, and small pages cost address look-ups).

use memmap2::MmapMut;

/// One cache line, and one vector of AVX-512.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u32; 16]);

/// Bytes from which a map of its own is worth it.
const LARGE: usize = 4 << 20;

/// Zeroed words, aligned to 64 bytes.
pub(crate) struct Words {
    place: Place,
    length: usize,
}

enum Place {
    Lines(Vec<Line>),
    Mapped(MmapMut),
}

impl Words {
    /// So many zeros.
    pub fn zeroed(length: usize) -> Words {
        if length * 4 >= LARGE
            && let Ok(map) = MmapMut::map_anon(length * 4)
        {
            // A wish: without large pages everything works, more slowly.
            #[cfg(target_os = "linux")]
            let _ = map.advise(memmap2::Advice::HugePage);
            return Words { place: Place::Mapped(map), length };
        }
        Words { place: Place::Lines(vec![Line([0; 16]); length.div_ceil(16)]), length }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    fn start(&self) -> *const u32 {
        match &self.place {
            Place::Lines(lines) => lines.as_ptr().cast(),
            Place::Mapped(map) => map.as_ptr().cast(),
        }
    }
}

impl std::ops::Deref for Words {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        // SAFETY: both places hold at least `length` initialised words (zeros from the start) at an aligned address.
        unsafe { std::slice::from_raw_parts(self.start(), self.length) }
    }
}

impl std::ops::DerefMut for Words {
    fn deref_mut(&mut self) -> &mut [u32] {
        let start = match &mut self.place {
            Place::Lines(lines) => lines.as_mut_ptr().cast(),
            Place::Mapped(map) => map.as_mut_ptr().cast(),
        };
        // SAFETY: as above, and borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(start, self.length) }
    }
}
