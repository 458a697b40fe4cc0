package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"

	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/config"
)

// glance is what the beginning of a file shows.
type glance struct {
	bad    int // the first line that cannot be read, counted from 1
	reason string
	named  int // the first line that is a request
	host   string
}

// lookAt reads the first lines of a file again. Errors are ignored, because the first reading reported them.
func lookAt(name string, s *config.Source) (g glance) {
	const lines, longest = 10_000, 1 << 20
	f, err := os.Open(name)
	if err != nil {
		return g
	}
	defer func() { _ = f.Close() }()
	r, err := source.Inflate(f)
	if err != nil {
		return g
	}
	defer func() { _ = r.Close() }()
	d, err := source.NewDecoder(decode.Options{Format: s.Format, Fields: s.Fields, DurationUnit: s.DurationUnit})
	if err != nil {
		return g
	}
	text := bufio.NewScanner(r)
	text.Buffer(nil, longest)
	for n := 1; n <= lines && text.Scan(); n++ {
		line := bytes.TrimSuffix(text.Bytes(), []byte("\r"))
		if len(line) == 0 {
			continue
		}
		switch v, e := d.Decode(line); {
		case v.Rejected() && g.bad == 0:
			g.bad, g.reason = n, v.Reason()
			if v == decode.Syntax {
				if where := syntaxOf(s.Format, line); where != "" {
					g.reason += " " + where
				}
			}
		case v == decode.Counted && g.named == 0:
			g.named, g.host = n, string(e.Host)
		}
	}
	return g
}

// doubts returns why the tenants of files are probably not found by their hosts.
func (t *tenants) doubts(s *config.Source) (hints []string) {
	if s.TenantBy != "host" || s.Tenant != "" {
		return nil
	}
	for _, name := range t.files {
		if name == stdin {
			continue
		}
		sample, err := source.FirstLines(name)
		if err != nil {
			continue // the first reading reported it
		}
		options := decode.Options{Format: s.Format, Fields: s.Fields, DurationUnit: s.DurationUnit}
		if doubt, err := source.Doubt(sample, options); err == nil && doubt != "" {
			hints = append(hints, "warning: "+name+": "+doubt)
		}
	}
	return hints
}

// why returns hints on lines that could not be read and on requests without a tenant.
func (t *tenants) why(p *config.Policy, source *config.Source, sum *tenant.Summary) (hints []string) {
	rejected := uint64(0)
	for _, reason := range []decode.Outcome{decode.Syntax, decode.TooLong, decode.NoStatus} {
		rejected += sum.Skipped[reason.Reason()]
	}
	unassigned := sum.Requests > 0 && sum.Unknown == sum.Requests
	hints = t.doubts(source)
	if rejected == 0 && !unassigned {
		return hints
	}
	for _, name := range t.files {
		if name == stdin {
			continue
		}
		g := lookAt(name, source)
		if g.bad > 0 {
			hints = append(hints,
				fmt.Sprintf("%s:%d: the first line that cannot be read as %s (%s)", name, g.bad, source.Format, g.reason))
		}
		if unassigned && g.named > 0 && source.TenantBy == "host" {
			if g.host == "" && len(hints) == 0 {
				hints = append(hints, fmt.Sprintf("%s:%d: the request has no host, so its tenant is unknown", name, g.named))
			} else if g.host != "" {
				hints = append(hints, fmt.Sprintf("%s:%d: no tenant owns the host %q", name, g.named, g.host))
			}
		}
	}
	if rejected == sum.Lines && rejected > 0 {
		hints = append(hints, fmt.Sprintf("no line is %s: choose another --format", source.Format))
	}
	if unassigned {
		hint := "no request belongs to a known tenant"
		if source.TenantBy == "host" && p.Tenants.Host != "" {
			hint += fmt.Sprintf("; hosts must match %s", p.Tenants.Host)
		}
		if sum.Registered >= 0 {
			hint += fmt.Sprintf("; tenants in the registry: %d", sum.Registered)
		}
		hints = append(hints, hint)
	}
	return hints
}
