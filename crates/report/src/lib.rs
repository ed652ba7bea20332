//! undermask-report.
