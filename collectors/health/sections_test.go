package health

import (
	"slices"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// The oldest outage comes first, and of the checks those that are not up.
func TestSectionsShowTheWorstFirst(t *testing.T) {
	now := epoch
	all := []CheckStatus{
		{Check: "up", State: metric.StateUp},
		{Check: "new", State: metric.StateDown, Reason: reasonTimeout, OutageSince: now.Add(-time.Minute)},
		{Check: "planned", State: metric.StateMaintenance},
		{Check: "old", State: metric.StateUnknown, Reason: reasonStale, OutageSince: now.Add(-time.Hour)},
	}
	names := func(s collectors.Section) (list []string) {
		for _, r := range s.Rows {
			switch name := r.Cells[0].(type) {
			case string:
				list = append(list, name)
			case collectors.State:
				list = append(list, string(name))
			}
		}
		return list
	}
	all = append(all, CheckStatus{Check: "mending", State: metric.StateUp, OutageSince: now.Add(-time.Second)})
	shown := sections(collectors.SectionRequest{Now: now, Limit: 10}, all, nil)
	for _, s := range shown {
		if err := s.Validate(); err != nil || len(s.Uncured()) > 0 {
			t.Errorf("%v, without a cure %v", err, s.Uncured())
		}
	}
	if got := names(shown[0]); !slices.Equal(got, []string{"old", "new", "mending"}) {
		t.Errorf("outages %v", got)
	}
	if got := names(shown[1]); !slices.Equal(got, []string{"new", "old", "planned", "up", "mending"}) {
		t.Errorf("checks %v", got)
	}
	if got := shown[0].Rows[1]; got.Level != collectors.LevelBad || got.Cure == "" || got.Cells[5] != time.Minute {
		t.Errorf("an outage is %+v", got)
	}
	shown = sections(collectors.SectionRequest{Now: now, Limit: 1, State: metric.StateDown}, all, nil)
	if got := names(shown[1]); !slices.Equal(got, []string{"new"}) || shown[0].More != 2 {
		t.Errorf("checks that are down: %v, outages left out: %d", got, shown[0].More)
	}
	if got := shown[1].Filter.Options; got[0] != (collectors.FilterOption{Name: metric.StateUp, Count: 2}) {
		t.Errorf("the filter counts %v", got)
	}
}

// Every reason has an explanation, and all that can last have a cure.
func TestEveryReasonHasACure(t *testing.T) {
	for _, reason := range append(append([]string{reasonStale}, failureReasons...), unknownReasons...) {
		if Explain(reason) == "" || cures[reason] == "" {
			t.Errorf("%s: explained %q, cure %q", reason, Explain(reason), cures[reason])
		}
	}
}

func TestDeadReferenceHasACure(t *testing.T) {
	s := referenceSection([]ReferenceStatus{{Target: "a:443", State: "answers"}, {Target: "b:443", State: "dead"}})
	if s.Rows[0].Level != collectors.LevelOK || s.Rows[1].Level != collectors.LevelWarning || s.Rows[1].Cure == "" {
		t.Errorf("%+v", s.Rows)
	}
}
