package procedure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// maxDates bounds the entries of a file of dates.
const maxDates = 10_000

// dated is an entry of a file of dates: what was done on a day, and by whom.
type dated struct {
	Date   config.Date `yaml:"date"`
	Kind   string      `yaml:"kind"`
	People []string    `yaml:"people"`
	Link   string      `yaml:"link"`
}

// parseDates reads a file of dates: a list of entries, each with a date and a kind.
func parseDates(text []byte) ([]dated, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var all []dated
	if err := decoder.Decode(&all); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("invalid dates: %w; write a list like "+
			"- {date: 2026-11-03, kind: training, people: [ada]}", err)
	}
	if len(all) > maxDates {
		return nil, fmt.Errorf("invalid dates: %d entries; at most %d are read", len(all), maxDates)
	}
	for i, d := range all {
		if d.Date.IsZero() || d.Kind == "" {
			return nil, fmt.Errorf("invalid dates: entry %d has no date or no kind", i+1)
		}
	}
	return all, nil
}

// newest returns the end of the newest day with an entry of a kind. With people it is that of whoever is behind: each
// of them must have an entry, and it is the oldest of their newest days. It is zero if there is none, and an entry of a
// day that has not come does not count.
func newest(all []dated, kind string, people []string, now time.Time) time.Time {
	of := func(person string) (end time.Time) {
		for _, d := range all {
			if d.Kind == kind && !d.Date.After(now) && (person == "" || slices.Contains(d.People, person)) {
				end = latest(end, endOf(d.Date.Time, now))
			}
		}
		return end
	}
	if len(people) == 0 {
		return of("")
	}
	oldest := of(people[0])
	for _, person := range people[1:] {
		oldest = earliest(oldest, of(person))
	}
	return oldest
}

// endOf returns the last moment of a day that has passed: what was done on the day on which it was due was done in
// time.
func endOf(day, now time.Time) time.Time { return earliest(day.Add(24*time.Hour-time.Second), now) }

// datesProof returns when what a file of dates proves was last done.
func datesProof(ctx context.Context, d *config.ProcedureDates, now time.Time) (time.Time, error) {
	text, err := regularfile.Read(ctx, d.File, maxResult)
	if err != nil {
		return time.Time{}, err
	}
	all, err := parseDates(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", d.File, err)
	}
	return newest(all, d.Kind, d.People, now), nil
}
