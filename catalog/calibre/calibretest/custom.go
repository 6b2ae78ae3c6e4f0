package calibretest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// customColumn fills one custom column of the sample's schema.
type customColumn struct {
	datatype string
	choices  []string    // of an enumeration, or of a text column
	multiple bool        // a book may have several values
	values   *batch      // custom_column_N: the value table, or book and value
	links    *batch      // books_custom_column_N_link, nil unless normalised
	used     *names      // values stored so far
	numbers  map[int]int // of a series: value id to the last number
}

// customColumns reads what columns there are.
func (g *generator) customColumns(ctx context.Context, tx *sql.Tx) ([]*customColumn, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, datatype, is_multiple, normalized, display FROM custom_columns ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ans []*customColumn
	for rows.Next() {
		var id int
		var normalized bool
		var display string
		c := &customColumn{used: newNames(), numbers: map[int]int{}}
		if err := rows.Scan(&id, &c.datatype, &c.multiple, &normalized, &display); err != nil {
			return nil, err
		}
		table := fmt.Sprintf("custom_column_%d", id)
		switch {
		case !normalized:
			c.values = g.batch(ctx, tx, table, "book, value")
		case c.datatype == "series":
			c.values = g.batch(ctx, tx, table, "id, value")
			c.links = g.batch(ctx, tx, "books_"+table+"_link", "book, value, extra")
		default:
			c.values = g.batch(ctx, tx, table, "id, value")
			c.links = g.batch(ctx, tx, "books_"+table+"_link", "book, value")
		}
		if err := c.setChoices(g, display); err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		ans = append(ans, c)
	}
	return ans, rows.Err()
}

// setChoices fixes the values of a column that has a limited number of them.
func (c *customColumn) setChoices(g *generator, display string) error {
	switch c.datatype {
	case "enumeration":
		var d struct {
			Values []string `json:"enum_values"`
		}
		if err := json.Unmarshal([]byte(display), &d); err != nil {
			return err
		}
		c.choices = d.Values
	case "text":
		c.choices = slices.Clone(g.words.genre)
		for _, a := range g.words.languages[0].adj {
			c.choices = append(c.choices, a.text+" "+c.choices[len(c.choices)%len(g.words.genre)])
		}
	case "series":
		for year := 2012; year <= 2026; year++ {
			c.choices = append(c.choices, fmt.Sprintf("Reading Year %d", year), fmt.Sprintf("Slow Year %d", year))
		}
	}
	return nil
}

// add gives the book a value, or none: each column is filled on more than half
// of the books.
func (c *customColumn) add(g *generator, b *book) {
	rng := g.rng
	fill := func(percent int) bool { return rng.IntN(100) < percent }
	switch c.datatype {
	case "text":
		if fill(85) {
			c.addText(g, b)
		}
	case "enumeration":
		if fill(70) {
			c.links.add(b.id, c.id(pick(rng, c.choices)))
		}
	case "series":
		if fill(55) {
			id := c.id(pick(rng, c.choices))
			c.numbers[id]++
			c.links.add(b.id, id, float64(c.numbers[id]))
		}
	case "rating":
		if fill(60) {
			r := drawRating(rng)
			id, isNew := c.used.id(r.text)
			if isNew {
				c.values.add(id, r.value)
			}
			c.links.add(b.id, id)
		}
	case "bool":
		if fill(75) {
			c.values.add(b.id, fill(60))
		}
	case "int":
		if fill(85) {
			c.values.add(b.id, min(4000, 1+int(280*math.Exp(0.5*rng.NormFloat64()))))
		}
	case "float":
		if fill(75) {
			c.values.add(b.id, float64(rng.IntN(6000))/100)
		}
	case "datetime":
		if fill(65) {
			c.values.add(b.id, calibreTime(b.added.Truncate(24*time.Hour)))
		}
	case "comments":
		if fill(60) {
			c.values.add(b.id, pick(rng, g.words.note))
		}
	}
}

// addText gives a book one value, or up to three where it may have several.
// Early choices are the frequent ones.
func (c *customColumn) addText(g *generator, b *book) {
	n := 1
	if c.multiple {
		n += g.rng.IntN(3)
	}
	var ids []int
	for range n {
		u := g.rng.Float64()
		id := c.id(c.choices[int(u*u*float64(len(c.choices)))])
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
			c.links.add(b.id, id)
		}
	}
}

// id returns the row of a text value, storing it when it is new.
func (c *customColumn) id(value string) int {
	id, isNew := c.used.id(value)
	if isNew {
		c.values.add(id, strings.TrimSpace(value))
	}
	return id
}
