package metrics

// Events is the state of the streams in which clients listen to what happens.
type Events struct {
	Streams int    // that are open
	CutOff  uint64 // ended since their clients were too slow
}

func eventsFamilies() []family[Events] {
	return []family[Events]{
		gauge("event_streams", "Clients that listen to the node's events.", func(e Events) float64 { return float64(e.Streams) }),
		counter("event_streams_cut_total", "Event streams that were ended since their clients were too slow.",
			func(e Events) uint64 { return e.CutOff }),
	}
}
