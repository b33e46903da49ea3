package main

import (
	"fmt"
	"log/slog"
	"time"
)

// newLogger makes a logger; format is text or json, level one of slog's names.
func newLogger(out *console, format, level string) (*slog.Logger, error) {
	least, err := parseLevel(level)
	if err != nil {
		return nil, err
	}
	return newLoggerAt(out, format, least)
}

func parseLevel(text string) (level slog.Level, err error) {
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return level, fmt.Errorf("--log-level %q: must be debug, info, warn or error", text)
	}
	return level, nil
}

// newLoggerAt is newLogger with a level that may change. On a terminal, where somebody
// is reading along, text has the time of day alone.
func newLoggerAt(out *console, format string, least slog.Leveler) (*slog.Logger, error) {
	handlerOptions := &slog.HandlerOptions{Level: least}
	switch format {
	case "text":
		if out.terminal {
			handlerOptions.ReplaceAttr = timeOfDay
		}
		return slog.New(slog.NewTextHandler(out, handlerOptions)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, handlerOptions)), nil
	}
	return nil, fmt.Errorf("--log-format %q: must be text or json", format)
}

// timeOfDay shortens the time of a log line.
func timeOfDay(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.String(slog.TimeKey, a.Value.Time().Format(time.TimeOnly))
	}
	return a
}
