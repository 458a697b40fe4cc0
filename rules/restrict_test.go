package rules_test

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// ofOurs reports whether a selector reads our series.
func ofOurs(s *parser.VectorSelector) bool {
	return strings.Contains(s.String(), "thorbis") && !strings.HasPrefix(s.Name, "prometheus_")
}

// namesEnvironment reports whether a selector names an environment, or a copy of what an objective reads.
func namesEnvironment(s *parser.VectorSelector) bool {
	return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
		return m.Name == metric.LabelEnvironment && m.Type != labels.MatchRegexp || m.Name == metric.LabelCopy
	})
}

// rewritten returns an expression after a function has changed its selectors.
func rewritten(t *testing.T, expr string, change func(*parser.VectorSelector)) string {
	t.Helper()
	root, err := rule.Grammar.ParseExpr(expr)
	if err != nil {
		t.Fatal(err)
	}
	parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok && ofOurs(s) {
			change(s)
		}
		return nil
	})
	return root.String()
}

// invention makes up series of two environments for an expression, so that what it selects, matches and groups by
// meets often.
type invention struct {
	random *rand.Rand
	series map[string]bool // names
	values map[string][]string
	ages   []time.Duration // of samples
}

func invent(t *testing.T, expr string, random *rand.Rand) *invention {
	t.Helper()
	in := &invention{random: random, series: map[string]bool{}, values: map[string][]string{}}
	root, err := rule.Grammar.ParseExpr(expr)
	if err != nil {
		t.Fatal(err)
	}
	know := func(label string, values ...string) {
		in.values[label] = append(in.values[label], values...)
	}
	over := func(offset, length time.Duration) {
		for k := range 9 {
			in.ages = append(in.ages, offset+time.Duration(k)*length/8)
		}
	}
	parser.Inspect(root, func(node parser.Node, path []parser.Node) error {
		switch n := node.(type) {
		case *parser.AggregateExpr:
			for _, label := range n.Grouping {
				know(label)
			}
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				for _, label := range append(slices.Clone(n.VectorMatching.MatchingLabels), n.VectorMatching.Include...) {
					know(label)
				}
			}
		case *parser.SubqueryExpr:
			over(n.OriginalOffset, n.Range)
		case *parser.VectorSelector:
			length := 10 * time.Second
			if len(path) > 0 {
				if m, ok := path[len(path)-1].(*parser.MatrixSelector); ok {
					length = m.Range - time.Second
				}
			}
			over(n.OriginalOffset, length)
			names := rule.NamesOf(n)
			if len(names) == 0 {
				names = []string{"thorbis_anything"}
			}
			for _, name := range names {
				in.series[name] = true
			}
			for _, m := range n.LabelMatchers {
				switch {
				case m.Name == model.MetricNameLabel:
				case m.Type == labels.MatchEqual || m.Type == labels.MatchNotEqual:
					know(m.Name, m.Value)
				default:
					know(m.Name, m.SetMatches()...)
				}
			}
		}
		return nil
	})
	delete(in.values, metric.LabelEnvironment)
	slices.SortFunc(in.ages, func(a, b time.Duration) int { return int(b - a) })
	in.ages = slices.Compact(in.ages)
	return in
}

// before returns the series as they are before a moment.
func (in *invention) before(now time.Time, environments ...string) made {
	pick := func(list []string) string { return list[in.random.IntN(len(list))] }
	all := map[string]*storage.SeriesEntry{}
	for _, name := range slices.Sorted(maps.Keys(in.series)) {
		for _, environment := range environments {
			for range 5 {
				b := labels.NewBuilder(labels.FromStrings(model.MetricNameLabel, name, metric.LabelEnvironment, environment))
				for _, label := range slices.Sorted(maps.Keys(in.values)) {
					if in.random.IntN(8) > 0 {
						b.Set(label, pick(append(slices.Clone(in.values[label]), "x")))
					}
				}
				levels := []float64{0, 1, 1, 2, 30, 1000, float64(now.Unix()) - 60, float64(now.Unix()) - 4000}
				base, slope := levels[in.random.IntN(len(levels))], float64(in.random.IntN(3)-1)
				var points []chunks.Sample
				for _, age := range in.ages { // the oldest first
					if in.random.IntN(10) > 0 {
						points = append(points, point{now.Add(-age).UnixMilli(), base - slope*age.Seconds()/60})
					}
				}
				all[b.Labels().String()] = storage.NewListSeries(b.Labels(), points)
			}
		}
	}
	var m made
	for _, key := range slices.Sorted(maps.Keys(all)) {
		m = append(m, all[key])
	}
	return m
}

// point is a sample that was made up.
type point struct {
	at    int64
	value float64
}

func (p point) T() int64                      { return p.at }
func (p point) ST() int64                     { return 0 }
func (p point) F() float64                    { return p.value }
func (p point) H() *histogram.Histogram       { return nil }
func (p point) FH() *histogram.FloatHistogram { return nil }
func (p point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (p point) Copy() chunks.Sample           { return p }

// made are series that were made up.
type made []*storage.SeriesEntry

// Querier answers queries from them.
func (m made) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(
		_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher,
	) storage.SeriesSet {
		found := &madeSet{at: -1}
		for _, one := range m {
			if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(one.Lset.Get(m.Name)) }) {
				found.all = append(found.all, one)
			}
		}
		return found
	}}, nil
}

// madeSet iterates over some of them.
type madeSet struct {
	all made
	at  int
}

func (s *madeSet) Next() bool                        { s.at++; return s.at < len(s.all) }
func (s *madeSet) At() storage.Series                { return s.all[s.at] }
func (s *madeSet) Err() error                        { return nil }
func (s *madeSet) Warnings() annotations.Annotations { return nil }

// answer evaluates an expression; it returns nothing where that fails, as it may with series that are made up.
func answer(engine *promql.Engine, from storage.Queryable, expr string, now time.Time) (map[string]float64, bool) {
	q, err := engine.NewInstantQuery(context.Background(), from, nil, expr, now)
	if err != nil {
		return nil, false
	}
	defer q.Close()
	result := q.Exec(context.Background())
	vector, ok := result.Value.(promql.Vector)
	if result.Err != nil || !ok {
		return nil, false
	}
	got := map[string]float64{}
	for _, s := range vector {
		got[s.Metric.String()] = s.F
	}
	return got, true
}

func same(a, b map[string]float64) bool {
	return maps.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

// TestOtherEnvironmentsChangeNothing evaluates every expression with series that are made up. Those of another
// environment must change nothing: the result is that of the same expression whose selectors all name the environment.
func TestOtherEnvironmentsChangeNothing(t *testing.T) {
	const seeds = 4
	p := ruletest.Policy(t)
	b, err := rules.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	own := labels.MustNewMatcher(labels.MatchEqual, metric.LabelEnvironment, p.Environment)
	engine, now := ruletest.EmptyWorld(t).Engine, ruletest.Epoch
	compared, shown, without := 0, 0, 0
	expressions := map[string]string{}
	for _, g := range b.Groups() {
		for _, r := range g.Rules {
			expressions[r.Expr] = r.Name()
		}
	}
	for _, expr := range slices.Sorted(maps.Keys(expressions)) {
		strict := rewritten(t, expr, func(s *parser.VectorSelector) {
			if !namesEnvironment(s) {
				s.LabelMatchers = append(s.LabelMatchers, own)
			}
		})
		open := rewritten(t, expr, func(s *parser.VectorSelector) {
			s.LabelMatchers = slices.DeleteFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
				return m.String() == own.String()
			})
		})
		if strict == open {
			continue // it reads nothing of ours
		}
		for seed := range uint64(seeds) {
			from := invent(t, expr, rand.New(rand.NewPCG(seed, uint64(len(expr))))).before(now, p.Environment, "staging")
			want, ok := answer(engine, from, strict, now)
			got, alsoOK := answer(engine, from, expr, now)
			if !ok || !alsoOK { // made-up series may match more than one
				continue
			}
			compared++
			if !same(got, want) {
				t.Errorf("%s: series of another environment change the result to %v, without them it is %v:\n%s",
					expressions[expr], got, want, expr)
				break
			}
			if len(want) > 0 {
				shown++
			}
			if all, ok := answer(engine, from, open, now); ok && !same(all, want) {
				without++
			}
		}
	}
	t.Logf("%d results were compared, %d of them with series; without any matcher %d differ", compared, shown, without)
	if compared < 500 || shown < 250 || without < 250 {
		t.Errorf("%d results were compared, %d of them with series; without any matcher %d differ", compared, shown, without)
	}
}
