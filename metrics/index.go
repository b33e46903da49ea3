package metrics

// Index is the state of what finds transactions and addresses in the chain.
type Index struct {
	Behind  int64            // blocks of the chain that aren't indexed yet
	Entries map[string]int64 // by what they find; the same few always
	Bytes   int64            // of its file
}

func indexFamilies() []family[Index] {
	return []family[Index]{
		gauge("index_behind_blocks", "Blocks of the chain that aren't indexed yet.", func(x Index) float64 { return float64(x.Behind) }),
		gauges("index_entries", "Entries of the index, by what they find.", entries, "kind"),
		gauge("index_size_bytes", "Size of the index.", func(x Index) float64 { return float64(x.Bytes) }),
	}
}

func entries(x Index, emit emitFunc) {
	for kind, count := range x.Entries {
		emit(float64(count), kind)
	}
}
