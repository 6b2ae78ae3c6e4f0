# Executed in a calibretest.Driver: what the library db answers to each of the
# expressions in args[0], and to its virtual libraries, saved searches and user
# categories.
from calibre.utils.date import now


def books(ask):
    try:
        return {'books': sorted(ask())}
    except BaseException as e:
        return {'error': '%s: %s' % (type(e).__name__, e)}


{
    'answers': [books(lambda: db.search(e, '')) for e in args[0]],
    'virtual_library': {name: books(lambda: db.books_in_virtual_library(name)) for name in db.pref('virtual_libraries', {})},
    'saved_search': {name: books(lambda: db.search(text, '')) for name, text in db.pref('saved_searches', {}).items()},
    'user_category': {name: books(lambda: db.search('@%s:true' % name, '')) for name in db.pref('user_categories', {})},
    'all': sorted(db.all_book_ids()),
    'day': now().isoformat()[:10],
}
