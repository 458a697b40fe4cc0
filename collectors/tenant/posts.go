package tenant

import (
	"sync/atomic"

	"github.com/thorbis/thorbis_exporter/metric"
)

// posts counts the posts to a receiver in the order of metric.PostResults.
type posts [6]atomic.Uint64

func init() {
	if len(metric.PostResults) != len(posts{}) {
		panic("results of posts and their counters differ")
	}
}
