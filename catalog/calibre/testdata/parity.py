# Executed in a calibretest.Driver: all that Calibre's own API knows about the
# library db, in the shape into which parity_test.go brings a catalog.Book.
import os
from datetime import timezone

from calibre.db.tables import c_parse
from calibre.utils.date import is_date_undefined, parse_date


def moment(value):
    'RFC 3339 in UTC; Calibre counts the year 101 as unknown.'
    if value is None or is_date_undefined(value):
        return None
    return value.astimezone(timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


def stored_moment(book, column):
    'A date of the table books with the fraction that Calibre drops as it reads.'
    raw = db.backend.execute('SELECT %s FROM books WHERE id=?' % column, (book,)).fetchone()[0]
    if raw is None or is_date_undefined(c_parse(raw)):
        return None
    return parse_date(raw, as_utc=True, assume_utc=True).strftime('%Y-%m-%dT%H:%M:%S.%fZ')


def stars(value):
    return value / 2 if value else None


def library_path(path):
    return path and os.path.relpath(path, db.backend.library_path).replace(os.sep, '/')


def custom_value(meta, value, index):
    datatype = meta['datatype']
    if datatype == 'datetime':
        return moment(value)
    if datatype == 'rating':
        return stars(value)
    if datatype == 'series':
        return [value, index] if value is not None else None
    if meta['is_multiple']:
        return list(value or ())
    if datatype == 'comments':
        return value or None
    return value


def by_field(book):
    'A book as the functions for single fields have it.'
    field = lambda name: db.field_for(name, book)  # noqa: E731
    people = [(i, db.author_data((i,))[i]) for i in db.field_ids_for('authors', book)]
    series_id = db.field_ids_for('series', book)
    publisher_id = db.field_ids_for('publisher', book)
    formats = {}
    for name in field('formats') or ():
        formats[name] = [
            library_path(db.format_abspath(book, name)) or '%s/%s.%s' % (
                field('path'), db.fields['formats'].format_fname(book, name), name.lower()),
            db.format_db_size(book, name)]
    # has_cover can be stale; where it is, only the name can be compared.
    cover = library_path(db.format_abspath(book, '__COVER_INTERNAL__')) or field('path') + '/cover.jpg'
    ans = {
        'uuid': field('uuid') or '', 'title': field('title') or '', 'title_sort': field('sort') or '',
        'authors': [[i, a['name'], a['sort'], a['link'] or ''] for i, a in people],
        'author_sort': field('author_sort') or '',
        'series': [series_id[0], field('series')] if field('series') is not None else None,
        'series_index': field('series_index'),
        'tags': [[i, db.get_item_name('tags', i)] for i in db.field_ids_for('tags', book)],
        'publisher': [publisher_id[0], field('publisher')] if field('publisher') is not None else None,
        'languages': list(field('languages') or ()),
        'rating': stars(field('rating')), 'identifiers': dict(field('identifiers') or {}),
        'published': moment(field('pubdate')), 'added': moment(field('timestamp')), 'modified': moment(field('last_modified')),
        'published_stored': stored_moment(book, 'pubdate'), 'added_stored': stored_moment(book, 'timestamp'),
        'modified_stored': stored_moment(book, 'last_modified'),
        'comments': field('comments') or '', 'path': field('path') or '', 'formats': formats,
        'has_cover': bool(field('cover')), 'cover': cover if field('cover') else None, 'size': field('size') or 0,
    }
    for key, meta in db.field_metadata.custom_iteritems():
        if meta['datatype'] != 'composite' and not key.endswith('_index'):
            ans[key] = custom_value(meta, field(key), field(key + '_index') if meta['datatype'] == 'series' else None)
    return ans


def by_metadata(book):
    'A book as get_metadata has it: its own words and defaults, the same values.'
    mi = db.get_metadata(book)
    ans = {
        'uuid': mi.uuid or '', 'title': mi.title, 'title_sort': mi.title_sort, 'author_sort': mi.author_sort,
        'author_names': list(mi.authors), 'author_sorts': mi.author_sort_map, 'author_links': mi.author_link_map,
        'series': mi.series, 'series_index': mi.series_index if mi.series else None, 'tags': list(mi.tags),
        'publisher': mi.publisher, 'languages': list(mi.languages), 'rating': stars(mi.rating),
        'identifiers': dict(mi.get_identifiers()), 'published': moment(mi.pubdate), 'added': moment(mi.timestamp),
        'modified': moment(mi.last_modified), 'comments': mi.comments or '', 'formats': list(mi.formats or ()),
        'has_cover': bool(mi.has_cover),
    }
    for key, meta in mi.get_all_user_metadata(False).items():
        if meta['datatype'] != 'composite':
            ans[key] = custom_value(meta, mi.get(key), mi.get_extra(key))
    return ans


def fields():
    'What field_metadata says about every field that is a column of the library.'
    ans = {}
    for key, meta in db.field_metadata.iter_items():
        if meta['kind'] != 'field' or key.endswith('_index') and key.startswith('#'):
            continue
        ans[key] = {
            'name': meta['name'], 'datatype': meta['datatype'], 'multiple': bool(meta['is_multiple']),
            'custom': meta['is_custom'], 'values': meta['display'].get('enum_values') or [],
            'display': meta['display'] if meta['is_custom'] else {}, 'terms': meta['search_terms'],
        }
    return ans


{
    'library': db.library_id,
    'fields': fields(),
    'custom': [k for k, m in sorted(db.field_metadata.custom_iteritems(), key=lambda x: x[1]['colnum']) if not k.endswith('_index')],
    'books': {book: by_field(book) for book in db.all_book_ids()},
    'metadata': {book: by_metadata(book) for book in db.all_book_ids()},
    'preferences': {key: db.pref(key) for key in (
        'virtual_libraries', 'saved_searches', 'user_categories', 'grouped_search_terms')},
}
