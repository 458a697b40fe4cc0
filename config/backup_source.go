package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// BackupSource is where backups are listed. The adapter of a program defines which keys it takes.
type BackupSource struct {
	// Program is the name of an adapter: pgbackrest, restic, directory, s3 and so on.
	Program string `yaml:"program"`
	// Command begins the command line; the program's own name if empty. Never a secret: all users can read it.
	Command []string `yaml:"command"`
	// File holds a listing that another program wrote; nothing is run then.
	File string `yaml:"file"`
	// Scope is the stanza, server, namespace or project within the program.
	Scope string `yaml:"scope"`
	// Repository is the address of the repository or bucket.
	Repository string `yaml:"repository"`
	// Path is a directory or a prefix, Pattern what the names below it look like.
	Path    string `yaml:"path"`
	Pattern string `yaml:"pattern"`
	// Marker is the pattern of a file or object that marks a backup as complete.
	Marker string `yaml:"marker"`
	// Region and Endpoint are those of object storage.
	Region   string `yaml:"region"`
	Endpoint string `yaml:"endpoint"`
	// TimeZone is that of a program that writes times without one.
	TimeZone string `yaml:"time_zone"`
	// Secrets are environment variables of the program, or credentials of the API, by name.
	Secrets map[string]*SecretRef `yaml:"secrets"`
	// Environment are variables that are no secret.
	Environment map[string]string `yaml:"environment"`
}

// Identity identifies where backups are listed from. It does not include how they are listed or where the credentials
// come from, unless the address itself is a credential.
func (s *BackupSource) Identity() string {
	h := sha256.New()
	add := func(parts ...string) {
		for _, part := range parts {
			_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
		}
	}
	add(s.Program, s.File, s.Scope, s.Repository, s.Path, s.Pattern, s.Marker, s.Endpoint)
	for _, name := range sortedKeys(s.Environment) {
		add("environment", name, s.Environment[name])
	}
	for _, name := range []string{"RESTIC_REPOSITORY", "BORG_REPO"} {
		if ref := s.Secrets[name]; ref != nil {
			add("secret", name, ref.File, ref.Env)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// listsLogs reports whether a listing can contain the time of the newest write-ahead log. The recovery point is then
// younger than the newest backup.
func (s *BackupSource) listsLogs() bool {
	switch s.Program {
	case "barman":
		return s.File == ""
	case "pgbackrest", "wal-g", "supabase", "json":
		return true
	}
	return false
}

func (v *validator) backupSource(path string, s *BackupSource) {
	if s.Program == "" {
		v.failAt(path, "missing program: write the program that makes the backups, such as program: pgbackrest")
	}
	if s.File != "" && len(s.Command) > 0 {
		v.failAt(path, "must have either command, which is run, or file, which another program writes")
	}
	if s.TimeZone != "" {
		v.zone(path+".time_zone", s.TimeZone)
	}
	v.secretRefs(path+".secrets", s.Secrets)
}
