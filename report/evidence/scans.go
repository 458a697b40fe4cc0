package evidence

import (
	"context"
	"fmt"

	"github.com/thorbis/thorbis_exporter/metric"
)

// scans are those for vulnerabilities that succeeded, and the times in which they failed or were missed.
func (c *collection) scans(ctx context.Context) error {
	p := &Population{
		Key: "vulnerability_scans", Title: "Scans for vulnerabilities", Criteria: []string{"CC7.1"},
		Basis: "times of scans that succeeded, by the reports of the policy's security section, read every 5 minutes; " +
			"failed and missed ones are alerts",
	}
	series, err := c.runs(ctx, fmt.Sprintf("max by (%s, %s) (%s)", metric.LabelScan, metric.LabelReport,
		metric.ScanReportTime.Select(c.environment())))
	if err != nil {
		return err
	}
	for _, s := range series {
		name := s.Labels[metric.LabelScan]
		for _, at := range s.Points {
			p.Items = append(p.Items, Item{at.At, name, resultSuccess, c.scanOwner(name), s.Labels[metric.LabelReport], ""})
		}
	}
	for alert, result := range map[*metric.Alert]string{
		metric.ScanFailedAlert: resultFailure, metric.ScanMissedAlert: resultMissed,
	} {
		fired, err := c.Prometheus.Alerts(ctx, c.Policy.Environment, c.From, c.To, nil,
			fmt.Sprintf("alertname=%q", alert.Name))
		if err != nil {
			return err
		}
		for _, f := range fired {
			name := f.Labels[metric.LabelScan]
			p.Items = append(p.Items, Item{f.From, name, result, c.scanOwner(name), "alert " + f.Alert, ended(f)})
		}
	}
	c.add(p)
	return nil
}

func (c *collection) scanOwner(name string) string {
	if s := c.Policy.Security(); s != nil {
		for _, o := range s.Scans {
			if o.Name == name {
				return o.Owner
			}
		}
	}
	return ""
}
