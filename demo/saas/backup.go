package saas

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// keptBackups is how many backups of a tenant the platform keeps.
const keptBackups = 5

// Backup exports each tenant's data once below a directory, as TENANT/TIME.tar.gz with its checksum beside it, and
// deletes what is no longer kept.
func (p *Platform) Backup(dir string) error {
	for _, tenant := range p.tenants {
		below := filepath.Join(dir, tenant)
		if err := os.MkdirAll(below, 0o700); err != nil {
			return err
		}
		text, err := export(tenant)
		if err != nil {
			return err
		}
		name := time.Now().UTC().Format("20060102T150405.000000Z") + ".tar.gz"
		sum := fmt.Sprintf("%x  %s\n", sha256.Sum256(text), name)
		// The checksum is written before its file, so that no reader finds one without the other.
		if err := replace(filepath.Join(below, name+".sha256"), []byte(sum)); err != nil {
			return err
		}
		if p.ModeOf(tenant) == Damage {
			text = text[:len(text)/2]
		}
		if err := replace(filepath.Join(below, name), text); err != nil {
			return err
		}
		if err := expire(below); err != nil {
			return err
		}
	}
	return nil
}

// export is an archive of a tenant's data: orders, of which there are more every day.
func export(tenant string) ([]byte, error) {
	var orders bytes.Buffer
	for n := range time.Now().Unix()/86400 - 19000 {
		fmt.Fprintf(&orders, "%s,%d,%x\n", tenant, n, sha256.Sum256([]byte(fmt.Sprint(tenant, n))))
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(
		&tar.Header{Name: "orders.csv", Mode: 0o600, Size: int64(orders.Len()), ModTime: time.Now()},
	); err != nil {
		return nil, err
	}
	if _, err := orders.WriteTo(w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// replace writes to a temporary name first, so that no reader sees half of the file.
func replace(name string, text []byte) error {
	if err := os.WriteFile(name+".part", text, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}

func expire(dir string) error {
	archives, err := filepath.Glob(filepath.Join(dir, "*.tar.gz"))
	if err != nil {
		return err
	}
	slices.Sort(archives)
	for _, old := range archives[:max(0, len(archives)-keptBackups)] {
		for _, name := range []string{old, old + ".sha256"} {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}
