//! One tree, grown leaf by leaf.
use super::{BINS_MAX, Binned, LEAF_ROWS_MIN, LEAVES};

/// Smallest sum of second derivatives in a leaf.
const LEAF_WEIGHT_MIN: f64 = 1e-3;
/// What a category's order is damped by, in the same sum.
const CATEGORY_SMOOTH: f64 = 10.0;

/// What a bin's rows add up to.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    gradient: f64,
    weight: f64,
    rows: u32,
}

impl Cell {
    fn add(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.weight += other.weight;
        self.rows += other.rows;
    }
    fn less(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            weight: self.weight - other.weight,
            rows: self.rows - other.rows,
        }
    }
    fn is_leaf(&self) -> bool {
        self.rows >= LEAF_ROWS_MIN && self.weight >= LEAF_WEIGHT_MIN
    }
    fn score(&self) -> f64 {
        self.gradient * self.gradient / self.weight
    }
}

#[derive(Clone, Copy, Debug)]
struct Split {
    column: usize,
    /// Bins that go left, as bits.
    left: u64,
    gain: f64,
}

#[derive(Clone, Debug)]
enum Node {
    Leaf(f64),
    Inner { column: usize, left: u64, children: [usize; 2] },
}

/// A grown tree.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub(super) fn is_leaf(&self) -> bool {
        self.nodes.len() == 1
    }

    pub(super) fn predict(&self, row: &[u8]) -> f64 {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf(value) => return *value,
                Node::Inner { column, left, children } => {
                    at = children[usize::from(left >> row[*column] & 1 == 0)];
                }
            }
        }
    }
}

/// A leaf that may still be split.
struct Leaf {
    node: usize,
    rows: Vec<u32>,
    histogram: Vec<Cell>,
    total: Cell,
    split: Option<Split>,
}

/// Grows trees over the same rows.
pub(super) struct Grower<'a> {
    binned: &'a Binned,
}

impl<'a> Grower<'a> {
    pub(super) fn new(binned: &'a Binned) -> Self {
        Self { binned }
    }

    /// A tree for these gradients; what its splits gained is added to `gains`.
    pub(super) fn grow(
        &mut self,
        gradients: &[(f64, f64)],
        rows: &[u32],
        rate: f64,
        gains: &mut [f64],
    ) -> Tree {
        let root = self.histogram(gradients, rows);
        let mut leaves = vec![self.leaf(0, rows.to_vec(), root, gradients)];
        let mut nodes = vec![Node::Leaf(0.0)];
        while leaves.len() < LEAVES {
            let best = leaves
                .iter()
                .enumerate()
                .filter_map(|(at, leaf)| Some((at, leaf.split?)))
                .max_by(|a, b| a.1.gain.total_cmp(&b.1.gain).then(b.0.cmp(&a.0)));
            let Some((at, split)) = best else { break };
            gains[split.column] += split.gain;
            let parent = leaves.swap_remove(at);
            let children = [nodes.len(), nodes.len() + 1];
            nodes[parent.node] = Node::Inner { column: split.column, left: split.left, children };
            nodes.extend([Node::Leaf(0.0), Node::Leaf(0.0)]);
            leaves.extend(self.split(parent, split, children, gradients));
        }
        for leaf in leaves {
            let value = match leaf.total.weight {
                weight if weight > 0.0 => -leaf.total.gradient / weight,
                _ => 0.0,
            };
            nodes[leaf.node] = Node::Leaf(rate * value);
        }
        Tree { nodes }
    }

    /// The two halves. The smaller one's rows are counted, the other's are what is left.
    fn split(
        &self,
        parent: Leaf,
        split: Split,
        children: [usize; 2],
        gradients: &[(f64, f64)],
    ) -> [Leaf; 2] {
        let goes_left = |row: &u32| split.left >> self.binned.row(*row)[split.column] & 1 == 1;
        let (left, right): (Vec<u32>, Vec<u32>) = parent.rows.into_iter().partition(goes_left);
        let is_left_smaller = left.len() <= right.len();
        let smaller = if is_left_smaller { &left } else { &right };
        let counted = self.histogram(gradients, smaller);
        let mut rest = parent.histogram;
        rest.iter_mut().zip(&counted).for_each(|(all, part)| *all = all.less(*part));
        let (of_left, of_right) = if is_left_smaller { (counted, rest) } else { (rest, counted) };
        [
            self.leaf(children[0], left, of_left, gradients),
            self.leaf(children[1], right, of_right, gradients),
        ]
    }

    fn leaf(
        &self,
        node: usize,
        rows: Vec<u32>,
        histogram: Vec<Cell>,
        gradients: &[(f64, f64)],
    ) -> Leaf {
        let mut total = Cell::default();
        for row in &rows {
            let (gradient, weight) = gradients[*row as usize];
            total.add(Cell { gradient, weight, rows: 1 });
        }
        let split = self.best(&histogram, total);
        Leaf { node, rows, histogram, total, split }
    }

    fn histogram(&self, gradients: &[(f64, f64)], rows: &[u32]) -> Vec<Cell> {
        let mut histogram = vec![Cell::default(); self.binned.columns() * BINS_MAX];
        for &row in rows {
            let (gradient, weight) = gradients[row as usize];
            let cell = Cell { gradient, weight, rows: 1 };
            let columns = histogram.chunks_exact_mut(BINS_MAX);
            for (bins, bin) in columns.zip(self.binned.row(row)) {
                bins[usize::from(*bin)].add(cell);
            }
        }
        histogram
    }

    /// The best split; where two are as good, that of the first column.
    fn best(&self, histogram: &[Cell], total: Cell) -> Option<Split> {
        let mut best: Option<Split> = None;
        let mut order: Vec<usize> = Vec::with_capacity(BINS_MAX);
        for (column, bins) in histogram.chunks_exact(BINS_MAX).enumerate() {
            order.clear();
            order.extend((0..BINS_MAX).filter(|bin| bins[*bin].rows > 0));
            if self.binned.is_categorical(column) {
                let lean =
                    |bin: &usize| bins[*bin].gradient / (bins[*bin].weight + CATEGORY_SMOOTH);
                order.sort_by(|a, b| lean(a).total_cmp(&lean(b)));
            }
            let (mut left, mut set) = (Cell::default(), 0_u64);
            for bin in order.iter().take(order.len().saturating_sub(1)) {
                left.add(bins[*bin]);
                set |= 1 << bin;
                let right = total.less(left);
                if !left.is_leaf() || !right.is_leaf() {
                    continue;
                }
                let gain = left.score() + right.score() - total.score();
                if gain > best.map_or(1e-9, |it| it.gain) {
                    best = Some(Split { column, left: set, gain });
                }
            }
        }
        best
    }
}
