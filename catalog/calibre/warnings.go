package calibre

import (
	"fmt"
	"slices"
	"strings"
)

// warnings are the things in a database that are not as Calibre would have
// left them and that the catalog makes the best of, with their number.
type warnings map[string]int

func (w *warnings) add(what string) {
	if *w == nil {
		*w = warnings{}
	}
	(*w)[what]++
}

// String returns them in a fixed order: "damaged date (2), …".
func (w warnings) String() string {
	list := make([]string, 0, len(w))
	for what, n := range w {
		list = append(list, fmt.Sprintf("%s (%d)", what, n))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
