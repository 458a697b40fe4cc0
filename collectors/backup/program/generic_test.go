package program

import (
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestGeneric(t *testing.T) {
	s := parsed(t, "generic")
	g := s.Groups[GroupKey{"onsite", metric.KindFull}]
	if g.Retained != 1 || g.Newest.Stored != 50 || g.Newest.Position != 0x91000050 ||
		!g.LastFailure.Equal(stamp(t, "2026-09-22T02:10:00Z")) {
		t.Errorf("%+v", g)
	}
	if w := s.Repositories["onsite"].WAL; w.Missing != 2 || !w.NewestAt.Equal(stamp(t, "2026-09-23T02:12:00Z")) ||
		w.Newest != 0xA5000000 {
		t.Errorf("%+v", w)
	}
	if r := s.Repositories["offsite"]; r.Readable() || r.Problem != "no route" {
		t.Errorf("%+v", r)
	}
	for _, edit := range [][2]string{
		{`"version":1`, `"version":2`},
		{`"kind":"full"`, `"kind":"wal"`},
		{`"onsite"`, `"on site"`},
		{`"status":"ok"`, `"status":"fine"`},
		{"2026-09-20T02:10:00Z", "0001-01-01T00:00:00Z"},
		{`"state":"unreadable"`, `"state":"gone"`},
	} {
		text := strings.Replace(string(backuptest.Recorded(t, "generic.json")), edit[0], edit[1], 1)
		if err := parseGeneric([]byte(text), NewListing(false)); Reason(err) != metric.ListingMalformed {
			t.Errorf("%v: %v", edit, err)
		}
	}
}

func FuzzGeneric(f *testing.F) {
	fuzzListing(f, "generic", `{"version":1,"backups":[{"kind":"full","stop":"9999-12-31T23:59:59Z"}]}`)
}
