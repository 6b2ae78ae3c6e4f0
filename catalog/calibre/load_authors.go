package calibre

import (
	"slices"
	"strings"
)

// authorSort is what an author whose sort value is missing sorts by, as Calibre
// has it (ebooks/metadata/__init__.py, author_to_author_sort): "Maren Holloway
// Jr." is "Holloway, Maren Jr.".
func authorSort(name string) string {
	bare := strings.TrimSpace(withoutBrackets(name))
	if strings.Contains(bare, ",") {
		return name
	}
	words := strings.Fields(bare)
	if slices.ContainsFunc(words, isCopyWord) {
		return name
	}
	first, last := 0, len(words)
	for first < last && isNamePrefix(words[first]) {
		first++
	}
	for last > first && isNameSuffix(words[last-1]) {
		last--
	}
	if len(words) < 2 || first == last {
		return name
	}
	sorted := slices.Concat(words[last-1:last], words[first:last-1], words[last:])
	if last-first > 1 {
		sorted[0] += ","
	}
	return strings.Join(sorted, " ")
}

// isCopyWord reports whether a name with this word is that of a body, which
// sorts as it is written (tweak author_name_copywords).
func isCopyWord(word string) bool {
	switch strings.ToLower(word) {
	case "agency", "corporation", "company", "co.", "council", "committee", "inc.", "institute", "national", "society", "club", "team":
		return true
	}
	return false
}

// isNamePrefix reports on the tweak author_name_prefixes.
func isNamePrefix(word string) bool {
	switch strings.TrimSuffix(strings.ToLower(word), ".") {
	case "mr", "mrs", "ms", "dr", "prof":
		return true
	}
	return false
}

// isNameSuffix reports on the tweak author_name_suffixes.
func isNameSuffix(word string) bool {
	switch strings.TrimSuffix(strings.ToLower(word), ".") {
	case "jr", "sr", "inc", "ph.d", "phd", "md", "m.d", "i", "ii", "iii", "iv", "junior", "senior":
		return true
	}
	return false
}

// withoutBrackets leaves out what stands in brackets of any kind.
func withoutBrackets(s string) string {
	const opening, closing = "([{", ")]}"
	var open [len(opening)]int
	total := 0
	return strings.Map(func(r rune) rune {
		if i := strings.IndexRune(opening, r); i >= 0 {
			open[i]++
			total++
			return -1
		}
		if i := strings.IndexRune(closing, r); i >= 0 {
			if open[i] > 0 {
				open[i]--
				total--
			}
			return -1
		}
		if total > 0 {
			return -1
		}
		return r
	}, s)
}
