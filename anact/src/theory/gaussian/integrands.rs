//! What is integrated: the products of f, f′ and f″ from which every moment follows, by either route.

use super::rounded::Rounded;

/// How many there are.
pub(super) const COUNT: usize = 19;

/// The integrands, by their place in an array of [`COUNT`]. With h = z − m, ε = h/s, d = f(z) − f(m), p = f′(z),
/// p̃ = f′(z) − f′(m), q = f″(z) between kinks, and the remainder r = p·h − d of f's tangent at z.
///
/// d, p̃ and r are there because f − E\[f\], f′ − E\[f′\] and s·∂/∂s lose no digits when made from them.
pub(super) mod place {
    pub(in super::super) const F: usize = 0;
    pub(in super::super) const FF: usize = 1;
    pub(in super::super) const D: usize = 2;
    pub(in super::super) const DD: usize = 3;
    pub(in super::super) const P: usize = 4;
    pub(in super::super) const PP: usize = 5;
    pub(in super::super) const P_MOVED: usize = 6;
    pub(in super::super) const D_P_MOVED: usize = 7;
    pub(in super::super) const FP: usize = 8;
    pub(in super::super) const ZFP: usize = 9;
    pub(in super::super) const FQ: usize = 10;
    pub(in super::super) const ZZPP: usize = 11;
    pub(in super::super) const FFPP: usize = 12;
    pub(in super::super) const PQ: usize = 13;
    pub(in super::super) const EPQ: usize = 14;
    pub(in super::super) const FR: usize = 15;
    pub(in super::super) const DR: usize = 16;
    pub(in super::super) const R: usize = 17;
    pub(in super::super) const E_P_MOVED: usize = 18;
}

/// The factors at one z, or on one piece as functions of z.
#[derive(Clone, Copy)]
pub(super) struct Factors<T> {
    pub(super) z: T,
    pub(super) e: T,
    pub(super) f: T,
    pub(super) d: T,
    pub(super) p: T,
    pub(super) p_moved: T,
    pub(super) q: T,
    pub(super) r: T,
}

/// What a function's values are rounded by, in units of [`rounded::UNIT`]: an argument off by a unit moves f by z·p.
pub(super) struct Moved {
    /// |z|, or |z| + |m| where z was made from m.
    pub(super) z: f64,
    /// What d and p̃ are rounded by beyond f and p: the size of what was subtracted.
    pub(super) d: f64,
    pub(super) p_moved: f64,
}

impl Factors<f64> {
    /// The factors with bounds on their rounding.
    pub(super) fn rounded(self, moved: &Moved) -> Factors<Rounded> {
        let Self { z, e, f, d, p, p_moved, q, r } = self;
        // How much steeper than f′ f″ is, which is guessed to go on: tails of e^{−z²/2} have q/p = −z.
        let bend = if p == 0.0 { 0.0 } else { (moved.z * q / p).abs().min(moved.z * moved.z) };
        let of_f = f.abs() + moved.z * p.abs();
        let of_p = p.abs() + moved.z * q.abs();
        let of_d = d.abs() + moved.d;
        let of_p_moved = p_moved.abs() + moved.p_moved;
        // h = d/p on the whole: p·h is about as large as what it is compared with.
        let of_r = r.abs() + if moved.d > 0.0 { of_d + (r + d).abs() } else { 0.0 };
        Factors {
            z: Rounded::new(z, moved.z),
            e: Rounded::new(e, e.abs()),
            f: Rounded::new(f, of_f),
            d: Rounded::new(d, of_d),
            p: Rounded::new(p, of_p),
            p_moved: Rounded::new(p_moved, of_p_moved),
            q: Rounded::new(q, q.abs() * (1.0 + bend)),
            r: Rounded::new(r, of_r),
        }
    }
}

impl<T: Copy + std::ops::Mul<Output = T>> Factors<T> {
    /// The integrands in the order of [`place`].
    pub(super) fn products(self) -> [T; COUNT] {
        let Self { z, e, f, d, p, p_moved, q, r } = self;
        let (fp, pq, zp) = (f * p, p * q, z * p);
        [
            f,
            f * f,
            d,
            d * d,
            p,
            p * p,
            p_moved,
            d * p_moved,
            fp,
            f * zp,
            f * q,
            zp * zp,
            fp * fp,
            pq,
            e * pq,
            f * r,
            d * r,
            r,
            e * p_moved,
        ]
    }
}

/// The integrals, with what they may be off by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Integrals {
    pub(super) value: [f64; COUNT],
    /// By the route that was taken.
    pub(super) error: [f64; COUNT],
    /// By the rounding of the function, its argument and the density's exponent, which every route has.
    pub(super) noise: [f64; COUNT],
}

impl Integrals {
    /// Nothing yet.
    pub(super) const ZERO: Self = Self { value: [0.0; COUNT], error: [0.0; COUNT], noise: [0.0; COUNT] };

    pub(super) fn add(&mut self, other: &Self) {
        for k in 0..COUNT {
            self.value[k] += other.value[k];
            self.error[k] += other.error[k];
            self.noise[k] += other.noise[k];
        }
    }

    /// Against what each integral's error is to be measured: its own size where it has one sign, and for the others
    /// the size of their factors.
    pub(super) fn scales(&self) -> [f64; COUNT] {
        use place::{
            D, D_P_MOVED, DD, DR, E_P_MOVED, EPQ, F, FF, FFPP, FP, FQ, FR, P, P_MOVED, PP, PQ, R, ZFP, ZZPP,
        };
        let v = |k: usize| self.value[k].abs();
        let (f, p) = (v(FF).sqrt(), v(PP).sqrt());
        let var = (v(DD) - v(D) * v(D)).max(0.0);
        let mut scales = [0.0; COUNT];
        for (k, scale) in [
            (F, f),
            (FF, v(FF)),
            (D, var.sqrt()),
            (DD, var),
            (P, p),
            (PP, v(PP)),
            (P_MOVED, p),
            (D_P_MOVED, var.sqrt() * p),
            (FP, f * p),
            (ZFP, v(ZFP)),
            (FQ, v(FQ) + v(PP)),
            (ZZPP, v(ZZPP)),
            (FFPP, v(FFPP)),
            (PQ, v(PQ) + v(PP)),
            (EPQ, v(EPQ) + v(PP)),
            (FR, v(FF)),
            (DR, var),
            (R, var.sqrt()),
            (E_P_MOVED, p),
        ] {
            scales[k] = scale;
        }
        scales
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// c·f has integrals of c, c² or c⁴ times those of f, and so what they are measured against; by a power of two without rounding.
    #[test]
    fn scales_grow_as_the_integrals_do() {
        use place::{D, E_P_MOVED, F, FFPP, P, P_MOVED, R};
        let degree = |k: usize| match k {
            F | D | P | P_MOVED | R | E_P_MOVED => 1,
            FFPP => 4,
            _ => 2,
        };
        let of = |factor: f64| {
            let mut integrals = Integrals::ZERO;
            for k in 0..COUNT {
                // Different for all, without rounding; E[d²] is more than E[d]².
                let one = if k == D { -0.5 } else { 5.0 - 0.125 * k as f64 };
                integrals.value[k] = one * factor.powi(degree(k));
            }
            integrals.scales()
        };
        let (once, grown) = (of(1.0), of(4.0));
        // E[d²] − E[d]², and |E[p·q]| + E[p′²].
        assert_eq!((once[place::DD], once[place::PQ]), (4.625 - 0.25, 3.375 + 4.375));
        for k in 0..COUNT {
            assert!(once[k] > 0.0, "integral {k}");
            assert_eq!(grown[k], once[k] * 4f64.powi(degree(k)), "integral {k}");
        }
    }
}
