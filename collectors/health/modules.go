package health

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// modulesInterval is how often the modules_file is looked at for rotated secrets.
const modulesInterval = 2 * time.Second

// modulesWatch follows the secrets of a modules_file. Those that modules name by files are read by each probe anyway.
type modulesWatch struct {
	policy *config.Policy // whose file was looked at last
	seen   fs.FileInfo
}

// pollModules looks at the modules_file again and again, beside the probes: a disk may hang.
func (c *Collector) pollModules() collectors.Poll {
	var w modulesWatch
	return collectors.Poll{
		Part: "modules", Interval: modulesInterval,
		Round: func(ctx context.Context) error { return c.refreshModules(ctx, &w) },
	}
}

// refreshModules puts the secrets in force that stand in the modules_file now. A file that cannot be used keeps the old
// ones.
func (c *Collector) refreshModules(ctx context.Context, w *modulesWatch) (err error) {
	c.mu.Lock()
	p := c.policy
	c.mu.Unlock()
	if p == nil || p.ModulesFile() == "" {
		return nil
	}
	info, err := regularfile.Stat(ctx, p.ModulesFile())
	if err != nil {
		return &collectors.ReasonError{
			Reason: collectors.ReasonIO,
			Err:    fmt.Errorf("modules_file: the modules in force stay: %w", err),
		}
	}
	if w.policy == p && w.seen != nil && info.Size() == w.seen.Size() && info.ModTime().Equal(w.seen.ModTime()) &&
		os.SameFile(info, w.seen) {
		return nil
	}
	next, err := p.RereadSecrets(ctx)
	switch {
	case errors.Is(err, config.ErrModulesChanged):
		// This is no error: the file is being edited, and a reload follows.
		c.logger.Warn("The modules in force stay", "err", err)
		w.policy, w.seen = p, info
		return nil
	case err != nil:
		return &collectors.ReasonError{
			Reason: collectors.ReasonConfig,
			Err:    fmt.Errorf("modules_file: the modules in force stay: %w", err),
		}
	}
	if err := c.useModules(p, next); err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	w.policy, w.seen = next, info
	return nil
}

// useModules puts a policy in force that differs from the one before in secrets of modules only.
func (c *Collector) useModules(old, next *config.Policy) error {
	c.applying.Lock()
	defer c.applying.Unlock()
	c.mu.Lock()
	registry, location, same := c.registry, c.location, c.policy == old
	c.mu.Unlock()
	if !same {
		return nil // a reload came between, which read the file itself
	}
	reference, err := newReference(next, c.names, c.logger)
	if err != nil {
		return err
	}
	plan, err := c.plan(next, registry, location)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	reference.carry(c.reference, nil, time.Now())
	c.policy, c.reference = next, reference
	c.follow(plan)
	return nil
}
