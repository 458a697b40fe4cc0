package tenant

import (
	"context"
	"path/filepath"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// Doubts returns, for each log of a policy that can be read here, why its tenants are probably not found by their
// hosts. It looks at the first lines of one file for each source.
func Doubts(ctx context.Context, p *config.Policy) []string {
	var all []string
	for _, s := range forLocation(p).Tenants.Sources {
		if file, doubt := doubt(ctx, s, optionsOf(s)); doubt != "" {
			all = append(all, "tenants.sources "+s.Name+": "+file+": "+doubt)
		}
	}
	return all
}

// optionsOf returns how a source decodes its records.
func optionsOf(s *config.Source) decode.Options {
	return decode.Options{
		Format: s.Format, Fields: s.Fields, DurationUnit: s.DurationUnit,
		Path: s.TenantBy == "path" || len(s.LoginPaths) > 0,
	}
}

// doubt looks at the first lines of a file of a source. What cannot be read is left to the reading, which reports it.
func doubt(ctx context.Context, s *config.Source, o decode.Options) (file, text string) {
	if s.File == "" || s.Tenant != "" || s.TenantBy != "host" {
		return "", ""
	}
	files, err := filepath.Glob(s.File)
	if err != nil {
		return "", ""
	}
	for _, file := range files {
		if _, err := regularfile.Stat(ctx, file); err != nil {
			continue
		}
		sample, err := source.FirstLines(file)
		if err != nil || len(sample) == 0 {
			continue
		}
		text, _ := source.Doubt(sample, o)
		return file, text
	}
	return "", ""
}
