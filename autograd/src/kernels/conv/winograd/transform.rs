//! The one-dimensional transforms of F(4, 3) and F(2, 3), and their transposes.
//!
//! F(m, 3) computes m outputs of a filter g with 3 taps from m + 2 inputs d by m + 2 multiplications instead of 3m:
//! y = Aᵀ·\[(G·g) ⊙ (Bᵀ·d)\]. With the points p₁ … p₍ₘ₊₁₎ and ∞ (Toom and Cook's polynomial products, transposed):
//!
//! - Aᵀ has the column 1, p, p², … of every point, and 0, …, 0, 1 for ∞;
//! - G has the row (1, p, p²)/Π (p − q) over the other points q, and (0, 0, 1) for ∞;
//! - Bᵀ has the coefficients of Π (x − q) over the other points q, and of Π (x − q) over all points for ∞.
//!
//! F(4, 3) takes the points 0, ±1/√2, ±√2: of several pairs ±a, ±b we tried, these have the smallest error, half of that of
//! the textbook's ±1, ±2 and about 1.8 times that of adding up the products one by one in f32 (root mean square, 64
//! channels). F(2, 3) takes 0, ±1.
//!
//! Source: Lavin and Gray, *Fast algorithms for convolutional neural networks* (2016); the choice of points is our own
//! measurement in the spirit of Barabasz et al., *Error analysis and improving the accuracy of Winograd convolution*
//! (2020).

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use crate::kernels::simd::Vector;

/// F(M, 3) with A = M + 2 multiplications.
pub(super) trait Transform<const M: usize, const A: usize> {
    /// Bᵀ·d.
    fn input<V: Vector>(d: [V; A]) -> [V; A];
    /// G·g.
    fn weight<V: Vector>(g: [V; 3]) -> [V; A];
    /// Aᵀ·m.
    fn output<V: Vector>(m: [V; A]) -> [V; M];
    /// A·y, the transpose of [`Transform::output`].
    fn output_transposed<V: Vector>(y: [V; M]) -> [V; A];
    /// Gᵀ·u, the transpose of [`Transform::weight`].
    fn weight_transposed<V: Vector>(u: [V; A]) -> [V; 3];
}

/// F(4, 3).
pub(super) struct F4;

/// a, b: half the points; the others are −a, −b and 0. a·b = 1.
const POINTS: [f32; 2] = [FRAC_1_SQRT_2, SQRT_2];
/// a² and b².
const SQUARES: [f32; 2] = [0.5, 2.0];
/// a³ and b³.
const CUBES: [f32; 2] = [0.5 * FRAC_1_SQRT_2, 2.0 * SQRT_2];
/// 1/Π (p − q) for p = ±a and p = ±b: 1/(2a²(a² − b²)) and 1/(2b²(b² − a²)). For p = 0 it is 1/(a²b²) = 1.
const NORMS: [f32; 2] = [-1.0 / 1.5, 1.0 / 6.0];

impl Transform<4, 6> for F4 {
    #[inline(always)]
    fn input<V: Vector>(d: [V; 6]) -> [V; 6] {
        // −(a² + b²); a²b² is 1.
        let sum = V::splat(-(SQUARES[0] + SQUARES[1]));
        let pair = |point: usize| {
            let other = V::splat(-SQUARES[1 - point]);
            let (even, odd) = (other.mul_add(d[2], d[4]), other.mul_add(d[1], d[3]));
            let p = V::splat(POINTS[point]);
            (p.mul_add(odd, even), V::splat(-POINTS[point]).mul_add(odd, even))
        };
        let ((a, minus_a), (b, minus_b)) = (pair(0), pair(1));
        let zero = sum.mul_add(d[2], d[0].add(d[4]));
        let infinity = sum.mul_add(d[3], d[1].add(d[5]));
        [zero, a, minus_a, b, minus_b, infinity]
    }

    #[inline(always)]
    fn weight<V: Vector>(g: [V; 3]) -> [V; 6] {
        let pair = |point: usize| {
            let norm = V::splat(NORMS[point]);
            let even = V::splat(SQUARES[point]).mul_add(g[2], g[0]).mul(norm);
            let odd = V::splat(POINTS[point] * NORMS[point]).mul(g[1]);
            (even.add(odd), even.sub(odd))
        };
        let ((a, minus_a), (b, minus_b)) = (pair(0), pair(1));
        [g[0], a, minus_a, b, minus_b, g[2]]
    }

    #[inline(always)]
    fn output<V: Vector>(m: [V; 6]) -> [V; 4] {
        let (even, odd) = ([m[1].add(m[2]), m[3].add(m[4])], [m[1].sub(m[2]), m[3].sub(m[4])]);
        let combine = |of: [V; 2], by: [f32; 2]| V::splat(by[0]).mul_add(of[0], V::splat(by[1]).mul(of[1]));
        [
            m[0].add(even[0].add(even[1])),
            combine(odd, POINTS),
            combine(even, SQUARES),
            combine(odd, CUBES).add(m[5]),
        ]
    }

    #[inline(always)]
    fn output_transposed<V: Vector>(y: [V; 4]) -> [V; 6] {
        let pair = |point: usize| {
            let even = V::splat(SQUARES[point]).mul_add(y[2], y[0]);
            let odd = V::splat(CUBES[point]).mul_add(y[3], V::splat(POINTS[point]).mul(y[1]));
            (even.add(odd), even.sub(odd))
        };
        let ((a, minus_a), (b, minus_b)) = (pair(0), pair(1));
        [y[0], a, minus_a, b, minus_b, y[3]]
    }

    #[inline(always)]
    fn weight_transposed<V: Vector>(u: [V; 6]) -> [V; 3] {
        let norm = NORMS.map(V::splat);
        let even = [u[1].add(u[2]).mul(norm[0]), u[3].add(u[4]).mul(norm[1])];
        let odd = [u[1].sub(u[2]).mul(norm[0]), u[3].sub(u[4]).mul(norm[1])];
        let combine = |of: [V; 2], by: [f32; 2]| V::splat(by[0]).mul_add(of[0], V::splat(by[1]).mul(of[1]));
        [u[0].add(even[0].add(even[1])), combine(odd, POINTS), combine(even, SQUARES).add(u[5])]
    }
}

/// F(2, 3).
pub(super) struct F2;

impl Transform<2, 4> for F2 {
    #[inline(always)]
    fn input<V: Vector>(d: [V; 4]) -> [V; 4] {
        [d[2].sub(d[0]), d[2].add(d[1]), d[2].sub(d[1]), d[3].sub(d[1])]
    }

    #[inline(always)]
    fn weight<V: Vector>(g: [V; 3]) -> [V; 4] {
        let half = V::splat(0.5);
        let (even, odd) = (g[0].add(g[2]).mul(half), g[1].mul(half));
        [V::splat(-1.0).mul(g[0]), even.add(odd), even.sub(odd), g[2]]
    }

    #[inline(always)]
    fn output<V: Vector>(m: [V; 4]) -> [V; 2] {
        [m[0].add(m[1].add(m[2])), m[1].sub(m[2]).add(m[3])]
    }

    #[inline(always)]
    fn output_transposed<V: Vector>(y: [V; 2]) -> [V; 4] {
        [y[0], y[0].add(y[1]), y[0].sub(y[1]), y[1]]
    }

    #[inline(always)]
    fn weight_transposed<V: Vector>(u: [V; 4]) -> [V; 3] {
        let half = V::splat(0.5);
        let (even, odd) = (u[1].add(u[2]).mul(half), u[1].sub(u[2]).mul(half));
        [even.sub(u[0]), odd, even.add(u[3])]
    }
}
