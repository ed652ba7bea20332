//! undermask-organisms.
