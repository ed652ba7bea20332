//! Compiles the kernels for a GPU with NVRTC, which needs no GPU for it.
//!
//! Machine code is asked for, not PTX: a driver older than the compiler reads the one but not the other.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char};
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::nvrtc::{result, sys};

/// The source, compiled when a model is opened.
const SOURCE: &str = include_str!("kernels.cu");

/// Every kernel by name.
pub(super) const NAMES: [&str; 21] = [
    "embed_f32",
    "embed_bf16",
    "norm_rows",
    "gather",
    "scatter",
    "add_rows",
    "add_bias",
    "gate_silu",
    "gate_gelu",
    "soft_cap",
    "round_bf16",
    "rotate",
    "product_f32_few",
    "product_f32_many",
    "product_bf16_few",
    "product_bf16_many",
    "attend_64",
    "attend_128",
    "attend_256",
    "log_sum",
    "pick",
];

/// Whether NVRTC is on this machine.
pub(super) fn present() -> bool {
    // SAFETY: loading NVIDIA's library runs its initialisers, which is what asking for a GPU means.
    unsafe { sys::is_culib_present() }
}

/// A compute capability, such as (9, 0).
type Capability = (i32, i32);

/// What was compiled in this process: it takes a second or more, and an audit opens models one after the other.
static COMPILED: Mutex<BTreeMap<Capability, Arc<Vec<u8>>>> = Mutex::new(BTreeMap::new());

/// Machine code of all kernels for a compute capability, such as (9, 0). NVRTC must be [`present`].
pub(super) fn machine_code(capability: Capability) -> Result<Arc<Vec<u8>>, String> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(code) = compiled.get(&capability) {
        return Ok(Arc::clone(code));
    }
    let code = Arc::new(compile(capability)?);
    compiled.insert(capability, Arc::clone(&code));
    Ok(code)
}

fn compile((major, minor): Capability) -> Result<Vec<u8>, String> {
    let source = CString::new(SOURCE).map_err(|error| error.to_string())?;
    let program = result::create_program(&source, Some(c"kernels.cu")).map_err(|error| error.to_string())?;
    // Denormals, divisions and roots as the standard has them: f32 is the exact mode.
    let options = [format!("--gpu-architecture=sm_{major}{minor}"), "--std=c++17".to_owned(), "--fmad=true".to_owned()];
    // SAFETY: the program was just created, and is destroyed once, below.
    let compiled = unsafe { result::compile_program(program, &options) };
    let code = match compiled {
        Ok(()) => code(program),
        Err(error) => Err(format!("{error}: {}", log(program))),
    };
    // SAFETY: as above.
    let destroyed = unsafe { result::destroy_program(program) };
    code.and_then(|code| destroyed.map(|()| code).map_err(|error| error.to_string()))
}

fn code(program: sys::nvrtcProgram) -> Result<Vec<u8>, String> {
    let mut size = 0;
    // SAFETY: the program is alive and compiled; the buffer has the size that NVRTC names.
    unsafe {
        sys::nvrtcGetCUBINSize(program, &mut size).result().map_err(|error| error.to_string())?;
        let mut code = vec![0u8; size];
        sys::nvrtcGetCUBIN(program, code.as_mut_ptr().cast::<c_char>()).result().map_err(|error| error.to_string())?;
        Ok(code)
    }
}

/// What the compiler says.
fn log(program: sys::nvrtcProgram) -> String {
    // SAFETY: the program is alive.
    let bytes = unsafe { result::get_program_log(program) }.unwrap_or_default();
    let bytes: Vec<u8> = bytes.into_iter().map(|byte| byte as u8).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The path by which a model compiles them, for the GPUs of several generations; needs libnvrtc (in the Python
    /// package nvidia-cuda-nvrtc, say) where the loader finds it, and no GPU.
    #[test]
    fn kernels_compile_for_every_generation() {
        if !present() {
            println!("skipped: libnvrtc is not on this machine (LD_LIBRARY_PATH)");
            return;
        }
        for capability in [(8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0)] {
            let code = compile(capability).unwrap_or_else(|error| panic!("{capability:?}: {error}"));
            assert_eq!(&code[..4], b"\x7fELF", "{capability:?}");
            for name in NAMES {
                let named = code.windows(name.len()).any(|window| window == name.as_bytes());
                assert!(named, "{capability:?} has no {name}");
            }
        }
        let wrong = compile((1, 0)).expect_err("an architecture that no compiler knows");
        assert!(wrong.contains("arch"), "{wrong}");
    }
}
