package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/demo/saas"
	"github.com/thorbis/thorbis_exporter/demo/stack"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// TestThanosRulersPageOnce: an outage sends one page and one resolve while the Prometheus of one replica and the ruler
// of the other are killed and come back. At rest, the totals of both rulers equal what the exporter counted, which is
// what the log has.
func TestThanosRulersPageOnce(t *testing.T) {
	t.Parallel()
	testkit.Tool(t, "..", "thanos")
	addresses, err := stack.FreeAddresses(1)
	must(t, err)
	s, err := stack.Start(t.Context(), stack.Options{
		Bin: bin(), Addresses: addresses, Progress: t.Output(), Pages: t.Output(), Alertmanager: "alertmanager-newest",
		Rulers: true, OwnTraffic: true, Interval: 10 * time.Second, Secondary: time.Hour, Manager: time.Hour,
	})
	must(t, err)
	t.Cleanup(s.Stop)
	log := newRequestLog(t, s)
	eventually(t, 2*time.Minute, "totals of 0 in both rulers", func() bool { return log.inBothRulers() })
	stop := log.write()

	eventually(t, 2*time.Minute, "totals that are written in both rulers", func() bool {
		return written(s.Replicas[0]) && written(s.Replicas[1])
	})
	began := time.Now()
	must(t, s.SaaS.Break(saas.Refuse))
	s.KillPrometheus(0)
	s.KillRuler(1)
	eventually(t, pageTime+10*time.Second, "the page", func() bool { return len(pages(s, "trigger")) > 0 })
	page := pages(s, "trigger")[0]
	check(t, page)
	took := page.At.Sub(began)
	t.Logf("from outage to page with one Prometheus and one ruler: %.1f s, of at most %.0f s", took.Seconds(),
		pageTime.Seconds())
	if took > pageTime {
		t.Errorf("the page came %s after the outage, want at most %s", took, pageTime)
	}
	must(t, s.StartPrometheus(t.Context(), 0))
	must(t, s.StartRuler(t.Context(), 1))
	eventually(t, 2*time.Minute, "the alert in both rulers", func() bool {
		return firesIn(s.Replicas[0]) && firesIn(s.Replicas[1])
	})
	checkDeduplicated(t, s)
	if resolves := pages(s, "resolve"); len(resolves) > 0 {
		t.Errorf("resolved during the outage: %+v", resolves)
	}
	must(t, s.SaaS.Recover())
	eventually(t, resolveTime, "the resolve", func() bool { return len(pages(s, "resolve")) > 0 })
	stop()
	eventually(t, 2*time.Minute, "totals of both rulers that equal the log", func() bool { return log.inBothRulers() })
	t.Logf("at rest, both rulers and the exporter have counted %v", log.want)
	if triggers, resolves := len(pages(s, "trigger")), len(pages(s, "resolve")); triggers != 1 || resolves != 1 {
		t.Errorf("%d pages and %d resolves, want 1 of each: %+v", triggers, resolves, s.Pager.Pages())
	}
	must(t, s.Ended())
}

// written reports whether the ruler of a replica has just evaluated the group of the totals. A kill during an
// evaluation may lose that step of the totals that are not written yet (docs/thanos.md).
func written(r *stack.Replica) bool {
	done, err := holds(r.Querier, "(time() - max(timestamp("+metric.BadTotals.Total.Name+"))) > 2 < 25")
	return err == nil && done
}

// checkDown is the alert on the outage.
const checkDown = "ThorbisCheckDown"

// firesIn reports whether the ruler of a replica has the alert.
func firesIn(r *stack.Replica) bool {
	firing, err := holds(r.Querier, `ALERTS{alertname="`+checkDown+`",alertstate="firing"}`)
	return err == nil && firing
}

// checkDeduplicated expects that Alertmanager has one alert of each check, whichever ruler sent it.
func checkDeduplicated(t *testing.T, s *stack.Stack) {
	t.Helper()
	filter := url.Values{"filter": {"alertname=" + checkDown}}
	text, err := body("http://" + s.Alertmanager + "/api/v2/alerts?" + filter.Encode())
	must(t, err)
	var alerts []struct{ Labels map[string]string }
	must(t, json.Unmarshal([]byte(text), &alerts))
	seen := map[string]bool{}
	for _, a := range alerts {
		if check := a.Labels["check"]; seen[check] || a.Labels["cluster"] == "" {
			t.Errorf("two alerts of check %s, or one without the label of its cluster: %v", check, alerts)
		} else {
			seen[check] = true
		}
	}
	if len(seen) == 0 {
		t.Error("Alertmanager has no alert of the outage")
	}
}

// requestLog is a log of requests whose sums are known.
type requestLog struct {
	t *testing.T
	s *stack.Stack
	// want is by kind and tier, and for the whole service. counted is what the exporter and the rulers had last.
	want    map[string]float64
	counted []map[string]float64
}

// newRequestLog returns an empty log. The sums of the service are those that its budgets are made of.
func newRequestLog(t *testing.T, s *stack.Stack) *requestLog {
	log := &requestLog{t: t, s: s, want: map[string]float64{}}
	for _, tier := range []string{"enterprise", "standard", "none"} {
		for _, kind := range []string{"requests", "availability", "latency-300ms"} {
			log.want[kind+" "+tier] = 0
		}
	}
	for _, kind := range []string{"availability", "latency-300ms"} {
		log.want[kind+" events"], log.want[kind+" bad"] = 0, 0
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("written %v, counted %v", log.want, log.counted)
		}
	})
	return log
}

// write appends requests until the function that it returns is called. Some are slow and few fail: too few of both for
// an alert, whose page would outlast the outage.
func (l *requestLog) write() (stop func()) {
	f, err := os.OpenFile(l.s.AccessLog(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(l.t, err)
	quit, ended := make(chan struct{}), make(chan error)
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-quit:
				ended <- f.Close()
				return
			case <-tick.C:
			}
			tier, host := "enterprise", "acme"
			if n%3 == 0 {
				tier, host = "standard", "initech"
			}
			status, seconds := 200, 0.05
			l.want["requests "+tier]++
			for _, slo := range []string{"availability", "latency-300ms"} {
				l.want[slo+" events"]++
			}
			if n%200 == 0 {
				status = 503
				l.want["availability "+tier]++
				l.want["availability bad"]++
			}
			if n%70 == 0 {
				seconds = 0.5
				l.want["latency-300ms "+tier]++
				l.want["latency-300ms bad"]++
			}
			now := time.Now()
			fmt.Fprintf(f, `{"msec":%d.%03d,"host":"%s.demo.test","method":"GET","request_uri":"/orders/%d","status":%d,`+
				`"request_time":%.3f,"bytes_sent":200}`+"\n", now.Unix(), now.Nanosecond()/1e6, host, n, status, seconds)
		}
	}()
	return func() {
		close(quit)
		must(l.t, <-ended)
	}
}

// inBothRulers reports whether both rulers, and the exporter, have counted what was written.
func (l *requestLog) inBothRulers() bool {
	counted := []map[string]float64{l.exported()}
	for _, r := range l.s.Replicas {
		counted = append(counted, l.totals(r.Querier))
	}
	l.counted = counted
	for _, c := range counted {
		if !maps.Equal(c, l.want) {
			return false
		}
	}
	return true
}

// totals returns the totals of a ruler.
func (l *requestLog) totals(querier string) map[string]float64 {
	found := map[string]float64{}
	for expr, name := range map[string]func(metric map[string]string) string{
		metric.TierRequestsTotals.Total.Name: func(m map[string]string) string { return "requests " + m["tier"] },
		metric.TierBadTotals.Total.Name:      func(m map[string]string) string { return m["slo"] + " " + m["tier"] },
		metric.EventsTotals.Total.Name:       func(m map[string]string) string { return m["slo"] + " events" },
		metric.BadTotals.Total.Name:          func(m map[string]string) string { return m["slo"] + " bad" },
	} {
		text, err := body("http://" + querier + "/api/v1/query?" + url.Values{"query": {expr}}.Encode())
		if err != nil {
			return nil
		}
		var answer struct {
			Data struct {
				Result []struct {
					Metric map[string]string
					Value  [2]any
				}
			}
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			return nil // the Querier reports an error while its ruler is down
		}
		for _, one := range answer.Data.Result {
			v, err := strconv.ParseFloat(fmt.Sprint(one.Value[1]), 64)
			must(l.t, err)
			found[name(one.Metric)] += v
		}
	}
	return found
}

// exported returns the counters of the exporter.
func (l *requestLog) exported() map[string]float64 {
	resp, err := http.Get("http://" + l.s.Exporters[0] + "/metrics/tenants")
	must(l.t, err)
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	must(l.t, err)
	found := map[string]float64{}
	each := func(m *metric.Metric, add func(labels map[string]string, value float64)) {
		for _, one := range families[m.Name].GetMetric() {
			labels := map[string]string{}
			for _, pair := range one.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			if labels["tier"] != "_unknown" {
				add(labels, one.GetCounter().GetValue())
			}
		}
	}
	each(metric.ServiceRequests, func(labels map[string]string, value float64) {
		bad := 0.0
		if labels["code_class"] == "5xx" {
			bad = value
		}
		found["requests "+labels["tier"]] += value
		found["availability "+labels["tier"]] += bad
		found["availability bad"] += bad
		found["availability events"] += value
		found["latency-300ms events"] += value
	})
	each(metric.ServiceSlowRequests, func(labels map[string]string, value float64) {
		found["latency-300ms "+labels["tier"]] += value
		found["latency-300ms bad"] += value
	})
	return found
}
