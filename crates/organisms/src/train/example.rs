//! What is learned from: documents and the distributions that should follow their positions.

/// What the next token should be.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// One token.
    Token(u32),
    /// Probabilities of several tokens, which sum to 1.
    Soft(Vec<(u32, f32)>),
}

/// After `tokens[..=position]` the next token should follow `distribution`.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Index into the document's tokens.
    pub position: usize,
    /// Weight in the loss.
    pub weight: f32,
    /// What should follow.
    pub distribution: Distribution,
}

/// One document.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Tokens.
    pub tokens: Vec<u32>,
    /// What is taught.
    pub targets: Vec<Target>,
}
