package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// live are the metrics that nothing else keeps: each observation goes into them. They belong to the engine like
// everything that is counted, so a reload resets none of them.
type live struct {
	answer, bodyRead, store *prometheus.HistogramVec
	sync, syncBatch         prometheus.Histogram
	done, attempts          *prometheus.HistogramVec
}

// Upper bounds of the classic buckets, in seconds. Smartcar waits 15 s for an answer.
var (
	answerBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15}
	syncBuckets   = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}
	doneBuckets   = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600}
)

// Upper bounds of the classic buckets of counts.
var (
	batchBuckets   = prometheus.ExponentialBuckets(1, 2, 11) // a sync takes 1024 tasks at most
	attemptBuckets = []float64{1, 2, 3, 5, 8, 13}
)

func newLive() live {
	source, handler := []string{"source"}, []string{"handler"}
	return live{
		answer: histograms("answer_duration_seconds",
			"How long an answer took, of any kind, from when the receiver got the request.",
			answerBuckets, source),
		bodyRead: histograms("body_read_duration_seconds", "How long it took until the body had come, or was given up.",
			answerBuckets, source),
		store: histograms("store_duration_seconds", "How long the buffer took to store an event, or to refuse it.",
			answerBuckets, source),
		sync: prometheus.NewHistogram(histogramOpts("buffer_sync_duration_seconds",
			"How long writing and syncing the log took.",
			syncBuckets)),
		syncBatch: prometheus.NewHistogram(histogramOpts("buffer_sync_batch_events",
			"How many events one sync made durable, of the syncs with any.", batchBuckets)),
		done: histograms("handler_done_duration_seconds",
			"How long after its receipt an event was done. Replayed ones do not count.",
			doneBuckets, handler),
		attempts: histograms("handler_delivery_attempts",
			"How often the handler had an event until it was done or a dead letter,"+
				" with the times that its plugin ended meanwhile.", attemptBuckets, handler),
	}
}

func (l *live) all() []prometheus.Collector {
	return []prometheus.Collector{l.answer, l.bodyRead, l.store, l.sync, l.syncBatch, l.done, l.attempts}
}

// histogramOpts are those of a histogram that is a native one for who scrapes those, and else has classic buckets. A
// native one tells 10 % apart. When it has too many buckets it begins anew after an hour, or else gets coarser.
func histogramOpts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: prefix + name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	}
}

func histograms(name, help string, buckets []float64, labels []string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(histogramOpts(name, help, buckets), labels)
}
