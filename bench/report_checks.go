package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

// reportChecks writes the archives of a year of checks, in the form that collectors/health/archive.go describes: one
// check of the platform from two locations, and one of each tenant, of which every seventh had an outage.
func reportChecks(d *state.Dir, names []string) error {
	for n := range 12 {
		first := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC).AddDate(0, n, 0)
		month := uint64(first.Year()*12 + int(first.Month()) - 1)
		data := binary.AppendUvarint(binary.AppendUvarint(nil, month), uint64(n+1))
		for i, name := range names {
			outage := time.Duration(0)
			if (i+n)%7 == 0 {
				outage = 17 * time.Minute
			}
			data = appendTarget(data, "each", name, "fra", first, outage)
		}
		for _, location := range []string{"fra", "nyc"} {
			data = appendTarget(data, "home", "", location, first, 4*time.Minute)
		}
		if err := d.Save(fmt.Sprintf("health_history_%02d", n), 1, data); err != nil {
			return err
		}
	}
	return nil
}

// appendTarget appends a target that was observed for the whole month, with an outage on the tenth.
func appendTarget(data []byte, check, tenant, location string, first time.Time, outage time.Duration) []byte {
	var b []byte
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	number := func(n int) { b = binary.AppendUvarint(b, uint64(n)) }
	text(check)
	text(tenant)
	text(location)
	run := func(from, days int, down time.Duration, outages int) {
		number(from)
		number(days)
		number(int(down.Milliseconds()))
		number(0) // unknown
		number(0) // maintenance
		b = binary.AppendVarint(b, 0)
		number(outages)
	}
	days := first.AddDate(0, 1, -1).Day()
	if outage == 0 {
		number(1)
		run(0, days, 0, 0)
		number(0)
	} else {
		number(3)
		run(0, 9, 0, 0)
		run(9, 1, outage, 1)
		run(10, days-10, 0, 0)
		number(1)
		b = binary.AppendVarint(b, first.AddDate(0, 0, 9).Add(10*time.Hour).UnixMilli())
		b = binary.AppendVarint(b, outage.Milliseconds())
		number(int(outage.Milliseconds()))
		number(1) // recovered
		text("timeout")
	}
	return append(binary.AppendUvarint(data, uint64(len(b))), b...)
}
