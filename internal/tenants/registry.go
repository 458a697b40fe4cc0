// Package tenants reads the registry of tenants: who they are and which tier each belongs to.
package tenants

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a registry file.
const (
	maxBytes   = 64 << 20
	maxTenants = 1_000_000
)

var nameRE = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)

// Tenant is one registered tenant.
type Tenant struct {
	Name string `yaml:"name"`
	Tier string `yaml:"tier"`
}

// Load reads a registry file: `tenants: [{name: acme, tier: enterprise}, ...]`. A name may be used once;
// names that begin with _ are the exporter's own. The result is sorted by name.
func Load(path string) ([]Tenant, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the tenant registry cannot be read: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("the tenant registry cannot be read: %w", err)
	}
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxBytes)
	}
	list, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

func parse(text []byte) ([]Tenant, error) {
	var file struct {
		Tenants []Tenant `yaml:"tenants"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(file.Tenants) > maxTenants {
		return nil, fmt.Errorf("%d tenants; at most %d", len(file.Tenants), maxTenants)
	}
	seen := make(map[string]bool, len(file.Tenants))
	for i, t := range file.Tenants {
		switch {
		case !nameRE.MatchString(t.Name):
			return nil, fmt.Errorf("tenants[%d]: %q is no name; use letters, digits, dot, dash and underscore, a letter or digit first", i, t.Name)
		case seen[t.Name]:
			return nil, fmt.Errorf("tenants[%d]: %q is listed twice; keep one", i, t.Name)
		}
		seen[t.Name] = true
	}
	slices.SortFunc(file.Tenants, func(a, b Tenant) int { return strings.Compare(a.Name, b.Name) })
	return file.Tenants, nil
}
