package search

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pressmark/pressmark/catalog"
)

// cutOperator takes a relational operator off the front of a query; without one
// it is "=".
func cutOperator(query string) (operator, rest string) {
	for _, op := range [...]string{"!=", ">=", "<=", "=", ">", "<"} {
		if rest, ok := strings.CutPrefix(query, op); ok {
			return op, rest
		}
	}
	return "=", query
}

// number selects by a field of numbers. The query is in lower case.
func number(loc location, query string) (catalog.Expr, error) {
	if query == "true" || query == "false" {
		return present(hasNumber(loc), query), nil
	}
	op, rest := cutOperator(query)
	q, err := parseNumber(rest, loc.role == floats || loc.role == halfStars || loc.role == seriesIndex)
	if err != nil {
		return nil, err
	}
	between := func(low, high float64) catalog.Expr {
		b := catalog.Between{Field: loc.field, Stored: loc.role == seriesIndex}
		if !math.IsInf(low, -1) {
			b.Min = &low
		}
		if !math.IsInf(high, 1) {
			b.Max = &high
		}
		return b
	}
	switch loc.role {
	case cover:
		return coverNumber(op, q), nil
	case stars: // the half of one does not count
		return compare(op, q, math.Nextafter(q+1, q), hasNumber(loc), between), nil
	case halfStars:
		if math.IsInf(q, 0) || math.IsNaN(q) {
			return nil, notANumber(rest)
		}
		q = math.RoundToEven(2*q) / 2
	}
	return compare(op, q, q, hasNumber(loc), between), nil
}

// hasNumber selects the books that have a number in a field.
func hasNumber(loc location) catalog.Expr {
	switch loc.role {
	case bookID:
		return all()
	case seriesIndex: // also where there is no series
		return catalog.Between{Field: loc.field, Stored: true}
	}
	return catalog.Has{Field: loc.field}
}

// compare selects the numbers that are in a relation to those from low to high,
// which count as equal.
func compare(op string, low, high float64, has catalog.Expr, between func(low, high float64) catalog.Expr) catalog.Expr {
	infinite := math.Inf(1)
	if math.IsNaN(low) { // is not equal to anything
		if op == "!=" {
			return has
		}
		return none()
	}
	below := func() catalog.Expr {
		if math.IsInf(low, -1) {
			return none()
		}
		return between(-infinite, math.Nextafter(low, -infinite))
	}
	above := func() catalog.Expr {
		if math.IsInf(high, 1) {
			return none()
		}
		return between(math.Nextafter(high, infinite), infinite)
	}
	switch op {
	case "!=":
		return disjunction([]catalog.Expr{below(), above()})
	case ">=":
		return between(low, infinite)
	case "<=":
		return between(-infinite, high)
	case ">":
		return above()
	case "<":
		return below()
	}
	if math.IsInf(low, 0) {
		return none() // no book has that
	}
	return between(low, high)
}

// coverNumber compares covers, which are 1 where there is one and 0 where not.
func coverNumber(op string, q float64) catalog.Expr {
	holds := func(v float64) bool {
		switch op {
		case "!=":
			return v != q
		case ">=":
			return v >= q
		case "<=":
			return v <= q
		case ">":
			return v > q
		case "<":
			return v < q
		}
		return v == q
	}
	has := catalog.Has{Field: catalog.FieldCover}
	switch with, without := holds(1), holds(0); {
	case with && without:
		return all()
	case with:
		return has
	case without:
		return negation(has)
	}
	return none()
}

// count selects by the number of values that a book has in a field.
func count(field catalog.FieldKey, query string) (catalog.Expr, error) {
	op, rest := cutOperator(query)
	q, err := parseNumber(rest, false)
	if err != nil {
		return nil, err
	}
	n := int(max(-1, min(q, 1<<30)))
	from := func(low, high int) catalog.Expr { // high is included, negative is open
		return catalog.Count{Field: field, Min: max(0, low), Max: high}
	}
	upTo := func(high int) catalog.Expr {
		if high < 0 {
			return none()
		}
		return from(0, high)
	}
	switch op {
	case "!=":
		return disjunction([]catalog.Expr{upTo(n - 1), from(n+1, -1)}), nil
	case ">=":
		return from(n, -1), nil
	case "<=":
		return upTo(n), nil
	case ">":
		return from(n+1, -1), nil
	case "<":
		return upTo(n - 1), nil
	}
	if n < 0 {
		return none(), nil
	}
	return from(n, n), nil
}

// equalNumbers returns what selects the books that have the number that text
// is, if it is one, in one of the fields. Where numbers are whole its fraction
// does not count.
func equalNumbers(fields []location, text string) []catalog.Expr {
	f, ok := parseFloat(text)
	if !ok || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil
	}
	var list []catalog.Expr
	for _, loc := range fields {
		n := f
		if loc.role != floats && loc.role != seriesIndex {
			n = math.Trunc(f)
		}
		switch {
		case loc.role == cover && n != 0 && n != 1:
		case loc.role == cover:
			list = append(list, coverNumber("=", n))
		default:
			list = append(list, catalog.Between{Field: loc.field, Min: &n, Max: &n, Stored: loc.role == seriesIndex})
		}
	}
	return list
}

// parseNumber reads a number as Python writes it, with k, m or g after it for
// 1,024 and its powers.
func parseNumber(text string, float bool) (float64, error) {
	number, factor := text, 1.0
	if n := len(text) - 1; n > 0 {
		switch text[n] {
		case 'k':
			number, factor = text[:n], 1<<10
		case 'm':
			number, factor = text[:n], 1<<20
		case 'g':
			number, factor = text[:n], 1<<30
		}
	}
	if float {
		if v, ok := parseFloat(number); ok {
			return v * factor, nil
		}
		return 0, notANumber(text)
	}
	v, ok := parseFloat(number)
	digits := strings.TrimLeft(strings.TrimFunc(number, isBlankRune), "+-")
	whole := !strings.ContainsFunc(digits, func(r rune) bool { return r != '_' && !unicode.Is(unicode.Nd, r) })
	if !ok || !whole || math.IsInf(v, 0) {
		return 0, wrong(text, "not a whole number:", "a whole number, such as 3 or >=10")
	}
	return v * factor, nil
}

func notANumber(text string) error {
	return wrong(text, "not a number:", "a number, such as 2.5 or >10k")
}

// parseFloat reads a number as Python's float does: digits of any script, with
// single underscores between them, a fraction, an exponent, "inf" and "nan".
func parseFloat(text string) (float64, bool) {
	text = strings.TrimFunc(text, isBlankRune)
	var b strings.Builder
	digit := false // the character before is one
	for i, r := range text {
		if d, ok := digitValue(r); ok {
			b.WriteByte('0' + d)
			digit = true
			continue
		}
		if r == '_' {
			next, _ := utf8.DecodeRuneInString(text[i+1:])
			if _, ok := digitValue(next); !ok || !digit {
				return 0, false
			}
		} else {
			b.WriteRune(r)
		}
		digit = false
	}
	plain := b.String()
	if strings.ContainsAny(plain, "xXpP") { // Go's hexadecimal numbers
		return 0, false
	}
	if strings.EqualFold(strings.TrimLeft(plain, "+-"), "nan") {
		return math.NaN(), true
	}
	v, err := strconv.ParseFloat(plain, 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

// digitValue returns the value of a decimal digit of any script.
func digitValue(r rune) (byte, bool) {
	if '0' <= r && r <= '9' {
		return byte(r - '0'), true
	}
	if r < utf8.RuneSelf || !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	for _, t := range unicode.Nd.R16 { // in tens that begin with zero
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10), true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10), true
		}
	}
	return 0, false
}
