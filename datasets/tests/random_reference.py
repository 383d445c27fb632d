#!/usr/bin/env python3
"""An independent implementation of `datasets::random` and of the augmentation draws, from their descriptions.

It prints the numbers that `tests/suite/randomness.rs` expects. ChaCha is written from Bernstein's paper "ChaCha, a
variant of Salsa20" (64-bit counter, 64-bit nonce, 8 rounds); run without arguments.
"""

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
    def __init__(self, seed, tag, epoch, index):
        self.key = struct.pack("<Q", seed) + tag + b"anact-datasets-1"
        self.nonce, self.word = epoch, 64 * index

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


def permutation(count, seed, epoch):
    stream, order = Stream(seed, b"shuffle_", epoch, 0), list(range(count))
    for last in range(count - 1, 0, -1):
        chosen = stream.below(last + 1)
        order[last], order[chosen] = order[chosen], order[last]
    return order


def placement(pad, seed, epoch, index):
    stream = Stream(seed, b"augment_", epoch, index)
    top, left = stream.below(2 * pad + 1) - pad, stream.below(2 * pad + 1) - pad
    return top, left, stream.below(2) == 1


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


if __name__ == "__main__":
    main()
