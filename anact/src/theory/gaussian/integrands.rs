//! What is integrated: the products of f, f′ and f″ from which every moment follows, by either route.

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

/// The integrals, each with a bound on its error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Integrals {
    pub(super) value: [f64; COUNT],
    pub(super) error: [f64; COUNT],
}

impl Integrals {
    /// Nothing yet.
    pub(super) const ZERO: Self = Self { value: [0.0; COUNT], error: [0.0; COUNT] };

    pub(super) fn add(&mut self, other: &Self) {
        for k in 0..COUNT {
            self.value[k] += other.value[k];
            self.error[k] += other.error[k];
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
