//! Products of bf16 pairs on the tile registers of AMX (Sapphire Rapids): sixteen rows by sixteen outputs by 32 inner
//! indices in one instruction, some eight times what `vdpbf16ps` does.
//!
//! A panel of weights (`panels`) is a stack of such tiles as it lies; rows of pairs are the other operand. Stable
//! Rust has no intrinsics for AMX, so the instructions are written in assembly, one piece a block of results.
//!
//! *Numbers.* Within 32 inner indices the first of all pairs and the second of all pairs are summed apart, then both sums
//! are added to the result (Intel's manual, TDPBF16PS): other bits than `vdpbf16ps` gives, but the same for a row whatever
//! stands beside it, since stretches of 32 begin at the same places for every number of rows.

use std::arch::asm;
use std::cell::RefCell;

use super::tile::Strip;

/// Rows, outputs and words of the inner index of a tile.
const TILE: usize = 16;
/// Bytes between rows of a tile that lies by itself.
const LINE: usize = 64;
/// Panels that few rows pass at once: as many sums as hide the latency of one.
const FEW_PANELS: usize = 4;

/// Asks the system for the tile registers; `false` where machine or system have none.
pub(super) fn enabled() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    if __cpuid(0).eax < 7 {
        return false;
    }
    // Leaf 7, EDX: bit 22 has products of bf16, bit 24 the tiles. Leaf 1, ECX: bit 27 lets programs ask what is saved.
    let tiles = 1 << 22 | 1 << 24;
    if __cpuid_count(7, 0).edx & tiles != tiles || __cpuid(1).ecx & 1 << 27 == 0 {
        return false;
    }
    // SAFETY: bit 27 above says that the instruction is there.
    let saved = unsafe { saved_by_the_system() };
    saved & TILE_STATE == TILE_STATE && permitted()
}

/// Configuration and data of tiles, among what the system saves.
const TILE_STATE: u64 = 1 << 17 | 1 << 18;

#[target_feature(enable = "xsave")]
fn saved_by_the_system() -> u64 {
    // SAFETY: register 0 is there wherever the instruction is.
    unsafe { std::arch::x86_64::_xgetbv(0) }
}

/// Linux gives tile data to a process that asks (8 KiB more to save a thread).
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const REQUEST: i64 = 0x1023; // ARCH_REQ_XCOMP_PERM
    const TILE_DATA: i64 = 18;
    unsafe extern "C" {
        fn syscall(number: i64, ...) -> i64;
    }
    // SAFETY: as the C library declares it; the request touches no memory of the process.
    unsafe { syscall(ARCH_PRCTL, REQUEST, TILE_DATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// What `ldtilecfg` reads.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Shapes {
    /// Whole tiles, but those named have fewer rows.
    fn with(fewer: &[(usize, usize)]) -> Shapes {
        let mut shapes = Shapes { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        shapes.row_bytes[..8].fill(LINE as u16);
        shapes.rows[..8].fill(TILE as u8);
        for (tile, rows) in fewer {
            shapes.rows[*tile] = *rows as u8;
        }
        shapes
    }

    /// # Safety
    /// The machine has AMX and the process was given it.
    unsafe fn load(&self) {
        // SAFETY: the caller's promise; 64 bytes are read.
        unsafe { asm!("ldtilecfg [{}]", in(reg) self, options(nostack, readonly, preserves_flags)) };
    }
}

/// out (+)= activations·weights for `rows` rows and `panels` panels of pairs.
///
/// # Safety
/// As [`multiply`](super::tile::multiply), on a machine where [`enabled`] said yes; steps of a panel are sixteen words apart,
/// activations one word or rows one word.
pub(super) unsafe fn sweep(strip: &Strip, rows: usize, panels: usize) {
    assert!(strip.panel_step == TILE && (strip.activation_step == 1 || strip.activation_row == 1));
    if strip.activation_step == 1 {
        // SAFETY: the caller's promise.
        return unsafe { sweep_along(strip, rows, panels) };
    }
    TURNED.with_borrow_mut(|turned| {
        let row = strip.steps.next_multiple_of(TILE) + TILE;
        turned.resize((rows * row).max(turned.len()), 0);
        // SAFETY: the caller's promise, and the room made just above.
        unsafe {
            super::avx512::turn(strip.activations, strip.activation_step, strip.steps, rows, turned.as_mut_ptr(), row);
            let strip = Strip { activations: turned.as_ptr(), activation_step: 1, activation_row: row, ..*strip };
            sweep_along(&strip, rows, panels);
        }
    });
}

thread_local! {
    /// Activations that lay across, row by row.
    static TURNED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// The same for activations one word apart.
unsafe fn sweep_along(strip: &Strip, rows: usize, panels: usize) {
    let whole = rows / (2 * TILE) * 2 * TILE;
    // SAFETY: the parts of the strip are within it; the tiles are released when all is done.
    unsafe {
        if whole > 0 {
            Shapes::with(&[]).load();
            // Panels outside, rows inside: two panels stay in the caches while the rows pass.
            for panel in (0..panels).step_by(2) {
                for row in (0..whole).step_by(2 * TILE) {
                    many_rows(strip, row, 2 * TILE, panel, panels);
                }
            }
        }
        match rows - whole {
            0 => {}
            left if left > TILE => {
                let second = left - TILE;
                Shapes::with(&[(2, second), (3, second), (5, second)]).load();
                for panel in (0..panels).step_by(2) {
                    many_rows(strip, whole, left, panel, panels);
                }
            }
            left => {
                Shapes::with(&[(0, left), (1, left), (2, left), (3, left), (4, left)]).load();
                for panel in (0..panels).step_by(FEW_PANELS) {
                    few_rows(strip, whole, left, panel, panels);
                }
            }
        }
        asm!("tilerelease", options(nomem, nostack, preserves_flags));
    }
}

/// The rest of the inner index that fills no tile, with zeros behind it.
#[repr(C, align(64))]
struct Rest {
    activations: [[u32; TILE]; 2 * TILE],
    weights: [[[u32; TILE]; TILE]; FEW_PANELS],
}

impl Rest {
    /// # Safety
    /// As [`sweep`], for the rows and panels that are named.
    #[inline(never)]
    unsafe fn of(strip: &Strip, row: usize, rows: usize, panel: usize, panels: usize) -> Rest {
        let mut rest = Rest { activations: [[0; TILE]; 2 * TILE], weights: [[[0; TILE]; TILE]; FEW_PANELS] };
        let (start, count) = (strip.steps / TILE * TILE, strip.steps % TILE);
        for (at, words) in rest.activations.iter_mut().take(rows).enumerate() {
            // SAFETY: the caller's promise; `count` words of a row are left.
            unsafe {
                let from = strip.activations.add((row + at) * strip.activation_row + start);
                std::ptr::copy_nonoverlapping(from, words.as_mut_ptr(), count);
            }
        }
        for (at, words) in rest.weights.iter_mut().take(panels).enumerate() {
            // SAFETY: the caller's promise; `count` steps of a panel are left.
            unsafe {
                let from = strip.weights.add((panel + at) * strip.panel + start * TILE);
                std::ptr::copy_nonoverlapping(from, words.as_mut_ptr().cast(), count * TILE);
            }
        }
        rest
    }
}

/// One block of results: sums are zeroed or read, `times` steps of a tile added, and written.
macro_rules! block {
    (
        zero: [$($zero:literal),*], read: [$($read:literal),*], step: [$($step:literal),*], write: [$($write:literal),*],
        next: [$($next:literal),*],
        $times:expr, $keep:expr, $line:expr, { $($operands:tt)* }
    ) => {
        asm!(
            "test {keep}, {keep}",
            "jnz 2f",
            $($zero,)*
            "jmp 3f",
            "2:",
            $($read,)*
            "3:",
            $($step,)*
            $($next,)*
            "dec {times}",
            "jnz 3b",
            $($write,)*
            times = inout(reg) $times => _,
            keep = in(reg) usize::from($keep),
            line = in(reg) $line,
            $($operands)*
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        )
    };
}

/// 17 to 32 rows by one or two panels.
///
/// # Safety
/// As [`sweep`]; tiles 2, 3 and 5 have `rows` - 16 rows, the others 16.
#[inline(always)]
unsafe fn many_rows(strip: &Strip, row: usize, rows: usize, panel: usize, panels: usize) {
    let (times, here) = (strip.steps / TILE, (panels - panel).min(2));
    // SAFETY: the caller's promise.
    unsafe {
        let second = strip.activation_row * TILE;
        let out = strip.out.add(row * strip.out_row + panel * TILE);
        let block = Many { out, second_out: out.add(strip.out_row * TILE), out_row: strip.out_row * 4 };
        if times > 0 {
            let activations = strip.activations.add(row * strip.activation_row);
            let weights = strip.weights.add(panel * strip.panel);
            let sides = [activations, activations.add(second), weights, weights.wrapping_add(strip.panel)];
            block.run(sides, strip.activation_row * 4, times, strip.keep, here);
        }
        if !strip.steps.is_multiple_of(TILE) {
            let rest = Rest::of(strip, row, rows, panel, here);
            let sides = [
                rest.activations[0].as_ptr(),
                rest.activations[TILE].as_ptr(),
                rest.weights[0][0].as_ptr(),
                rest.weights[1][0].as_ptr(),
            ];
            block.run(sides, LINE, 1, strip.keep || times > 0, here);
        }
    }
}

/// Where the results of many rows go; distances in bytes.
struct Many {
    out: *mut f32,
    second_out: *mut f32,
    out_row: usize,
}

impl Many {
    /// # Safety
    /// As [`many_rows`], for the operands that are named; `times` > 0.
    #[inline(always)]
    unsafe fn run(
        &self,
        [one, two, first, second]: [*const u32; 4],
        activation_row: usize,
        times: usize,
        keep: bool,
        panels: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            if panels == 2 {
                block!(
                    zero: ["tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3"],
                    read: [
                        "tileloadd tmm0, [{out} + {out_row}]", "tileloadd tmm1, [{out} + {out_row} + 64]",
                        "tileloadd tmm2, [{below} + {out_row}]", "tileloadd tmm3, [{below} + {out_row} + 64]"
                    ],
                    step: [
                        "tileloadd tmm4, [{one} + {row}]", "tileloadd tmm6, [{first} + {line}]",
                        "tdpbf16ps tmm0, tmm4, tmm6",
                        "tileloadd tmm7, [{second} + {line}]", "tdpbf16ps tmm1, tmm4, tmm7",
                        "tileloadd tmm5, [{two} + {row}]", "tdpbf16ps tmm2, tmm5, tmm6", "tdpbf16ps tmm3, tmm5, tmm7"
                    ],
                    write: [
                        "tilestored [{out} + {out_row}], tmm0", "tilestored [{out} + {out_row} + 64], tmm1",
                        "tilestored [{below} + {out_row}], tmm2", "tilestored [{below} + {out_row} + 64], tmm3"
                    ],
                    next: ["add {one}, 64", "add {two}, 64", "add {first}, 1024", "add {second}, 1024"],
                    times, keep, LINE,
                    {
                        one = inout(reg) one => _, two = inout(reg) two => _, row = in(reg) activation_row,
                        first = inout(reg) first => _, second = inout(reg) second => _,
                        out = in(reg) self.out, below = in(reg) self.second_out, out_row = in(reg) self.out_row,
                    }
                );
            } else {
                block!(
                    zero: ["tilezero tmm0", "tilezero tmm2"],
                    read: ["tileloadd tmm0, [{out} + {out_row}]", "tileloadd tmm2, [{below} + {out_row}]"],
                    step: [
                        "tileloadd tmm4, [{one} + {row}]", "tileloadd tmm6, [{first} + {line}]",
                        "tdpbf16ps tmm0, tmm4, tmm6",
                        "tileloadd tmm5, [{two} + {row}]", "tdpbf16ps tmm2, tmm5, tmm6"
                    ],
                    write: ["tilestored [{out} + {out_row}], tmm0", "tilestored [{below} + {out_row}], tmm2"],
                    next: ["add {one}, 64", "add {two}, 64", "add {first}, 1024"],
                    times, keep, LINE,
                    {
                        one = inout(reg) one => _, two = inout(reg) two => _, row = in(reg) activation_row,
                        first = inout(reg) first => _,
                        out = in(reg) self.out, below = in(reg) self.second_out, out_row = in(reg) self.out_row,
                    }
                );
            }
        }
    }
}

/// 1 to 16 rows by one to four panels.
///
/// # Safety
/// As [`sweep`]; tiles 0 to 4 have `rows` rows, the others 16.
#[inline(always)]
unsafe fn few_rows(strip: &Strip, row: usize, rows: usize, panel: usize, panels: usize) {
    let (times, here) = (strip.steps / TILE, (panels - panel).min(FEW_PANELS));
    // SAFETY: the caller's promise.
    unsafe {
        let out = strip.out.add(row * strip.out_row + panel * TILE);
        let block = Few { out, out_row: strip.out_row * 4 };
        if times > 0 {
            let activations = strip.activations.add(row * strip.activation_row);
            let weights = strip.weights.add(panel * strip.panel);
            let weights = std::array::from_fn(|at| weights.wrapping_add(at * strip.panel));
            block.run(activations, strip.activation_row * 4, weights, times, strip.keep, here);
        }
        if !strip.steps.is_multiple_of(TILE) {
            let rest = Rest::of(strip, row, rows, panel, here);
            let weights = std::array::from_fn(|at| rest.weights[at][0].as_ptr());
            block.run(rest.activations[0].as_ptr(), LINE, weights, 1, strip.keep || times > 0, here);
        }
    }
}

/// Where the results of few rows go; distances in bytes.
struct Few {
    out: *mut f32,
    out_row: usize,
}

impl Few {
    /// # Safety
    /// As [`few_rows`], for the operands that are named; `times` > 0.
    #[inline(always)]
    unsafe fn run(
        &self,
        one: *const u32,
        activation_row: usize,
        [first, second, third, fourth]: [*const u32; FEW_PANELS],
        times: usize,
        keep: bool,
        panels: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            match panels {
                4 => block!(
                    zero: ["tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3"],
                    read: [
                        "tileloadd tmm0, [{out} + {out_row}]", "tileloadd tmm1, [{out} + {out_row} + 64]",
                        "tileloadd tmm2, [{out} + {out_row} + 128]", "tileloadd tmm3, [{out} + {out_row} + 192]"
                    ],
                    step: [
                        "tileloadd tmm4, [{one} + {row}]",
                        "tileloadd tmm5, [{first} + {line}]", "tdpbf16ps tmm0, tmm4, tmm5",
                        "tileloadd tmm6, [{second} + {line}]", "tdpbf16ps tmm1, tmm4, tmm6",
                        "tileloadd tmm7, [{third} + {line}]", "tdpbf16ps tmm2, tmm4, tmm7",
                        "tileloadd tmm5, [{fourth} + {line}]", "tdpbf16ps tmm3, tmm4, tmm5"
                    ],
                    write: [
                        "tilestored [{out} + {out_row}], tmm0", "tilestored [{out} + {out_row} + 64], tmm1",
                        "tilestored [{out} + {out_row} + 128], tmm2", "tilestored [{out} + {out_row} + 192], tmm3"
                    ],
                    next: [
                        "add {one}, 64", "add {first}, 1024", "add {second}, 1024", "add {third}, 1024",
                        "add {fourth}, 1024"
                    ],
                    times, keep, LINE,
                    {
                        one = inout(reg) one => _, row = in(reg) activation_row,
                        first = inout(reg) first => _, second = inout(reg) second => _, third = inout(reg) third => _,
                        fourth = inout(reg) fourth => _, out = in(reg) self.out, out_row = in(reg) self.out_row,
                    }
                ),
                1 => block!(
                    zero: ["tilezero tmm0"],
                    read: ["tileloadd tmm0, [{out} + {out_row}]"],
                    step: [
                        "tileloadd tmm4, [{one} + {row}]",
                        "tileloadd tmm5, [{first} + {line}]", "tdpbf16ps tmm0, tmm4, tmm5"
                    ],
                    write: ["tilestored [{out} + {out_row}], tmm0"],
                    next: ["add {one}, 64", "add {first}, 1024"],
                    times, keep, LINE,
                    {
                        one = inout(reg) one => _, row = in(reg) activation_row, first = inout(reg) first => _,
                        out = in(reg) self.out, out_row = in(reg) self.out_row,
                    }
                ),
                // Two, and after them a third.
                _ => {
                    block!(
                        zero: ["tilezero tmm0", "tilezero tmm1"],
                        read: ["tileloadd tmm0, [{out} + {out_row}]", "tileloadd tmm1, [{out} + {out_row} + 64]"],
                        step: [
                            "tileloadd tmm4, [{one} + {row}]",
                            "tileloadd tmm5, [{first} + {line}]", "tdpbf16ps tmm0, tmm4, tmm5",
                            "tileloadd tmm6, [{second} + {line}]", "tdpbf16ps tmm1, tmm4, tmm6"
                        ],
                        write: ["tilestored [{out} + {out_row}], tmm0", "tilestored [{out} + {out_row} + 64], tmm1"],
                        next: ["add {one}, 64", "add {first}, 1024", "add {second}, 1024"],
                        times, keep, LINE,
                        {
                            one = inout(reg) one => _, row = in(reg) activation_row,
                            first = inout(reg) first => _, second = inout(reg) second => _,
                            out = in(reg) self.out, out_row = in(reg) self.out_row,
                        }
                    );
                    if panels == 3 {
                        let rest = Few { out: self.out.add(2 * TILE), ..*self };
                        rest.run(one, activation_row, [third; FEW_PANELS], times, keep, 1);
                    }
                }
            }
        }
    }
}
