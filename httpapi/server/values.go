package server

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// defaultLibrary is the name of a library whose setting gives none.
const defaultLibrary = "main"

// parseBool accepts what strconv does, and the words people write.
func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "yes", "on":
		return true, nil
	case "no", "off":
		return false, nil
	}
	b, err := strconv.ParseBool(s)
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", s)
	}
	return b, nil
}

// parseDuration accepts Go's notation (1m30s) and plain seconds.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		d, err = time.ParseDuration(s + "s")
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 2s, 1m30s or 30 (seconds)", s)
	}
	return d, nil
}

// parseSize accepts bytes with a unit, or without one.
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "kKMGTiB ")
	n, err := strconv.ParseUint(digits, 10, 63)
	factor, ok := map[string]uint64{
		"": 1, "B": 1,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
		"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	}[strings.TrimSpace(s[len(digits):])]
	if err != nil || !ok || n > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is not a size such as 128MiB, 1GB or 1048576 (bytes)", s)
	}
	return int64(n * factor), nil
}

// A Config takes 0 for its default, where users write it to mean none.
func noneIfZero[T time.Duration | int64](v T) T {
	if v == 0 {
		return -1
	}
	return v
}

func parseLogLevel(s string) (slog.Level, error) {
	switch strings.ToLower(s) {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("%q is not debug, info, warn or error", s)
}

// list splits at commas and leaves out what is empty.
func list(s string) []string {
	var l []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			l = append(l, part)
		}
	}
	return l
}

// validName says whether s can name a library. It is stricter than httpapi, as
// names become parts of paths and keys on systems that ignore case.
func validName(s string) bool {
	return len(s) >= 1 && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

type namedValue struct{ name, value string }

// parseNamed splits a setting per library, name=value,name=value. A single
// value without a name belongs to the default library and is returned with the
// name "".
func parseNamed(s string) ([]namedValue, error) {
	// Where an entry begins. A path may have commas, and equals signs behind a
	// slash.
	at := regexp.MustCompile(`(?:^|,)([^/\\=,]*)=`).FindAllStringSubmatchIndex(s, -1)
	if len(at) == 0 {
		return []namedValue{{"", s}}, nil
	}
	if at[0][0] != 0 {
		return nil, errors.New("of several libraries each needs a name: main=/books,comics=/comics")
	}
	var vals []namedValue
	for i, m := range at {
		end := len(s)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		v := namedValue{strings.TrimSpace(s[m[2]:m[3]]), strings.TrimSpace(s[m[1]:end])}
		if !validName(v.name) {
			return nil, fmt.Errorf("library name %q is not 1 to 64 of a-z, 0-9, '-' and '_'", v.name)
		}
		for _, other := range vals {
			if other.name == v.name {
				return nil, fmt.Errorf("two values are named %q", v.name)
			}
		}
		vals = append(vals, v)
	}
	return vals, nil
}
