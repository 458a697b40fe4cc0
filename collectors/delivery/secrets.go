package delivery

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" // Vercel signs with it
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync/atomic"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/keyring"
)

// watchedSource is a source of the policy and whose it is.
type watchedSource struct {
	service, name string
	*config.DeliverySource
}

// webhookSecret returns where the secret of a source's webhooks is, nil without one.
func (s watchedSource) webhookSecret() *config.SecretRef {
	switch {
	case s.GitHub != nil:
		return s.GitHub.WebhookSecret
	case s.Vercel != nil:
		return s.Vercel.WebhookSecret
	}
	return nil
}

// secrets are those by which posts are recognised.
type secrets struct {
	keys  keyring.Ring // of programs of one's own, by their source
	hooks atomic.Pointer[[]hookSecret]
}

// hookSecret is a secret with which the webhooks of some sources are signed.
type hookSecret struct {
	ref     config.SecretRef
	text    string
	sources []watchedSource
}

// ownerOf names a source in a ring of keys.
func ownerOf(s watchedSource) string { return s.service + " " + s.name }

// read reads all secrets. One that cannot be read now remains as it was, and holds up none of the others.
func (s *secrets) read(ctx context.Context, all []watchedSource) error {
	var keys []keyring.Key
	var hooks []hookSecret
	var errs []error
	before := s.hooks.Load()
	for _, o := range all {
		if o.Events != nil {
			keys = append(keys, keyring.Key{
				Name: "key of " + o.name + " of " + o.service, Owner: ownerOf(o), Ref: *o.Events.Key,
			})
		}
		ref := o.webhookSecret()
		if ref == nil {
			continue
		}
		text, err := ref.Line(ctx)
		if err == nil && len(text) < keyring.Least {
			err = fmt.Errorf("too short: write at least %d characters", keyring.Least)
			text = ""
		} else if err != nil {
			text = known(before, *ref)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("webhook_secret of %s of %s: %w", o.name, o.service, err))
		}
		if text != "" {
			hooks = withHook(hooks, *ref, text, o)
		}
	}
	errs = append(errs, s.keys.Read(ctx, keys))
	s.hooks.Store(&hooks)
	if err := errors.Join(errs...); err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	return nil
}

// known returns the text that a secret had before, empty if it had none.
func known(before *[]hookSecret, ref config.SecretRef) string {
	if before != nil {
		for _, h := range *before {
			if h.ref == ref {
				return h.text
			}
		}
	}
	return ""
}

// withHook adds a source to the secret that it shares with others, or a secret.
func withHook(hooks []hookSecret, ref config.SecretRef, text string, o watchedSource) []hookSecret {
	for i := range hooks {
		if hooks[i].text == text {
			hooks[i].sources = append(hooks[i].sources, o)
			return hooks
		}
	}
	return append(hooks, hookSecret{ref, text, []watchedSource{o}})
}

// read reports whether the secrets were read. Until then no post is refused.
func (s *secrets) known() bool { return s.hooks.Load() != nil && s.keys.Known() }

// signature is that of a post, and how it was made.
type signature struct {
	sum  []byte
	hash func() hash.Hash
}

// gitHubSignature reads the header x-hub-signature-256, false if it cannot be one.
func gitHubSignature(header string) (signature, bool) {
	text, ok := strings.CutPrefix(header, "sha256=")
	sum, err := hex.DecodeString(text)
	return signature{sum, sha256.New}, ok && err == nil && len(sum) == sha256.Size
}

// vercelSignature reads the header x-vercel-signature, false if it cannot be one.
func vercelSignature(header string) (signature, bool) {
	sum, err := hex.DecodeString(header)
	return signature{sum, sha1.New}, err == nil && len(sum) == sha1.Size
}

// signers returns the sources of a kind whose secret has signed a body. Every secret is tried, whichever was right.
func (s *secrets) signers(sig signature, body []byte, kind func(watchedSource) bool) (signers []watchedSource) {
	hooks := s.hooks.Load()
	if hooks == nil {
		return nil
	}
	for _, h := range *hooks {
		mac := hmac.New(sig.hash, []byte(h.text))
		_, _ = mac.Write(body)
		if !hmac.Equal(mac.Sum(nil), sig.sum) {
			continue
		}
		for _, o := range h.sources {
			if kind(o) {
				signers = append(signers, o)
			}
		}
	}
	return signers
}
