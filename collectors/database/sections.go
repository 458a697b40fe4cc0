package database

import (
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// Sections implements collectors.Sections: the servers, those that do not answer first.
func (c *Collector) Sections(r collectors.SectionRequest) []collectors.Section {
	s := collectors.Section{
		Key: "databases", Title: "Databases",
		Columns: []collectors.Column{
			{Key: "server", Title: "Server"},
			{Key: "state", Title: "State"},
			{Key: "role", Title: "Role"},
			{Key: "version", Title: "Version"},
			{Key: "connections", Title: "Connections"},
			{Key: "connections_permitted", Title: "Permitted"},
			{Key: "oldest_transaction_seconds", Title: "Oldest transaction"},
			{Key: "replication_lag_seconds", Title: "Replication lag"},
			{Key: "wal_unarchived", Title: "WAL files not archived"},
			{Key: "size_bytes", Title: "Size"},
			{Key: "started", Title: "Started"},
			{Key: "asked", Title: "Asked"},
			{Key: "problem", Title: "Problem"},
		},
	}
	c.mu.Lock()
	for _, server := range c.servers {
		s.Rows = append(s.Rows, server.row())
	}
	c.mu.Unlock()
	s.WorstFirst()
	s.Cut(r.Limit)
	return []collectors.Section{s}
}

func (s *server) row() collectors.Row {
	a := s.last
	row := collectors.Row{Level: collectors.LevelOK}
	state := "up"
	switch {
	case s.asked.IsZero():
		row.Level, state = collectors.LevelUnknown, "not asked yet"
	case a.unknown:
		row.Level, state = collectors.LevelUnknown, "cannot be asked"
		row.Cure = "Correct what the problem names: the exporter lacks the address or the password, so it cannot ask."
	case !a.up:
		row.Level, state = collectors.LevelBad, "down"
		row.Cure = "Look whether the server runs and accepts connections (pg_isready), then at its log and its disk."
	case s.problem != "":
		row.Level = collectors.LevelWarning
		row.Cure = "Grant the role pg_monitor: the server does not answer every question."
	}
	if n, most := a.server.Connections, a.server.Permitted; a.up && n != nil && most != nil && *n >= *most {
		row.Level, state = collectors.LevelBad, "no connections left"
		row.Cure = "End idle sessions (pg_stat_activity), and put a pool in front: roles that are not superusers are refused."
	}
	row.Cells = []any{
		s.Name, collectors.State(state), role(a), version(a.version), known(a.server.Connections), known(a.server.Permitted),
		known(a.server.OldestTransaction), known(a.replication.Lag), known(a.wal.Unarchived), a.size(),
		known(a.server.Started), s.asked, s.problem,
	}
	return row
}

// known returns what a server answered, nil for what it did not.
func known[T int | time.Duration | time.Time](v *T) any {
	if v == nil {
		return nil
	}
	return *v
}

func role(a answers) any {
	switch {
	case a.server.Recovery == nil:
		return nil
	case *a.server.Recovery:
		return "replica"
	}
	return "primary"
}

// version returns PostgreSQL's version as it is written since version 10.
func version(number int) any {
	if number == 0 {
		return nil
	}
	return fmt.Sprintf("%d.%d", number/10000, number%10000)
}

// size returns the size of all databases whose size is known.
func (a answers) size() any {
	sum, counted := int64(0), false
	for _, d := range a.databases {
		if d.Size >= 0 {
			sum, counted = sum+d.Size, true
		}
	}
	if !counted {
		return nil
	}
	return collectors.Bytes(sum)
}

var _ collectors.Sections = (*Collector)(nil)
