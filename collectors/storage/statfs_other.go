//go:build !linux

package storage

import "errors"

func statfs(string) (usage, error) { return usage{}, errors.ErrUnsupported }
