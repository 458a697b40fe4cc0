//go:build !linux

package storage

import "os"

func forget(*os.File) {}
