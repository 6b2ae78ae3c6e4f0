package calibre

import "testing"

// The answers are those of Calibre 6.13.
func TestAuthorSort(t *testing.T) {
	for name, want := range map[string]string{
		"":                          "",
		"Plato":                     "Plato",
		"Maren Holloway":            "Holloway, Maren",
		"Dr. Maren A. Holloway Jr.": "Holloway, Maren A. Jr.",
		"Holloway, Maren":           "Holloway, Maren",
		"Acme Inc.":                 "Acme Inc.",
		"Sea Society of the North":  "Sea Society of the North",
		"Mr Holloway":               "Holloway",
		"Mr Dr":                     "Mr Dr",
		"Dr Junior":                 "Dr Junior",
		"Maren (the clerk, old) Q":  "Q, Maren",
		"Maren [x] {y}":             "Maren [x] {y}",
		"Ludwig van Beethoven":      "Beethoven, Ludwig van",
		"Henry VIII III":            "VIII, Henry III",
		"Louis PhD":                 "Louis PhD",
		"A)B C":                     "C, AB",
	} {
		if got := authorSort(name); got != want {
			t.Errorf("%q sorts as %q, want %q", name, got, want)
		}
	}
}
