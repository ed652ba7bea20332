//! In which order a set of sequences is computed: every shared beginning once, within a bound on memory.
//!
//! Units (a prompt and its continuations) are sorted, so that those with a common beginning are neighbours, and cut into
//! *jobs* of bounded size. What units on both sides of a cut share is the *spine*: a trie of its own, whose segments are
//! computed each by itself, kept by a worker while its next jobs need them, and not computed again. Jobs hold the rest.
//!
//! **Invariant.** Spine and jobs depend on the units and on the memory, not on the number of workers nor on which units
//! are wanted: a run that leaves out what is answered already ends with the same bits as one that was not interrupted.

use std::cmp::Ordering;

use crate::Config;
use crate::trie::Trie;

/// Bit of a key that says that the sequence uses LongRoPE's long list.
const LONG: u64 = 1 << 32;
/// Where a key's class of edits begins.
const CLASS: u32 = 33;
/// Bit of the key that stands for the place where a sequence leaves the spine.
const MARK: u64 = 1 << 63;

/// Tokens of a job where memory does not bound it: enough for full matrices, few enough to report and to stop often.
const JOB_TOKENS: usize = 2048;
/// Fewest tokens of a job, whatever the memory.
const FEWEST_TOKENS: usize = 256;
/// Memory is meant to hold the jobs of as many workers, where there are as many.
const WORKERS: usize = 4;

/// A prompt and what may follow it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unit<'a> {
    /// Tokens of the prompt, at least one.
    pub prompt: &'a [u32],
    /// Tokens that are read after it, a list each; at least one list, which may be empty.
    pub tails: Vec<&'a [u32]>,
    /// The class of edits of every position, prompt and tail, a list a tail; empty where nothing is edited.
    pub classes: Vec<Vec<u32>>,
    /// Tokens that are computed in the unit's own job even where the spine holds them: from this position on.
    pub own_from: usize,
    /// Whether the sequences use LongRoPE's long list.
    pub long: bool,
}

impl Unit<'_> {
    fn key(&self, tail: usize, position: usize) -> u64 {
        let token = match position.checked_sub(self.prompt.len()) {
            None => self.prompt[position],
            Some(place) => self.tails[tail][place],
        };
        let class = self.classes.get(tail).map_or(0, |classes| classes[position]);
        u64::from(token) | if self.long { LONG } else { 0 } | u64::from(class) << CLASS
    }

    fn keys(&self, tail: usize) -> Vec<u64> {
        (0..self.prompt.len() + self.tails[tail].len()).map(|position| self.key(tail, position)).collect()
    }

    /// By the prompt's keys. The prompt's classes are the same whatever the tail.
    fn compare(&self, other: &Unit) -> Ordering {
        let classes = |unit: &Unit| unit.classes.first().map_or(Vec::new(), |all| all[..unit.prompt.len()].to_vec());
        let plain = self.long.cmp(&other.long).then_with(|| self.prompt.cmp(other.prompt));
        if self.classes.is_empty() && other.classes.is_empty() {
            return plain;
        }
        let shared = self.shared(other);
        if shared < self.prompt.len().min(other.prompt.len()) {
            return self.key(0, shared).cmp(&other.key(0, shared));
        }
        plain.then_with(|| classes(self).cmp(&classes(other)))
    }

    /// How many keys of the prompts are the same from the beginning.
    fn shared(&self, other: &Unit) -> usize {
        let most = self.prompt.len().min(other.prompt.len());
        if self.classes.is_empty() && other.classes.is_empty() {
            if self.long != other.long {
                return 0;
            }
            return self.prompt.iter().zip(other.prompt).take_while(|(one, two)| one == two).count();
        }
        (0..most).take_while(|position| self.key(0, *position) == other.key(0, *position)).count()
    }

    fn tail_tokens(&self) -> usize {
        self.tails.iter().map(|tail| tail.len()).sum()
    }
}

/// The token of a key.
pub(crate) fn token(key: u64) -> u32 {
    key as u32
}

/// The class of edits of a key.
pub(crate) fn class(key: u64) -> usize {
    ((key & !MARK) >> CLASS) as usize
}

/// Whether a key's sequence uses LongRoPE's long list.
pub(crate) fn is_long(key: u64) -> bool {
    key & LONG != 0
}

/// The order of a set of units.
pub(crate) struct Plan<'a> {
    pub units: &'a [Unit<'a>],
    /// Units of each job, neighbours in sorted order.
    pub jobs: Vec<Vec<usize>>,
    /// What neighbouring jobs share.
    pub spine: Trie,
    /// Of each job, the spine's segment that it shares with the job before and the job after.
    joints: Vec<[Option<usize>; 2]>,
    /// Tokens of a job.
    pub room: usize,
}

/// One job laid out: the segments that it computes, and where each of its sequences ends.
pub(crate) struct Layout {
    pub pieces: Vec<Piece>,
    /// Of each sequence (units in order, tails in order), its last piece.
    pub ends: Vec<usize>,
}

/// A segment of a job.
pub(crate) struct Piece {
    pub parent: Option<usize>,
    pub level: usize,
    /// Position of its first token.
    pub position: usize,
    pub keys: Vec<u64>,
    /// Where the chain above the topmost pieces leaves the spine: its segment, if any, and how many tokens of the whole
    /// path lie above.
    pub leaves: Option<(usize, usize)>,
}

/// Bytes that a token needs while it is computed: keys and values of every block, and a row of each activation.
fn bytes_per_token(config: &Config) -> usize {
    4 * (2 * config.layers * config.key_width()
        + 5 * config.hidden
        + 2 * config.query_width()
        + 2 * config.key_width()
        + 2 * config.intermediate)
}

/// Bytes of a token's keys and values.
pub(crate) fn bytes_stored(config: &Config) -> usize {
    4 * 2 * config.layers * config.key_width()
}

/// Tokens of a job within some memory.
fn room(config: &Config, memory: usize) -> usize {
    (memory / WORKERS / bytes_per_token(config)).clamp(FEWEST_TOKENS, JOB_TOKENS)
}

impl<'a> Plan<'a> {
    /// Sorts and cuts. With `carry`, what jobs share is a spine; without, each job is computed from its beginning.
    pub fn new(config: &Config, units: &'a [Unit<'a>], memory: usize, carry: bool) -> Plan<'a> {
        let room = room(config, memory);
        let mut order: Vec<usize> = (0..units.len()).collect();
        order.sort_by(|one, two| units[*one].compare(&units[*two]));
        let mut jobs: Vec<Vec<usize>> = Vec::new();
        let mut shares: Vec<usize> = Vec::new();
        let mut used = 0;
        for index in order {
            let unit = &units[index];
            let before = jobs.last().and_then(|job| job.last()).map(|last| &units[*last]);
            let shared = before.map_or(0, |before| before.shared(unit).min(before.own_from).min(unit.own_from));
            let new = unit.prompt.len() - shared + unit.tail_tokens();
            match jobs.last_mut() {
                Some(job) if used + new <= room => {
                    job.push(index);
                    used += new;
                }
                _ => {
                    jobs.push(vec![index]);
                    shares.push(if carry { shared } else { 0 });
                    used = if carry { new } else { unit.prompt.len() + unit.tail_tokens() };
                }
            }
        }
        let prefixes: Vec<(usize, Vec<u64>)> = (1..jobs.len())
            .filter(|job| shares[*job] > 0)
            .map(|job| (job, (0..shares[job]).map(|position| units[jobs[job][0]].key(0, position)).collect()))
            .collect();
        let views: Vec<&[u64]> = prefixes.iter().map(|(_, keys)| keys.as_slice()).collect();
        let spine = Trie::build(&views);
        let mut joints = vec![[None, None]; jobs.len()];
        for ((job, _), end) in prefixes.iter().zip(&spine.ends) {
            joints[*job][0] = Some(*end);
            joints[*job - 1][1] = Some(*end);
        }
        Plan { units, jobs, spine, joints, room }
    }

    /// Workers whose jobs fit into the memory.
    pub fn workers(&self, config: &Config, threads: usize, memory: usize) -> usize {
        let fit = (memory / (self.room * bytes_per_token(config)).max(1)).max(1);
        threads.clamp(1, fit).min(self.jobs.len().max(1))
    }

    /// The spine's segments from the beginning to this one.
    pub fn path(&self, segment: usize) -> Vec<usize> {
        let mut path: Vec<usize> = std::iter::successors(Some(segment), |at| self.spine.nodes[*at].parent).collect();
        path.reverse();
        path
    }

    /// The spine's segments that a job needs, parents first.
    pub fn needed(&self, job: usize) -> Vec<usize> {
        let mut needed = Vec::new();
        for joint in self.joints[job].into_iter().flatten() {
            for segment in self.path(joint) {
                if !needed.contains(&segment) {
                    needed.push(segment);
                }
            }
        }
        needed
    }

    /// Sequences of a job: units in order, tails in order.
    pub fn sequences(&self, job: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.jobs[job].iter().flat_map(|unit| (0..self.units[*unit].tails.len()).map(|tail| (*unit, tail)))
    }

    /// Lays a job out beyond the spine.
    pub fn layout(&self, job: usize) -> Layout {
        let paths: Vec<(usize, Vec<u64>)> = self.joints[job]
            .into_iter()
            .flatten()
            .map(|joint| {
                let path = self.path(joint).into_iter().flat_map(|segment| self.spine.nodes[segment].tokens.clone());
                (joint, path.collect())
            })
            .collect();
        let lists: Vec<Vec<u64>> = self
            .sequences(job)
            .map(|(unit, tail)| {
                let keys = self.units[unit].keys(tail);
                let own = self.units[unit].own_from;
                let mut best = (0, 0);
                for (side, (_, path)) in paths.iter().enumerate() {
                    let shared = keys.iter().zip(path).take_while(|(one, two)| one == two).count().min(own);
                    if shared > best.1 {
                        best = (side, shared);
                    }
                }
                let mark = MARK | (best.1 as u64) << 1 | best.0 as u64;
                std::iter::once(mark).chain(keys[best.1..].iter().copied()).collect()
            })
            .collect();
        let views: Vec<&[u64]> = lists.iter().map(Vec::as_slice).collect();
        let trie = Trie::build(&views);
        let mut pieces: Vec<Piece> = Vec::with_capacity(trie.nodes.len());
        for node in trie.nodes {
            let piece = match node.parent {
                None => {
                    let mark = node.tokens[0] & !MARK;
                    let (side, depth) = ((mark & 1) as usize, (mark >> 1) as usize);
                    Piece {
                        parent: None,
                        level: node.level,
                        position: depth,
                        keys: node.tokens[1..].to_vec(),
                        leaves: (depth > 0).then(|| (paths[side].0, depth)),
                    }
                }
                Some(parent) => Piece {
                    parent: Some(parent),
                    level: node.level,
                    position: pieces[parent].position + pieces[parent].keys.len(),
                    keys: node.tokens,
                    leaves: None,
                },
            };
            pieces.push(piece);
        }
        Layout { pieces, ends: trie.ends }
    }

    /// Tokens that are computed, the spine's once.
    pub fn unique(&self) -> u64 {
        let jobs = (0..self.jobs.len()).map(|job| self.layout(job).tokens() as u64);
        jobs.sum::<u64>() + self.spine.tokens() as u64
    }
}

impl Layout {
    /// Tokens that the job computes.
    pub fn tokens(&self) -> usize {
        self.pieces.iter().map(|piece| piece.keys.len()).sum()
    }

    /// The pieces of a sequence, last one first.
    pub fn path(&self, sequence: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(self.ends[sequence]), |at| self.pieces[*at].parent)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Layout, Plan, Unit, token};
    use crate::Config;

    fn config() -> Config {
        let text = r#"{"architectures": ["LlamaForCausalLM"], "vocab_size": 500, "hidden_size": 16, "intermediate_size": 16,
            "num_hidden_layers": 1, "num_attention_heads": 1, "max_position_embeddings": 4096}"#;
        Config::parse(text).expect("a shape")
    }

    fn rebuilt(plan: &Plan, layout: &Layout, sequence: usize) -> Vec<u32> {
        let mut parts: Vec<Vec<u64>> = Vec::new();
        let mut leaves = None;
        for piece in layout.path(sequence) {
            parts.push(layout.pieces[piece].keys.clone());
            leaves = layout.pieces[piece].leaves;
        }
        let above = leaves.map_or(Vec::new(), |(segment, depth)| {
            let path = plan.path(segment).into_iter().flat_map(|segment| plan.spine.nodes[segment].tokens.clone());
            path.take(depth).collect()
        });
        parts.push(above);
        parts.into_iter().rev().flatten().map(token).collect()
    }

    #[test]
    fn every_sequence_is_computed_once_whatever_the_cuts() {
        let mut state = 7u64;
        let mut next = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % bound) as u32
        };
        // Prompts of three nested shared parts and a part of their own, so that cuts fall everywhere.
        let prompts: Vec<Vec<u32>> = (0..400)
            .map(|_| {
                let (one, two) = (next(3), next(4));
                let mut prompt: Vec<u32> = (0..40).map(|place| place + 100 * one).collect();
                prompt.extend((0..30).map(|place| place + 50 * two));
                prompt.extend((0..next(12)).map(|_| next(5)));
                prompt
            })
            .collect();
        let tails: Vec<Vec<u32>> = vec![vec![], vec![7, 8]];
        let units: Vec<Unit> = prompts
            .iter()
            .map(|prompt| Unit {
                prompt,
                tails: tails.iter().map(Vec::as_slice).collect(),
                own_from: prompt.len() - 1,
                ..Unit::default()
            })
            .collect();
        let plan = Plan::new(&config(), &units, 0, true);
        assert!(plan.jobs.len() > 10, "{}", plan.jobs.len());
        let mut seen = vec![false; units.len()];
        let mut last: Option<&[u32]> = None;
        for job in 0..plan.jobs.len() {
            let layout = plan.layout(job);
            assert!(layout.tokens() <= plan.room, "{} over {}", layout.tokens(), plan.room);
            for (sequence, (unit, tail)) in plan.sequences(job).enumerate() {
                let whole = [&prompts[unit][..], &tails[tail]].concat();
                assert_eq!(rebuilt(&plan, &layout, sequence), whole);
                seen[unit] = true;
            }
            for unit in &plan.jobs[job] {
                assert!(last.is_none_or(|last| last <= &prompts[*unit][..]));
                last = Some(&prompts[*unit]);
            }
        }
        assert!(seen.iter().all(|seen| *seen));
        // Each unique prefix once, but across a cut the last token of equal prompts and their tails.
        let distinct: BTreeSet<Vec<u32>> = prompts
            .iter()
            .flat_map(|prompt| tails.iter().map(move |tail| [&prompt[..], tail].concat()))
            .flat_map(|whole| (1..=whole.len()).map(|end| whole[..end].to_vec()).collect::<Vec<_>>())
            .collect();
        let over = plan.unique() - distinct.len() as u64;
        assert!(over <= 3 * plan.jobs.len() as u64, "{over} more than {}", distinct.len());
        let without = Plan::new(&config(), &units, 0, false);
        assert!(without.unique() > plan.unique() + 50 * plan.jobs.len() as u64);
    }

    #[test]
    fn tokens_that_are_edited_otherwise_are_computed_apart() {
        let prompt: Vec<u32> = (0..20).collect();
        let unit = |classes: Vec<u32>| Unit {
            prompt: &prompt,
            tails: vec![&[]],
            classes: vec![classes],
            own_from: 19,
            long: false,
        };
        let plain = vec![0; 20];
        let mut edited = plain.clone();
        edited[12] = 1;
        let units = [unit(plain.clone()), unit(edited), unit(plain)];
        let plan = Plan::new(&config(), &units, 1 << 20, true);
        assert_eq!(plan.unique(), 20 + 8);
    }
}
