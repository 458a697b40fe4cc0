package procedure

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
)

// minKey is how long a ping key is at least: healthchecks.io has 22 characters.
const minKey = 16

var (
	keyRE  = regexp.MustCompile(`^[A-Za-z0-9_.~-]+$`)
	uuidRE = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// keys are the secrets by which reports are recognised, as their hashes: neither a look-up's time nor a core dump
// shows one.
type keys struct{ current atomic.Pointer[keyring] }

type keyring struct {
	shared map[hash]bool   // report every procedure
	own    map[hash]string // report the procedure
	read   map[secretAt]hash
}

type hash = [sha256.Size]byte

// secretAt is where a key is kept.
type secretAt struct {
	config.SecretRef
	id bool
}

// read reads all keys. One that cannot be read now remains as it was, and holds up none of the others.
func (k *keys) read(ctx context.Context, section *config.Procedures, all map[string]*watched) error {
	before := k.current.Load()
	ring := &keyring{map[hash]bool{}, map[hash]string{}, map[secretAt]hash{}}
	var errs []error
	one := func(what string, ref *config.SecretRef, id bool, check func(string) error) (hash, bool) {
		at := secretAt{*ref, id}
		text, err := ref.Line(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
			if before == nil {
				return hash{}, false
			}
			h, ok := before.read[at]
			ring.read[at] = h
			return h, ok
		}
		if id {
			text = strings.ToLower(text)
		}
		if err := check(text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
			return hash{}, false
		}
		h := sha256.Sum256([]byte(text))
		ring.read[at] = h
		return h, true
	}
	for i, ref := range section.PingKeys {
		if h, ok := one(fmt.Sprintf("procedures.ping_keys[%d]", i), ref, false, checkKey); ok {
			ring.shared[h] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w := all[name]
		if w.PingID == nil {
			continue
		}
		what := "ping_id of procedure " + name
		h, ok := one(what, w.PingID, true, checkID)
		switch {
		case ok && ring.own[h] != "":
			errs = append(errs, fmt.Errorf("%s: it is that of procedure %s too: choose another", what, ring.own[h]))
		case ok:
			ring.own[h] = name
		}
	}
	k.current.Store(ring)
	if err := errors.Join(errs...); err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	return nil
}

func checkKey(key string) error {
	if len(key) < minKey || !keyRE.MatchString(key) {
		return fmt.Errorf("invalid key: write at least %d letters, digits, dashes, dots, underscores and tildes", minKey)
	}
	return nil
}

func checkID(id string) error {
	if !uuidRE.MatchString(id) {
		return errors.New("invalid UUID: write it like the output of uuidgen")
	}
	return nil
}

// known reports whether the keys were read. Until then no report is refused.
func (k *keys) known() bool { return k.current.Load() != nil }

// owner returns the procedure whose UUID a text is, empty if there is none; shared, whether it is a key for all.
func (k *keys) owner(text string) (own string, shared bool) {
	ring := k.current.Load()
	if ring == nil {
		return "", false
	}
	exact, lower := sha256.Sum256([]byte(text)), sha256.Sum256([]byte(strings.ToLower(text)))
	return ring.own[lower], ring.shared[exact]
}
