package main

func fleet(b *builder) {
	b.row("Fleet")
	b.number("Nodes up", "Nodes that Prometheus can scrape.", "none", query{"count(miner_build_info{_}) or vector(0)", ""})
	b.number("Hash rate", "Of all nodes, over the last minute.", "Hs", query{`sum(miner_hashrate_hashes_per_second{window="60s",_}) or vector(0)`, ""})
	b.number("Height", "Of the longest chain.", "none", query{"max(miner_chain_height{_})", ""})
	b.numberNow("Luck", "Blocks found per block expected, in the time that is shown. With n blocks expected, two times out of three it is within 1/sqrt(n) of 100 %.",
		"percentunit", query{"sum(increase(miner_blocks_found_total{_}[$__range])) / sum(increase(miner_blocks_expected_total{_}[$__range]))", ""})
	b.number("Kernel mismatches", "Hits that portable code did not confirm. Anything but 0 is a fault of the hardware or of a kernel.",
		"none", query{"sum(miner_kernel_mismatches_total{_})", ""}, from(0, "green"), from(1, "red"))
	b.number("Alerts", "That fire now.", "none", query{`count(ALERTS{alertstate="firing",alertname=~"Miner.*",_}) or vector(0)`, ""}, from(0, "green"), from(1, "red"))
	b.table("Nodes", "Those that were up at some time of what is shown.", map[string]string{"Hash rate": "Hs"},
		query{"max by (instance) (up{_} and on (job, instance) last_over_time(miner_build_info{_}[$__range]))", "Is up"},
		query{"max by (instance, version, revision) (miner_build_info{_})", ""}, // for its labels
		query{`sum by (instance) (miner_hashrate_hashes_per_second{window="60s",_})`, "Hash rate"},
		query{"sum by (instance) (miner_workers{_})", "Workers"},
		query{"max by (instance) (miner_mining_continuous{_})", "Mines"},
		query{"max by (instance) (miner_mining_paused{_})", "Is paused"},
		query{"max by (instance) (miner_chain_height{_})", "Height"},
		query{"max by (instance) (miner_difficulty_zeros{_})", "Difficulty"},
		query{"sum by (instance) (miner_blocks_found_total{_})", "Blocks found"},
		query{`sum by (instance) (miner_peers_in_state{state="ok",_})`, "Peers that are well"},
		query{"max by (instance) (miner_conflict{_})", "Conflict"},
	)
}

func hashRates(b *builder) {
	b.row("Hash rate")
	b.lines("By node", "", "Hs", query{"sum by (instance) (rate(miner_hashes_total{_}[$__rate_interval]))", "{{instance}}"})
	b.lines("By worker", "Over 10 s, with the CPU that the worker is pinned to.", "Hs",
		query{"miner_worker_hashrate_hashes_per_second{_}", "{{instance}} worker {{worker}}, CPU {{cpu}}, {{kernel}}"})
	b.lines("By kernel", "", "Hs", query{"sum by (kernel) (rate(miner_hashes_total{_}[$__rate_interval]))", "{{kernel}}"})
	b.lines("By device", "The CPUs together are the device cpu.", "Hs", query{"sum by (instance, device) (rate(miner_hashes_total{_}[$__rate_interval]))", "{{instance}} {{device}}"})
	b.lines("By window", "What the nodes themselves measure.", "Hs",
		query{"sum by (window) (miner_hashrate_hashes_per_second{_})", "{{window}}"},
		query{"sum(miner_hashrate_max_hashes_per_second{_})", "max"})
	b.lines("Kernels in use", "Another than before: one was dropped since it computed a wrong hash.", "short",
		query{"count by (device, kernel) (miner_kernel_info{_})", "{{device}} {{kernel}}"})
}

func luck(b *builder) {
	b.row("Luck")
	b.lines("Blocks in an hour", "Found, and expected of as many hashes.", "short",
		query{"sum(increase(miner_blocks_found_total{_}[1h]))", "found"},
		query{"sum(increase(miner_blocks_expected_total{_}[1h]))", "expected"})
	b.lines("Time to a block", "From the start on a tip to the block that was mined on it, without pauses; of the last hour.", "s",
		quantiles("miner_solve_duration_seconds", "instance", "1h", 0.5, 0.9)...)
	b.lines("Stale hashes", "Part of the hashes that was spent in searches which a new tip ended. They are not lost: each hash has the same chance. What is lost is next to the heat map below.",
		"percentunit", query{"sum by (instance) (rate(miner_stale_hashes_total{_}[$__rate_interval])) / sum by (instance) (rate(miner_hashes_total{_}[$__rate_interval]))", "{{instance}}"})
}

func cancellation(b *builder) {
	b.row("Cancellation")
	b.heatmap("Cancel latency", "From the acceptance of a new tip until the last worker has left the search that it made useless.", "s", "miner_cancel_latency_seconds")
	b.lines("Lost to stale work", "Part of the time in which some worker was on a search that a new tip had made useless.", "percentunit",
		query{"sum by (instance) (rate(miner_cancel_latency_seconds_sum{_}[$__rate_interval]))", "{{instance}}"})
	b.lines("Cancel latency", "Of the last 10 minutes.", "s", quantiles("miner_cancel_latency_seconds", "instance", "10m", 0.5, 0.99)...)
	b.lines("Stale searches", "A second.", "short", query{"sum by (instance) (rate(miner_stale_searches_total{_}[$__rate_interval]))", "{{instance}}"})
}

func ledger(b *builder) {
	b.row("Chain and pool")
	b.lines("Height", "", "none", query{"miner_chain_height{_}", "{{instance}}"})
	b.lines("Blocks behind", "The longest chain of all nodes that are chosen.", "none", query{"scalar(max(miner_chain_height{_})) - miner_chain_height{_}", "{{instance}}"})
	b.lines("Blocks", "A second.", "short",
		query{"sum by (instance) (rate(miner_blocks_accepted_total{_}[$__rate_interval]))", "{{instance}} accepted"},
		query{"sum by (instance, reason) (rate(miner_blocks_rejected_total{_}[$__rate_interval]))", "{{instance}} rejected: {{reason}}"})
	b.lines("Transactions", "A second.", "short",
		query{"sum by (instance) (rate(miner_transactions_accepted_total{_}[$__rate_interval]))", "{{instance}} accepted"},
		query{"sum by (instance, reason) (rate(miner_transactions_rejected_total{_}[$__rate_interval]))", "{{instance}} rejected: {{reason}}"},
		query{"sum by (instance) (rate(miner_transactions_repeated_total{_}[$__rate_interval]))", "{{instance}} repeated"},
		query{"sum by (instance) (rate(miner_transactions_dropped_total{_}[$__rate_interval]))", "{{instance}} dropped"})
	b.lines("Open transactions", "", "short", query{"miner_pool_transactions{_}", "{{instance}}"})
	b.lines("Bytes of open transactions", "", "bytes", query{"miner_pool_bytes{_}", "{{instance}}"})
	b.lines("Reorganisations", "In an hour.", "short",
		query{"sum by (instance) (increase(miner_reorgs_total{_}[1h]))", "{{instance}}"},
		query{"max by (instance) (miner_deepest_reorg_blocks{_})", "{{instance}}: deepest so far, in blocks"})
	b.heatmap("Depth of reorganisations", "Blocks that each one abandoned.", "short", "miner_reorg_depth_blocks")
}

func disk(b *builder) {
	commits := quantiles("miner_store_commit_duration_seconds", "instance", "10m", 0.99)
	syncs := quantiles("miner_store_fsync_duration_seconds", "instance", "10m", 0.99)
	syncs[0].legend += " of writing and syncing"
	b.lines("Commits", "Time of a commit, and the part in which it wrote and synced; of the last 10 minutes.", "s", append(commits, syncs...)...)
	b.heatmap("Write and fsync", "What of a commit is up to the disk.", "s", "miner_store_fsync_duration_seconds")
	b.lines("Disk", "", "bytes",
		query{"miner_store_size_bytes{_}", "{{instance}} database"},
		query{"miner_index_size_bytes{_}", "{{instance}} index"},
		query{"miner_disk_free_bytes{_}", "{{instance}} free"})
	b.lines("Index: blocks behind", "Those of the chain that aren't indexed yet. Reads look at the last few themselves.", "none",
		query{"miner_index_behind_blocks{_}", "{{instance}}"})
	b.lines("Index: entries", "By what they find.", "short", query{"miner_index_entries{_}", "{{instance}} {{kind}}"})
	b.lines("Index: commits", "Time of a commit; of the last 10 minutes.", "s", quantiles("miner_index_commit_duration_seconds", "instance", "10m", 0.99)...)
}

func peers(b *builder) {
	b.row("Peers")
	b.lines("States", "", "short", query{"sum by (instance, state) (miner_peers_in_state{_})", "{{instance}} {{state}}"})
	b.lines("Queues", "Messages that wait. A queue holds 256.", "short", query{"miner_peer_queued_messages{_}", "{{instance}} to {{peer}}"})
	b.lines("Messages", "A second.", "short", query{"sum by (instance, peer, result) (rate(miner_peer_messages_total{_}[$__rate_interval]))", "{{instance}} to {{peer}}: {{result}}"})
	b.lines("Last answer", "How long ago each peer answered.", "s", query{"time() - miner_peer_last_seen_timestamp_seconds{_}", "{{instance}}: {{peer}}"})
	b.lines("Chain downloads", "A second, by what came of them.", "short",
		query{"sum by (instance, result) (rate(miner_chain_download_duration_seconds_count{_}[$__rate_interval]))", "{{instance}} {{result}}"})
	b.lines("Time of a download", "With the check of what came; of the last hour.", "s", quantiles("miner_chain_download_duration_seconds", "result", "1h", 0.9)...)
	b.lines("Downloaded blocks", "A second.", "short",
		query{"sum by (instance, result) (rate(miner_chain_download_blocks_total{_}[$__rate_interval]))", "{{instance}} {{result}}"})
	b.lines("Downloaded bytes", "", "Bps", query{"sum by (instance) (rate(miner_chain_download_bytes_total{_}[$__rate_interval]))", "{{instance}}"})
	b.lines("Conflicts", "1: a peer's chain differs, and nobody has resolved it yet.", "short", query{"miner_conflict{_}", "{{instance}}"})
}

func requests(b *builder) {
	b.row("API")
	b.lines("Requests", "A second.", "reqps", query{"sum by (method, route) (rate(miner_http_request_duration_seconds_count{_}[$__rate_interval]))", "{{method}} {{route}}"})
	b.linesWithExemplars("Time to answer", "The points are single requests; their request_id stands in the node's log if they failed.", "s",
		quantiles("miner_http_request_duration_seconds", "method, route", "$__rate_interval", 0.99)...)
	b.lines("Answers by status", "A second.", "reqps", query{"sum by (code) (rate(miner_http_request_duration_seconds_count{_}[$__rate_interval]))", "{{code}}"})
	b.lines("Failures", "Part of the answers with a status of 500 and above.", "percentunit",
		query{`(sum(rate(miner_http_request_duration_seconds_count{code=~"5..",_}[$__rate_interval])) or vector(0)) / sum(rate(miner_http_request_duration_seconds_count{_}[$__rate_interval]))`, "failed"})
	b.lines("Event streams", "Clients that listen, 64 at most, and those of an hour that were cut off since they were too slow.", "short",
		query{"miner_event_streams{_}", "{{instance}} open"},
		query{"sum by (instance) (increase(miner_event_streams_cut_total{_}[1h]))", "{{instance}} cut off"})
}

// ofNodes leaves out what other programs show under the same name, Prometheus itself for
// one.
func ofNodes(expr string) string { return expr + " and on (job, instance) miner_build_info{_}" }

func process(b *builder) {
	b.row("Process")
	b.lines("CPUs", "", "short", query{ofNodes("rate(process_cpu_seconds_total{_}[$__rate_interval])"), "{{instance}}"})
	b.lines("Memory", "", "bytes",
		query{ofNodes("process_resident_memory_bytes{_}"), "{{instance}} resident"},
		query{ofNodes("go_memstats_heap_alloc_bytes{_}"), "{{instance}} heap"})
	b.lines("Goroutines and threads", "", "short",
		query{ofNodes("go_goroutines{_}"), "{{instance}} goroutines"},
		query{ofNodes("go_threads{_}"), "{{instance}} threads"})
	b.lines("Garbage collection", "Longest pause of late.", "s", query{ofNodes(`go_gc_duration_seconds{quantile=~"1|1.0",_}`), "{{instance}}"})
	b.lines("Open files", "", "short", query{ofNodes("process_open_fds{_}"), "{{instance}}"})
	b.lines("Scrapes", "Those that were incomplete, a second.", "short",
		query{ofNodes("sum by (job, instance) (rate(promhttp_metric_handler_errors_total{_}[$__rate_interval]))"), "{{instance}}"})
}
