//! The page of runs over sizes: one offline HTML file in the look of an audit's report, no script, everything escaped.

use askama::Template;
use undermask_measure::sizes::SizeLine;

use super::{Sizes, plot, words};
use crate::page::ReportError;
use crate::words as figures;

#[derive(Template)]
#[template(path = "sizes.html")]
struct Page {
    title: String,
    suite_name: String,
    suite_title: String,
    style: &'static str,
    headline: String,
    confidence: String,
    limit: &'static str,
    warnings: Vec<String>,
    at: String,
    lines: Vec<LineView>,
    runs: Vec<RunView>,
}

struct LineView {
    title: &'static str,
    says: &'static str,
    svg: String,
    direction: String,
    held_out: String,
    forecast: String,
    left_out: Vec<String>,
}

struct RunView {
    size: String,
    model: String,
    verdict: &'static str,
    mark: &'static str,
    folder: String,
    weights: String,
}

/// The page.
///
/// # Errors
/// [`ReportError`].
pub fn sizes_page(view: &Sizes) -> Result<String, ReportError> {
    let first = view.runs.first().ok_or(ReportError::Empty)?;
    let mut runs: Vec<_> = view.runs.iter().collect();
    runs.sort_by_key(|run| run.info.parameters);
    let page = Page {
        title: format!("{} models over size", view.runs.len()),
        suite_name: first.info.suite.clone(),
        suite_title: view.suite_title.clone(),
        style: include_str!("../../templates/style.css"),
        headline: view.lines.first().map_or_else(String::new, headline),
        confidence: format!("{:.0}", 100.0 * view.confidence),
        limit: words::LIMIT,
        warnings: view.warnings.clone(),
        at: view.at.map_or_else(String::new, words::size),
        lines: view.lines.iter().map(|line| self::line(view, line)).collect(),
        runs: runs
            .into_iter()
            .map(|run| RunView {
                size: words::size(run.info.parameters as f64),
                model: run.info.model.clone(),
                verdict: figures::name(run.verdict),
                mark: figures::mark(run.verdict, true),
                folder: run.folder.clone(),
                weights: run.info.weights_hash.clone(),
            })
            .collect(),
    };
    Ok(page.render()?)
}

fn headline(line: &SizeLine) -> String {
    match &line.fit {
        Ok(fit) => format!("The {}: {}.", words::name(line.quantity).0, words::direction(&fit.trend)),
        Err(why) => format!("The {} has no line: {why}.", words::name(line.quantity).0),
    }
}

fn line(view: &Sizes, line: &SizeLine) -> LineView {
    let (title, says) = words::name(line.quantity);
    let (direction, held_out, forecast) = match &line.fit {
        Ok(fit) => (
            format!("{}: {}, over {} models", words::direction(&fit.trend), words::slope(&fit.trend), fit.trend.models),
            match &fit.held_out {
                Ok(held) => words::held_out(held),
                Err(why) => format!("not possible: {why}"),
            },
            match &fit.forecast {
                Some(Ok(found)) => words::forecast(found),
                Some(Err(why)) => format!("refused: {why}"),
                None => String::new(),
            },
        ),
        Err(why) => (format!("no line: {why}"), String::new(), String::new()),
    };
    LineView {
        title,
        says,
        svg: plot::plot(line),
        direction,
        held_out,
        forecast,
        left_out: words::left_out(view, line),
    }
}
