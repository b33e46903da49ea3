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

// newLoggerAt is newLogger with a level that may change.
func newLoggerAt(out *console, format string, least slog.Leveler) (*slog.Logger, error) {
	switch format {
	case "text":
		return newTextLogger(out, least), nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: least})), nil
	}
	return nil, fmt.Errorf("--log-format %q: must be text or json", format)
}

// newTextLogger shows the time of day alone on a terminal, where somebody is reading along.
func newTextLogger(out *console, least slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: least}
	if out.terminal {
		options.ReplaceAttr = timeOfDay
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// timeOfDay shortens the time of a log line.
func timeOfDay(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.String(slog.TimeKey, a.Value.Time().Format(time.TimeOnly))
	}
	return a
}
