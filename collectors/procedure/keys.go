package procedure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/keyring"
)

var (
	keyRE  = regexp.MustCompile(`^[A-Za-z0-9_.~-]+$`)
	uuidRE = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// keys are the secrets by which reports are recognised.
type keys struct {
	people keyring.Ring
	shared keyring.Ring // report every procedure, but no task
	own    keyring.Ring // report one procedure, in lower case
}

// read reads all keys. One that cannot be read now remains as it was, and holds up none of the others.
func (k *keys) read(ctx context.Context, p *config.Policy, all map[string]*watched) error {
	var shared, own []keyring.Key
	for i, ref := range p.Procedures().PingKeys {
		shared = append(shared, keyring.Key{
			Name: fmt.Sprintf("procedures.ping_keys[%d]", i), Owner: "all", Ref: *ref, Form: keyForm,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if ref := all[name].PingID; ref != nil {
			own = append(own, keyring.Key{Name: "ping_id of procedure " + name, Owner: name, Ref: *ref, Form: idForm})
		}
	}
	err := errors.Join(k.people.Read(ctx, keyring.People(p)), k.shared.Read(ctx, shared), k.own.Read(ctx, own))
	if err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	return nil
}

// keyForm checks a ping key. healthchecks.io has 22 characters.
func keyForm(key string) (string, error) {
	if len(key) < keyring.Least || !keyRE.MatchString(key) {
		return key, fmt.Errorf("invalid key: write at least %d letters, digits, dashes, dots, underscores and tildes",
			keyring.Least)
	}
	return key, nil
}

func idForm(id string) (string, error) {
	if id = strings.ToLower(id); !uuidRE.MatchString(id) {
		return id, errors.New("invalid UUID: write it like the output of uuidgen")
	}
	return id, nil
}

// known reports whether the keys were read; those read last are the procedures' own. Until then no report is refused.
func (k *keys) known() bool { return k.own.Known() }

// owner returns the procedure whose UUID a text is, empty if there is none, and the first of several; shared, whether
// it is a key for all.
func (k *keys) owner(text string) (own string, shared bool) {
	if owners := k.own.Owners(strings.ToLower(text)); len(owners) > 0 {
		own = owners[0]
	}
	return own, len(k.shared.Owners(text)) > 0
}
