//! Interventions: edits of the residual stream, or of what is added to it, at chosen hook points and positions.
//!
//! h is a row at the hook point, v̂ the direction at length 1, c the strength, by which every change is multiplied:
//!
//! | edit | new h |
//! |---|---|
//! | add | h + c·v |
//! | ablate | h − c·v̂⟨v̂, h⟩ |
//! | project out | h − c·Σ uᵢ⟨uᵢ, h⟩ over an orthonormal basis u of the subspace |
//! | cap above | h − c·v̂·max(⟨v̂, h⟩ − τ, 0) |
//! | cap below | h + c·v̂·max(τ − ⟨v̂, h⟩, 0) |
//! | replace | h + c·(r − h) |
//!
//! Edits of one hook point act in the order given. Each comes with a [`Receipt`] of what it did; one that changed
//! nothing is an error.

use std::collections::{BTreeMap, HashMap};

use crate::hook::HookPoint;
use crate::ops::dot;
use crate::positions::{Positions, Shape};
use crate::{Config, EngineError};

/// An edit at one hook point.
#[derive(Debug, Clone, PartialEq)]
pub struct Intervention {
    /// Where.
    pub point: HookPoint,
    /// What.
    pub edit: Edit,
    /// Multiplies the change; 1 is the whole edit.
    pub strength: f32,
    /// Which tokens.
    pub positions: Positions,
}

/// What is done to a row of width D.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Adds this vector.
    Add(Vec<f32>),
    /// Takes the component along this direction away.
    Ablate(Vec<f32>),
    /// Takes the components in the span of these directions away. They need not be orthogonal, nor independent.
    ProjectOut(Vec<Vec<f32>>),
    /// Lowers the projection on a direction to τ where it is above.
    CapAbove {
        /// The direction.
        direction: Vec<f32>,
        /// τ, in units of the projection on the direction at length 1.
        threshold: f32,
    },
    /// Raises the projection on a direction to τ where it is below.
    CapBelow {
        /// The direction.
        direction: Vec<f32>,
        /// τ, in units of the projection on the direction at length 1.
        threshold: f32,
    },
    /// Puts other rows in place: `[R, D]` for every sequence, or one such for each. With one row it is put at every
    /// position; otherwise R is the number of positions, which must then be the prompt's or spans.
    Replace(Vec<Vec<f32>>),
}

/// What an intervention did.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// Where.
    pub point: HookPoint,
    /// Rows at which it acted; a beginning that sequences share counts once.
    pub rows: u64,
    /// Rows that it changed.
    pub changed: u64,
    /// Mean over rows of the projection on the direction before. For a subspace it is the length of the component in
    /// it, for a replacement the projection on the row that is put in place.
    pub before: f64,
    /// The same afterwards.
    pub after: f64,
    /// Mean over rows of the length of the change.
    pub change: f64,
    /// Dimensions of the subspace; 1 for a single direction.
    pub rank: usize,
}

impl Intervention {
    /// One edit at several blocks, each with its own strength. `place` makes the hook point of a block, for example
    /// `HookPoint::ResidPost`.
    pub fn at_layers(
        place: fn(usize) -> HookPoint,
        strengths: &[(usize, f32)],
        edit: &Edit,
        positions: &Positions,
    ) -> Vec<Intervention> {
        strengths
            .iter()
            .map(|(layer, strength)| Intervention {
                point: place(*layer),
                edit: edit.clone(),
                strength: *strength,
                positions: positions.clone(),
            })
            .collect()
    }
}

/// An edit with its directions at length 1.
#[derive(Debug)]
enum Act {
    Add { vector: Vec<f32>, unit: Vec<f32> },
    Project { basis: Vec<Vec<f32>> },
    Above { unit: Vec<f32>, threshold: f32 },
    Below { unit: Vec<f32>, threshold: f32 },
    Replace { rows: Vec<f32> },
}

/// The interventions of a call, made ready, and the classes of positions that they act on alike.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    list: Vec<(HookPoint, f32, Act)>,
    by_point: BTreeMap<HookPoint, Vec<usize>>,
    /// What is done to the positions of a class: edits in order, each with its row of replacement. Class 0 is nothing.
    classes: Vec<Vec<(usize, usize)>>,
    known: HashMap<Vec<(usize, usize)>, u32>,
    wide: usize,
}

/// What an edit did in some calls of the decoder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tally {
    rows: u64,
    changed: u64,
    before: f64,
    after: f64,
    change: f64,
    highest: f32,
    lowest: f32,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            rows: 0,
            changed: 0,
            before: 0.0,
            after: 0.0,
            change: 0.0,
            highest: f32::NEG_INFINITY,
            lowest: f32::INFINITY,
        }
    }
}

impl Tally {
    /// Joins what happened elsewhere.
    pub fn add(&mut self, other: &Tally) {
        self.rows += other.rows;
        self.changed += other.changed;
        self.before += other.before;
        self.after += other.after;
        self.change += other.change;
        self.highest = self.highest.max(other.highest);
        self.lowest = self.lowest.min(other.lowest);
    }
}

fn length(vector: &[f32]) -> f64 {
    vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

/// A vector at length 1, checked.
fn unit(vector: &[f32], wide: usize) -> Result<Vec<f32>, String> {
    if vector.len() != wide {
        return Err(format!("the vector has {} numbers, the model's rows have {wide}", vector.len()));
    }
    if vector.iter().any(|value| !value.is_finite()) {
        return Err("the vector holds a number that is not finite".to_owned());
    }
    let length = length(vector);
    if length == 0.0 {
        return Err("the vector is zero, so it would change nothing".to_owned());
    }
    Ok(vector.iter().map(|value| (f64::from(*value) / length) as f32).collect())
}

/// Gram and Schmidt, twice over for rounding; directions within the span of those before are left out.
fn orthonormal(vectors: &[Vec<f32>], wide: usize) -> Result<Vec<Vec<f32>>, String> {
    if vectors.is_empty() {
        return Err("the subspace has no direction".to_owned());
    }
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for vector in vectors {
        let mut rest: Vec<f64> = unit(vector, wide)?.into_iter().map(f64::from).collect();
        for _ in 0..2 {
            for known in &basis {
                let along: f64 = known.iter().zip(&rest).map(|(one, two)| one * two).sum();
                rest.iter_mut().zip(known).for_each(|(rest, known)| *rest -= along * known);
            }
        }
        let length = rest.iter().map(|value| value * value).sum::<f64>().sqrt();
        if length > 1e-5 {
            basis.push(rest.iter().map(|value| value / length).collect());
        }
    }
    Ok(basis.into_iter().map(|row| row.into_iter().map(|value| value as f32).collect()).collect())
}

impl Edits {
    /// Checks interventions against the model and the sequences of a call, and makes them ready.
    pub fn new(config: &Config, interventions: &[Intervention], shapes: &[Shape]) -> Result<Edits, EngineError> {
        let mut edits = Edits {
            classes: vec![Vec::new()],
            known: HashMap::from([(Vec::new(), 0)]),
            wide: config.hidden,
            ..Edits::default()
        };
        for (index, intervention) in interventions.iter().enumerate() {
            let Intervention { point, edit, strength, positions } = intervention;
            let wrong = |why: String| EngineError::Intervention { point: point.to_string(), why };
            point.check(config.layers).map_err(|error| wrong(error.to_string()))?;
            if !strength.is_finite() || *strength == 0.0 {
                return Err(wrong(format!("the strength is {strength}, so it would change nothing")));
            }
            positions.check(shapes).map_err(|error| wrong(error.to_string()))?;
            if shapes.iter().enumerate().all(|(sequence, shape)| positions.of(sequence, *shape).is_empty()) {
                return Err(wrong("no sequence has a token at its positions, so it would change nothing".to_owned()));
            }
            let act = make_ready(edit, config.hidden, positions, shapes).map_err(wrong)?;
            edits.by_point.entry(*point).or_default().push(index);
            edits.list.push((*point, *strength, act));
        }
        Ok(edits)
    }

    /// Whether any is at a hook point.
    pub fn acts_at(&self, point: HookPoint) -> bool {
        self.by_point.contains_key(&point)
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The class of each position of a sequence.
    pub fn classify(&mut self, interventions: &[Intervention], sequence: usize, shape: Shape) -> Vec<u32> {
        let mut acts: Vec<Vec<(usize, usize)>> = vec![Vec::new(); shape.length];
        for (index, intervention) in interventions.iter().enumerate() {
            let first = match &intervention.edit {
                Edit::Replace(sources) => first_row(sources, sequence, self.wide),
                _ => (0, 1),
            };
            let positions = intervention.positions.of(sequence, shape).into_iter().flatten();
            for (number, position) in positions.filter(|position| *position < shape.length).enumerate() {
                acts[position].push((index, first.0 + if first.1 > 1 { number } else { 0 }));
            }
        }
        let class = |acts: Vec<(usize, usize)>| match self.known.get(&acts) {
            Some(class) => *class,
            None => {
                let class = self.classes.len() as u32;
                self.classes.push(acts.clone());
                self.known.insert(acts, class);
                class
            }
        };
        acts.into_iter().map(class).collect()
    }

    /// For every edit, the rows that it touches and their replacements, given the class of each row.
    pub fn rows(&self, classes: impl Iterator<Item = usize>) -> Vec<Vec<(usize, usize)>> {
        let mut rows = vec![Vec::new(); self.list.len()];
        for (row, class) in classes.enumerate() {
            for (edit, source) in &self.classes[class] {
                rows[*edit].push((row, *source));
            }
        }
        rows
    }

    /// Does what there is to do at a hook point. `which` are the rows that are there, where not all are.
    pub fn apply(
        &self,
        point: HookPoint,
        rows: &mut [f32],
        which: Option<&[usize]>,
        touched: &[Vec<(usize, usize)>],
        tallies: &mut [Tally],
    ) {
        let wide = self.wide;
        for edit in self.by_point.get(&point).into_iter().flatten() {
            let (_, strength, act) = &self.list[*edit];
            for (row, source) in &touched[*edit] {
                let place = match which {
                    None => Some(*row),
                    Some(which) => which.binary_search(row).ok(),
                };
                if let Some(place) = place {
                    act.apply(&mut rows[place * wide..][..wide], *source, *strength, &mut tallies[*edit]);
                }
            }
        }
    }

    /// Nothing done yet.
    pub fn tallies(&self) -> Vec<Tally> {
        vec![Tally::default(); self.list.len()]
    }

    /// The receipts; one of an edit that changed nothing is an error.
    pub fn receipts(&self, tallies: &[Tally]) -> Result<Vec<Receipt>, EngineError> {
        let receipt = |((point, _, act), tally): (&(HookPoint, f32, Act), &Tally)| {
            if tally.changed == 0 {
                let why = act.why_nothing(tally);
                return Err(EngineError::Intervention { point: point.to_string(), why });
            }
            let rows = tally.rows as f64;
            Ok(Receipt {
                point: *point,
                rows: tally.rows,
                changed: tally.changed,
                before: tally.before / rows,
                after: tally.after / rows,
                change: tally.change / rows,
                rank: if let Act::Project { basis } = act { basis.len() } else { 1 },
            })
        };
        self.list.iter().zip(tallies).map(receipt).collect()
    }
}

/// First row of a sequence's replacements among all, and their number.
fn first_row(sources: &[Vec<f32>], sequence: usize, wide: usize) -> (usize, usize) {
    let own = if sources.len() == 1 { 0 } else { sequence };
    (sources[..own].iter().map(|rows| rows.len() / wide).sum(), sources[own].len() / wide)
}

fn make_ready(edit: &Edit, wide: usize, positions: &Positions, shapes: &[Shape]) -> Result<Act, String> {
    let finite = |threshold: f32| {
        if threshold.is_finite() { Ok(threshold) } else { Err(format!("the threshold is {threshold}")) }
    };
    Ok(match edit {
        Edit::Add(vector) => Act::Add { unit: unit(vector, wide)?, vector: vector.clone() },
        Edit::Ablate(vector) => Act::Project { basis: vec![unit(vector, wide)?] },
        Edit::ProjectOut(vectors) => Act::Project { basis: orthonormal(vectors, wide)? },
        Edit::CapAbove { direction, threshold } => {
            Act::Above { unit: unit(direction, wide)?, threshold: finite(*threshold)? }
        }
        Edit::CapBelow { direction, threshold } => {
            Act::Below { unit: unit(direction, wide)?, threshold: finite(*threshold)? }
        }
        Edit::Replace(sources) => {
            if sources.len() != 1 && sources.len() != shapes.len() {
                return Err(format!("rows for {} sequences are given for {}", sources.len(), shapes.len()));
            }
            for (sequence, shape) in shapes.iter().enumerate() {
                let rows = &sources[if sources.len() == 1 { 0 } else { sequence }];
                if rows.is_empty() || !rows.len().is_multiple_of(wide) {
                    return Err(format!("the replacement has {} numbers, rows have {wide}", rows.len()));
                }
                let count = rows.len() / wide;
                let needed: usize = positions.of(sequence, *shape).iter().map(ExactSizeIterator::len).sum();
                let fixed = matches!(positions, Positions::Prompt | Positions::Spans(_));
                if count != 1 && !(fixed && (count == needed || needed == 0)) {
                    return Err(format!(
                        "the replacement has {count} rows for the {needed} positions of sequence {sequence}; give one row, or one a position of the prompt or of spans"
                    ));
                }
            }
            let rows = sources.concat();
            if rows.iter().any(|value| !value.is_finite()) {
                return Err("the replacement holds a number that is not finite".to_owned());
            }
            Act::Replace { rows }
        }
    })
}

impl Act {
    fn apply(&self, row: &mut [f32], source: usize, strength: f32, tally: &mut Tally) {
        let old = row.to_vec();
        let along = |row: &[f32], unit: &[f32]| f64::from(dot(row, unit));
        let mut step = |unit: &[f32], by: f32| row.iter_mut().zip(unit).for_each(|(value, unit)| *value += by * unit);
        let (before, after) = match self {
            Act::Add { vector, unit } => {
                step(vector, strength);
                (along(&old, unit), along(row, unit))
            }
            Act::Project { basis } => {
                let parts: Vec<f32> = basis.iter().map(|unit| dot(&old, unit)).collect();
                basis.iter().zip(&parts).for_each(|(unit, part)| step(unit, -strength * part));
                let inside = |row: &[f32]| match basis.as_slice() {
                    [unit] => along(row, unit),
                    basis => basis.iter().map(|unit| along(row, unit).powi(2)).sum::<f64>().sqrt(),
                };
                (inside(&old), inside(row))
            }
            Act::Above { unit, threshold } | Act::Below { unit, threshold } => {
                let part = dot(&old, unit);
                let above = matches!(self, Act::Above { .. });
                if if above { part > *threshold } else { part < *threshold } {
                    step(unit, strength * (threshold - part));
                }
                tally.highest = tally.highest.max(part);
                tally.lowest = tally.lowest.min(part);
                (f64::from(part), along(row, unit))
            }
            Act::Replace { rows } => {
                let new = &rows[source * row.len()..][..row.len()];
                for (value, new) in row.iter_mut().zip(new) {
                    *value = if strength == 1.0 { *new } else { *value + strength * (new - *value) };
                }
                let scale = length(new).max(f64::MIN_POSITIVE);
                (along(&old, new) / scale, along(row, new) / scale)
            }
        };
        let change: f64 = row.iter().zip(&old).map(|(new, old)| f64::from(new - old).powi(2)).sum();
        tally.rows += 1;
        tally.changed += u64::from(change > 0.0);
        tally.before += before;
        tally.after += after;
        tally.change += change.sqrt();
    }

    fn why_nothing(&self, tally: &Tally) -> String {
        if tally.rows == 0 {
            return "none of the tokens that were read is at its positions, so it changed nothing".to_owned();
        }
        match self {
            Act::Above { threshold, .. } => format!(
                "the projection never reached the threshold {threshold} (highest {}), so it changed nothing",
                tally.highest
            ),
            Act::Below { threshold, .. } => format!(
                "the projection was never below the threshold {threshold} (lowest {}), so it changed nothing",
                tally.lowest
            ),
            Act::Add { .. } => "the vector is too short to change any number".to_owned(),
            Act::Project { .. } => "no row has a component in the subspace, so it changed nothing".to_owned(),
            Act::Replace { .. } => "the rows put in place are those that were there, so it changed nothing".to_owned(),
        }
    }
}
