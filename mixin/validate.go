package mixin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/alertmanager/amconfig"
	"github.com/thorbis/thorbis_exporter/mixin/packaging"
)

// Validate reads the files with the code of the programs that will load them.
func (f Files) Validate() error {
	var errs []error
	for name, text := range f {
		if err := validate(name, text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func validate(name string, text []byte) error {
	switch {
	case strings.HasSuffix(name, ".rules.yaml"), path.Dir(name) == "mimir":
		_, errs := rulefmt.Parse(packaging.WithoutOptions(text), false, model.UTF8Validation,
			parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		return errors.Join(errs...)
	case strings.HasSuffix(name, ".marked.yaml"):
		_, errs := rulefmt.Parse([]byte(unmark.Replace(string(text))), false, model.UTF8Validation,
			parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		return errors.Join(errs...)
	case path.Base(name) == "alertmanager.yaml":
		_, err := amconfig.Load(text)
		return err
	case strings.HasSuffix(name, ".tmpl"):
		t, err := template.New()
		if err != nil {
			return err
		}
		return t.Parse(bytes.NewReader(text))
	case strings.HasSuffix(name, ".json"): // also with marks, which stand within texts
		var any map[string]any
		return json.Unmarshal(text, &any)
	}
	return nil
}
