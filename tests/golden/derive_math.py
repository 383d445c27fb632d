"""Derives the polynomials of autograd/src/kernels/math/ (f32) and prints them with what they leave.

mpmath, 40 digits; numpy solves the least squares of erfc. Each polynomial p minimises the largest |w(x)·(p(x) − q(x))| by Remez' exchange on a grid of
Chebyshev points, where w turns the error of p into the relative error of the function. Coefficients are then rounded to
f32 one by one from the lowest order on, and those of higher order fitted anew each time, so that the last ones take up
what rounding the first ones left (by least squares for erfc, where the exchange has no solution once some are fixed).

    venv/bin/pip install mpmath numpy
    venv/bin/python derive_math.py        # a few seconds
"""

import mpmath as mp
import numpy as np

mp.mp.dps = 40
GRID = 300


def remez(q, w, grid, powers):
    """The coefficients of sum c_k x^(powers_k) with the smallest largest |w (p - q)| on the grid."""
    n = len(powers) + 1
    basis = [[x**k for k in powers] for x in grid]
    at = [round(i * (len(grid) - 1) / (n - 1)) for i in range(n)]
    for _ in range(60):
        rows = mp.matrix(n, n)
        right = mp.matrix(n, 1)
        for i, j in enumerate(at):
            for k in range(n - 1):
                rows[i, k] = basis[j][k] * w[j]
            rows[i, n - 1] = (-1) ** i
            right[i] = q[j] * w[j]
        solution = mp.lu_solve(rows, right)
        c, level = [solution[k] for k in range(n - 1)], abs(solution[n - 1])
        error = [w[j] * (sum(a * b for a, b in zip(c, basis[j])) - q[j]) for j in range(len(grid))]
        # One extremum for each run of equal signs, then the n neighbours with the largest ends.
        runs, best = [], 0
        for j in range(1, len(grid)):
            if (error[j] > 0) != (error[best] > 0):
                runs.append(best)
                best = j
            elif abs(error[j]) > abs(error[best]):
                best = j
        runs.append(best)
        while len(runs) > n:
            runs.pop(0 if abs(error[runs[0]]) < abs(error[runs[-1]]) else -1)
        worst = max(abs(e) for e in error)
        if len(runs) < n or runs == at:
            return c, worst
        at = runs
        if worst <= level * mp.mpf("1.0001"):
            return c, worst
    return c, worst


def squares(q, w, grid, powers):
    """The coefficients with the smallest sum of |w (p - q)|^2 on the grid."""
    rows = mp.matrix([[x**k * v for k in powers] for x, v in zip(grid, w)])
    solution = mp.lu_solve(rows, mp.matrix([a * b for a, b in zip(q, w)]))
    return [solution[k] for k in range(len(powers))]


def f32(x):
    return mp.mpf(float(np.float32(float(x))))


def fit(name, f, weight, low, high, count, exchange=True):
    low, high = mp.mpf(low), mp.mpf(high)
    grid = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (i + mp.mpf("0.5")) / GRID) for i in range(GRID)]
    q = [f(x) for x in grid]
    w = [weight(x) for x in grid]
    first = remez(q, w, grid, range(count))[1]
    rounded = []
    for k in range(count):
        rest = remez(q, w, grid, range(k, count))[0] if exchange else squares(q, w, grid, range(k, count))
        rounded.append(f32(rest[0]))
        q = [v - rounded[-1] * x**k for v, x in zip(q, grid)]
    left = max(abs(a * b) for a, b in zip(q, w))
    print(f"{name}: on [{mp.nstr(low, 8)}, {mp.nstr(high, 8)}], "
          f"minimax 2^{mp.nstr(mp.log(first, 2), 5)}, rounded 2^{mp.nstr(mp.log(left, 2), 5)}")
    print("    [" + ", ".join(str(np.float32(float(c))) for c in rounded) + "]")


def split(name, x, bits):
    """x as a number of that many bits and an f32 remainder."""
    scale = mp.mpf(2) ** (bits - 1 - mp.floor(mp.log(x, 2)))
    high = mp.floor(x * scale + mp.mpf("0.5")) / scale
    print(f"{name}: {np.float32(float(high))} + {np.float32(float(x - high))}")


LN2 = mp.log(2)
split("ln 2", LN2, 15)
print("1/ln 2:", np.float32(float(1 / LN2)))
half = LN2 / 2 * mp.mpf("1.0001")
# e^r = 1 + r + r²·q(r); the weight makes it the relative error of e^r − 1, the stricter one.
fit("exp", lambda r: (mp.expm1(r) - r) / r**2, lambda r: abs(r**2 / mp.expm1(r)), -half, half, 5)
# ln(1 + f) = f − f²/2 + f³·q(f).
third = mp.mpf(1) / 3
log = lambda f: (mp.log1p(f) - f + f**2 / 2) / f**3
fit("ln", log, lambda f: abs(f**3 / mp.log1p(f)), -third, third, 9)
# tanh x = x + x³·q(x²), in u = x².
root = mp.sqrt
fit("tanh", lambda u: (mp.tanh(root(u)) / root(u) - 1) / u, lambda u: u * root(u) / mp.tanh(root(u)), "1e-9", "0.36", 5)
# erf x = x + x·q(x²), in u = x².
fit("erf near 0", lambda u: mp.erf(root(u)) / root(u) - 1, lambda u: root(u) / mp.erf(root(u)), "1e-9", "0.81", 7)
# erf x = 1 − e^(−x·q(x)); the weight makes it the relative error of erf x.
outer = lambda x: -mp.log(mp.erfc(x)) / x
fit("erf further out", outer, lambda x: x * mp.erfc(x) / mp.erf(x), "0.89", "3.95", 6)
# e^(x²)·erfc x = t·q(t − c) with t = 1/(x + 2).
scaled = lambda x: mp.exp(x**2) * mp.erfc(x)
end = 1 / mp.mpf("12.3")
c = f32((end + mp.mpf("0.5")) / 2)
print("c:", np.float32(float(c)))
x = lambda d: 1 / (d + c) - 2
fit("erfc", lambda d: scaled(x(d)) / (d + c), lambda d: (d + c) / scaled(x(d)), end - c, mp.mpf("0.5") - c, 11, False)
