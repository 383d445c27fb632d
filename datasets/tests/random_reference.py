#!/usr/bin/env python3
"""An independent implementation of `datasets::random` and of the augmentation draws, from their descriptions.

It prints the numbers that `tests/suite/randomness.rs` expects. ChaCha is written from Bernstein's paper "ChaCha, a
variant of Salsa20" (64-bit counter, 64-bit nonce, 8 rounds); run without arguments.
"""

import importlib.util
import math
import struct

MASK32, MASK64 = 2**32 - 1, 2**64 - 1


def chacha_block(key, counter, nonce, rounds):
    state = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
    state += [counter & MASK32, counter >> 32, nonce & MASK32, nonce >> 32]
    x = state[:]

    def rotate(v, n):
        return ((v << n) | (v >> (32 - n))) & MASK32

    def quarter(a, b, c, d):
        x[a] = (x[a] + x[b]) & MASK32; x[d] = rotate(x[d] ^ x[a], 16)
        x[c] = (x[c] + x[d]) & MASK32; x[b] = rotate(x[b] ^ x[c], 12)
        x[a] = (x[a] + x[b]) & MASK32; x[d] = rotate(x[d] ^ x[a], 8)
        x[c] = (x[c] + x[d]) & MASK32; x[b] = rotate(x[b] ^ x[c], 7)

    for _ in range(rounds // 2):
        quarter(0, 4, 8, 12); quarter(1, 5, 9, 13); quarter(2, 6, 10, 14); quarter(3, 7, 11, 15)
        quarter(0, 5, 10, 15); quarter(1, 6, 11, 12); quarter(2, 7, 8, 13); quarter(3, 4, 9, 14)
    return [(a + b) & MASK32 for a, b in zip(x, state)]


class Stream:
    def __init__(self, seed, tag, epoch, index, words=64):
        self.key = struct.pack("<Q", seed) + tag + b"anact-datasets-1"
        self.nonce, self.word = epoch, words * index

    def u32(self):
        value = chacha_block(self.key, self.word // 16, self.nonce, 8)[self.word % 16]
        self.word += 1
        return value

    def u64(self):
        low = self.u32()
        return low | self.u32() << 32

    def below(self, bound):
        # Reject draws whose low product half is under 2^64 mod bound.
        while True:
            product = self.u64() * bound
            if product & MASK64 >= 2**64 % bound:
                return product >> 64


    def uniform(self, low=0.0, high=1.0):
        return low + (self.u64() >> 11) * 2.0**-53 * (high - low)


MANY = 2**32


def permutation(count, seed, epoch):
    return shuffled(count, Stream(seed, b"shuffle_", epoch, 0))


def shuffled(count, stream):
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        chosen = stream.below(last + 1)
        order[last], order[chosen] = order[chosen], order[last]
    return order


def placement(pad, seed, epoch, index):
    stream = Stream(seed, b"augment_", epoch, index)
    top, left = stream.below(2 * pad + 1) - pad, stream.below(2 * pad + 1) - pad
    return top, left, stream.below(2) == 1


def position(draw, bound):
    return draw * bound >> 64


def sides(stream, area, scale, ratio):
    area *= stream.uniform(*scale)
    ratio = math.exp(stream.uniform(math.log(ratio[0]), math.log(ratio[1])))
    return math.sqrt(area * ratio), math.sqrt(area / ratio)


def resized_crop(rows, columns, seed, epoch, index, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)):
    """torchvision's RandomResizedCrop.get_params, with the place drawn first."""
    stream = Stream(seed, b"resized_", epoch, index)
    down, across = stream.u64(), stream.u64()
    for _ in range(10):
        width, height = map(round, sides(stream, rows * columns, scale, ratio))
        if 0 < width <= columns and 0 < height <= rows:
            return position(down, rows - height + 1), position(across, columns - width + 1), height, width


def jitter(b, c, s, h, seed, epoch, index):
    stream = Stream(seed, b"jitter__", epoch, index)
    order = shuffled(4, stream)
    factors = [stream.uniform(max(0, 1 - x), 1 + x) for x in (b, c, s)] + [stream.uniform(-h, h)]
    return ["bcsh"[which] for which in order], factors


def cutout(size, rows, columns, seed, epoch, index):
    stream = Stream(seed, b"cutout__", epoch, index)
    y, x = stream.below(rows), stream.below(columns)
    top, left = max(0, y - size // 2), max(0, x - size // 2)
    return top, left, min(rows, y - size // 2 + size) - top, min(columns, x - size // 2 + size) - left


def erasing(rows, columns, seed, epoch, index, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3)):
    """torchvision's RandomErasing.get_params, with the place drawn first."""
    stream = Stream(seed, b"erasing_", epoch, index)
    if stream.uniform() >= p:
        return None
    down, across = stream.u64(), stream.u64()
    for _ in range(10):
        height, width = map(round, sides(stream, rows * columns, scale, ratio))
        if height < rows and width < columns:
            return position(down, rows - height + 1), position(across, columns - width + 1), height, width


def ln_gamma(stream, a):
    """Marsaglia and Tsang (2000), in logarithms."""
    if a < 1:
        boost = math.log(1 - stream.uniform()) / a
        return ln_gamma(stream, a + 1) + boost
    d = a - 1 / 3
    c = 1 / math.sqrt(9 * d)
    while True:
        while True:
            x, y = 2 * stream.uniform() - 1, 2 * stream.uniform() - 1
            square = x * x + y * y
            if 0 < square < 1:
                break
        z = x * math.sqrt(-2 * math.log(square) / square)
        root = 1 + c * z
        if root <= 0:
            continue
        if math.log(1 - stream.uniform()) < z * z / 2 + d - d * root**3 + 3 * d * math.log(root):
            return math.log(d) + 3 * math.log(root)


def mixup(alpha, count, seed, epoch, batch):
    stream = Stream(seed, b"mixup_wt", epoch, batch, MANY)
    x, y = ln_gamma(stream, alpha), ln_gamma(stream, alpha)
    return 1 / (1 + math.exp(y - x)), shuffled(count, Stream(seed, b"mixup_pt", epoch, batch, MANY))


def main():
    # RFC-independent check of the block function: the ChaCha20 keystream of the all-zero key and nonce is published.
    zero = struct.pack("<16I", *chacha_block(bytes(32), 0, 0, 20)).hex()
    assert zero.startswith("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"), zero
    for seed, tag, epoch, index in [(7, b"shuffle_", 0, 0), (7, b"shuffle_", 3, 0), (2**63 + 5, b"augment_", 2**40, 49999)]:
        stream = Stream(seed, tag, epoch, index)
        print(seed, tag, epoch, index, [f"{stream.u64():#018x}" for _ in range(3)])
    for bound in (3 << 62, 10):
        stream = Stream(1, b"shuffle_", 0, 0)
        print("below", bound, [stream.below(bound) for _ in range(8)])
    print(permutation(12, 7, 0), permutation(12, 7, 1), permutation(12, 8, 0))
    print([placement(4, 7, 2, index) for index in range(6)])
    print("resized crop", [resized_crop(48, 64, 7, 2, index) for index in range(4)])
    print("jitter", *[jitter(0.4, 0.3, 0.2, 0.1, 7, 2, index) for index in range(3)], sep="\n  ")
    print("cutout", [cutout(16, 32, 40, 7, 2, index) for index in range(4)])
    print("erasing", [erasing(32, 40, 7, 2, index) for index in range(16)])
    print("mixup", *[mixup(alpha, 6, 7, 2, 3) for alpha in (0.2, 1.0, 4.0)], sep="\n  ")
    print("hold out", [shuffled(10, Stream(7, b"hold_out", 0, label, MANY))[:3] for label in range(2)])
    # Where the distribution function of Beta(a, a) has the values 0.1, 0.3 and 0.5: mpmath, by bisection of betainc.
    if importlib.util.find_spec("mpmath"):
        from mpmath import betainc, findroot

        for a in (0.2, 1.0, 4.0):
            print("beta", a, [
                float(findroot(lambda x: betainc(a, a, 0, x, regularized=True) - p, (1e-9, 0.5), solver="bisect", tol=1e-30))
                for p in (0.1, 0.3)
            ])


if __name__ == "__main__":
    main()
