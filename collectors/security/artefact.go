package security

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// artefact is a scan of the policy with its documents. Its round works on a copy, which takes its place under the
// collector's lock.
type artefact struct {
	*config.Scan
	reports []*document[*report]
	vex     []*document[[]statement]

	findings   []finding // of all reports, without what is left out
	suppressed int
	known      bool // a scan has succeeded since the start
	tallies    tallies
	catalogue  time.Time // of the catalogue of known exploited vulnerabilities that was used
}

// newArtefact returns a scan that knows of its documents what an earlier policy's did, if its documents are the same.
func newArtefact(scan *config.Scan, before *artefact) *artefact {
	if before != nil && before.sameDocuments(scan) {
		a := before.clone() // the one before may be in the middle of a round
		a.Scan = scan
		return a
	}
	a := &artefact{Scan: scan}
	for _, r := range scan.Reports {
		a.reports = append(a.reports, &document[*report]{
			file: r.File, parse: func(text []byte) (*report, error) { return parse(r.Format, text) },
		})
	}
	for _, file := range scan.VEX {
		a.vex = append(a.vex, &document[[]statement]{file: file, parse: parseVEX})
	}
	return a
}

func (a *artefact) sameDocuments(scan *config.Scan) bool {
	same := func(x, y *config.ScanReport) bool { return *x == *y }
	return slices.EqualFunc(a.Reports, scan.Reports, same) && slices.Equal(a.VEX, scan.VEX)
}

// clone returns a copy whose documents can be read.
func (a *artefact) clone() *artefact {
	b := *a
	b.reports, b.vex = copies(a.reports), copies(a.vex)
	return &b
}

func copies[T any](documents []*document[T]) []*document[T] {
	all := make([]*document[T], 0, len(documents))
	for _, d := range documents {
		c := *d
		all = append(all, &c)
	}
	return all
}

// read reads the documents that have changed, logs what has become of them, and reports whether anything is new.
func (a *artefact) read(ctx context.Context, logger *slog.Logger) (news bool) {
	for i, d := range a.reports {
		before := d.state
		news = d.read(ctx) || news
		logState(logger, before, d.state, d.err, "scan", a.Name, "report", a.Reports[i].Name())
	}
	for i, d := range a.vex {
		before := d.state
		news = d.read(ctx) || news
		logState(logger, before, d.state, d.err, "scan", a.Name, "vex", a.VEX[i])
	}
	return news
}

// logState logs a document that cannot be read, once, and one that can be read again.
func logState(logger *slog.Logger, before, now string, err error, of ...any) {
	switch {
	case now == before || now == "":
	case now != metric.ScanOK:
		logger.Warn("A document of a scan cannot be used", append(of, "state", now, "err", err)...)
	case before != "":
		logger.Info("A document of a scan can be used again", of...)
	}
}

// evaluate joins what the reports hold, and leaves out what is suppressed.
func (a *artefact) evaluate(exploited map[string]bool) {
	var lists [][]finding
	a.suppressed = 0
	for _, d := range a.reports {
		if d.known {
			lists = append(lists, d.value.findings)
			a.suppressed += d.value.hidden
		}
	}
	a.known = len(lists) > 0
	a.findings = nil
	for _, f := range merged(lists) {
		for _, id := range f.names() {
			f.Exploited = f.Exploited || exploited[id]
		}
		if f.suppressed || a.excluded(f) {
			a.suppressed++
			continue
		}
		a.findings = append(a.findings, f)
	}
}

func (a *artefact) excluded(f finding) bool {
	for _, d := range a.vex {
		if d.state == metric.ScanAbsent { // what was stated is withdrawn
			continue
		}
		for _, s := range d.value {
			if s.covers(f) {
				return true
			}
		}
	}
	return false
}

// scanned returns when a report's newest good scan was made: by the report, else by its file, and never later than now.
// A rewritten file does not make an old scan new.
func scanned(d *document[*report], now time.Time) time.Time {
	at := d.written
	if own := d.value.scanned; !own.IsZero() {
		at = own
	}
	if at.After(now) {
		return now
	}
	return at
}
