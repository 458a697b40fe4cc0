package tenants

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	keptVersion = 1
	keptBytes   = 512 << 20
	// keptName is the name under which the list is saved. The first releases saved it a second time for health checks.
	keptName         = "tenant-registry"
	keptNameOfHealth = "health-tenants"
)

// Keep saves a good list, for a start at which the registry cannot be read or has lost most of its tenants. Without a
// directory it does nothing.
func Keep(d *state.Dir, name string, list []Tenant) error {
	if d == nil {
		return nil
	}
	payload, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("the tenant registry cannot be kept: %w", err)
	}
	if err := d.Save(name, keptVersion, payload); err != nil {
		return fmt.Errorf("the tenant registry cannot be kept: %w", err)
	}
	return nil
}

// Keep saves the list in use if it is not what was last kept, or if that was removed or changed. A list that was never
// read in this run is not kept.
func (s *Reader) Keep(d *state.Dir, name string) error {
	s.mu.Lock()
	list, version, done := s.list, s.version, s.kept
	loaded := s.loaded
	s.mu.Unlock()
	if d == nil || !loaded || version == done && d.Intact(name) {
		return nil
	}
	if err := Keep(d, name, list); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = version
	return nil
}

// Kept returns the list that was last kept under a name, none if there is none.
func Kept(d *state.Dir, name string) ([]Tenant, error) {
	if d == nil {
		return nil, nil
	}
	payload, err := d.Load(name, keptVersion, keptBytes)
	if errors.Is(err, state.ErrNotFound) {
		return nil, nil
	}
	var list []Tenant
	if err == nil {
		err = json.Unmarshal(payload, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("the last good tenant registry cannot be used: %w", err)
	}
	return list, nil
}
