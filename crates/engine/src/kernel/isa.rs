//! Which instruction set the kernels use, found once at run time.
//!
//! `UNDERMASK_ISA` names a narrower one (`portable`, `neon`, `neondot`, `avx2`, `avxvnni`, `avx512`, `avx512vnni`,
//! `avx512bf16`, `amx`), to test the fall-backs or to get one machine's rounding on another. A name that this machine cannot run
//! is passed over.

use std::sync::OnceLock;

use super::tile::Kind;

/// An instruction set, narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Isa {
    /// Plain Rust.
    Portable,
    /// aarch64.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// aarch64 with dot products of int8.
    #[cfg(target_arch = "aarch64")]
    NeonDot,
    /// AVX2, FMA and F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The same with dot products of int8 on 256 bits (Alder Lake, Zen 5).
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// AVX-512 F, BW, DQ and VL (Skylake).
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// The same with dot products of int8 (Cascade Lake, Ice Lake).
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// The same with dot products of bf16 too (Cooper Lake, Sapphire Rapids, Zen 4).
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
    /// The same with tiles of bf16 (Sapphire Rapids), where the system gives them.
    #[cfg(target_arch = "x86_64")]
    Amx,
}

impl Isa {
    /// Every set that this machine can run, narrowest first.
    pub fn available() -> Vec<Isa> {
        let mut found = vec![Isa::Portable];
        #[cfg(target_arch = "aarch64")]
        {
            found.push(Isa::Neon); // part of the base of aarch64
            if std::arch::is_aarch64_feature_detected!("dotprod") {
                found.push(Isa::NeonDot);
            }
        }
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            if !(has!("avx2") && has!("fma") && has!("f16c")) {
                return found;
            }
            found.push(Isa::Avx2);
            if has!("avxvnni") {
                found.push(Isa::AvxVnni);
            }
            if has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
                found.push(Isa::Avx512);
                if has!("avx512vnni") {
                    found.push(Isa::Avx512Vnni);
                    if has!("avx512bf16") {
                        found.push(Isa::Avx512Bf16);
                        if super::amx::enabled() {
                            found.push(Isa::Amx);
                        }
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

    /// Panels that its widest register block passes at once, for few rows.
    pub fn panels(self, kind: Kind) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Amx if kind == Kind::Pairs => 4,
            _ => 3,
        }
    }

    /// As `UNDERMASK_ISA` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => "neon",
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot => "neondot",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::AvxVnni => "avxvnni",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => "avx512vnni",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16 => "avx512bf16",
            #[cfg(target_arch = "x86_64")]
            Isa::Amx => "amx",
        }
    }
}
