package postgres

import (
	"context"
	"fmt"
	"time"
)

// Role is a role of a server, as pg_roles has it. When it was last used is not known to PostgreSQL.
type Role struct {
	Name string
	// Login is whether a session can begin with it.
	Login bool
	// Superuser, BypassRLS, CreateRole and Replication are its own attributes.
	Superuser, BypassRLS, CreateRole, Replication bool
	// Privileged is whether it has one of them, is a member of a role that has, directly or not, or of a predefined
	// one that reaches all data or the files and programs of the machine.
	Privileged bool
	// Expires is until when its password is valid; zero for ever. Other ways to log in have no end.
	Expires time.Time
}

// rolesQuery reads pg_roles, which every role may. pg_authid, which has the passwords, is not read. Predefined roles
// are left out: they are the server's own. Documentation: pg_roles, predefined roles, pg_has_role.
const rolesQuery = `
SELECT r.rolname::text AS name, r.rolcanlogin AS login, r.rolsuper AS superuser, r.rolbypassrls AS bypass_rls,
  r.rolcreaterole AS create_role, r.rolreplication AS replication,
  EXISTS (
    SELECT FROM pg_catalog.pg_roles p
    WHERE (p.rolsuper OR p.rolbypassrls OR p.rolcreaterole OR p.rolreplication OR p.rolname IN (
        'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files', 'pg_read_all_data',
        'pg_write_all_data'))
      AND pg_catalog.pg_has_role(r.oid, p.oid, 'MEMBER')
  ) AS privileged,
  CASE WHEN pg_catalog.isfinite(r.rolvaliduntil) THEN r.rolvaliduntil END AS expires
FROM pg_catalog.pg_roles r
WHERE r.rolname !~ '^pg_'
ORDER BY r.rolname`

// Roles returns the roles of a server by name, at most so many. Every error is a QueryError.
func (c *Connection) Roles(ctx context.Context, most int) ([]Role, error) {
	var all []Role
	err := c.Query(ctx, rolesQuery, nil, most, func(r Row) error {
		name, ok := r["name"].(string)
		if !ok {
			return fmt.Errorf("invalid name of a role %v: must be a text", r["name"])
		}
		is := func(column string) bool {
			set, _ := r[column].(bool)
			return set
		}
		expires, _ := r["expires"].(time.Time)
		all = append(all, Role{
			Name: name, Login: is("login"), Superuser: is("superuser"), BypassRLS: is("bypass_rls"),
			CreateRole: is("create_role"), Replication: is("replication"), Privileged: is("privileged"), Expires: expires,
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
