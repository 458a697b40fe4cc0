package verify

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
)

// tablespaces are the directories to which the links of a base backup lead, by the path of the link. pg_basebackup
// makes one for each tablespace, pg_tblspc/OID, and no other link is followed.
type tablespaces map[string]*root

var tablespaceFile = regexp.MustCompile(`^(pg_tblspc/[0-9]+)/(.+)$`)

// open opens a file of the backup in a directory by its name in the manifest.
func (s tablespaces) open(ctx context.Context, files *root, dir, name string) (*os.File, error) {
	m := tablespaceFile.FindStringSubmatch(name)
	if m == nil {
		return files.open(ctx, filepath.Join(dir, filepath.FromSlash(name)))
	}
	link := filepath.Join(dir, filepath.FromSlash(m[1]))
	r, ok := s[link]
	if !ok {
		var err error
		if r, err = openRoot(ctx, link); err != nil {
			return nil, err
		}
		s[link] = r
	}
	return r.dir.Open(ctx, m[2])
}

func (s tablespaces) close() {
	for _, r := range s {
		r.close()
	}
}
