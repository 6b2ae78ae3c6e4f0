package calibre_test

// fileEdits are edits of covers and formats.
var fileEdits = []edit{
	{name: "cover for a book without", code: `db.set_cover({24: picture(0x336699)})`},
	{name: "another cover", code: `db.set_cover({24: picture(0x996633)})`},
	{name: "the same cover", code: `db.set_cover({24: picture(0x996633)})`},
	{name: "cover removed", code: `db.set_cover({24: None})`},
	{name: "new format", code: `db.add_format(24, 'TXT', io.BytesIO(b'text'), run_hooks=False)`},
	{name: "second format", code: `db.add_format(24, 'EPUB', io.BytesIO(b'not really'), run_hooks=False)`},
	{name: "format replaced", code: `db.add_format(24, 'TXT', io.BytesIO(b'longer text'), run_hooks=False)`},
	{name: "format replaced, same size", code: `db.add_format(24, 'TXT', io.BytesIO(b'other texts'), run_hooks=False)`},
	{name: "format not replaced", code: `db.add_format(24, 'TXT', io.BytesIO(b'x'), replace=False, run_hooks=False)`, same: true},
	{name: "format grown on disk", code: `
with open(db.format_abspath(24, 'TXT'), 'ab') as f:
    f.write(b'and more')`, same: true},
	{name: "size read from disk", code: `db.format_metadata(24, 'TXT', allow_cache=False, update_db=True)`},
	{name: "original format saved", code: `db.save_original_format(24, 'EPUB')`},
	{name: "original format restored", code: `db.restore_original_format(24, 'ORIGINAL_EPUB')`},
	{name: "format removed", code: `db.remove_formats({24: ['TXT']})`},
	{name: "format removed, file kept", code: `db.remove_formats({1: ['PDF']}, db_only=True)`},
	{name: "format's file name", code: `db.fields['formats'].table.set_fname(1, 'EPUB', 'elsewhere', db.backend)`, stale: true},
	{name: "opened after a file name", code: `reopen()`, same: true, stale: true},
	{name: "file name put right", code: `db.update_path({1})`},
	{name: "covers compressed", code: `db.compress_covers({1, 2}, 50)`, same: true},
	{name: "metadata written into files", code: `db.embed_metadata({2})`},
	{name: "backups written", code: `db.dump_metadata()`, same: true},
}

// bookEdits add and remove books.
var bookEdits = []edit{
	{name: "book entry", code: `created = db.create_book_entry(made('A New Book', 'Somebody Else', 'Lee Quist', tags=['new', 'Maps'], series='Captain Rook'))`},
	{name: "book with formats", code: `
ids, _ = db.add_books([(made('With Files', 'Maren Holloway', languages=['eng'], identifiers={'isbn': '9780000000999'}), {
    'EPUB': io.BytesIO(b'epub'), 'PDF': io.BytesIO(b'%PDF')})], run_hooks=False)`},
	{name: "many books", code: `many, _ = db.add_books([(made('Bulk %d' % i, 'Author %d' % (i % 7), tags=['bulk']), {}) for i in range(100)], run_hooks=False)`},
	{name: "duplicate refused", code: `db.add_books([(made('A New Book', 'Somebody Else', 'Lee Quist'), {})], add_duplicates=False)`, same: true},
	{name: "book deleted", code: `db.remove_books({created}, permanent=True)`},
	{name: "book deleted to the bin", code: `db.remove_books({ids[0]})`},
	{name: "many books deleted", code: `db.remove_books(set(many), permanent=True)`},
	{name: "another book under an old id", code: `db.create_book_entry(made('Took Its Place', 'Late Comer'), force_id=created)`},
	{name: "book replaced under its id", code: `
db.remove_books({created}, permanent=True)
db.create_book_entry(made('Took Its Place Again', 'Latest Comer'), force_id=created)`},
	{name: "book restored", code: `
db.remove_books({created}, permanent=True)
db.restore_book(created, made('Restored', 'Old Hand', uuid='77777777-7777-4777-8777-777777777777'), when(2003, 4, 5), 'Old Hand/Restored (%d)' % created,
    [('EPUB', 10, 'Restored - Old Hand')])`, stale: true},
	{name: "opened after a restored book", code: `reopen()`, same: true},
	{name: "every book touched", code: `db.mark_as_dirty(db.all_book_ids())`},
	{name: "added by calibredb's own function", code: `
from calibre.db.cli.cmd_add import implementation
implementation(db, None, 'empty', made('An Empty One', 'By Command', tags=['tag']))`},
}

// libraryEdits are edits of what belongs to no book.
var libraryEdits = []edit{
	{name: "virtual library", code: `db.set_pref('virtual_libraries', {'Sea': 'tags:"=Sea Stories"'})`},
	{name: "virtual library, the same", code: `db.set_pref('virtual_libraries', {'Sea': 'tags:"=Sea Stories"'})`, same: true},
	{name: "virtual library deleted", code: `db.set_pref('virtual_libraries', {})`},
	{name: "saved search", code: `db.saved_search_set_all({'Long': '#pages:>300', 'Ünlike': 'title:"ü"'})`},
	{name: "saved search added", code: `db.saved_search_add('Short', '#pages:<100')`},
	{name: "saved search renamed", code: `db.saved_search_rename('Short', 'Shorter')`},
	{name: "saved search deleted", code: `db.saved_search_delete('Shorter')`},
	{name: "user categories", code: `db.set_pref('user_categories', {'Mine.Own': [['Maren Holloway', 'authors', 0]]})`},
	{name: "grouped search terms", code: `db.set_pref('grouped_search_terms', {'subject': ['tags', '#genre']})`},
	{name: "another preference", code: `db.set_pref('tag_browser_hidden_categories', ['tags'])`, same: true},
	{name: "preference of a plugin", code: `db.set_pref('secret', {'key': 'value'}, namespace='A Plugin')`, same: true},
	{name: "reading position", code: `db.set_last_read_position(1, 'EPUB', 'reader', 'tablet', 'epubcfi(/6/4)', 1717747753.5, 0.25)`, same: true},
	{name: "annotation", code: `
db.set_annotations_for_book(1, 'EPUB', [({'type': 'bookmark', 'title': 'here', 'pos': 'epubcfi(/6)', 'pos_type': 'epubcfi',
    'timestamp': '2024-06-07T08:09:10.123456+00:00'}, 1717747750.0)])`, same: true},
	{name: "conversion settings", code: `db.set_conversion_options({1: {'margin': 3}})`, same: true},
	{name: "data of a plugin", code: `db.add_custom_book_data('plugin', {1: {'a': 1}})`, same: true},
	{name: "author without books", code: `sql("INSERT INTO authors (name, sort) VALUES ('Nobody', 'Nobody')")`, same: true, stale: true},
	{name: "tag without books", code: `sql("INSERT INTO tags (name) VALUES ('unused')")`, same: true, stale: true},
	{name: "full-text search switched on", code: `db.enable_fts(True, start_pool=False)`, same: true},
	{name: "vacuum", code: `db.vacuum()`, same: true},
	{name: "dump and restore, which replaces the file", code: `db.dump_and_restore()`, same: true, stale: true},
	{name: "opened after a restore", code: `reopen()`, same: true},
	{name: "library id", code: `db.backend.library_id = '12345678-1234-4234-8234-123456789012'`, stale: true},
}
