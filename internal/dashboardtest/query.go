package dashboardtest

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/thorbis/thorbis_exporter/metric"
)

var variable = regexp.MustCompile(`\$\{?([a-z_]\w*)(:\w+)?\}?`)

// Tenant is whom Fill picks.
const Tenant = "acme"

// Fill puts into a query what Grafana does where everything is picked, and one tenant.
func Fill(expr string) string {
	return variable.ReplaceAllStringFunc(expr, func(v string) string {
		switch name := variable.FindStringSubmatch(v)[1]; name {
		case "__rate_interval", "__interval":
			return "1m"
		case "__range":
			return "20m"
		case metric.LabelTenant:
			return Tenant
		default:
			return ".*"
		}
	})
}

// Query is one of a panel.
type Query struct {
	Dashboard string // its uid
	From      string // the beginning of the range shown at first, like now-6h
	Panel     string
	RefID     string
	Expr      string // with variables
	Instant   bool   // asked for now alone
}

// Name names the panel of a query among those of all dashboards.
func (q Query) Name() string { return q.Dashboard + "/" + q.Panel }

// Queries returns those of a dashboard's JSON, in the order of its panels.
func Queries(text []byte) ([]Query, error) {
	type panel struct {
		Title   string
		Targets []struct {
			RefID, Expr string
			Instant     bool
		}
		Panels []json.RawMessage
	}
	var d struct {
		UID    string
		Time   struct{ From string }
		Panels []json.RawMessage
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	var all []Query
	for rest := d.Panels; len(rest) > 0; rest = rest[1:] {
		var p panel
		if err := json.Unmarshal(rest[0], &p); err != nil {
			return nil, fmt.Errorf("%s: %w", d.UID, err)
		}
		for _, t := range p.Targets {
			all = append(all, Query{
				Dashboard: d.UID, From: d.Time.From, Panel: p.Title, RefID: t.RefID, Expr: t.Expr, Instant: t.Instant,
			})
		}
		rest = append(rest, p.Panels...) // those of a closed row
	}
	return all, nil
}
