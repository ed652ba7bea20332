//! undermask.
