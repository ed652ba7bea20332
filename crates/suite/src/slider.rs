//! The payoffs of the slider measure of social value orientation (Murphy, Ackermann & Handgraaf 2011): what is asked.
//!
//! Each item is a straight line between two payoff pairs in nine options, rounded half up. The published grids follow
//! from their ends this way (item 4's is checked). What is made of choices among them is in `undermask-measure`.

/// Options of an item.
pub const OPTIONS: usize = 9;

/// A payoff to oneself and to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payoff {
    /// Own.
    pub own: i32,
    /// The other's.
    pub other: i32,
}

/// Own and other's payoff at the two ends of an item.
pub type Ends = ((i32, i32), (i32, i32));

/// Ends of the six primary items.
pub const PRIMARY: [Ends; 6] = [
    ((85, 85), (85, 15)),
    ((85, 15), (100, 50)),
    ((50, 100), (85, 85)),
    ((50, 100), (85, 15)),
    ((100, 50), (50, 100)),
    ((100, 50), (85, 85)),
];

/// Ends of the nine secondary items (7 to 15).
pub const SECONDARY: [Ends; 9] = [
    ((100, 50), (70, 100)),
    ((90, 100), (100, 90)),
    ((100, 70), (50, 100)),
    ((100, 70), (90, 100)),
    ((70, 100), (100, 70)),
    ((50, 100), (100, 90)),
    ((50, 100), (100, 50)),
    ((100, 90), (70, 100)),
    ((90, 100), (100, 50)),
];

/// The options of a line, rounded half up.
fn grid(((own, other), (last_own, last_other)): Ends) -> [Payoff; OPTIONS] {
    let between = |from: i32, to: i32, step: i32| (8 * from + (to - from) * step + 4).div_euclid(8);
    std::array::from_fn(|step| Payoff {
        own: between(own, last_own, step as i32),
        other: between(other, last_other, step as i32),
    })
}

/// The six primary items.
///
/// ```
/// use undermask_suite::slider::primary;
/// let others: Vec<i32> = primary()[3].iter().map(|option| option.other).collect();
/// assert_eq!(others, [100, 89, 79, 68, 58, 47, 36, 26, 15]);
/// ```
pub fn primary() -> [[Payoff; OPTIONS]; 6] {
    PRIMARY.map(grid)
}

/// The nine secondary items.
pub fn secondary() -> [[Payoff; OPTIONS]; 9] {
    SECONDARY.map(grid)
}
