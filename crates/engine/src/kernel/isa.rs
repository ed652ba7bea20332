//! Which instruction set the kernels use, found once at run time.
//!
//! `UNDERMASK_ISA` names a narrower one (`portable`, `neon`, `avx2`, `avx512`, `avx512bf16`), to test the fall-backs or
//! to get one machine's rounding on another. A name that this machine cannot run is passed over.

use std::sync::OnceLock;

/// An instruction set, narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Isa {
    /// Plain Rust.
    Portable,
    /// aarch64.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, BW, DQ and VL; products of int8 with VNNI where the machine has it.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX-512 with products of bf16 and of int8 (BF16 and VNNI).
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
}

impl Isa {
    /// Every set that this machine can run, narrowest first.
    pub fn available() -> Vec<Isa> {
        let mut found = vec![Isa::Portable];
        #[cfg(target_arch = "aarch64")]
        found.push(Isa::Neon); // part of the base of aarch64
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            if has!("avx2") && has!("fma") {
                found.push(Isa::Avx2);
                if has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
                    found.push(Isa::Avx512);
                    if has!("avx512bf16") && has!("avx512vnni") {
                        found.push(Isa::Avx512Bf16);
                    }
                }
            }
        }
        found
    }

    /// The set that the kernels use: the widest, or the one that `UNDERMASK_ISA` names.
    pub fn chosen() -> Isa {
        static CHOSEN: OnceLock<Isa> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let available = Isa::available();
            let named = std::env::var("UNDERMASK_ISA")
                .ok()
                .and_then(|name| available.iter().copied().find(|isa| isa.name() == name.to_lowercase()));
            named.unwrap_or(available[available.len() - 1])
        })
    }

    /// As `UNDERMASK_ISA` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => "neon",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16 => "avx512bf16",
        }
    }
}
