package store

import (
	"crypto/rand"
	"encoding/hex"
)

// identityBytes is the size of an identity: with a thousand exporters two are the same once in nine thousand times.
const identityBytes = 4

// newIdentity returns the name of a state that begins at 0. It is random and not of the machine, so that counters keep
// it wherever the state directory is moved to.
func newIdentity() string {
	var b [identityBytes]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// identify gives the state its identity once. Until that is saved no series is exported: a counter without it would be
// another series.
func (s *Store) identify() {
	if s.saved.identity != "" || s.saved.immediate {
		return
	}
	s.index.records = append([][]byte{appendIdentity(nil, newIdentity())}, s.index.records...)
	s.commit(nil)
}

func appendIdentity(b []byte, identity string) []byte {
	return appendText(append(b, recordIdentity), identity)
}

func (st *State) applyIdentity(r *reader) error {
	identity := r.text()
	if b, err := hex.DecodeString(identity); err != nil || len(b) != identityBytes {
		return errRecord
	}
	st.identity = identity
	return nil
}
