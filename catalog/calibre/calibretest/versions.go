package calibretest

import (
	_ "embed"
	"fmt"
	"strings"
)

// The steps between two versions that take more than a line, after
// calibre/db/schema_upgrades.py.
var (
	//go:embed schema/22.sql
	schema22 string
	//go:embed schema/23.sql
	schema23 string
	//go:embed schema/24.sql
	schema24 string
	//go:embed schema/26.sql
	schema26 string
	//go:embed schema/27.sql
	schema27 string
)

// MinVersion and MaxVersion bound what [SetVersion] can make.
const (
	MinVersion = 20
	MaxVersion = 27
)

// SetVersion alters the metadata.db at path to the shape that another version
// of Calibre gives it, user_version 20 to 27, keeping its books. It walks the
// steps of Calibre's schema_upgrades.py, upwards as they are, downwards undone:
//
//	27  Calibre 9: no books.flags, isbn, lccn; books_pages_link; application_id
//	26  Calibre 6.15: a link column on publishers, series, tags, languages,
//	    ratings and on every normalised custom column
//	25, 24  annotations (the sample is 25, by Calibre 6.13)
//	23  last_read_positions, no annotations
//	22  series.sort filled, no reading positions
//	21  series.sort is NULL
//	20  no authors.link
//
// What a step takes away is lost: going down and up again leaves no
// annotations. Other versions give an error.
func SetVersion(path string, version int) error {
	db, err := Open(path)
	if err != nil {
		return fmt.Errorf("set version %d: %w", version, err)
	}
	defer db.Close()
	var now int
	if err := db.QueryRow(`PRAGMA user_version`).Scan(&now); err != nil {
		return fmt.Errorf("set version %d: %s: %w", version, path, err)
	}
	if version < MinVersion || version > MaxVersion || now < MinVersion || now > MaxVersion {
		return fmt.Errorf("set version: no way from %d to %d", now, version)
	}
	rows, err := db.Query(`SELECT id FROM custom_columns WHERE normalized ORDER BY id`)
	if err != nil {
		return fmt.Errorf("set version %d: %w", version, err)
	}
	linked := []string{"publishers", "series", "tags", "languages", "ratings"} // those with a link column from 26
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("set version %d: %w", version, err)
		}
		linked = append(linked, fmt.Sprintf("custom_column_%d", id))
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("set version %d: %w", version, err)
	}
	var statements []string
	for ; now < version; now++ {
		statements = append(statements, upgrade(now, linked)...)
	}
	for ; now > version; now-- {
		statements = append(statements, downgrade(now, linked)...)
	}
	statements = append(statements, fmt.Sprintf(`PRAGMA user_version = %d`, version))
	if err := run(db, statements); err != nil {
		return fmt.Errorf("set version %d: %w", version, err)
	}
	return db.Close()
}

// upgrade gives the statements that lead from a version to the next.
func upgrade(from int, linked []string) []string {
	switch from {
	case 20:
		return []string{`ALTER TABLE authors ADD COLUMN link TEXT NOT NULL DEFAULT ""`}
	case 21:
		return []string{schema22}
	case 22:
		return append([]string{schema23}, booksDeleteTrigger("last_read_positions")...)
	case 23:
		return append([]string{schema24}, booksDeleteTrigger("last_read_positions", "annotations")...)
	case 25:
		return forEach(linked, `ALTER TABLE %s ADD COLUMN link TEXT NOT NULL DEFAULT ''`)
	case 26:
		return append(
			append([]string{`DROP VIEW meta`}, forEach([]string{"flags", "isbn", "lccn"}, `ALTER TABLE books DROP COLUMN %s`)...),
			schema27)
	}
	return nil
}

// downgrade gives the statements that lead from a version to the one before.
func downgrade(from int, linked []string) []string {
	switch from {
	case 27:
		return []string{schema26}
	case 26:
		return forEach(linked, `ALTER TABLE %s DROP COLUMN link`)
	case 24:
		drop := forEach([]string{"annotations_fts", "annotations_fts_stemmed", "annotations", "annotations_dirtied"}, `DROP TABLE %s`)
		return append(drop, booksDeleteTrigger("last_read_positions")...)
	case 23:
		return append([]string{`DROP TABLE last_read_positions`}, booksDeleteTrigger()...)
	case 22:
		return []string{`DROP TRIGGER series_insert_trg`, `DROP TRIGGER series_update_trg`, `UPDATE series SET sort = NULL`}
	case 21:
		return []string{`ALTER TABLE authors DROP COLUMN link`}
	}
	return nil
}

func forEach(tables []string, format string) []string {
	var ans []string
	for _, t := range tables {
		ans = append(ans, fmt.Sprintf(format, t))
	}
	return ans
}

// booksDeleteTrigger replaces the trigger that removes what belongs to a book:
// it may name only tables that exist.
func booksDeleteTrigger(newer ...string) []string {
	tables := []string{
		"books_authors_link", "books_publishers_link", "books_ratings_link", "books_series_link", "books_tags_link",
		"books_languages_link", "data", "comments", "conversion_options", "books_plugin_data", "identifiers",
	}
	body := strings.Join(forEach(append(tables, newer...), `DELETE FROM %s WHERE book=OLD.id;`), "\n")
	return []string{
		`DROP TRIGGER books_delete_trg`,
		"CREATE TRIGGER books_delete_trg AFTER DELETE ON books BEGIN\n" + body + "\nEND",
	}
}
