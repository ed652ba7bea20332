//! The token trie of a set of sequences: every shared beginning once.
//!
//! Sequences are sorted; a segment is a maximal stretch that is not left by any sequence and does not branch. Segments
//! come level by level, so that a level's tokens are computed together once the levels above are stored. A token here is
//! a number that also says how it is computed (see `plan`).

/// A maximal unbranched stretch of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// The segment above; `None` at the top.
    pub parent: Option<usize>,
    /// Number of tokens above it.
    pub depth: usize,
    /// Its tokens.
    pub tokens: Vec<u64>,
    /// Number of segments above it.
    pub level: usize,
}

/// The trie, and where each sequence ends in it.
#[derive(Debug, Default)]
pub(crate) struct Trie {
    /// Segments, parents before children.
    pub nodes: Vec<Node>,
    /// For every sequence: the segment that holds its last token. Sequences are not empty.
    pub ends: Vec<usize>,
}

impl Trie {
    /// Builds the trie of non-empty sequences. Every sequence ends at a segment's end.
    pub fn build(sequences: &[&[u64]]) -> Trie {
        let mut order: Vec<usize> = (0..sequences.len()).collect();
        order.sort_by_key(|index| sequences[*index]);
        let mut trie = Trie { nodes: Vec::new(), ends: vec![0; sequences.len()] };
        // Ranges of `order` that share a parent, their depth, and whether they have been split by the next token.
        let mut work = vec![(0..order.len(), None, 0usize)];
        while let Some((range, parent, depth)) = work.pop() {
            let mut start = range.start;
            // Sequences that end where the parent ends come first in sorted order.
            while start < range.end && sequences[order[start]].len() == depth {
                trie.ends[order[start]] = parent.unwrap_or(0);
                start += 1;
            }
            while start < range.end {
                let next = sequences[order[start]][depth];
                let end = start + order[start..range.end].partition_point(|index| sequences[*index][depth] == next);
                let (first, last) = (sequences[order[start]], sequences[order[end - 1]]);
                // Sorted: what the first and the last share, all share.
                let shared = first[depth..].iter().zip(&last[depth..]).take_while(|(one, two)| one == two).count();
                let level = parent.map_or(0, |parent: usize| trie.nodes[parent].level + 1);
                trie.nodes.push(Node { parent, depth, tokens: first[depth..depth + shared].to_vec(), level });
                work.push((start..end, Some(trie.nodes.len() - 1), depth + shared));
                start = end;
            }
        }
        trie
    }

    /// Number of tokens, each shared one counted once.
    pub fn tokens(&self) -> usize {
        self.nodes.iter().map(|node| node.tokens.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Trie;

    fn rebuilt(trie: &Trie, sequence: usize) -> Vec<u64> {
        let mut parts = Vec::new();
        let mut at = Some(trie.ends[sequence]);
        while let Some(node) = at {
            parts.push(trie.nodes[node].tokens.clone());
            at = trie.nodes[node].parent;
        }
        parts.into_iter().rev().flatten().collect()
    }

    #[test]
    fn every_sequence_is_found_again_and_shared_tokens_count_once() {
        let lists: Vec<Vec<u64>> =
            vec![vec![1, 2, 3, 4], vec![1, 2, 3], vec![1, 2, 9], vec![7], vec![1, 2, 3, 4], vec![1, 2, 3, 5, 6]];
        let views: Vec<&[u64]> = lists.iter().map(Vec::as_slice).collect();
        let trie = Trie::build(&views);
        for (index, list) in lists.iter().enumerate() {
            assert_eq!(&rebuilt(&trie, index), list);
        }
        assert_eq!(trie.tokens(), 8); // 1 2 | 3 | 4 | 5 6 | 9 | 7
        assert!(
            trie.nodes.iter().all(|node| node.parent.is_none_or(|parent| trie.nodes[parent].level + 1 == node.level))
        );
    }

    #[test]
    fn random_sequences_are_found_again() {
        let mut state = 1u64;
        let mut next = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        for _ in 0..50 {
            let lists: Vec<Vec<u64>> = (0..30).map(|_| (0..=next(7)).map(|_| next(3)).collect()).collect();
            let views: Vec<&[u64]> = lists.iter().map(Vec::as_slice).collect();
            let trie = Trie::build(&views);
            for (index, list) in lists.iter().enumerate() {
                assert_eq!(&rebuilt(&trie, index), list);
            }
            let distinct: std::collections::BTreeSet<&[u64]> =
                views.iter().flat_map(|list| (1..=list.len()).map(move |end| &list[..end])).collect();
            assert_eq!(trie.tokens(), distinct.len());
        }
    }
}
