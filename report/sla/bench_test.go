package sla

import (
	"io"
	"testing"

	"github.com/thorbis/thorbis_exporter/report"
)

// What a tenant's report costs: to compute it, and to write it in each format.
func BenchmarkTenant(b *testing.B) {
	s := newSeeded(b)
	builder, subject := s.builder(), s.subject("acme")
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			builder.Build(subject)
		}
	})
	r := builder.Build(subject)
	for _, format := range report.Formats {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				if err := report.Write(io.Discard, format, r.Document(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
