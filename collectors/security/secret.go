package security

import (
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// secrets adds when secrets end. The policy knows no more of them than their names and days.
func (e exposer) secrets(all []*config.SecretExpiry) {
	for _, s := range all {
		e.Put(metric.SecretInfo, 1, s.Name, s.AppService, s.Owner, s.Page)
		e.PutTime(metric.SecretExpiry, s.Expires.Time, s.Name)
		e.Put(metric.SecretExpectedWarning, s.WarnBefore.Std().Seconds(), s.Name)
		e.Put(metric.SecretExpectedUrgent, s.UrgentBefore.Std().Seconds(), s.Name)
	}
}

// secretsSection returns when secrets end, those that have ended first.
func secretsSection(all []*config.SecretExpiry, r collectors.SectionRequest) collectors.Section {
	s := collectors.Section{
		Key: "secrets", Title: "Secrets that end",
		Columns: []collectors.Column{
			{Key: "secret", Title: "Secret"},
			{Key: "app_service", Title: "Service"},
			{Key: "owner", Title: "Owner"},
			{Key: "expires", Title: "Ends"},
		},
	}
	for _, secret := range all {
		s.Rows = append(s.Rows, secretRow(secret, r.Now))
	}
	s.WorstFirst()
	s.Cut(r.Limit)
	return s
}

func secretRow(s *config.SecretExpiry, now time.Time) collectors.Row {
	row := collectors.Row{
		Level: collectors.LevelOK, Cells: []any{s.Name, s.AppService, s.Owner, s.Expires.Time},
	}
	switch left := s.Expires.Sub(now); {
	case left < 0:
		row.Level, row.Cure = collectors.LevelBad, "It has ended: replace it, then write the new date in the policy."
	case left < s.WarnBefore.Std():
		row.Level, row.Cure = collectors.LevelWarning, "Replace it in time, then write the new date in the policy."
	}
	return row
}
