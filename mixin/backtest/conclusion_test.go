package backtest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/thorbis/thorbis_exporter/mixin/backtest/answer"
)

// fired is a report of a week in which an alert fired a number of times.
func fired(alert, priority string, times int) *Report {
	r := &Report{From: time.Unix(0, 0), To: time.Unix(0, 0).Add(week)}
	for i := range times {
		from := r.From.Add(time.Duration(i) * time.Hour)
		r.Episodes = append(r.Episodes, Episode{
			Labels: labels.FromStrings("alertname", alert, "priority", priority), From: from, To: from.Add(time.Minute),
		})
	}
	return r
}

func TestConclude(t *testing.T) {
	p, _ := load(t, policy)
	for name, tc := range map[string]struct {
		replay, shadow *Report
		watched        time.Duration
		want           []string
	}{
		"quiet, without a shadow": {
			fired("A", "P4", 0), fired("A", "P4", 0), 0,
			[]string{
				"Conclusion: nothing would have paged", "Next: load the rules of thorbis_mixin generate --shadow",
				"P1        0.0 ",
			},
		},
		"bearable, with half a shadow": {
			fired("ThorbisCheckDown", "P1", 4), fired("ThorbisCheckDown", "P1", 2), week / 2,
			[]string{
				"P1        4.0                             4.0",
				"Conclusion: 4.0 notifications a week at P1 and P2 (replayed), of 28",
				"P1 ThorbisCheckDown: 4 times", "Next: keep the shadow bundle",
			},
		},
		"too many, in the shadow only": {
			fired("ThorbisCheckDown", "P1", 4), fired("ThorbisSLOBurn", "P2", 40), week,
			[]string{
				"Conclusion: 40.0 notifications a week at P1 and P2 (by the shadow bundle) are more than",
				"Fired in the shadow bundle only: P2 ThorbisSLOBurn", "Fired in the replay only: P1 ThorbisCheckDown",
				"Next: generate without --shadow.",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			Conclude(p, tc.replay, tc.shadow, tc.watched).Write(&out)
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}

// TestConclusionAsJSON: a rate that is not known is null and not 0.
func TestConclusionAsJSON(t *testing.T) {
	p, _ := load(t, policy)
	replay := fired("ThorbisCheckDown", "P1", 4)
	got, err := json.Marshal(Conclude(p, replay, &Report{From: replay.From, To: replay.To}, 0))
	const want = `{"from":"1970-01-01T00:00:00Z","to":"1970-01-08T00:00:00Z","samples":0,"shadow_seconds":0,` +
		`"priorities":[{"priority":"P1","replayed_per_week":4,"shadow_per_week":null,"to":[{"channel":"pager"}]},`
	if err != nil || !strings.HasPrefix(string(got), want) {
		t.Errorf("%v\n%s\nwant\n%s...", err, got, want)
	}
	const most = `"most_often":[{"alert":"ThorbisCheckDown","priority":"P1","fired":4,"seconds":240,"longest_seconds":60` +
		`}],"only_in_shadow":[],"only_in_replay":[],"not_measured":0,"failed":0,"conclusion":"4.0 notifications a week`
	if !strings.Contains(string(got), most) {
		t.Errorf("%s\nlacks\n%s", got, most)
	}
}

// Samples of an alert are one stretch until they are missing for longer than Prometheus waits.
func TestAddJoinsSamples(t *testing.T) {
	of := labels.FromStrings("__name__", "ALERTS", "alertname", "A", "alertstate", "firing", "shadow", "true")
	var r Report
	r.add(of, []answer.Point{{T: 0}, {T: 15_000}, {T: 300_000}})
	r.add(of, []answer.Point{{T: 330_000}, {T: 700_000}})
	if len(r.Episodes) != 2 || r.Episodes[0].To != time.UnixMilli(330_000) ||
		r.Episodes[1].From != time.UnixMilli(700_000) || r.Episodes[0].Labels.String() != `{alertname="A"}` {
		t.Errorf("%+v", r.Episodes)
	}
}
