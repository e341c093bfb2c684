package transport

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// loggers passes on what pion has to say. A peer that vanishes is an error to
// pion and everyday life here, so nothing is louder than debug.
type loggers struct{ log *slog.Logger }

func (l loggers) NewLogger(scope string) logging.LeveledLogger {
	return debugLogger{l.log.With("pion", scope)}
}

type debugLogger struct{ log *slog.Logger }

func (debugLogger) Trace(string)                    {}
func (debugLogger) Tracef(string, ...any)           {}
func (debugLogger) Debug(string)                    {}
func (debugLogger) Debugf(string, ...any)           {}
func (l debugLogger) Info(msg string)               { l.log.Debug(msg) }
func (l debugLogger) Infof(format string, a ...any) { l.log.Debug(fmt.Sprintf(format, a...)) }
func (l debugLogger) Warn(msg string)               { l.log.Debug(msg) }
func (l debugLogger) Warnf(format string, a ...any) { l.log.Debug(fmt.Sprintf(format, a...)) }
func (l debugLogger) Error(msg string)              { l.log.Debug(msg) }
func (l debugLogger) Errorf(format string, a ...any) {
	l.log.Debug(fmt.Sprintf(format, a...))
}
