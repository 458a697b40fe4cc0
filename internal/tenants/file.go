// Package tenants reads the registry of tenants: who they are and which tier each belongs to.
package tenants

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// Bounds of a registry file.
const (
	fileTimeout = 30 * time.Second
	maxBytes    = 64 << 20
	maxTenants  = 1_000_000
)

var nameRE = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)

// Tenant is one registered tenant.
type Tenant struct {
	Name string `yaml:"name"`
	Tier string `yaml:"tier"`
	// Hosts are the tenant's own domains beside the platform's pattern.
	Hosts []string `yaml:"hosts"`
}

// Load reads a registry file: `tenants: [{name: acme, tier: enterprise, hosts: [shop.acme.com]}, ...]`. A name may be
// used once; names that begin with _ are the exporter's own. The result is sorted by name.
func Load(path string) ([]Tenant, error) {
	list, _, err := LoadContext(context.Background(), path)
	return list, err
}

// LoadContext is Load that ends with the context, whatever the disk does, and returns when what it read was written.
func LoadContext(ctx context.Context, path string) ([]Tenant, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()
	text, info, err := regularfile.ReadStat(ctx, path, maxBytes)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("the tenant registry cannot be read: %w", err)
	}
	list, err := load(path, text)
	return list, info.ModTime(), err
}

func load(path string, text []byte) ([]Tenant, error) {
	list, err := parse(text)
	if kinds, ok := errors.AsType[*yaml.TypeError](err); ok {
		return nil, fmt.Errorf("%s: %s; a tenant has name, tier and hosts", path, strings.Join(kinds.Errors, "; "))
	}
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
	switch err := decoder.Decode(&file); {
	case errors.Is(err, io.EOF):
		// More likely a file that is just being written than a platform that lost all its tenants.
		return nil, errors.New("the file is empty; write tenants: [] if there is none")
	case err != nil:
		return nil, err
	}
	return check(file.Tenants)
}

// check sorts a list of tenants whose names and hosts are usable and unique.
func check(list []Tenant) ([]Tenant, error) {
	if len(list) > maxTenants {
		return nil, fmt.Errorf("%d tenants; at most %d", len(list), maxTenants)
	}
	seen, hosts := make(map[string]bool, len(list)), map[string]string{}
	for i, t := range list {
		switch {
		case !nameRE.MatchString(t.Name):
			return nil, fmt.Errorf(
				"tenants[%d]: invalid name %q: use letters, digits, dot, dash and underscore, a letter or digit first", i, t.Name)
		case seen[t.Name]:
			return nil, fmt.Errorf("tenants[%d]: %q is listed twice; keep one", i, t.Name)
		case t.Tier != "" && !nameRE.MatchString(t.Tier):
			return nil, fmt.Errorf("tenants[%d]: invalid tier %q", i, t.Tier)
		}
		seen[t.Name] = true
		for j, host := range t.Hosts {
			host = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(host), "."))
			if other, ok := hosts[host]; ok || host == "" {
				return nil, fmt.Errorf("tenants[%d]: host %q belongs to %q; a host has one tenant", i, host, other)
			}
			hosts[host] = t.Name
			list[i].Hosts[j] = host
		}
	}
	slices.SortFunc(list, func(a, b Tenant) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}
