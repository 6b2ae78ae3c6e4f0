# Runs inside calibre-debug: reads one JSON object a line from stdin, executes
# its "code" with the library's new_api as db, and answers one JSON object a line.
import ast
import datetime
import json
import os
import sys
import traceback

# Calibre and its plugins print to stdout now and then: keep the answers apart.
answers = os.fdopen(os.dup(1), 'w', encoding='utf-8')
os.dup2(2, 1)

from calibre.library import db as open_library


def plain(value):
    'What JSON has no form for.'
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        try:
            return sorted(value)
        except TypeError:
            return list(value)
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    if hasattr(value, 'items'):
        return dict(value.items())
    try:
        return list(value)
    except TypeError:
        return str(value)


def execute(code, scope):
    'Executes statements; the value of the last one, if it is an expression.'
    tree = ast.parse(code)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    exec(compile(tree, 'code', 'exec'), scope)
    if last is not None:
        return eval(compile(last, 'code', 'eval'), scope)


library = open_library(sys.argv[-1])
scope = {'db': library.new_api, 'library': library}
answers.write('{}\n')
answers.flush()
for line in iter(sys.stdin.readline, ''):
    request = json.loads(line)
    scope['args'] = request['args']
    try:
        answer = json.dumps({'result': execute(request['code'], scope)}, default=plain)
    except BaseException:
        answer = json.dumps({'error': traceback.format_exc()})
    answers.write(answer + '\n')
    answers.flush()
scope['db'].close()
