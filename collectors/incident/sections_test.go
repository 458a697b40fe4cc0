package incident

import (
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// Unacknowledged incidents come first and say what to do; what is not known is said, and is not none.
func TestSections(t *testing.T) {
	a := serve(t)
	c := collector(t, nil, policyOf(t, a))
	sections := func(now time.Time) (open, sources collectors.Section) {
		t.Helper()
		s := c.Sections(collectors.SectionRequest{Now: now, Limit: 10})
		for i := range s {
			if err := s[i].Validate(); err != nil || len(s[i].Uncured()) > 0 {
				t.Errorf("%v, without a cure %v", err, s[i].Uncured())
			}
		}
		return s[0], s[1]
	}
	open, sources := sections(time.Now())
	if open.None != "Not known yet: no Alertmanager has answered." || sources.Rows[0].Level != collectors.LevelUnknown {
		t.Errorf("at first %q, %+v", open.None, sources.Rows)
	}

	ack := ackOf(first)
	ack.StartsAt, ack.EndsAt = time.Now(), time.Now().Add(2*time.Hour)
	a.say(200, []*silence{ack}, recent(first, time.Hour), recent(second, 10*time.Minute))
	if err := c.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	open, sources = sections(time.Now())
	if len(open.Rows) != 2 || sources.Rows[0].Level != collectors.LevelOK {
		t.Fatalf("%+v, %+v", open.Rows, sources.Rows)
	}
	row := open.Rows[0]
	if row.Level != collectors.LevelBad || row.Cells[0] != "ThorbisCheckDown" || row.Cells[1] != "web" ||
		row.Cells[3] != collectors.State("unacknowledged") || row.Cells[4].(time.Duration) < 10*time.Minute {
		t.Errorf("the unacknowledged: %+v", row)
	}
	if row := open.Rows[1]; row.Level != collectors.LevelWarning || row.Cells[3] != collectors.State("acknowledged") {
		t.Errorf("the acknowledged: %+v", row)
	}
	if late, _ := sections(time.Now().Add(blindAfter / 2)); len(late.Rows) != 2 {
		t.Errorf("a minute later: %+v", late)
	}

	a.say(503, nil)
	if err := c.round(t.Context()); err == nil {
		t.Fatal("no error")
	}
	open, sources = sections(time.Now().Add(blindAfter + time.Minute))
	if len(open.Rows) != 0 || open.Note == "" || open.None != "Not known." {
		t.Errorf("while nothing answers: %+v", open)
	}
	if sources.Rows[0].Level != collectors.LevelBad {
		t.Errorf("sources %+v", sources.Rows)
	}
}
