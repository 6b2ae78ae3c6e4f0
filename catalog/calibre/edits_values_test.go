package calibre_test

// builtinEdits are edits of the values that every library has.
var builtinEdits = []edit{
	{name: "rename author", code: `db.rename_items('authors', {item('authors', 'Bo Castellan'): 'Bo Castle'})`},
	{name: "rename author, case only", code: `db.rename_items('authors', {item('authors', 'Bo Castle'): 'bo castle'})`},
	{name: "rename author, comma", code: `db.rename_items('authors', {item('authors', 'bo castle'): 'Castle, Bo, Jr.'})`},
	{name: "merge authors", code: `db.rename_items('authors', {item('authors', 'Élodie Fontanel'): 'Maren Holloway'})`},
	{name: "author sort with its books", code: `db.set_sort_for_authors({item('authors', 'Lee Quist'): 'Quist the Elder'})`},
	{name: "author sort alone", code: `db.set_sort_for_authors({item('authors', 'Lee Quist'): 'Quist the Younger'}, update_books=False)`},
	{name: "author sort, empty", code: `db.set_sort_for_authors({item('authors', 'Lee Quist'): ''}, update_books=False)`, stale: true},
	{name: "author sort again", code: `db.set_sort_for_authors({item('authors', 'Lee Quist'): 'Quist the Third'}, update_books=False)`},
	{name: "author link", code: `db.set_link_for_authors({item('authors', 'Lee Quist'): 'https://example.org/quist?a=1&b=ü'})`},
	{name: "author link cleared", code: `db.set_link_for_authors({item('authors', 'Lee Quist'): ''})`},
	{name: "authors of a book", code: `db.set_field('authors', {6: ['Anonymous', 'Somebody New', 'Lee Quist']})`},
	{name: "authors in another order", code: `db.set_field('authors', {6: ['Lee Quist', 'Somebody New', 'Anonymous']})`},
	{name: "author sort of a book", code: `db.set_field('author_sort', {6: 'aaa'})`},

	{name: "rename tag", code: `db.rename_items('tags', {item('tags', 'Maps'): 'Charts'})`},
	{name: "rename tag, case only", code: `db.rename_items('tags', {item('tags', 'Charts'): 'cHARTS'})`},
	{name: "rename tag into two", code: `db.rename_items('tags', {item('tags', 'Mystery'): 'Riddles, Secrets'})`},
	{name: "rename tag in some books", code: `db.rename_items('tags', {item('tags', 'Fiction'): 'Novels'}, restrict_to_book_ids={1, 2})`},
	{name: "merge tags", code: `db.rename_items('tags', {item('tags', 'Poésie'): 'Poetry'})`},
	{name: "remove tag", code: `db.remove_items('tags', {item('tags', 'Poetry')})`},
	{name: "tags of a book", code: `db.set_field('tags', {1: ['zeta', 'Alpha', 'a.b.c', 'Sea Stories']})`},
	{name: "tag of one book in another case", code: `db.set_field('tags', {2: ['ALPHA']})`},
	{name: "tags in another order", code: `db.set_field('tags', {1: ['a.b.c', 'ALPHA', 'zeta', 'Sea Stories']})`},
	{name: "tags cleared", code: `db.set_field('tags', {1: ()})`},

	{name: "rename series", code: `db.rename_items('series', {item('series', 'Costa Norte'): 'Costa Sur'})`},
	{name: "rename series, case only", code: `db.rename_items('series', {item('series', 'Costa Sur'): 'COSTA SUR'})`},
	{name: "merge series", code: `db.rename_items('series', {item('series', 'COSTA SUR'): 'Harbour Ledgers'})`},
	{name: "remove series from some books", code: `db.remove_items('series', {item('series', 'Captain Rook')}, restrict_to_book_ids={15})`},
	{name: "remove series", code: `db.remove_items('series', {item('series', '夜の棚')})`},
	{name: "series and index of a book", code: `db.set_field('series', {18: 'Captain Rook [7.25]'})`},
	{name: "series index", code: `db.set_field('series_index', {18: 1/3})`},
	{name: "series index without a series", code: `db.set_field('series_index', {24: 4})`},
	{name: "series cleared", code: `db.set_field('series', {18: None})`},

	{name: "rename publisher", code: `db.rename_items('publisher', {item('publisher', 'Kite Comics'): 'Kite & Daughters'})`},
	{name: "merge publishers", code: `db.rename_items('publisher', {item('publisher', 'Kite & Daughters'): 'Lantern Press'})`},
	{name: "remove publisher", code: `db.remove_items('publisher', {item('publisher', 'Plumb Line')})`},
	{name: "publisher of a book", code: `db.set_field('publisher', {3: 'A New House'})`},
	{name: "publisher cleared", code: `db.set_field('publisher', {3: None})`},

	{name: "title, which moves the folder", code: `db.set_field('title', {5: 'Impractical Cartography'})`},
	{name: "title, the same", code: `db.set_field('title', {5: 'Impractical Cartography'})`, same: true},
	{name: "title, case only", code: `db.set_field('title', {5: 'impractical cartography'})`},
	{name: "title sort", code: `db.set_field('sort', {5: 'zzz'})`},
	{name: "languages", code: `db.set_field('languages', {5: ['fra', 'eng', 'deu']})`},
	{name: "languages in another order", code: `db.set_field('languages', {5: ['deu', 'fra', 'eng']})`},
	{name: "languages cleared", code: `db.set_field('languages', {5: ()})`},
	{name: "identifiers", code: `db.set_field('identifiers', {5: {'isbn': '9780306406157', 'doi': '10.1000/182'}})`},
	{name: "identifiers cleared", code: `db.set_field('identifiers', {5: {}})`},
	{name: "comments", code: `db.set_field('comments', {5: '<p>Änderung</p>' + 'x' * 50000})`},
	{name: "comments cleared", code: `db.set_field('comments', {5: None})`},
	{name: "rating", code: `db.set_field('rating', {5: 3})`},
	{name: "rating cleared", code: `db.set_field('rating', {5: 0})`},
	{name: "published", code: `db.set_field('pubdate', {5: when(1450, 12, 31, 23, 59, 59)})`},
	{name: "published unknown", code: `db.set_field('pubdate', {5: UNDEFINED_DATE})`},
	{name: "added", code: `db.set_field('timestamp', {5: when(2030, 1, 1, 0, 0, 0, 999999)})`},
	{name: "modified set back", code: `db.set_field('last_modified', {5: when(2001, 1, 1)}); db.update_last_modified({5}, when(2001, 1, 1))`},
	{name: "modified set back to the same", code: `db.update_last_modified({5}, when(2001, 1, 1))`, same: true},
	{name: "edited with the clock set back", code: `db.set_field('title', {5: 'Behind the Times'}); db.update_last_modified({5}, when(2000, 1, 1))`},
	{name: "several books at once", code: `db.set_field('tags', {i: ['Bulk', 'n%d' % (i % 3)] for i in db.all_book_ids()})`},
	{name: "set_metadata of many fields", code: `
mi = db.get_metadata(7)
mi.title, mi.authors, mi.tags, mi.series, mi.series_index = 'All New', ['New One', 'New Two'], ['x', 'y'], 'New Series', 9.5
mi.comments, mi.publisher, mi.rating = 'new', 'New House', 4
db.set_metadata(7, mi, force_changes=True)`},
	{name: "UUID", code: `db.set_field('uuid', {8: '99999999-9999-4999-8999-999999999999'})`},
	{name: "equal UUIDs", code: `sql("UPDATE books SET uuid='99999999-9999-4999-8999-999999999999' WHERE id=9")`, stale: true},
	{name: "no UUID", code: `sql('UPDATE books SET uuid=NULL WHERE id=10')`, stale: true},
	{name: "opened after edits past it", code: `reopen()`, same: true},
}

// customEdits are edits of the values of custom columns.
var customEdits = []edit{
	{name: "custom text", code: `db.set_field('#genre', {1: ['Zebra', 'Apple', 'x.y.z']})`},
	{name: "custom text cleared", code: `db.set_field('#genre', {1: ()})`},
	{name: "rename custom value", code: `db.rename_items('#genre', {item('#genre', 'Quiet'): 'Silent'})`},
	{name: "rename custom value, case only", code: `db.rename_items('#genre', {item('#genre', 'Silent'): 'SILENT'})`},
	{name: "merge custom values", code: `db.rename_items('#genre', {item('#genre', 'SILENT'): 'Sea'})`},
	{name: "remove custom value", code: `db.remove_items('#genre', {item('#genre', 'Sea')})`},
	{name: "custom series", code: `db.set_field('#cycle', {1: 'A Cycle [2.5]', 2: 'A Cycle [3]'})`},
	{name: "custom series index", code: `db.set_field('#cycle_index', {1: 17.125})`},
	{name: "rename custom series", code: `db.rename_items('#cycle', {item('#cycle', 'A Cycle'): 'Another Cycle'})`},
	{name: "remove custom series", code: `
db.set_field('#cycle', {4: 'Short Lived [1]', 5: 'Short Lived [1]'})
db.remove_items('#cycle', {item('#cycle', 'Short Lived')}, restrict_to_book_ids={4})`},
	{name: "remove the rest of a custom series", code: `db.remove_items('#cycle', {item('#cycle', 'Short Lived')})`},
	{name: "custom series cleared", code: `db.set_field('#cycle', {1: None})`},
	{name: "custom enumeration", code: `db.set_field('#mood', {1: 'dark', 2: 'odd'})`},
	{name: "custom enumeration cleared", code: `db.set_field('#mood', {1: None})`},
	{name: "custom int", code: `db.set_field('#pages', {1: 0, 2: -5, 3: 2**31 - 1})`},
	{name: "custom int cleared", code: `db.set_field('#pages', {1: None})`},
	{name: "custom float", code: `db.set_field('#price', {1: 0.1, 2: 1e-9, 3: 1e15})`},
	{name: "custom float cleared", code: `db.set_field('#price', {1: None})`},
	{name: "custom bool", code: `db.set_field('#read', {1: False, 2: True})`},
	{name: "custom bool cleared", code: `db.set_field('#read', {1: None})`},
	{name: "custom datetime", code: `db.set_field('#bought', {1: when(2020, 2, 29, 23, 59, 59), 2: when(1850, 1, 1)})`},
	{name: "custom datetime cleared", code: `db.set_field('#bought', {1: None})`},
	{name: "custom rating", code: `db.set_field('#stars', {1: 10, 2: 3})`},
	{name: "custom rating cleared", code: `db.set_field('#stars', {1: None})`},
	{name: "custom comments", code: `db.set_field('#notes', {1: '<b>note</b>'})`},
	{name: "custom comments cleared", code: `db.set_field('#notes', {1: None})`},
}

// columnEdits are edits of the columns themselves.
var columnEdits = []edit{
	{name: "heading of a column", code: `db.set_custom_column_metadata(column('genre'), name='Genres & Kinds')`, stale: true},
	{name: "opened after a heading", code: `reopen()`},
	{name: "label of a column", code: `db.set_custom_column_metadata(column('price'), label='cost')`, stale: true},
	{name: "opened after a label", code: `reopen()`},
	{name: "values of an enumeration", code: `
display = dict(db.field_metadata['#mood']['display'], enum_values=['odd', 'calm', 'dark', 'new'])
db.set_custom_column_metadata(column('mood'), display=display)`, stale: true},
	{name: "opened after an enumeration", code: `reopen()`},
	{name: "display of a column, books touched", code: `db.set_custom_column_metadata(column('read'), display={'description': 'whether'}, update_last_modified=True)`, stale: true},
	{name: "opened after a display", code: `reopen()`, same: true},
	{name: "new text column", code: `db.create_custom_column('shelf', 'Shelf', 'text', False)`, stale: true},
	{name: "more new columns", code: `
for label, datatype, multiple, display in (
        ('names', 'text', True, {'is_names': True}), ('saga', 'series', False, {}), ('state', 'enumeration', False, {'enum_values': ['a', 'b']}),
        ('copies', 'int', False, {}), ('weight', 'float', False, {}), ('lent', 'bool', False, {}), ('seen', 'datetime', False, {}),
        ('grade', 'rating', False, {'allow_half_stars': True}), ('essay', 'comments', False, {'interpret_as': 'markdown'}),
        ('calc', 'composite', False, {'composite_template': '{title}', 'make_category': True})):
    db.create_custom_column(label, label.upper(), datatype, multiple, display=display)`, stale: true},
	{name: "opened after new columns", code: `reopen()`},
	{name: "values in new columns", code: `
for label, value in (('shelf', 'A 1'), ('names', ['Last, First', 'Second']), ('saga', 'Saga [3]'), ('state', 'b'), ('copies', 3), ('weight', 1.5),
                     ('lent', True), ('seen', when(2021, 3, 4)), ('grade', 7), ('essay', '*essay*')):
    db.set_field('#' + label, {1: value, 12: value})`},
	{name: "delete a column with a table of values", code: `db.delete_custom_column(label='shelf')`, stale: true},
	{name: "opened after a deletion", code: `reopen()`},
	{name: "delete a plain column", code: `db.delete_custom_column(label='copies')`, stale: true},
	{name: "opened after another deletion", code: `reopen()`},
	{name: "label used again", code: `db.create_custom_column('shelf', 'Shelf again', 'int', False); reopen()`},
}
