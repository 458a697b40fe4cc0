package incident

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// vendors adds what the status pages of vendors reported before the incident and during it: of those on which the
// service depends; of an incident that concerns no service, of all.
func (r *Report) vendors(ctx context.Context, o *Options) error {
	trouble := metric.VendorTroubleSince.Select(metric.LabelEnvironment + "=" + strconv.Quote(r.Environment))
	if r.AppService != "" {
		trouble = metric.VendorServiceTrouble.Select(metric.LabelEnvironment+"="+strconv.Quote(r.Environment),
			metric.LabelAppService+"="+strconv.Quote(r.AppService))
	}
	expr := fmt.Sprintf("max by (%s, %s) (%s)", metric.LabelVendor, metric.LabelState, trouble)
	series, err := o.Prometheus.Between(ctx, expr, r.Began.Add(-before), r.Until, time.Minute, nil)
	if err != nil {
		return err
	}
	for _, s := range series {
		vendor, state := s.Labels[metric.LabelVendor], strings.ReplaceAll(s.Labels[metric.LabelState], "_", " ")
		since := 0.0
		for i, p := range s.Points {
			if p.Value != since {
				since = p.Value
				at := time.UnixMilli(int64(since * 1000)).UTC()
				r.Timeline = append(r.Timeline, Event{at, "vendor", vendor + " reports " + state})
			}
			next := r.Until
			if i+1 < len(s.Points) {
				next = s.Points[i+1].At
			}
			if over := p.At.Add(time.Minute); next.Sub(over) > time.Minute {
				r.Timeline = append(r.Timeline, Event{over.UTC(), "vendor", vendor + " no longer reports " + state})
			}
		}
	}
	return nil
}
