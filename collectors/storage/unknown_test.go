package storage

import (
	"log/slog"
	"strings"
	"testing"
)

// A mistyped device in a limit is logged; limits for other machines are not checked here.
func TestLimitOfAnUnknownDevice(t *testing.T) {
	var log strings.Builder
	c := New(Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Host: "db1"})
	c.warnUnknownLimits(map[place]limit{{"db1", "sda"}: {}, {"db2", "nvme1n1"}: {}},
		[]device{{name: "sda"}, {name: "sdb"}})
	if log.Len() != 0 {
		t.Errorf("%s", log.String())
	}
	c.warnUnknownLimits(map[place]limit{{"db1", "nvme1n1"}: {}}, []device{{name: "sda"}, {name: "sdb"}})
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "device=nvme1n1") ||
		!strings.Contains(got, `watched="sda sdb"`) {
		t.Errorf("%s", got)
	}
}
