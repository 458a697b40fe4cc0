package business

import (
	"errors"
	"slices"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
	"github.com/thorbis/thorbis_exporter/metric"
)

// maxFigureRows bounds the answer of a figure: one row for each tenant and class.
const maxFigureRows = 5_000

// staleAfter is for how many intervals a figure is shown after its query has begun to fail: one lost answer leaves no
// gap.
const staleAfter = 3

// cell is where a value of a figure belongs.
type cell struct{ tenant, class string }

// figureAnswer is what the query of a figure returned.
type figureAnswer struct {
	values map[cell]float64
	folded uint64
	seen   map[cell]bool // as the query returned them
}

func newFigureAnswer() *figureAnswer {
	return &figureAnswer{values: map[cell]float64{}, seen: map[cell]bool{}}
}

// add adds a row. A tenant or class that is not known is added up as _other; of scores it is left out, as a sum of
// scores means nothing.
func (a *figureAnswer) add(row postgres.Row, f *config.Figure, registered func(string) bool) error {
	v, err := number(row, columnValue)
	if err != nil {
		return err
	}
	var at cell
	if at.tenant, err = text(row, columnTenant); err != nil {
		return err
	}
	if at.class, err = text(row, columnClass); err != nil {
		return err
	}
	if a.seen[at] {
		return errors.New("two rows have the same tenant and class: group them")
	}
	a.seen[at] = true
	if row[columnValue] == nil && f.Kind == config.FigureSatisfaction {
		return nil // without an answer the score is not known, and not 0
	}
	if v < 0 && f.Kind != config.FigureGauge && f.Kind != config.FigureSatisfaction {
		return errors.New("column value is negative, which a " + f.Kind + " cannot be")
	}
	known := true
	if at.tenant != "" && !registered(at.tenant) {
		at.tenant, known = metric.ClassOther, false
	}
	if at.class != "" && !slices.Contains(f.Classes, at.class) {
		at.class, known = metric.ClassOther, false
	}
	if !known {
		a.folded++
		if f.Kind == config.FigureSatisfaction {
			return nil
		}
	}
	a.values[at] += v
	return nil
}

// figureMetrics are the metrics of figures by kind.
var figureMetrics = map[string]*metric.Metric{
	config.FigureActiveUsers: metric.ActiveUsers, config.FigureSatisfaction: metric.SatisfactionScore,
	config.FigureOpenTickets: metric.OpenTickets, config.FigureGauge: metric.FigureValue,
	config.FigureCounter: metric.FigureEvents,
}

// sums are the running totals of a figure that is a counter. They are saved.
type sums struct {
	// Last are the totals as they were last, Counted what they have gained; both by tenant and class, joined by a space.
	Last    map[string]float64 `json:"last"`
	Counted map[string]float64 `json:"counted"`
}

// gain counts what totals have gained. One that has fallen counts nothing and goes on from there. One that is new
// counts whole, unless all are.
func (s *sums) gain(values map[cell]float64) {
	first := s.Last == nil
	last := map[string]float64{}
	if s.Counted == nil {
		s.Counted = map[string]float64{}
	}
	for at, v := range values {
		key := at.tenant + " " + at.class
		last[key] = v
		s.Counted[key] += 0
		if more := v - s.Last[key]; more > 0 && !first {
			s.Counted[key] += more
		}
	}
	s.Last = last
}
