package tenants

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// queryTimeout bounds one look into the database.
const queryTimeout = 30 * time.Second

// Query reads the registry from PostgreSQL. The first column of the query is the name, the second the tier
// and the third, if there is one, a host of the tenant; a tenant with several hosts has several rows. The
// connection string lies in a file and is never part of an error.
func Query(ctx context.Context, dsnFile, query string) ([]Tenant, error) {
	dsn, err := secret.Ref{File: dsnFile}.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("the tenant registry cannot be read: %w", err)
	}
	config, err := pgx.ParseConfig(strings.TrimSpace(dsn))
	if err != nil {
		return nil, fmt.Errorf("the tenant registry cannot be read: %s holds no connection string of PostgreSQL", dsnFile)
	}
	secret.Know(config.Password)
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("the tenant registry cannot be read: %w", secret.Error(err))
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// A registry is read, never written; the server holds us to it.
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("the tenant registry cannot be read: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("the tenant registry cannot be read: %w", err)
	}
	defer rows.Close()
	return collect(rows)
}

func collect(rows pgx.Rows) ([]Tenant, error) {
	var list []Tenant
	at := map[string]int{}
	columns := len(rows.FieldDescriptions())
	if columns < 1 || columns > 3 {
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("the tenant registry cannot be read: %w", err)
		}
		return nil, fmt.Errorf(
			"the query of the tenant registry returns %d columns; select name, tier and, if there is one, host", columns)
	}
	for rows.Next() {
		var values [3]*string
		targets := []any{&values[0], &values[1], &values[2]}
		if err := rows.Scan(targets[:columns]...); err != nil {
			return nil, fmt.Errorf("the tenant registry cannot be read; its columns must be texts: %w", err)
		}
		if values[0] == nil {
			return nil, errors.New("the tenant registry cannot be read: a name is null")
		}
		i, ok := at[*values[0]]
		if !ok {
			i = len(list)
			at[*values[0]] = i
			list = append(list, Tenant{Name: *values[0]})
		}
		if values[1] != nil {
			list[i].Tier = *values[1]
		}
		if values[2] != nil {
			list[i].Hosts = append(list[i].Hosts, *values[2])
		}
		if len(list) > maxTenants {
			break
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("the tenant registry cannot be read: %w", err)
	}
	return check(list)
}
