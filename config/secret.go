package config

import (
	"context"

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// SecretRef names where a secret is, never the secret.
type SecretRef struct {
	File string `yaml:"file"`
	Env  string `yaml:"env"`
}

// Read returns the secret as it is now, as package secret reads it.
func (r *SecretRef) Read(ctx context.Context) (string, error) {
	return secret.Ref{File: r.File, Env: r.Env}.Read(ctx)
}

// Line is Read for a secret of one line, such as a header's value.
func (r *SecretRef) Line(ctx context.Context) (string, error) {
	return secret.Ref{File: r.File, Env: r.Env}.Line(ctx)
}
