package calibre_test

import (
	"fmt"
	"iter"
	"maps"

	"github.com/pressmark/pressmark/catalog"
)

// searchDifferences are the expressions of search_expressions.txt that we do
// not answer as Calibre does, with the reasons that the text of package search
// explains.
func searchDifferences() map[string]string {
	const (
		name      = "a column or user category that is not there is an error"
		quote     = "a quote that is not closed is an error"
		composite = "values of composite columns are not in the database"
		template  = "templates are refused"
		letter    = "half of a letter that stands for two is found"
		year      = "the year 101 in a custom column is no date"
		date      = "not all dates that calibre guesses are understood"
		re2       = "regular expressions are re2's"
	)
	return map[string]string{
		"@Northern:true": name, "@people:holloway": name, "#nosuch:x": name, "@No such:true": name,
		`tags:sea "levels`: quote, `title:"x`: quote, `title:levels "`: quote,
		"#summary:levels":                composite,
		`template:"{title}#@#:t:levels"`: template,
		"-1":                             letter, // in ½
		"#bought:<2024":                  year,
		"#bought:!=2023":                 year,
		"#bought:<1000":                  year,
		"#bought:!=2020":                 year,
		"pubdate:jan2000":                date,
		`title:"~ß"`:                     re2, // Python's finds ss
		`title:"~(?=l)l"`:                re2,
		`title:"~(l)\\1"`:                re2,
		`title:"~[a-d--c]"`:              re2,
	}
}

func keysOf(m map[string]string) iter.Seq[string] { return maps.Keys(m) }

func short(ids []catalog.BookID) string {
	return fmt.Sprint(len(ids), " ", ids[:min(len(ids), 20)])
}
