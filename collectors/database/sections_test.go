package database

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
)

// Servers that do not answer come first, each state has its cure, and what a server did not answer is left empty.
func TestSections(t *testing.T) {
	c := New(Options{Logger: slog.New(slog.DiscardHandler)})
	names := []string{"new", "well", "partly", "full", "down", "unasked"}
	p := &config.Policy{}
	for _, name := range names {
		p.Databases = append(p.Databases, &config.Database{Name: name})
	}
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	connections, permitted, replica, lag := 17, 17, true, time.Second
	well := answers{up: true, version: 160004, databases: []postgres.Database{{Size: 5}, {Size: -1}, {Size: 7}}}
	well.server.Recovery, well.replication.Lag = &replica, &lag
	full := well
	full.server.Connections, full.server.Permitted = &connections, &permitted
	c.show(c.servers[1], well, nil)
	c.show(c.servers[2], answers{up: true}, errors.New("permission denied for pg_ls_waldir"))
	c.show(c.servers[3], full, nil)
	c.show(c.servers[4], answers{}, errors.New("connection refused"))
	c.show(c.servers[5], answers{unknown: true}, errors.New("missing DSN"))
	s := c.Sections(collectors.SectionRequest{Now: time.Now(), Limit: 10})[0]
	if err := s.Validate(); err != nil || len(s.Uncured()) > 0 {
		t.Fatalf("%v, without a cure %v", err, s.Uncured())
	}
	want := []struct {
		name  string
		state collectors.State
		level collectors.Level
	}{
		{"full", "no connections left", collectors.LevelBad},
		{"down", "down", collectors.LevelBad},
		{"partly", "up", collectors.LevelWarning},
		{"new", "not asked yet", collectors.LevelUnknown},
		{"unasked", "cannot be asked", collectors.LevelUnknown},
		{"well", "up", collectors.LevelOK},
	}
	for i, row := range s.Rows {
		if row.Cells[0] != want[i].name || row.Cells[1] != want[i].state || row.Level != want[i].level {
			t.Errorf("server %d: %+v, want %+v", i, row, want[i])
		}
	}
	row := s.Rows[5]
	if row.Cells[2] != "replica" || row.Cells[3] != "16.4" || row.Cells[4] != nil || row.Cells[7] != lag ||
		row.Cells[9] != collectors.Bytes(12) {
		t.Errorf("what a server answered: %+v", row)
	}
	if s.Rows[1].Cells[12] != "connection refused" {
		t.Errorf("the problem of a server: %+v", s.Rows[1])
	}
	// A reload keeps what is known.
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	if again := c.Sections(collectors.SectionRequest{Limit: 1})[0]; again.Rows[0].Cells[0] != "full" || again.More != 5 {
		t.Errorf("after a reload: %+v", again)
	}
}
