# Executed once in a calibretest.Driver, for the edits of edits_test.go.
import io
import os
from datetime import datetime, timezone

import calibre.library
from calibre.ebooks.metadata.book.base import Metadata
from calibre.utils.date import UNDEFINED_DATE, utc_tz
from calibre.utils.img import image_to_data
from qt.core import QImage


def item(field, name):
    ans = db.get_item_id(field, name)
    assert ans is not None, '%s has no %r' % (field, name)
    return ans


def column(label):
    return db.field_metadata['#' + label]['colnum']


def reopen():
    'Closes the library and opens it again, which is when Calibre tidies up.'
    global db, library
    db.close()
    library = calibre.library.db(db.backend.library_path)
    db = library.new_api


def picture(color):
    image = QImage(60, 80, QImage.Format.Format_RGB32)
    image.fill(color)
    return image_to_data(image)


def when(*parts):
    return datetime(*parts, tzinfo=utc_tz)


def sql(statement, *args):
    'Past the API: what other programs, and old versions of Calibre, do.'
    db.backend.execute(statement, args)


def made(title, *authors, **fields):
    mi = Metadata(title, list(authors))
    for name, value in fields.items():
        setattr(mi, name, value)
    return mi
