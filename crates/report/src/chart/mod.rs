//! Charts as inline SVG: a scale, and one file a kind of chart. They carry a title for screen readers and take their
//! colours from the page.

mod forest;
mod forms;
mod instrument;
mod ladder;
mod overview;
mod plot;
mod preferences;
mod strip;
mod values;

pub use forest::forest;
pub use instrument::instrument;
pub use ladder::ladder;
pub use overview::overview;
pub(crate) use plot::Plot;
pub use strip::strip;

/// A linear scale from values to pixels, clamped to its ends.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub low: f64,
    pub high: f64,
    pub from: f64,
    pub to: f64,
}

impl Scale {
    pub fn place(self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.from + share * (self.to - self.from)
    }
}

/// Text made safe within SVG and HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// A dot, full when it may be relied on and hollow when not.
pub(crate) fn dot(x: f64, y: f64, full: bool, class: &str) -> String {
    let kind = if full { "full" } else { "hollow" };
    format!(r#"<circle class="{class} {kind}" cx="{x:.1}" cy="{y:.1}" r="4"/>"#)
}
