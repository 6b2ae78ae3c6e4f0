package catalog

import (
	"strconv"
	"time"
)

// Key returns text that is the same for two expressions if and only if they
// are made of the same parts, on every machine: for keys of caches and entity
// tags. Expressions with Search in them have keys, too, but what those select
// depends on the library and the time.
func Key(e Expr) string { return string(appendKey(nil, e)) }

// appendKey writes each part with its length or an end, so that no two
// expressions run into the same text.
func appendKey(b []byte, e Expr) []byte {
	switch e := e.(type) {
	case nil:
		return append(b, '*')
	case And:
		return appendKeys(append(b, '&'), e)
	case Or:
		return appendKeys(append(b, '|'), e)
	case Not:
		return appendKey(append(b, '!'), e.X)
	case Is:
		return appendTexts(append(b, '='), string(e.Field), e.Value)
	case Match:
		return appendTextKey(appendTexts(append(b, '~'), string(e.Field)), e.Text)
	case MatchIdentifier:
		return appendTextKey(appendTextKey(append(b, ':'), e.Type), e.Value)
	case Between:
		b = appendTexts(append(b, '<'), string(e.Field))
		b = appendNumber(appendNumber(b, e.Min), e.Max)
		return append(strconv.AppendBool(b, e.Stored), ';')
	case During:
		return appendTimeKey(appendTimeKey(appendTexts(append(b, '@'), string(e.Field)), e.From), e.To)
	case Count:
		b = appendTexts(append(b, '#'), string(e.Field))
		b = append(strconv.AppendInt(b, int64(e.Min), 10), ';')
		return append(strconv.AppendInt(b, int64(e.Max), 10), ';')
	case Has:
		return appendTexts(append(b, '+'), string(e.Field))
	case IDs:
		b = append(b, 'i')
		for _, id := range e {
			b = append(strconv.AppendInt(b, int64(id), 10), ',')
		}
		return append(b, ';')
	case UUIDs:
		b = append(b, 'u')
		return append(appendTexts(b, e...), ';')
	case Search:
		return appendTexts(append(b, '?'), string(e))
	}
	return append(b, '_') // there are no others
}

func appendKeys(b []byte, list []Expr) []byte {
	b = append(b, '(')
	for _, e := range list {
		b = appendKey(b, e)
	}
	return append(b, ')')
}

func appendTextKey(b []byte, t Text) []byte {
	return appendTexts(append(b, '0'+byte(t.Kind)), t.Value)
}

func appendTexts(b []byte, texts ...string) []byte {
	for _, s := range texts {
		b = append(strconv.AppendInt(b, int64(len(s)), 10), '"')
		b = append(b, s...)
	}
	return b
}

func appendNumber(b []byte, n *float64) []byte {
	if n != nil {
		b = strconv.AppendFloat(b, *n, 'g', -1, 64)
	}
	return append(b, ';')
}

func appendTimeKey(b []byte, t time.Time) []byte {
	if !t.IsZero() {
		b = append(strconv.AppendInt(b, t.Unix(), 10), '.')
		b = strconv.AppendInt(b, int64(t.Nanosecond()), 10)
	}
	return append(b, ';')
}
