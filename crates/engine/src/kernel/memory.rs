//! Memory for packed weights: aligned to cache lines, and in large pages where the system has them (a decoding step reads
//! all of it, and small pages cost address look-ups).
//!
//! A matrix rarely fills whole large pages. So matrices share *chunks* that begin at one; what is behind the last matrix
//! of a chunk is never touched and takes no memory. A chunk is given back with the last matrix in it. (What the allocator
//! holds beside all this is given back when a model is about to be read: [`give_back`].)

use std::sync::{Arc, Mutex, PoisonError, Weak};

use memmap2::MmapMut;

/// One cache line, and one vector of AVX-512.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u32; 16]);

/// Bytes from which a place in a chunk is worth it.
const LARGE: usize = 256 << 10;
/// Bytes of a chunk, where no single matrix needs more.
const CHUNK: usize = 64 << 20;
/// Bytes of a large page of x86-64, and of aarch64 with pages of 4 KiB.
const PAGE: usize = 2 << 20;

/// Zeroed words, aligned to 64 bytes.
pub(crate) struct Words {
    place: Place,
    length: usize,
}

enum Place {
    Lines(Vec<Line>),
    /// From this address on, within the chunk, which nobody else uses there.
    Chunk(*mut u32, #[expect(dead_code, reason = "kept for as long as the address is used")] Arc<MmapMut>),
}

// SAFETY: a place in a chunk belongs to one `Words` alone, as a `Vec`'s memory does.
unsafe impl Send for Words {}
// SAFETY: as above; through a shared reference it is only read.
unsafe impl Sync for Words {}

/// The chunk that is being filled, and where its free part lies.
struct Filling {
    chunk: Weak<MmapMut>,
    next: usize,
    end: usize,
}

static FILLING: Mutex<Filling> = Mutex::new(Filling { chunk: Weak::new(), next: 0, end: 0 });

impl Words {
    /// So many zeros.
    pub fn zeroed(length: usize) -> Words {
        let lines = length.div_ceil(16);
        if length * 4 >= LARGE
            && let Some((address, chunk)) = place(lines * 64)
        {
            return Words { place: Place::Chunk(address, chunk), length };
        }
        Words { place: Place::Lines(vec![Line([0; 16]); lines]), length }
    }

    pub fn len(&self) -> usize {
        self.length
    }
}

/// Zeroed bytes, whole lines, in the chunk that is being filled or a new one; `None` where the system gives none.
fn place(bytes: usize) -> Option<(*mut u32, Arc<MmapMut>)> {
    let mut filling = FILLING.lock().unwrap_or_else(PoisonError::into_inner);
    let room = filling.end - filling.next;
    let chunk = match filling.chunk.upgrade().filter(|_| bytes <= room) {
        Some(chunk) => chunk,
        None => {
            let size = bytes.max(CHUNK);
            let mut map = MmapMut::map_anon(size + PAGE).ok()?;
            // A wish: without large pages everything works, more slowly.
            #[cfg(target_os = "linux")]
            let _ = map.advise(memmap2::Advice::HugePage);
            let start = (map.as_mut_ptr() as usize).next_multiple_of(PAGE);
            let chunk = Arc::new(map);
            *filling = Filling { chunk: Arc::downgrade(&chunk), next: start, end: start + size };
            chunk
        }
    };
    let address = filling.next;
    filling.next += bytes;
    Some((address as *mut u32, chunk))
}

/// Asks the allocator to give back to the system what is free in the midst of what it holds: glibc keeps it otherwise, and
/// after a large vocabulary was read that is a tenth of a small model.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            fn malloc_trim(pad: usize) -> i32;
        }
        // SAFETY: as glibc declares it; it touches free memory only, and locks what it must.
        unsafe { malloc_trim(0) };
    }
}

impl std::ops::Deref for Words {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        let start = match &self.place {
            Place::Lines(lines) => lines.as_ptr().cast(),
            Place::Chunk(address, _) => (*address).cast_const(),
        };
        // SAFETY: both places hold at least `length` initialised words (zeros from the start) at an aligned address.
        unsafe { std::slice::from_raw_parts(start, self.length) }
    }
}

impl std::ops::DerefMut for Words {
    fn deref_mut(&mut self) -> &mut [u32] {
        let start = match &mut self.place {
            Place::Lines(lines) => lines.as_mut_ptr().cast(),
            Place::Chunk(address, _) => *address,
        };
        // SAFETY: as above, and borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(start, self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_zeroed_aligned_and_their_own() {
        let lengths = [1, 15, 1000, LARGE / 4, LARGE / 4 + 1, 3 * LARGE / 4 + 7, CHUNK / 8, CHUNK / 4 + 5, CHUNK / 8];
        let mut held: Vec<Words> = Vec::new();
        for round in 0..3u32 {
            for (number, length) in lengths.into_iter().enumerate() {
                let mut words = Words::zeroed(length);
                assert!(words.len() == length && (words.as_ptr() as usize).is_multiple_of(64));
                assert!(words.iter().all(|word| *word == 0), "a place was used before");
                words.fill(round * 100 + number as u32 + 1);
                held.push(words);
            }
            // Some are given back, of which no other may notice.
            held = held
                .into_iter()
                .enumerate()
                .filter(|(at, _)| at % 3 != round as usize)
                .map(|(_, words)| words)
                .collect();
            assert!(held.iter().all(|words| words.iter().all(|word| *word == words[0] && *word > 0)));
        }
    }
}
