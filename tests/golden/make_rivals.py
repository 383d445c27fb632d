"""Writes rivals.json: frozen normalizations of activation functions for standard normal input.

mpmath alone, 30 digits, quadrature split at kinks and whole numbers. Nothing is taken from the closed forms of the
crate: the Gaussian-Poincare pair is the numerical solution of its two equations, DKS of its four conditions, TAT of its
recursion with the correlation map written as the two-dimensional moment it is.

    venv/bin/pip install mpmath
    venv/bin/python make_rivals.py        # about two minutes
"""

import json

import mpmath as mp

mp.mp.dps = 30

# Formulas as PyTorch documents them.
SELU_ALPHA = mp.mpf("1.6732632423543772848170429916717")
SELU_SCALE = mp.mpf("1.0507009873554804934193349852946")
sigma = lambda x: 1 / (1 + mp.exp(-x))
softplus = lambda x: mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))
elu = lambda x: x if x > 0 else mp.expm1(x)
gelu_inner = lambda x: mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)
# name: (f, f', kinks)
FUNCTIONS = {
    "identity": (lambda x: x, lambda x: mp.mpf(1), []),
    "relu": (lambda x: max(x, mp.mpf(0)), lambda x: mp.mpf(x > 0), [0]),
    "leaky_relu": (lambda x: x if x > 0 else x / 100, lambda x: mp.mpf(1) if x > 0 else mp.mpf(1) / 100, [0]),
    "relu6": (lambda x: min(max(x, mp.mpf(0)), mp.mpf(6)), lambda x: mp.mpf(0 < x < 6), [0, 6]),
    "elu": (elu, lambda x: mp.mpf(1) if x > 0 else mp.exp(x), [0]),
    "selu": (
        lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * mp.expm1(x)),
        lambda x: SELU_SCALE * (1 if x > 0 else SELU_ALPHA * mp.exp(x)),
        [0],
    ),
    "celu": (elu, lambda x: mp.mpf(1) if x > 0 else mp.exp(x), [0]),
    "gelu": (lambda x: x * mp.ncdf(x), lambda x: mp.ncdf(x) + x * mp.npdf(x), []),
    "gelu_tanh": (
        lambda x: x / 2 * (1 + mp.tanh(gelu_inner(x))),
        lambda x: (1 + mp.tanh(gelu_inner(x))) / 2
        + x / 2 * mp.sech(gelu_inner(x)) ** 2 * mp.sqrt(2 / mp.pi) * (1 + 3 * mp.mpf("0.044715") * x**2),
        [],
    ),
    "swish": (lambda x: x * sigma(x), lambda x: sigma(x) * (1 + x * sigma(-x)), []),
    "mish": (
        lambda x: x * mp.tanh(softplus(x)),
        lambda x: mp.tanh(softplus(x)) + x * mp.sech(softplus(x)) ** 2 * sigma(x),
        [],
    ),
    "softplus": (softplus, sigma, []),
    "sigmoid": (sigma, lambda x: sigma(x) * sigma(-x), []),
    "tanh": (mp.tanh, lambda x: mp.sech(x) ** 2, []),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, [0]),
    "erf": (mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x), []),
    "sin": (mp.sin, mp.cos, []),
    "hard_tanh": (lambda x: min(max(x, mp.mpf(-1)), mp.mpf(1)), lambda x: mp.mpf(-1 < x < 1), [-1, 1]),
    "hard_sigmoid": (
        lambda x: min(max(x / 6 + mp.mpf(1) / 2, mp.mpf(0)), mp.mpf(1)),
        lambda x: mp.mpf(-3 < x < 3) / 6,
        [-3, 3],
    ),
    "hard_swish": (
        lambda x: x * min(max(x + 3, mp.mpf(0)), mp.mpf(6)) / 6,
        lambda x: mp.mpf(0) if x < -3 else mp.mpf(1) if x > 3 else (2 * x + 3) / 6,
        [-3, 3],
    ),
}


# Gauss-Legendre with 24 nodes on panels of length at most 1/2 within 12 standard deviations: 30 digits for functions
# as smooth as these between their kinks is more than the 16 that are asked for.
RULE = []
for k in range(24):
    near = mp.cos(mp.pi * (k + mp.mpf(3) / 4) / mp.mpf(24.5))
    x = mp.findroot(lambda t: mp.legendre(24, t), (near, near + mp.mpf(10) ** -5))
    slope = 24 * (x * mp.legendre(24, x) - mp.legendre(23, x)) / (x * x - 1)
    RULE.append((x, 2 / ((1 - x * x) * slope**2)))
assert abs(sum(w for _, w in RULE) - 2) < mp.mpf(10) ** -25


def expect(functions, kinks=()):
    """E of several functions of one standard normal number."""
    ends = sorted({mp.mpf(k) / 2 for k in range(-24, 25)} | {mp.mpf(k) for k in kinks if abs(k) < 12})
    totals = [mp.mpf(0)] * len(functions(mp.mpf(1)))
    for a, b in zip(ends, ends[1:]):
        for x, w in RULE:
            z = (a + b) / 2 + (b - a) / 2 * x
            mass = (b - a) / 2 * w * mp.npdf(z)
            totals = [t + mass * v for t, v in zip(totals, functions(z))]
    return totals


def dks(f, df, kinks, depth, start):
    """gamma, alpha, beta, delta of h(x) = gamma (f(alpha x + beta) + delta)."""
    psi = mp.mpf("1.5") ** (mp.mpf(1) / depth)

    def moved(alpha, beta):
        at = [(k - beta) / alpha for k in kinks]
        m, s, d, zd = expect(
            lambda z: (
                f(alpha * z + beta),
                f(alpha * z + beta) ** 2,
                (alpha * df(alpha * z + beta)) ** 2,
                z * alpha * df(alpha * z + beta),
            ),
            at,
        )
        (zfd,) = expect(lambda z: (z * f(alpha * z + beta) * alpha * df(alpha * z + beta),), at)
        return m, s - m * m, d, zfd - m * zd

    def residual(alpha, beta):
        m, v, d, q = moved(alpha, beta)
        return [q / v - 1, d / v - psi]

    alpha, beta = mp.findroot(residual, start, tol=mp.mpf(10) ** -40)
    m, v, _, _ = moved(alpha, beta)
    return {"gamma": 1 / mp.sqrt(v), "alpha": alpha, "beta": beta, "delta": -m}


def tat(depth, eta):
    """The slope of leaky ReLU for which `depth` correlation maps take 0 to eta."""

    def correlation(c, slope):
        # E[f(x) f(y)] for correlated x, y with f = (1 + s)/2 x + (1 - s)/2 |x|, whose cross terms vanish, and
        # E|x||y| = (2/pi)(sqrt(1 - c^2) + c asin c).
        both = 2 / mp.pi * (mp.sqrt(1 - c * c) + c * mp.asin(c))
        return ((1 + slope) ** 2 / 4 * c + (1 - slope) ** 2 / 4 * both) * 2 / (1 + slope**2)

    def reached(slope):
        c = mp.mpf(0)
        for _ in range(depth):
            c = correlation(c, slope)
        return c - eta

    slope = mp.findroot(reached, (mp.mpf("0.01"), mp.mpf("0.99")), solver="anderson", tol=mp.mpf(10) ** -50)
    return {"slope": slope, "scale": mp.sqrt(2 / (1 + slope**2))}


def write(rows):
    text = lambda v: mp.nstr(v, 20) if isinstance(v, mp.mpf) else v
    with open("rivals.json", "w") as out:
        json.dump([{k: text(v) for k, v in row.items()} for row in rows], out, indent=1)
        out.write("\n")


def main():
    rows = []
    for name, (f, df, kinks) in FUNCTIONS.items():
        m, s, d = expect(lambda z: (f(z), f(z) ** 2, df(z) ** 2), kinks)
        # The second equation gives |a|; the first is solved from 0, which leads to the root near it.
        a = mp.findroot(lambda a: a * a * d - 1, 1 / mp.sqrt(d))
        roots = mp.polyroots([1, 2 * a * m, a * a * s - 1], maxsteps=500, extraprec=200)
        b = min((mp.re(r) for r in roots), key=lambda r: (mp.nint(abs(r) * mp.mpf(10) ** 10), -r))
        rows.append(
            {
                "activation": name,
                "gp_a": a,
                "gp_b": b,
                "sm": 1 / mp.sqrt(s),
                "uv": 1 / mp.sqrt(s - m * m),
                "fixed": mp.sqrt((1 / s + 1 / d) / 2),
                "fixedc": mp.sqrt((1 / (s - m * m) + 1 / d) / 2),
                "mean": m,
                "backward": 1 / mp.sqrt(d),
            }
        )
        print(rows[-1]["activation"])
    for name, depth, start in [
        ("tanh", 20, (0.2, 0.6)),
        ("softplus", 20, (0.5, 0.4)),
        ("gelu", 20, (0.2, 0.25)),
        ("swish", 20, (0.3, 0.35)),
        ("swish", 100, (0.13, 0.35)),
        ("sigmoid", 5, (0.8, 1.4)),
        ("elu", 20, (0.23, -0.28)),
    ]:
        print(name, depth)
        rows.append({"activation": name, "dks": depth, **dks(*FUNCTIONS[name], depth, start)})
    for depth in (20, 50, 100):
        rows.append({"activation": "leaky_relu", "tat": depth, **tat(depth, mp.mpf("0.9"))})
    write(rows)


main()
