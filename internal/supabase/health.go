package supabase

import (
	"context"
	"net/url"
)

// Services of a project whose health can be asked for.
var Services = []string{"auth", "db", "db_postgres_user", "pooler", "realtime", "rest", "storage", "pg_bouncer"}

// Health of one service as the API names it.
const (
	HealthComingUp  = "COMING_UP"
	HealthActive    = "ACTIVE_HEALTHY"
	HealthUnhealthy = "UNHEALTHY"
)

// Health is how one service of a project fares.
type Health struct {
	Name   string `json:"name"`
	Status string `json:"status"`
}

// Health asks how services of a project fare. The token needs project_admin_read.
func (c *Client) Health(ctx context.Context, project string, services ...string) ([]Health, error) {
	var answer []Health
	err := c.get(ctx, project, "health", url.Values{"services": services}, &answer)
	return answer, err
}

// Project is how a project as a whole fares.
type Project struct {
	Status string `json:"status"` // ACTIVE_HEALTHY, INACTIVE, PAUSING, RESTORING, ...
	Region string `json:"region"`
}

// Project asks how a project as a whole fares.
func (c *Client) Project(ctx context.Context, project string) (Project, error) {
	var answer Project
	err := c.get(ctx, project, "", nil, &answer)
	return answer, err
}
