package incident

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
)

// Revenue is what an incident cost.
type Revenue struct {
	Currency string  `json:"currency"`
	Missing  float64 `json:"missing"`
}

// noRevenue is why there may be none.
const noRevenue = "Money: no transactions of the service are counted (business), or the incident was of P3 or P4."

// revenue reads what the incident cost until its end, as the rules recorded it.
func (r *Report) revenue(ctx context.Context, o *Options) error {
	expr := fmt.Sprintf("max by (%s) (%s)", metric.LabelCurrency, metric.IncidentImpact.Select(
		metric.LabelEnvironment+"="+strconv.Quote(r.Environment), metric.LabelIncident+"="+strconv.Quote(r.ID)))
	series, err := o.Prometheus.Between(ctx, expr, r.Began, r.Until, time.Minute, nil)
	if err != nil {
		return err
	}
	for _, s := range series {
		if n := len(s.Points); n > 0 {
			r.Revenue = append(r.Revenue, Revenue{s.Labels[metric.LabelCurrency], s.Points[n-1].Value})
		}
	}
	if len(r.Revenue) == 0 {
		r.Unmeasured = append(r.Unmeasured, noRevenue)
	}
	return nil
}

// revenueFigures are those of the draft.
func (r *Report) revenueFigures() []report.Figure {
	var figures []report.Figure
	for _, one := range r.Revenue {
		figures = append(figures, report.Figure{
			Key: "revenue_missing_" + one.Currency, Title: "Revenue missing", Value: report.Number(one.Missing),
			Note: one.Currency + ", usual transactions less those that succeeded; other incidents of the service at the same " +
				"time share it",
		})
	}
	return figures
}
