//! Which tokens of a sequence are read or edited.

use std::ops::Range;

use crate::EngineError;

/// Positions of every sequence of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Positions {
    /// Every token.
    All,
    /// The prompt's tokens.
    Prompt,
    /// The tokens after the prompt that the model reads: those of a label but its last, or of what it generates.
    Response,
    /// Stretches of each sequence, in the order of the call's sequences. A sequence may have none.
    Spans(Vec<Vec<Range<usize>>>),
}

/// Lengths of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Tokens of the prompt.
    pub prompt: usize,
    /// Most tokens that are read, prompt and response.
    pub length: usize,
}

impl Positions {
    /// Checks spans against the sequences of a call.
    pub(crate) fn check(&self, shapes: &[Shape]) -> Result<(), EngineError> {
        let wrong = |why: String| Err(EngineError::Request(why));
        let Positions::Spans(spans) = self else { return Ok(()) };
        if spans.len() != shapes.len() {
            return wrong(format!("spans of {} sequences are given for {}", spans.len(), shapes.len()));
        }
        for (index, (spans, shape)) in spans.iter().zip(shapes).enumerate() {
            for span in spans {
                if span.is_empty() {
                    return wrong(format!("sequence {index}: the span {span:?} is empty"));
                }
                if span.end > shape.length {
                    return wrong(format!(
                        "sequence {index}: the span {span:?} ends beyond its {} tokens",
                        shape.length
                    ));
                }
            }
            if (1..spans.len()).any(|later| spans[later].start < spans[later - 1].end) {
                return wrong(format!("sequence {index}: its spans must be in order and apart: {spans:?}"));
            }
        }
        Ok(())
    }

    /// The stretches of one sequence, in order and apart.
    pub(crate) fn of(&self, sequence: usize, shape: Shape) -> Vec<Range<usize>> {
        let all = match self {
            Positions::All => std::iter::once(0..shape.length).collect(),
            Positions::Prompt => std::iter::once(0..shape.prompt.min(shape.length)).collect(),
            Positions::Response => std::iter::once(shape.prompt..shape.length).collect(),
            Positions::Spans(spans) => spans[sequence].clone(),
        };
        all.into_iter().filter(|span: &Range<usize>| !span.is_empty()).collect()
    }
}
