// Package keyring recognises by a key who reports something: a person, a program, a server.
package keyring

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/thorbis/thorbis_exporter/config"
)

// Least is how many characters a key has at least.
const Least = 16

// Key is a key and whose it is.
type Key struct {
	// Name is what an error says of it, such as the key of the policy that names it.
	Name  string
	Owner string
	Ref   config.SecretRef
	// Form returns a text in the form in which keys are compared, and what is wrong with it. If it is nil, a key has at
	// least Least characters.
	Form func(text string) (string, error)
}

// Ring holds keys as their hashes: neither a look-up's time nor a core dump shows one. The zero value has none.
type Ring struct{ current atomic.Pointer[keys] }

type hash = [sha256.Size]byte

type keys struct {
	owners map[hash][]string
	read   map[config.SecretRef]hash
}

// Read reads the keys that there are now. One that cannot be read now remains as it was, and holds up none of the
// others; the error names it, and a key that has several owners.
func (r *Ring) Read(ctx context.Context, all []Key) error {
	before := r.current.Load()
	next := &keys{map[hash][]string{}, map[config.SecretRef]hash{}}
	var errs []error
	for _, k := range all {
		h, known, err := k.hash(ctx, before)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", k.Name, err))
		}
		if !known {
			continue
		}
		next.read[k.Ref] = h
		if owners := next.owners[h]; !slices.Contains(owners, k.Owner) {
			if len(owners) > 0 {
				errs = append(errs, fmt.Errorf("%s: it is that of %s too: choose another", k.Name, owners[0]))
			}
			next.owners[h] = append(owners, k.Owner)
		}
	}
	r.current.Store(next)
	return errors.Join(errs...)
}

// hash reads a key. If it cannot be read, it is what it was before.
func (k Key) hash(ctx context.Context, before *keys) (h hash, known bool, err error) {
	text, err := k.Ref.Line(ctx)
	if err != nil {
		if before != nil {
			h, known = before.read[k.Ref]
		}
		return h, known, err
	}
	if text, err = k.form(text); err != nil {
		return h, false, err
	}
	return sha256.Sum256([]byte(text)), true, nil
}

func (k Key) form(text string) (string, error) {
	if k.Form != nil {
		return k.Form(text)
	}
	if len(text) < Least {
		return text, fmt.Errorf("too short: write at least %d characters", Least)
	}
	return text, nil
}

// Known reports whether the keys have been read.
func (r *Ring) Known() bool { return r.current.Load() != nil }

// Owners returns whose key a text is, in the order in which they were read; none for an unknown text.
func (r *Ring) Owners(text string) []string {
	current := r.current.Load()
	if current == nil {
		return nil
	}
	return current.owners[sha256.Sum256([]byte(text))]
}

// Owner returns the only owner of a key, empty if it has none or several.
func (r *Ring) Owner(text string) string {
	if owners := r.Owners(text); len(owners) == 1 {
		return owners[0]
	}
	return ""
}

// Bearer returns the token of a request, empty without one.
func Bearer(req *http.Request) string {
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// People are the keys of the policy's people.
func People(p *config.Policy) []Key {
	var all []Key
	for _, one := range p.People() {
		if one.Key != nil {
			all = append(all, Key{Name: "key of " + one.Name, Owner: one.Name, Ref: *one.Key})
		}
	}
	return all
}
