module lode/miner/kernel/gen

go 1.26.0
