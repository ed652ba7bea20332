//! undermask-run.
