# Makes the second test library. Run by calibre-debug with its folder as the
# last argument; every book says what it is there for.
import os
import sys
from datetime import datetime, timedelta
from io import BytesIO

from calibre.ebooks.metadata.book.base import Metadata
from calibre.library import db as open_library
from calibre.utils.date import UNDEFINED_DATE, utc_tz

folder = sys.argv[-1]


def when(*parts, offset=0):
    return datetime(*parts, tzinfo=utc_tz) - timedelta(hours=offset)


# Custom columns first: Calibre must open the library again to see them.
db = open_library(folder).new_api
for label, name, datatype, multiple, display in (
    ('people', 'People', 'text', True, {'is_names': True}),
    ('topics', 'Topics', 'text', True, {}),
    ('one', 'One text', 'text', False, {}),
    ('summary', 'Summary', 'composite', False, {
        'composite_template': '{title} by {authors}', 'composite_sort': 'text', 'use_decorations': 0,
        'make_category': False, 'contains_html': False}),
    ('words', 'All words', 'composite', True, {
        'composite_template': '{tags}', 'composite_sort': 'text', 'use_decorations': 0,
        'make_category': True, 'contains_html': False}),
    ('state', 'State', 'enumeration', False, {'enum_values': ['new', 'worn', 'lost'], 'enum_colors': []}),
    ('arc', 'Arc', 'series', False, {}),
    ('count', 'Count', 'int', False, {'number_format': '{:,d}'}),
    ('weight', 'Weight', 'float', False, {'number_format': None}),
    ('owned', 'Owned', 'bool', False, {}),
    ('seen', 'Seen', 'datetime', False, {'date_format': 'dd MMM yyyy'}),
    ('halves', 'Half stars', 'rating', False, {'allow_half_stars': True}),
    ('whole', 'Whole stars', 'rating', False, {'allow_half_stars': False}),
    ('long', 'Long text', 'comments', False, {'interpret_as': 'markdown', 'heading_position': 'above'}),
    ('gone', 'Marked for deletion', 'text', False, {}),
):
    db.create_custom_column(label, name, datatype, multiple, display=display)
db.close()

db = open_library(folder).new_api
made = 0


def add(title, authors, formats=(), preserve_uuid=False, **fields):
    'Adds a book; fields are of Metadata, custom ones written as c_label=value.'
    global made
    made += 1
    mi = Metadata(title, authors)
    mi.timestamp = when(2024, 2, 3, 4, 5, made)
    mi.pubdate = when(2000, 1, made)
    custom = {}
    for name, value in fields.items():
        if name.startswith('c_'):
            custom['#' + name[2:]] = value
        else:
            setattr(mi, name, value)
    data = {fmt: BytesIO(content) for fmt, content in formats}
    ids, _ = db.add_books([(mi, data)], apply_import_tags=False, preserve_uuid=preserve_uuid)
    for name, value in custom.items():
        db.set_field(name, {ids[0]: value})
    return ids[0]


# 1: a comma in an author's name, three authors in an order that is not the
# alphabet's, several formats of which one has no known media type.
add('Commas, Pipes | and Bars', ['Smith, John, Jr.', 'Zoë Ålund', 'A. B. & Sons'],
    [('EPUB', b'epub' * 100), ('PDF', b'%PDF-1.4 '), ('ORIGINAL_EPUB', b'old'), ('WEIRDFMT', b'?')],
    tags=['a.b.c', 'a.b', 'a', 'A.B.D'], publisher='Marsh, Reed & Co.', series='The Comma Cycle', series_index=1.5,
    languages=['fra', 'eng', 'deu'], rating=7, c_people=['Last, First', 'Second Person', 'Smith, John, Jr.'],
    c_topics=['one, two', 'three', 'x.y.z'], c_one='single', c_state='worn', c_arc='Arc [2.25]',
    c_count=1234567, c_weight=0.1, c_owned=True, c_seen=when(2020, 2, 29, 23, 59, 59),
    c_halves=5, c_whole=8, c_long='*Markdown* & <b>HTML</b>', c_gone='soon')

# 2: unknown dates, and nothing else that is optional.
second = add('', [], pubdate=UNDEFINED_DATE, timestamp=UNDEFINED_DATE)

# 3, 4: one UUID on two books.
add('First Twin', ['Twin Author'], uuid='11111111-2222-4333-8444-555555555555', preserve_uuid=True, c_owned=False)
add('Second Twin', ['Twin Author'], uuid='11111111-2222-4333-8444-555555555556', preserve_uuid=True)

# 5: no UUID (below). 6: no author sort (below).
add('No UUID', ['Nobody'], identifiers={'isbn': '9780306406157'})
add('No Sort', ['Sorted Never', 'Nor This'])

# 7, 8: has_cover without a file, and a file without has_cover (below).
add('Cover That Is Gone', ['Cover Maker'])
add('Cover That Nobody Noted', ['Cover Maker'])

# 9: odd identifiers.
add('Odd Identifiers', ['Iden Tifier'], identifiers={
    'isbn': 'not an isbn', 'doi': '10.1000/182', 'url': 'https|//example.org/?a=1&b="2"',
    'urn': 'urn:isbn:0', 'ümlaut': 'ß', 'mixedcase': 'AbC', 'spaces': '  in  side  '})

# 10: a huge comment, with what must not be served.
add('A Huge Comment', ['Long Winded'], comments=(
    '<p onclick="alert(1)">Huge</p><script>alert(1)</script><img src=x onerror=alert(1)>' + '<p>' + 'words and words ' * 20_000 + '</p>'),
    tags=['With “quotes”', "It's", '100% & more', '<b>'])

# 11: empty and boundary values.
add('Zero', ['Ø'], series='Zeroes', series_index=0, rating=0, comments='', publisher='',
    c_count=0, c_weight=-0.0, c_halves=1, c_topics=[], c_one='', c_long='', c_arc='Arc [-1]')

# 12: half stars and the largest values; a series index that is no short decimal.
add('Extremes', ['Max Imum'], rating=1, series='The Comma Cycle', series_index=1 / 3,
    c_count=2**31 - 1, c_weight=1e-7, c_halves=10, c_whole=2, c_arc='A Second Arc [1000000]')

# 13: dates with fractions, before 1900, and from another time zone.
add('Old Dates', ['Vêtu Früh'], pubdate=when(1450, 12, 31, 23, 59, 59), timestamp=when(2024, 5, 6, 7, 8, 9, 123456, offset=5),
    c_seen=when(1, 2, 3), languages=['lat', 'und'])

# 14: characters that are more than one code point, or none that shows.
add('e\u0301 \U0001f4d6 \u200bzero\u00a0width\u202e', ['김 민준', 'Nguyễn Văn A'], [('EPUB', b'e')],
    tags=['\u212b', '\u00c5ngstr\u00f6m', 'straße', 'ﬁ'], title_sort='own sort form')

db.set_sort_for_authors({db.get_item_id('authors', 'Zoë Ålund'): 'own, sort'})
db.set_link_for_authors({db.get_item_id('authors', 'Zoë Ålund'): 'https://example.org/?zoë&x=1'})

db.set_pref('grouped_search_terms', {'subject': ['tags', '#topics'], 'who': ['authors', '#people']})
db.set_pref('grouped_search_make_user_categories', ['subject'])
db.set_pref('user_categories', {
    'Mine': [['a.b.c', 'tags', 0], ['Zoë Ålund', 'authors', 0], ['worn', '#state', 0]],
    'Mine.Deeper': [['three', '#topics', 0]], 'Empty': []})
db.set_pref('virtual_libraries', {'Dotted': 'tags:"=.a"', 'By people': '#people:true', 'Broken': 'tags:"(', 'Nested': 'vl:Dotted and #owned:true'})
db.saved_search_set_all({'Grouped': 'subject:three', 'Composite': '#summary:Commas', 'Itself': 'search:Itself'})

stamp = '2024-06-07T08:09:10.123456+00:00'
db.set_annotations_for_book(1, 'EPUB', [
    ({'type': 'bookmark', 'title': 'A bookmark', 'pos': 'epubcfi(/6/4!/4/2)', 'pos_type': 'epubcfi', 'timestamp': stamp}, 1717747750.0),
    ({'type': 'highlight', 'uuid': 'highlight-1', 'highlighted_text': 'ünder the lamp', 'notes': 'a note', 'start_cfi': '/2/4/1:0',
      'end_cfi': '/2/4/1:9', 'spine_index': 0, 'timestamp': stamp, 'style': {'kind': 'color', 'which': 'yellow'}}, 1717747751.0),
])
db.set_annotations_for_book(1, 'EPUB', [
    ({'type': 'highlight', 'uuid': 'highlight-2', 'removed': True, 'timestamp': stamp}, 1717747752.0)], user_type='web', user='reader')
for device, cfi, fraction in (('tablet', 'epubcfi(/6/4!/4/2/8:10)', 0.25), ('phone', 'epubcfi(/6/8)', 0.5)):
    db.set_last_read_position(1, 'EPUB', 'reader', device, cfi, 1717747753.5, fraction)
db.set_last_read_position(1, 'PDF', '_', '_', 'page 3', 1717747754.0, 1)

num = db.field_metadata['#gone']['colnum']
paths = {book: db.field_for('path', book) for book in (7, 8)}
# What Calibre itself has stored in its users' libraries, but does not store
# when asked to: written past its cache.
for statement in (
    "UPDATE books SET uuid='11111111-2222-4333-8444-555555555555' WHERE id=4",
    'UPDATE books SET uuid=NULL WHERE id=5',
    "UPDATE books SET author_sort='' WHERE id=6",
    "UPDATE authors SET sort=NULL WHERE name='Nor This'",
    "UPDATE authors SET sort='' WHERE name='Sorted Never'",
    'UPDATE books SET has_cover=1 WHERE id=7',
    "UPDATE books SET last_modified='2001-01-01 00:00:00+00:00' WHERE id=12",
    f'UPDATE custom_columns SET mark_for_delete=1 WHERE id={num}',
):
    db.backend.execute(statement)
from calibre.utils.img import image_to_data  # noqa: E402
from qt.core import QImage  # noqa: E402

cover = QImage(40, 60, QImage.Format.Format_RGB32)
cover.fill(0x336699)
os.makedirs(os.path.join(folder, paths[8]), exist_ok=True)
with open(os.path.join(folder, paths[8], 'cover.jpg'), 'wb') as f:
    f.write(image_to_data(cover))
db.close()
