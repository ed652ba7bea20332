//! undermask-engine.
