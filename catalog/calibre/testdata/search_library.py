# Executed in a calibretest.Driver: gives the library db what the expressions of
# search_expressions.txt ask for, and opens it again. Books are added, so that
# the same expressions fit every library; each says what it is there for.
from datetime import datetime, timedelta, timezone
from io import BytesIO

from calibre.ebooks.metadata.book.base import Metadata
from calibre.library import db as open_library
from calibre.utils.date import UNDEFINED_DATE, now


def reopen():
    global db, library
    path = db.backend.library_path
    db.close()
    library = open_library(path)
    db = library.new_api


for label, name, datatype, multiple, display in (
    ('topic', 'Topic', 'text', False, {}),
    ('people', 'People', 'text', True, {'is_names': True}),
    ('whole', 'Whole stars', 'rating', False, {'allow_half_stars': False}),
    ('summary', 'Summary', 'composite', False, {
        'composite_template': '{title}', 'composite_sort': 'text', 'use_decorations': 0,
        'make_category': False, 'contains_html': False}),
):
    db.create_custom_column(label, name, datatype, multiple, display=display)
reopen()


def when(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


def add(title, authors, formats=(), **fields):
    'Adds a book; fields are of Metadata, custom ones written as c_label=value.'
    mi = Metadata(title, authors)
    mi.timestamp = when(2024, 6, 15, 12)
    mi.pubdate = when(2019, 7, 20, 12)
    custom = {}
    for name, value in fields.items():
        if name.startswith('c_'):
            custom['#' + name[2:]] = value
        elif name not in ('index', 'author_sort'):
            setattr(mi, name, value)
    book = db.create_book_entry(mi, add_duplicates=True, apply_import_tags=False)
    for name, value in custom.items():
        db.set_field(name, {book: value})
    for fmt, size in formats:
        db.add_format(book, fmt, BytesIO(b'x' * size), run_hooks=False)
    if 'index' in fields:  # of a book that is in no series, too
        db.set_field('series_index', {book: fields['index']})
    if 'author_sort' in fields:
        db.set_field('author_sort', {book: fields['author_sort']})
    return book


# Apostrophes, commas, hyphens and markup within words.
add('Don’t Panic: A Harbour-Ledger’s Guide', ["O'Brien, Flann", 'Æthelred Ørsted'], [('EPUB', 2048), ('PDF', 3 << 20)],
    tags=['Sea.Coast.North', 'Sea.Coast', 'To-Read'], series='The Ledger Books', series_index=7, publisher='Smith & Daughters',
    languages=['eng', 'fra'], rating=7, identifiers={'isbn': '9780306406157', 'doi': '10.1000/182', 'url': 'http|//example.org|8080/a?b=c'},
    comments='<p class="quux">Don&#8217;t <b>pan</b>ic, na\u00efve co&ouml;perate&nbsp;again</p>',
    c_topic='Sea.Coast.North', c_people=['Reed, Mary', 'O’Neil Jones'], c_whole=8, c_stars=7, c_cycle='Slow Year [2.25]',
    c_price=1024.0, c_pages=1024, c_genre=['Sea.Deep', 'Noir'], c_read=True)
# Levels of hierarchies that look like others.
add('Levels', ['Dot Dottir'], tags=['Sea', 'Seaside', 'Land.Sea', 'Land. Coast .End', 'North', '.hidden', 'trailing.'],
    c_topic='Sea', c_genre=['Sea', 'Deep.Sea'], series='Cycle.One', series_index=0, c_people=['Coast, Ann'])
add('More Levels', ['Dot Dottir'], tags=['Sea.Coastline', 'sea..coast', 'Land'], c_topic='Sea.Coast', series='Cycle.One.Two', series_index=0.25)
# Scripts.
add('Ёлка и йод', ['Сергей Йорк'], tags=['Зима.Снег', 'Стихи'], languages=['rus'], publisher='Дом Йорка', series='Зимний цикл', series_index=3,
    comments='Белый йод и чёрный лёд.', c_topic='Зима', c_genre=['Быль'])
add('Ελληνικός λόγος, ΣΟΦΟΣ', ['Ὀδυσσεύς Ἀνδρούτσος'], tags=['Ποίηση', 'ΘΆΛΑΣΣΑ'], languages=['ell'], comments='Ο σοφός και η θάλασσα.')
add('كتاب آداب المُدُن', ['أحمد إبراهيم'], tags=['شعر'], languages=['ara'], comments='قصائد ١٢٣ عن المدن')
add('שָׁלוֹם ספר שלום', ['דוד בן־גוריון'], tags=['שירה'], languages=['heb'], comments='ספר על ירושלים')
add('ガラスの仮面 カメラ', ['みうら じゅん'], tags=['ｶﾞﾗｽ', 'マンガ'], languages=['jpn'], comments='が か カ。図書館')
add('हिन्दी कविता कि', ['प्रेमचंद'], tags=['कविता'], languages=['hin'], comments='किताब की कहानी')
add('각시탈 한국 소설', ['김 민준'], tags=['소설'], languages=['kor'], comments='가나다')
add('红楼梦 第①回', ['曹雪芹'], tags=['小说'], languages=['zho'], series='四大名著', series_index=1, comments='红楼 梦')
add('Straße, STRASSE und Fußball № 5', ['Günther Groß'], tags=['Größe', 'groesse'], languages=['deu'], publisher='Weiß & Söhne')
add('Café Æon: œuvre, Łódź ½ naïve', ['Zoë Ålund'], tags=['Café', 'façade'], languages=['fra', 'pol'], c_people=['Zoë Ålund'])
add('İstanbul ılık IŞIK', ['Çağla Şahin'], languages=['tur'], tags=['İnce'])
add('zero\u200bwidth no\u00a0break e\u0301 \U0001f4d6', ['Nguyễn Văn A'], languages=['vie'], tags=['\u212bngstrom', 'ﬁn'])
# Symbols, keywords and what has a meaning in the language.
add('C++ & C# = $100? (100% true)', ['A. B. & Sons'], tags=['true', 'not', 'and or', 'C++'], publisher='False', languages=['eng', 'und'],
    series='or', series_index=2, c_topic='false', c_mood='dark')
add('...?!', ['-'], tags=['!', '#1'], publisher='—')
add('a:b:c "quoted" back\\slash', ['Colon: Author'], tags=['x:y', '"', '\\', '(p)', 'title:x', '@home'], publisher='http://example.org/', comments='C:\\temp (x) "y" a^b $5 ~tilde =equal')
add('Σ', ['X'], tags=['^caret', '=equal', '~tilde', '..dots', '*'], c_notes='<p>Σ ß</p>')
# Nothing that is optional, unknown dates, and a place in no series.
add('Nothing', ['Unknown'], pubdate=UNDEFINED_DATE, timestamp=UNDEFINED_DATE, index=5.0, author_sort='')
add('Nearly Nothing', ['Nemo'], pubdate=UNDEFINED_DATE, index=0.5, comments='<p></p>', c_bought=UNDEFINED_DATE, c_notes='', c_people=[])
# Numbers at the edges.
add('Zero', ['Nil'], [('TXT', 0)], series='Numbers', series_index=0, rating=1, c_pages=0, c_price=0.0, c_stars=1, c_whole=2, c_read=False, c_cycle='Cycle of Zero [0]')
add('Negative', ['Nil'], [('TXT', 1)], series='Numbers', series_index=-1, rating=10, c_pages=-5, c_price=-1.5, c_stars=10, c_whole=10, c_cycle='Slow Year [-2]')
add('Fraction', ['Nil'], [('EPUB', 1024), ('MOBI', 1025)], series='Numbers', series_index=1 / 3, rating=3, c_price=0.1, c_stars=3, c_whole=3, c_cycle='Slow Year [2.5]')
add('Large', ['Nil'], [('PDF', 1 << 20)], series='Numbers', series_index=1e6, rating=9, c_pages=2 ** 31 - 1, c_price=1e10, c_whole=9)
# Identifiers.
add('Many Names', ['Iden Tifier'], identifiers={'isbn': '080442957x', 'issn': '0306-4061', 'asin': 'B0ABCDEF12', 'mixed': 'AbC dEf', 'ümlaut': 'ß', 'uri': 'urn|isbn|1'})
add('No Such Number', ['Iden Tifier'], identifiers={'isbn': 'not-a-number', 'isbn13': '9780306406157', 'true': 'false', 'goodreads': '12345'})
# Dates at the edges of days, months and years in several time zones.
for day in (when(2019, 12, 31, 23, 59, 59), when(2020, 1, 1, 0, 0), when(2020, 1, 1, 4, 59, 59), when(2020, 1, 1, 5, 0), when(2020, 2, 29, 12),
            when(2020, 3, 1, 3), when(2021, 3, 14, 6, 59), when(2021, 3, 14, 7, 1), when(2021, 3, 15, 3, 59, 59), when(2021, 11, 7, 4, 30),
            when(2021, 11, 8, 4, 59, 59), when(1901, 6, 1, 12), when(1969, 12, 31, 12), when(999, 5, 5, 12), when(3000, 1, 1, 12)):
    add('At %s' % day.strftime('%H:%M'), ['Time Keeper'], pubdate=day, timestamp=day, c_bought=day)
# Days that are counted from today.
for days in (-400, -45, -31, -8, -7, -6, -1, 0, 1, 31):
    day = now().replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days)
    add('Days %d' % days, ['Time Keeper'], pubdate=day, timestamp=day, c_bought=day)

db.set_pref('grouped_search_terms', {
    'subject': ['tags', '#genre', '#topic'], 'who': ['authors', '#people', 'author_sort'], 'times': ['pubdate', '#bought'],
    'figures': ['#pages', 'size'], 'looped': ['subject', 'title'], 'gone': ['#nosuch', 'tags'], 'Upper': ['tags'],
    'нить': ['tags', 'title'], 'ids': ['identifiers', 'isbn'], 'flags': ['#read', '#read'], 'empty': []})
db.set_pref('grouped_search_make_user_categories', ['subject'])
db.set_pref('virtual_libraries', {
    'Long reads': '#pages:>300', 'Sea': 'tags:"=Sea Stories" or tags:=.sea', 'Unread': '#read:false or not #read:true',
    'Not English': 'not languages:eng', 'Recent and good': 'search:Recent and search:Good', 'Зима': 'зима or winter',
    'In (parentheses)': 'title:C or title:"(100%"', 'Nested': 'vl:"Long reads" and not vl:Sea', 'Third level': 'vl:Nested or @Mine:true',
    'Of a group': 'subject:=sea', 'Loop': 'title:a or vl:Loop', 'Broken': 'tags:"a" and (', 'Blank': '  ', 'Unknown search': 'search:Nowhere',
    'Bad number': '#pages:many', 'search:odd': 'title:or', '@home': 'tags:"@home"', 'Everything': 'title:true', 'Nothing': 'title:"=no such title"'})
db.set_pref('saved_searches', {
    'Recent': 'pubdate:>2010', 'Good': 'rating:>=4', 'Holloway': 'author:"=Maren Holloway"', 'Both': 'search:recent and search:GOOD',
    'Over Both': 'not search:both and vl:"Long reads"', 'ÄÖÜ': 'title:~^[a-h]', 'Loop A': 'title:x or search:"Loop B"', 'Loop B': 'title:y or search:"Loop A"',
    'Self': 'search:self', 'Broken': 'title:(', 'with "quotes"': 'tags:sea', '=equal': 'title:e', 'Mine': '@Mine:true', 'Days': 'pubdate:>30daysago'})
db.set_pref('user_categories', {
    'Mine': [['Sea.Coast', 'tags', 0], ['Zoë Ålund', 'authors', 0], ['dark', '#mood', 0], ['Fiction', 'tags', 0]],
    'Mine.Deeper': [['Noir', '#genre', 0], ['Numbers', 'series', 0]], 'Mine.Deeper.Still': [['English', 'languages', 0], ['EPUB', 'formats', 0]],
    'Minerals': [['Winter', 'tags', 0]], 'Empty': [], 'UPPER Case': [['Maps', 'tags', 0], ['Smith & Daughters', 'publisher', 0]],
    'Лес': [['Стихи', 'tags', 0], ['Poetry', 'tags', 0]], 'Only.Below': [['Essays', 'tags', 0]], 'Of stars': [['★★★★', 'rating', 0]],
    'Odd': [['x', '#nosuch', 0], ['isbn', 'identifiers', 0], ['true', 'tags', 0], ['.hidden', 'tags', 0], ['To-Read', 'tags', 0]],
    'Long, (odd) name': [['How-to', 'tags', 0], ['Humour', 'tags', 0]]})
db.set_pref('categories_using_hierarchy', ['tags', '#topic', 'series'])
db.set_pref('bools_are_tristate', args[0])
reopen()
len(db.all_book_ids())
