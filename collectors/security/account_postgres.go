package security

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// askTimeout bounds the connection to a server, and its answer.
	askTimeout = 5 * time.Second
	// askAgain is when a server is asked again that has not answered.
	askAgain = time.Minute
)

// askRoles asks a server which roles it has. An error is a *failedScan with the state of the list.
func askRoles(ctx context.Context, of *config.PostgresAccess) ([]account, error) {
	c, err := postgres.Connect(ctx, postgres.Source{File: of.DSNFile, Env: of.DSNEnv, Timeout: askTimeout})
	if err != nil {
		if _, ok := errors.AsType[*postgres.NotAskedError](err); ok {
			return nil, &failedScan{metric.AccessRefused, err}
		}
		return nil, &failedScan{metric.AccessUnreachable, err}
	}
	defer c.Close()
	roles, err := c.Roles(ctx, maxAccounts)
	if err != nil {
		why, ok := errors.AsType[*postgres.QueryError](err)
		if ok && (why.Fault == postgres.FaultUnreachable || why.Fault == postgres.FaultTimeout) {
			return nil, &failedScan{metric.AccessUnreachable, err}
		}
		return nil, &failedScan{metric.AccessRefused, err}
	}
	all := make([]account, 0, len(roles))
	for _, r := range roles {
		all = append(all, accountOfRole(r))
	}
	return all, nil
}

// accountOfRole returns the account that a role is. PostgreSQL does not distinguish people from programs, and records
// neither uses nor reviews.
func accountOfRole(r postgres.Role) account {
	a := account{Name: r.Name, Kind: metric.AccountUnknown, Privileged: new(r.Privileged)}
	var can []string
	for _, one := range []struct {
		name string
		set  bool
	}{
		{"superuser", r.Superuser},
		{"bypass RLS", r.BypassRLS},
		{"create role", r.CreateRole},
		{"replication", r.Replication},
	} {
		if one.set {
			can = append(can, one.name)
		}
	}
	if r.Privileged && len(can) == 0 {
		can = []string{"member of a privileged role"}
	}
	a.Role = strings.Join(can, ", ")
	switch {
	case !r.Login:
		a.Kind = metric.AccountRole
	case r.Expires.IsZero():
		a.Expires = date{never: true}
	default:
		a.Expires = date{at: r.Expires}
	}
	return a
}
