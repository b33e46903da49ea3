"""What the original node's way of keeping a chain costs: for each block it rewrites the
whole text file, and for each balance it sums all blocks. This is written after what the
original does, not taken from it, and does nothing else (no proof, no signature), so the
original itself is slower.

    python3 bench/original_cost.py 1000 10000
"""

import json
import os
import statistics
import sys
import tempfile
import time

ADDRESS_DIGITS = 324  # hex digits of a 1024-bit public key
SIGNATURE_DIGITS = 256
WALLETS = 100
ROUNDS = 9


def address(number):
    return f"{number % WALLETS:0{ADDRESS_DIGITS}x}"


def block(index):
    """A block with one payment and the reward, as long as those of `miner generate`."""
    payment = {"sender": address(index), "recipient": address(7 * index + 1),
               "signature": f"{index:0{SIGNATURE_DIGITS}x}", "amount": 1 + index % 5}
    reward = {"sender": "MINING", "recipient": address(3 * index), "signature": "", "amount": 10}
    return {"previous_hash": f"{index:064x}", "index": index, "transactions": [payment, reward],
            "proof": index % 97, "time_stamp": 1526000000.5 + 10 * index}


def save(path, chain):
    """Write the file's three lines: the chain, the open transactions, the peers."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(chain))
        file.write("\n" + json.dumps([]))
        file.write("\n" + json.dumps([]))


def balance(chain, participant):
    """Sum what each block pays the participant, less what it takes from it."""
    def total(key):
        amounts = [[t["amount"] for t in b["transactions"] if t[key] == participant] for b in chain]
        return sum(sum(of_block) for of_block in amounts)
    return total("recipient") - total("sender")


def measure(length, path):
    """Return the medians of append and balance in microseconds."""
    chain = [block(index) for index in range(length + 1)]
    appends, balances = [], []
    for round_number in range(ROUNDS):
        begin = time.perf_counter()
        chain.append(block(length + 1 + round_number))
        save(path, chain)
        appends.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        balance(chain, address(1))
        balances.append(time.perf_counter() - begin)
    return [1e6 * statistics.median(samples) for samples in (appends, balances)]


def main():
    lengths = [int(text) for text in sys.argv[1:]] or [1000, 10000]
    with tempfile.TemporaryDirectory(dir=os.curdir) as folder:
        results = [measure(length, os.path.join(folder, "chain.txt")) for length in lengths]
    print("COST                UNIT" + "".join(f"{length:>12}" for length in lengths))
    for row, name in enumerate(("append", "balance")):
        print(f"original, {name:<8}  us  " + "".join(f"{result[row]:>12.0f}" for result in results))


if __name__ == "__main__":
    main()
