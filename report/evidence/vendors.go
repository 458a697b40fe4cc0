package evidence

import (
	"context"
	"fmt"

	"github.com/thorbis/thorbis_exporter/metric"
)

// vendors are the outages that the status pages of vendors reported.
func (c *collection) vendors(ctx context.Context) error {
	p := &Population{
		Key: "vendor_outages", Title: "Outages of vendors", Criteria: []string{"CC9.2"},
		Basis: "times since which status pages of the policy's vendors reported an outage, read every 5 minutes: a shorter " +
			"one may be missing",
	}
	series, err := c.runs(ctx, fmt.Sprintf("max by (%s, %s) (%s)", metric.LabelVendor, metric.LabelState,
		metric.VendorTroubleSince.Select(c.environment())))
	if err != nil {
		return err
	}
	for _, s := range series {
		for _, at := range s.Points {
			p.Items = append(p.Items, Item{
				At: at.At, Control: s.Labels[metric.LabelVendor], Result: s.Labels[metric.LabelState],
				Artefact: "status page of " + s.Labels[metric.LabelVendor],
			})
		}
	}
	c.add(p)
	return nil
}
