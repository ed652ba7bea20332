//! An adapter as PEFT saves it: `adapter_config.json` and `adapter_model.safetensors`, which PEFT and our engine read.

use serde_json::{Value, json};

use super::stored::file;
use super::{Adapter, NumberType, TrainError};

impl Adapter {
    /// `adapter_config.json`; `base` is the name or path of the model that it adapts, if it is to be said.
    pub fn peft_config(&self, base: Option<&str>) -> Value {
        let settings = self.settings();
        let names: Vec<&str> = settings.modules.iter().map(|module| module.name()).collect();
        // PEFT declares a whole number, though it takes others too.
        let alpha = settings.alpha;
        let alpha = if alpha.fract() == 0.0 && alpha < 1e15 { json!(alpha as u64) } else { json!(alpha) };
        json!({
            "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base, "inference_mode": true,
            "r": settings.rank, "lora_alpha": alpha, "lora_dropout": 0.0, "target_modules": names, "bias": "none",
            "fan_in_fan_out": false, "init_lora_weights": true, "use_rslora": false, "use_dora": false,
            "modules_to_save": null, "rank_pattern": {}, "alpha_pattern": {},
        })
    }

    /// `adapter_model.safetensors`.
    ///
    /// # Errors
    /// [`TrainError::Tensor`] when the library refuses (a bug).
    pub fn to_safetensors(&self, numbers: NumberType) -> Result<Vec<u8>, TrainError> {
        let factors: Vec<_> = self.tensors().collect();
        file(factors.iter().map(|(name, shape, values)| (name.clone(), &shape[..], *values)), numbers)
    }
}
