package relay

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/pion/logging"
	"golang.org/x/time/rate"
)

// sparseLog writes warnings that strangers can cause, and therefore only some of them.
type sparseLog struct {
	log        *slog.Logger
	limit      *rate.Limiter
	suppressed *atomic.Uint64 // since the last one that was written
}

func newSparseLog(log *slog.Logger) sparseLog {
	const perSecond, burst = 1, 10
	return sparseLog{log, rate.NewLimiter(perSecond, burst), new(atomic.Uint64)}
}

func (l sparseLog) warn(msg string, args ...any) {
	if !l.limit.Allow() {
		l.suppressed.Add(1)
		return
	}
	l.log.Warn("relay: "+msg, append(args, "suppressed", l.suppressed.Swap(0))...)
}

// pionLog maps pion's loggers to slog. pion writes an error for many a packet that it does not
// like, so those are sparse; its trace, debug and info lines are per packet too and are not written
// at all. pion logs addresses and user names, never keys.
type pionLog struct{ sparseLog }

// NewLogger serves pion's logging.LoggerFactory; all scopes share one limit.
func (l pionLog) NewLogger(string) logging.LeveledLogger { return l }

func (l pionLog) write(text string) { l.warn("pion", "text", text) }

func (l pionLog) Error(msg string)                  { l.write(msg) }
func (l pionLog) Errorf(format string, args ...any) { l.write(fmt.Sprintf(format, args...)) }
func (l pionLog) Warn(msg string)                   { l.write(msg) }
func (l pionLog) Warnf(format string, args ...any)  { l.write(fmt.Sprintf(format, args...)) }

func (pionLog) Info(string)           {}
func (pionLog) Infof(string, ...any)  {}
func (pionLog) Debug(string)          {}
func (pionLog) Debugf(string, ...any) {}
func (pionLog) Trace(string)          {}
func (pionLog) Tracef(string, ...any) {}
