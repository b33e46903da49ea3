package main

import (
	"fmt"
	"log/slog"
	"time"
)

// newLogger makes the program's logger; format is text or json, level one of
// slog's names. On a terminal, where somebody is reading along, text has the
// time of day alone.
func newLogger(out *console, format, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: must be debug, info, warn or error", level)
	}
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
