#!/usr/bin/env python3
"""Write gaussian_more.json: Gaussian moments of every activation, also where they are hard to get.

    pip install mpmath
    python3 make_gaussian.py

Made with mpmath 1.3.0 in 40 digits, and in 260 at 40 standard deviations, where 1 - tanh is e^-400. The line is cut at kinks, at whole standard deviations and at 0, +-4^k; a panel on
which Gauss-Legendre rules of 20 and 32 nodes disagree beyond 1e-24 of the whole is halved. Derivatives by m and s use
the score, d/dm E[g] = E[g e]/s and d/ds E[g] = E[g (e^2 - 1)]/s with e = (z - m)/s, which needs neither f'' nor jumps.
E[f f''] is Stein's (E[z f f'] - m E[f f'])/s^2 - E[f'^2], so f'' is the distributional one.
"""
import json
import sys
from multiprocessing import Pool
from pathlib import Path

from mpmath import mp, mpf, exp, expm1, log1p, tanh, sqrt, pi, erf, erfc, sin, cos, nstr

mp.dps = 40
ONE = mpf(1)


def sigma(x):
    return ONE / (1 + exp(-x))


def piecewise(*cases):
    """cases: (upper end, f and f' as functions of x), ascending; the last end is None."""
    def both(x):
        for end, function in cases:
            if end is None or x < end:
                return function(x)
    return both


SELU_A = mpf(1.6732632423543772848170429916717)
SELU_L = mpf(1.0507009873554804934193349852946)


def gelu(x):
    half = erfc(-x / sqrt(mpf(2))) / 2
    return x * half, half + x * exp(-x * x / 2) / sqrt(2 * pi)


def gelu_tanh(x):
    c, k = mpf(0.044715), 2 * sqrt(2 / pi)
    s, rest = sigma(k * (x + c * x**3)), sigma(-k * (x + c * x**3))
    return x * s, s + x * s * rest * k * (1 + 3 * c * x * x)


def mish(x):
    # tanh(ln(1 + E)) = (E^2 + 2E)/(E^2 + 2E + 2), in e^-x on the right.
    if x < 0:
        e = exp(x)
        d = e * e + 2 * e + 2
        return x * (e * e + 2 * e) / d, (e * e + 2 * e) / d + x * 4 * e * (1 + e) / d**2
    e = exp(-x)
    d = 1 + 2 * e + 2 * e * e
    return x * (1 + 2 * e) / d, (1 + 2 * e) / d + x * 4 * e * e * (1 + e) / d**2


def tanh_both(x):
    e = exp(-2 * abs(x))
    return tanh(x), 4 * e / (1 + e) ** 2


SIXTH, LEAK = ONE / 6, mpf(0.01)
FUNCTIONS = {
    "identity": ([], lambda x: (x, ONE)),
    "relu": ([0], piecewise((0, lambda x: (0, 0)), (None, lambda x: (x, 1)))),
    "leaky_relu": ([0], piecewise((0, lambda x: (LEAK * x, LEAK)), (None, lambda x: (x, 1)))),
    "relu6": ([0, 6], piecewise((0, lambda x: (0, 0)), (6, lambda x: (x, 1)), (None, lambda x: (6, 0)))),
    "elu": ([0], piecewise((0, lambda x: (expm1(x), exp(x))), (None, lambda x: (x, 1)))),
    "elu(0.5)": ([0], piecewise((0, lambda x: (expm1(x) / 2, exp(x) / 2)), (None, lambda x: (x, 1)))),
    "selu": ([0], piecewise((0, lambda x: (SELU_L * SELU_A * expm1(x), SELU_L * SELU_A * exp(x))),
                            (None, lambda x: (SELU_L * x, SELU_L)))),
    "celu(2)": ([0], piecewise((0, lambda x: (2 * expm1(x / 2), exp(x / 2))), (None, lambda x: (x, 1)))),
    "gelu": ([], gelu),
    "gelu_tanh": ([], gelu_tanh),
    "swish": ([], lambda x: (x * sigma(x), sigma(x) * (1 + x * sigma(-x)))),
    "mish": ([], mish),
    "softplus": ([], lambda x: (max(x, mpf(0)) + log1p(exp(-abs(x))), sigma(x))),
    "sigmoid": ([], lambda x: (sigma(x), sigma(x) * sigma(-x))),
    "tanh": ([], tanh_both),
    "softsign": ([0], lambda x: (x / (1 + abs(x)), 1 / (1 + abs(x)) ** 2)),
    "erf": ([], lambda x: (erf(x), 2 / sqrt(pi) * exp(-x * x))),
    "sin": ([], lambda x: (sin(x), cos(x))),
    "hard_tanh": ([-1, 1], piecewise((-1, lambda x: (-1, 0)), (1, lambda x: (x, 1)), (None, lambda x: (1, 0)))),
    "hard_sigmoid": ([-3, 3], piecewise((-3, lambda x: (0, 0)), (3, lambda x: ((x + 3) * SIXTH, SIXTH)),
                                        (None, lambda x: (1, 0)))),
    "hard_swish": ([-3, 3], piecewise((-3, lambda x: (0, 0)), (3, lambda x: (x * (x + 3) / 6, (2 * x + 3) / 6)),
                                      (None, lambda x: (x, 1)))),
}
PLACES = [(0.3, 0.7), (-1.1, 2.5), (0.0, 1e-6), (1.25, 1e-6), (3.0, 1e-3), (0.5, 1e3), (-250000.0, 1e6),
          (20.0, 0.5), (-20.0, 0.5), (400.0, 10.0), (-400.0, 10.0)]
COLUMNS = ["f", "f2", "f_var", "df", "df2", "z_f_df", "f_d2f", "z2_df2", "f2_df2", "lambda", "lambda_by_mean",
           "lambda_by_std", "lambda_centered", "lambda_centered_by_mean", "lambda_centered_by_std"]


def rule(n):
    """Nodes and weights on [-1, 1], by Newton's method on the Legendre polynomial."""
    points = []
    for i in range(n):
        x = cos(pi * (i + mpf(3) / 4) / (n + mpf(1) / 2))
        for _ in range(8):
            before, p = ONE, x
            for k in range(2, n + 1):
                before, p = p, ((2 * k - 1) * x * p - (k - 1) * before) / k
            slope = n * (x * p - before) / (x * x - 1)
            x -= p / slope
        points.append((x, 2 / ((1 - x * x) * slope * slope)))
    return points


COARSE, FINE = rule(20), rule(32)


def moments(name, m, s):
    mp.dps = 260 if abs(m) == 40 * s else 40
    kinks, both = FUNCTIONS[name]
    m, s = mpf(m), mpf(s)
    norm = 1 / sqrt(2 * pi)
    pivot = both(m)[0]

    def integrands(e):
        z = m + s * e
        f, d = both(z)
        w = exp(-e * e / 2) * norm
        v, score = (f - pivot), e * e - 1
        return [w * x for x in (f, f * f, v, v * v, d, d * d, f * d, z * f * d, z * z * d * d, f * f * d * d,
                                f * f * e, f * f * score, v * e, v * score, v * v * e, v * v * score,
                                d * d * e, d * d * score)]

    def integrate(a, b, points):
        middle, half = (a + b) / 2, (b - a) / 2
        total = None
        for x, w in points:
            values = integrands(middle + half * x)
            total = [w * v for v in values] if total is None else [t + w * v for t, v in zip(total, values)]
        return [half * t for t in total]

    zero = -m / s
    near = abs(zero) < 50  # The tail towards 0 can hold more than the bulk.
    low, high = (min(mpf(-13), zero - 13), max(mpf(13), zero + 13)) if near else (mpf(-13), mpf(13))
    ends = {low, high} | {low + k for k in range(1, int(high - low))}
    marks = [mpf(k) for k in kinks] + [mpf(0)] + [sign * mpf(4) ** k for k in range(-2, 11) for sign in (1, -1)]
    ends |= {(x - m) / s for x in marks if low < (x - m) / s < high}
    ends = sorted(ends)
    panels = list(zip(ends, ends[1:]))
    fine = [integrate(a, b, FINE) for a, b in panels]
    size = [sum(abs(v[k]) for v in fine) for k in range(len(fine[0]))]
    total = [mpf(0)] * len(size)
    work = [(a, b, v) for (a, b), v in zip(panels, fine)]
    while work:
        a, b, value = work.pop()
        rough = integrate(a, b, COARSE)
        if all(abs(x - y) <= mpf(10) ** -24 * z for x, y, z in zip(rough, value, size)):
            total = [t + v for t, v in zip(total, value)]
        else:
            c = (a + b) / 2
            work += [(a, c, integrate(a, c, FINE)), (c, b, integrate(c, b, FINE))]
    (f, f2, v1, v2, d, d2, fd, zfd, z2d2, f2d2, f2e, f2s, v1e, v1s, v2e, v2s, d2e, d2s) = total
    var = v2 - v1 * v1
    out = dict(f=f, f2=f2, f_var=var, df=d, df2=d2, z_f_df=zfd, f_d2f=(zfd - m * fd) / s**2 - d2, z2_df2=z2d2, f2_df2=f2d2)
    by_m = (d2e / s, f2e / s, (v2e - 2 * v1 * v1e) / s)
    by_s = (d2s / s, f2s / s, (v2s - 2 * v1 * v1s) / s)
    for key, at, moment in (("lambda", 1, f2), ("lambda_centered", 2, var)):
        if moment == 0 or d2 == 0:
            continue
        rho = moment / s**2
        lam = sqrt((1 / rho + 1 / d2) / 2)
        slope = lambda r, p: -(r / rho**2 + p / d2**2) / (4 * lam)
        out[key] = lam
        out[key + "_by_mean"] = slope(by_m[at] / s**2, by_m[0])
        out[key + "_by_std"] = slope(by_s[at] / s**2 - 2 * rho / s, by_s[0])
    return out


def row(job):
    name, m, s = job
    out = moments(name, m, s)
    return [name, m, s] + [nstr(out[c], 19) if c in out else None for c in COLUMNS]


if __name__ == "__main__":
    # The sine oscillates too fast for quadrature where s is large; there its moments are those of a random phase.
    jobs = [(n, m, s) for m, s in PLACES for n in FUNCTIONS if not (n == "sin" and s >= 1e3)]
    if len(sys.argv) > 1:
        jobs = [j for j in jobs if j[0] == sys.argv[1]]
    with Pool(2) as pool:
        rows = []
        for done in pool.imap(row, jobs):
            print(json.dumps(done), file=sys.stderr, flush=True)
            rows.append(done)
    lines = ",\n  ".join(json.dumps(r) for r in rows)
    text = '{"columns": ' + json.dumps(["activation", "mean", "std"] + COLUMNS) + ',\n "rows": [\n  ' + lines + "\n ]}\n"
    if len(sys.argv) > 1:
        print(text)
    else:
        (Path(__file__).parent / "gaussian_more.json").write_text(text)
