package store

import (
	"encoding/binary"
	"slices"
)

// fewSlow is how many slow requests are trouble at the least: a share of fewer means nothing.
const fewSlow = 10

// objectives are the shares of requests that may be bad.
type objectives struct {
	failed float64
	slow   [MaxThresholds]float64 // by column
}

// evaluate reports whether what was counted is trouble, and how many more requests were bad than the objectives allow.
func (o *objectives) evaluate(c *counts) (troubled bool, spent float64) {
	all := float64(c.counted())
	bad := c.requests[4] + c.late[4]
	troubled, spent = bad > 0, float64(bad)-o.failed*all
	for i, n := range c.slow {
		if over := float64(n) - o.slow[i]*all; n >= fewSlow && over > 0 {
			troubled, spent = true, max(spent, over)
		}
	}
	return troubled, spent
}

// billion is the precision of a share in a record.
const billion = 1e9

// appendObjectives encodes the share of requests that may fail, and those that may be slower than each threshold.
func appendObjectives(b []byte, failed float64, thresholds []uint64, slow []float64) []byte {
	u := binary.AppendUvarint
	b = u(append(b, recordObjectives), uint64(failed*billion))
	b = u(b, uint64(min(len(slow), len(thresholds))))
	for i, share := range slow[:min(len(slow), len(thresholds))] {
		b = u(u(b, thresholds[i]), uint64(share*billion))
	}
	return b
}

func (st *State) applyObjectives(r *reader) error {
	st.objectives = objectives{failed: float64(r.uint()) / billion}
	for n := r.count(2); n > 0; n-- {
		threshold, share := r.uint(), float64(r.uint())/billion
		if i := slices.Index(st.thresholds, threshold); i >= 0 {
			st.objectives.slow[i] = share
		}
	}
	return nil
}
