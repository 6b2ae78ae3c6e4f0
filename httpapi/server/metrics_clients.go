package server

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

func newQueryMetrics() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "database_query_duration_seconds", Help: "Time of queries to PostgreSQL; batch is what is sent together, such as most transactions.",
		Buckets: []float64{.0002, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"operation", "result"})
}

func newRedisMetrics() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "redis_command_duration_seconds", Help: "Time of commands to Redis; pipeline is what is sent together.",
		Buckets: []float64{.00005, .0001, .0002, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1},
	}, []string{"command", "result"})
}

// queryTimer times the queries that pgx sends.
type queryTimer struct{ took *prometheus.HistogramVec }

var (
	_ pgx.QueryTracer = queryTimer{}
	_ pgx.BatchTracer = queryTimer{}
)

type queryBegan struct{}

type query struct {
	operation string
	began     time.Time
}

func (queryTimer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, queryBegan{}, query{operationOf(d.SQL), time.Now()})
}

func (t queryTimer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryEndData) {
	t.end(ctx, d.Err)
}

func (queryTimer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return context.WithValue(ctx, queryBegan{}, query{"batch", time.Now()})
}

func (queryTimer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (t queryTimer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchEndData) {
	t.end(ctx, d.Err)
}

func (t queryTimer) end(ctx context.Context, err error) {
	if q, ok := ctx.Value(queryBegan{}).(query); ok {
		t.took.WithLabelValues(q.operation, clientResult(err)).Observe(time.Since(q.began).Seconds())
	}
}

// operationOf is the first word of a query, if it is one of those that are many.
func operationOf(sql string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	switch word = strings.ToLower(word); word {
	case "select", "insert", "update", "delete":
		return word
	}
	return "other"
}

// redisTimer times the commands that go-redis sends.
type redisTimer struct{ took *prometheus.HistogramVec }

var _ redis.Hook = redisTimer{}

func (redisTimer) DialHook(next redis.DialHook) redis.DialHook { return next }

func (t redisTimer) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmd)
		t.observe(cmd.Name(), began, err)
		return err
	}
}

func (t redisTimer) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmds)
		t.observe("pipeline", began, err)
		return err
	}
}

func (t redisTimer) observe(command string, began time.Time, err error) {
	t.took.WithLabelValues(command, clientResult(err)).Observe(time.Since(began).Seconds())
}

func clientResult(err error) string {
	var network net.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil), errors.Is(err, pgx.ErrNoRows):
		return "ok"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, redis.ErrPoolTimeout), errors.As(err, &network) && network.Timeout():
		return "timeout"
	}
	return "error"
}
