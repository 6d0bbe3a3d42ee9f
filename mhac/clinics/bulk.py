"""Many rows at once, with their history: one COPY or one statement each, where a row by itself would cost too much.

The rows that come out are those that simple-history would have written one by one: same columns, same words. What a
model's own `save` does besides (marking a screening) stays with the caller.
"""

import json

from django.db import connection, models
from psycopg import Cursor, sql
from psycopg.types.json import Jsonb


def insert(model, rows):
    """Write new rows, each a dict of column -> value, the key among them; other columns have the model's default."""
    if not rows:
        return
    fields = model._meta.concrete_fields
    places = [(field.column, field.get_default()) for field in fields]
    ready = [[row.get(column, default) for column, default in places] for row in rows]
    for at in (place for place, field in enumerate(fields) if isinstance(field, models.JSONField)):
        for row in ready:
            row[at] = row[at] if row[at] is None else Jsonb(row[at])
    text = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), _names(field.column for field in fields)
    )
    with connection.cursor() as cursor, cursor.copy(text) as copy:
        for row in ready:
            copy.write_row(row)


def _names(columns):
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def insert_or_count(model, values, unique, changes, given):
    """Insert one row (all its columns in order), or make `changes` to the row that has the same `unique` columns.

    `changes` is SQL in which that row is `kept` and the new one `excluded`, `given` are its values. Returns (key,).
    """
    text = _INSERT_OR_COUNT.get((model, changes))
    if text is None:
        columns = [field.column for field in model._meta.concrete_fields]
        text = sql.SQL("INSERT INTO {} AS kept ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {} RETURNING id").format(
            sql.Identifier(model._meta.db_table),
            _names(columns),
            sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
            _names(unique),
            sql.SQL(changes),
        )
        _INSERT_OR_COUNT[model, changes] = text = text.as_string(None)
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        # Bound by the server, so that the plan is kept and bytes are not written out as text.
        return cursor.execute(text, [*values, *given]).fetchone()


_INSERT_OR_COUNT = {}


def insert_with_history(model, rows, *, at, by=None, because=None):
    """`insert`, and a history row (`+`) for each; `at` is its moment, `by` the user."""
    if not rows:
        return
    insert(model, rows)
    keys = [row["id"] for row in rows]
    _run(COPIED, model, [at, because, "+", getattr(by, "pk", None), keys])


def columns_of(row):
    """An unsaved row as column -> value."""
    return {field.column: getattr(row, field.attname) for field in row._meta.concrete_fields}


def add_with_history(model, rows, *, at, by=None, because=None):
    """As `insert_with_history`, in one statement: for the few rows of a page. COPY is faster from some dozens on."""
    if not rows:
        return
    defaults = {field.column: field.get_default() for field in model._meta.concrete_fields}
    ready = json.dumps([defaults | row for row in rows], default=str)
    _run(ADD, model, [ready, at, because, "+", getattr(by, "pk", None)])


def update_with_history(model, keys, *, at, by=None, because=None, **changes):
    """Set `changes` (column=value) on the rows with these keys, and write a history row (`~`) of each."""
    if not keys:
        return
    _run(CHANGE, model, [*changes.values(), list(keys), at, because, "~", getattr(by, "pk", None)], tuple(changes))


ABOUT = ("history_id", "history_date", "history_change_reason", "history_type", "history_user_id")
# Values are bound by the server, which must be told the type of those that may be NULL.
VALUES = "gen_random_uuid(), %s::timestamptz, %s::varchar, %s::varchar, %s::uuid"
COPIED = "INSERT INTO {history} ({kept}, {about}) SELECT {kept}, {values} FROM {table} WHERE id = ANY(%s)"
ADD = (
    "WITH added AS (INSERT INTO {table} ({all}) SELECT {all} FROM json_populate_recordset(NULL::{table}, %s::json) "
    "RETURNING *) INSERT INTO {history} ({kept}, {about}) SELECT {kept}, {values} FROM added"
)
CHANGE = (
    "WITH changed AS (UPDATE {table} SET {set_} WHERE id = ANY(%s) RETURNING *) "
    "INSERT INTO {history} ({kept}, {about}) SELECT {kept}, {values} FROM changed"
)
_TEXTS = {}


def _run(text, model, values, changed=()):
    """Execute `text` with the names of `model` and its history in it; `changed`: the columns that are set."""
    ready = _TEXTS.get((text, model, changed))
    if ready is None:
        set_ = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in changed)
        names = {
            "history": sql.Identifier(model.history.model._meta.db_table),
            "table": sql.Identifier(model._meta.db_table),
            "all": _names(field.column for field in model._meta.concrete_fields),
            "kept": _names(field.column for field in model.history.model.tracked_fields),
            "about": _names(ABOUT),
            "values": sql.SQL(VALUES),
            "set_": set_,
        }
        _TEXTS[text, model, changed] = ready = sql.SQL(text).format(**names).as_string(None)
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.execute(ready, values)
