//! The ops that random graphs are made of: one row each.

use crate::ops::activation::ACTIVATIONS;

use super::builder::Builder;
use super::step::Step;

/// A number read digit by digit, in whatever base is wanted next.
pub(super) struct Choices(pub(super) u32);

impl Choices {
    /// A whole number below `n`.
    fn below(&mut self, n: usize) -> usize {
        let n = n as u32;
        let digit = self.0 % n;
        self.0 /= n;
        digit as usize
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 1
    }
}

/// Appends an op to the graph, with what it needs; `None` if it does not fit here.
type Make = fn(&mut Builder<'_>, &mut Choices) -> Option<usize>;

/// Every row makes one op; the names are those of the engine's registry, where it has them. Simple ones first,
/// because tests that shrink what they draw simplify towards them.
pub(super) const TABLE: &[(&str, Make)] = &[
    ("add", |b, _| binary(b, Step::Add)),
    ("neg", |b, _| b.push(Step::Neg(b.first()))),
    ("mul", |b, _| binary(b, Step::Mul)),
    ("mul by itself", |b, _| b.push(Step::Mul(b.first(), b.first()))),
    ("sub", |b, _| binary(b, Step::Sub)),
    ("scale", |b, c| b.push(Step::Scale(b.first(), [-1.5, 0.75, 0.0][c.below(3)]))),
    ("shift", |b, c| b.push(Step::Shift(b.first(), [0.5, -1.25][c.below(2)]))),
    ("div", |b, c| {
        let (a, d) = operands(b)?;
        let d = positive(b, d, c)?;
        b.push(Step::Div(a, d))
    }),
    ("pow", |b, c| {
        let (a, d) = operands(b)?;
        let a = positive(b, a, c)?;
        b.push(Step::Pow(a, d))
    }),
    ("exp", |b, _| {
        let x = squashed(b, b.first(), 1.25)?;
        b.push(Step::Exp(x))
    }),
    ("ln", |b, c| {
        let x = positive(b, b.first(), c)?;
        b.push(Step::Ln(x))
    }),
    ("sqrt", |b, c| {
        let x = positive(b, b.first(), c)?;
        b.push(Step::Sqrt(x))
    }),
    ("activation", activation),
    ("activation", activation),
    ("activation", activation),
    ("prelu", |b, _| {
        let x = b.first();
        let channels = *b.dims(x).get(1).unwrap_or(&1);
        let slope = match b.second(|d| d == [channels] || d == [1]) {
            Some(slope) => slope,
            None => {
                let whole = b.second(|d| d.iter().product::<usize>() == channels)?;
                b.push(Step::Reshape(whole, vec![channels]))?
            }
        };
        b.clear_of(x, &[0.0])?;
        b.push(Step::PRelu { x, slope })
    }),
    ("matmul", |b, _| {
        let left = matrix(b, b.first())?;
        let inner = b.dims(left)[1];
        let right = match b.second(|d| d.len() == 2 && d[0] == inner) {
            Some(right) => right,
            None => b.push(Step::Permute(left, vec![1, 0]))?,
        };
        b.push(Step::MatMul(left, right))
    }),
    ("matmul transposed", |b, _| {
        let left = matrix(b, b.first())?;
        let inner = b.dims(left)[1];
        let right = b.second(|d| d.len() == 2 && d[1] == inner)?;
        b.push(Step::MatMulTransposed(left, right))
    }),
    ("sum", |b, c| {
        let x = b.first();
        let axes = axes(b, x, c);
        b.push(Step::Sum { x, axes, keep: c.flag() })
    }),
    ("mean", |b, c| {
        let x = b.first();
        let axes = axes(b, x, c);
        b.push(Step::Mean { x, axes, keep: c.flag() })
    }),
    ("var", |b, c| {
        let x = b.first();
        let axes = axes(b, x, c);
        let count: usize = axes.iter().map(|&a| b.dims(x)[a]).product();
        let correction = c.below(count.min(2));
        b.push(Step::Variance { x, axes, keep: c.flag(), correction })
    }),
    ("reshape", |b, c| {
        let x = b.first();
        let n: usize = b.dims(x).iter().product();
        let divisors: Vec<usize> = (1..=n).filter(|d| n.is_multiple_of(*d)).collect();
        let rows = divisors[c.below(divisors.len())];
        let dims = match c.below(4) {
            0 => vec![rows, n / rows],
            1 => vec![n],
            2 => vec![rows, 1, n / rows],
            _ => vec![1, n / rows, rows],
        };
        b.push(Step::Reshape(x, dims))
    }),
    ("permute", |b, c| {
        let x = b.first();
        let mut rest: Vec<usize> = (0..b.dims(x).len()).rev().collect();
        let mut axes = Vec::new();
        while !rest.is_empty() {
            axes.push(rest.remove(c.below(rest.len())));
        }
        b.push(Step::Permute(x, axes))
    }),
    ("concat", |b, c| {
        let a = b.first();
        let dims = b.dims(a);
        let axis = c.below(dims.len().max(1));
        let fits = |d: &[usize]| {
            d.len() == dims.len() && d.iter().zip(&dims).enumerate().all(|(i, (m, n))| i == axis || m == n)
        };
        let other = b.second(fits)?;
        let parts = if c.flag() { vec![a, other] } else { vec![other, a, other] };
        (!dims.is_empty()).then(|| b.push(Step::Concat { parts, axis }))?
    }),
    ("slice", |b, c| {
        let x = b.first();
        let range = |n: usize, c: &mut Choices| {
            let start = c.below(n);
            (start, start + 1 + c.below(n - start))
        };
        let ranges = b.dims(x).into_iter().map(|n| range(n, c)).collect();
        b.push(Step::Slice(x, ranges))
    }),
    ("pad", |b, c| {
        let x = b.first();
        let pads = b.dims(x).into_iter().map(|_| (c.below(3), c.below(2))).collect();
        b.push(Step::Pad(x, pads, [0.0, 1.5][c.below(2)]))
    }),
    ("softmax", |b, _| (!b.dims(b.first()).is_empty()).then(|| b.push(Step::Softmax(b.first())))?),
    ("log_softmax", |b, _| (!b.dims(b.first()).is_empty()).then(|| b.push(Step::LogSoftmax(b.first())))?),
    ("cross_entropy", |b, c| {
        let x = matrix(b, b.first())?;
        let &[samples, classes] = &b.dims(x)[..] else { return None };
        let labels = (0..samples).map(|_| c.below(classes)).collect();
        b.push(Step::CrossEntropy { x, labels, smoothing: [0.0, 0.1][c.below(2)] })
    }),
    ("dropout", |b, c| {
        b.push(Step::Dropout { x: b.first(), probability: 0.25, index: c.below(1000) as u64 })
    }),
    ("stochastic_depth", |b, c| {
        let x = b.first();
        (!b.dims(x).is_empty())
            .then(|| b.push(Step::StochasticDepth { x, probability: 0.25, index: c.below(1000) as u64 }))?
    }),
];

/// The first operand, and a second one that broadcasts with it: at worst the same again.
fn operands(b: &Builder<'_>) -> Option<(usize, usize)> {
    let first = b.first();
    let dims = b.dims(first);
    let fits = |d: &[usize]| dims.iter().rev().zip(d.iter().rev()).all(|(m, n)| m == n || *m == 1 || *n == 1);
    Some((first, b.second(fits)?))
}

fn binary(b: &mut Builder<'_>, step: fn(usize, usize) -> Step) -> Option<usize> {
    let (x, y) = operands(b)?;
    b.push(step(x, y))
}

/// The value if its elements are below `limit` in size, else their tanh.
fn squashed(b: &mut Builder<'_>, x: usize, limit: f64) -> Option<usize> {
    let (low, high) = b.range(x);
    if low >= -limit && high <= limit { Some(x) } else { b.push(Step::Activation(x, "tanh".into())) }
}

/// The value if its elements are well above 0, else 1 + x² or e^x.
fn positive(b: &mut Builder<'_>, x: usize, c: &mut Choices) -> Option<usize> {
    let is_positive = |b: &Builder<'_>, x| b.range(x).0 > 0.2;
    if is_positive(b, x) {
        return Some(x);
    }
    let x = squashed(b, x, 1.25)?;
    let made = if c.flag() {
        let square = b.push(Step::Mul(x, x))?;
        b.push(Step::Shift(square, 1.0))?
    } else {
        b.push(Step::Exp(x))?
    };
    // A steep one was scaled down.
    is_positive(b, made).then_some(made)
}

/// The value as a matrix.
fn matrix(b: &mut Builder<'_>, x: usize) -> Option<usize> {
    match b.dims(x)[..] {
        [_, _] => Some(x),
        [rows, ref rest @ ..] => b.push(Step::Reshape(x, vec![rows, rest.iter().product()])),
        [] => b.push(Step::Reshape(x, vec![1, 1])),
    }
}

/// Some of the axes, any number of them, in their order.
fn axes(b: &Builder<'_>, x: usize, c: &mut Choices) -> Vec<usize> {
    (0..b.dims(x).len()).filter(|_| c.flag()).collect()
}

/// Any registered activation. One with kinks is taken only where no element is near a kink: there the function is
/// smooth, and a finite difference means something.
fn activation(b: &mut Builder<'_>, c: &mut Choices) -> Option<usize> {
    let entry = &ACTIVATIONS[c.below(ACTIVATIONS.len())];
    let name = match entry.parameter {
        Some(p) if c.flag() => format!("{}({})", entry.name, (p.default * 1.25 + 0.05).clamp(p.min, p.max)),
        _ => entry.name.to_string(),
    };
    let x = b.first();
    b.clear_of(x, entry.kinks)?;
    b.push(Step::Activation(x, name))
}
